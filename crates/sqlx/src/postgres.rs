//! Grants in PostgreSQL.

mod connections;
mod listening;
mod reach;
mod row;
mod statements;
mod steps;

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use countersign_tokens::{StoreError, StoreErrorKind};
use sqlx::PgPool;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};

use self::connections::Connections;
use self::listening::Listening;
use self::reach::{PATIENCE, own, reached};
use crate::error::not_migrated;
use crate::schema::migrator;

const VERSIONS: &[(&str, &str)] =
    &[("grants", include_str!("../migrations/postgres/1_grants.sql"))];

/// Grants in a table of PostgreSQL, for processes on any number of machines. Clones share the
/// pool.
///
/// Each step is one statement, so that a process that stops in its midst leaves no lock behind
/// (where something is in the way of a begin or a save, a first one that does nothing, and a second
/// that judges); time is the server's `clock_timestamp()`. Everything that is not a statement's own text is a
/// bound parameter. No step waits for anything but the row of its grant.
///
/// A connection that was lost is no error yet: the step is repeated on another, which every step
/// allows.
#[derive(Clone)]
pub struct PostgresStore {
    connections: Connections,
    listening: Option<Arc<Listening>>,
}

impl PostgresStore {
    /// The store at this URL, `postgres://user:password@host/database`, with a pool of at most ten
    /// connections, for one of which a step waits 5 s. Eight of them are for its steps, each of
    /// which is one round trip and nothing beside it. What the URL does not say is taken from the environment variables of
    /// PostgreSQL (`PGHOST`, `PGUSER`, …).
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the URL cannot be read, or nothing answers there within 5 s.
    pub async fn connect(url: &str) -> Result<Self, StoreError> {
        let options = options(url).ok_or_else(|| {
            // The library's message would show the URL, which may have a password.
            StoreError::new(StoreErrorKind::Other).with_source(
                "not a URL such as postgres://user:password@host/database (special characters of \
                 the password are to be percent-encoded)",
            )
        })?;
        let options = own(options);
        reached(&options).await?;
        let pool = PgPoolOptions::new()
            // A lost connection is found out by the step itself, without another round trip.
            .test_before_acquire(false)
            .acquire_timeout(PATIENCE)
            .connect_lazy_with(options);
        Ok(Self { connections: Connections::of_own(pool), listening: None })
    }

    /// The store behind a pool that the program has. Without
    /// [`test_before_acquire(false)`](PgPoolOptions::test_before_acquire) each step takes a second
    /// round trip. (After each step a pool sees by an empty message, beside, whether the
    /// connection is in order. No step waits for that, unless the pool is empty.)
    #[must_use]
    pub fn new(pool: PgPool) -> Self {
        Self { connections: Connections::of(pool), listening: None }
    }

    /// The same, which has the server tell it of changes (`LISTEN`, `NOTIFY`): those who wait for
    /// another process's refresh look again as soon as it is stored, rather than by and by. Every
    /// process has to listen to be told, and to tell the others.
    ///
    /// `direct` is where the server itself is, even if steps go through a pooler; it takes one
    /// connection more of each process. That notifications come through is tested here, by one of
    /// its own. Should the connection be lost later, waiters look by and by until there is another.
    ///
    /// A transaction that notifies holds a lock of the whole database while it commits, so that
    /// saves commit one after the other. That is why this is an option.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when nothing answers there, and when no notification comes through within
    /// 5 s.
    pub async fn listening(self, direct: PgConnectOptions) -> Result<Self, StoreError> {
        let listening = Listening::begin(self.pool(), direct).await?;
        Ok(Self { listening: Some(Arc::new(listening)), ..self })
    }

    /// Makes the table `countersign_grants`, or brings it up to this version; the table
    /// `_countersign_migrations` remembers what was done. It may be called by every process at its
    /// start, on a connection of its own to the server, not through a pooler. Programs that
    /// manage their schema themselves find the statements in the folder `migrations/postgres`.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the role may not make tables, or the database does not answer.
    pub async fn migrate(&self) -> Result<(), StoreError> {
        migrator(VERSIONS).run(self.pool()).await.map_err(not_migrated)
    }

    /// The pool.
    #[must_use]
    pub fn pool(&self) -> &PgPool {
        self.connections.pool()
    }
}

/// The library takes any scheme.
fn options(url: &str) -> Option<PgConnectOptions> {
    let scheme = url.split_once("://").map(|(scheme, _)| scheme)?;
    let is_ours = ["postgres", "postgresql"].iter().any(|it| scheme.eq_ignore_ascii_case(it));
    PgConnectOptions::from_str(url).ok().filter(|_| is_ours)
}

impl fmt::Debug for PostgresStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let options = self.pool().connect_options();
        write!(f, "PostgresStore({}:{}/", options.get_host(), options.get_port())?;
        write!(f, "{})", options.get_database().unwrap_or_else(|| options.get_username()))
    }
}
