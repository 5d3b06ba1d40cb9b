//! Grants of a fleet of processes in a database: [`PostgresStore`] for many machines,
//! [`SqliteStore`] for the processes of one.
//!
//! ```no_run
//! # #[cfg(feature = "postgres")]
//! # async fn example() -> Result<(), countersign_tokens::StoreError> {
//! use countersign_sqlx::PostgresStore;
//!
//! let store = PostgresStore::connect("postgres://app@localhost/app").await?;
//! store.migrate().await?;
//! # Ok(()) }
//! ```
//!
//! Each is a [`GrantStore`](countersign_tokens::GrantStore) for a
//! [`TokenManager`](countersign_tokens::TokenManager). Payloads are kept as they come: put a
//! [`SealedStore`](https://docs.rs/countersign-tokens) around the store, and backups and whoever
//! may read the table have no tokens.
//!
//! # Features
//!
//! * `postgres`: `PostgresStore`.
//! * `sqlite`: `SqliteStore`, with SQLite compiled along.
//! * `rustls`: TLS to PostgreSQL.

#[cfg(any(feature = "postgres", feature = "sqlite"))]
mod error;
#[cfg(any(feature = "postgres", feature = "sqlite"))]
mod schema;
#[cfg(any(feature = "postgres", feature = "sqlite"))]
mod values;

#[cfg(feature = "postgres")]
mod postgres;
#[cfg(feature = "sqlite")]
mod sqlite;

#[cfg(feature = "postgres")]
pub use postgres::PostgresStore;
#[cfg(feature = "sqlite")]
pub use sqlite::SqliteStore;
/// The database library, in the version whose pools the stores take.
pub use sqlx;

#[cfg(all(doctest, feature = "postgres"))]
#[doc = include_str!("../README.md")]
struct Readme;
