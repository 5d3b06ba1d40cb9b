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
//! Both are a [`GrantStore`](countersign_tokens::GrantStore) for the `TokenManager` of
//! `countersign-tokens`. A store keeps payloads as it gets them. Give the manager a key ring
//! (`TokenManager::builder(..).sealed_by(ring)`), and the table and its backups hold no token in
//! clear.
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
mod statements;
#[cfg(any(feature = "postgres", feature = "sqlite"))]
mod table;

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
