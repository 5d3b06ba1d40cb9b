//! Grants in PostgreSQL.

mod listening;
mod reach;

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use countersign_tokens::{
    Due, DuePage, GrantKey, GrantStore, ListPage, Loaded, Record, StoreError, StoreErrorKind, Swap,
    Version,
};
use sqlx::PgPool;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};

use self::listening::{Listening, mark};
use self::reach::{TIMEOUT, own, reached};
use crate::error::{failed, is_standby, needs_another_connection, not_migrated};
use crate::schema::migrator;
use crate::statements::{Statements, statements};
use crate::table::{self, Row, Table, Value};

const SCHEMA: &str = include_str!("../migrations/postgres/1_grants.sql");

/// The number of lost connections after which a statement fails. When a server comes back, every
/// connection of the pool is lost.
const MOST_LOST: u32 = 10;

/// Grants in a table of PostgreSQL, for processes on any number of machines. Clones share the
/// pool.
///
/// A load is one statement, and so is a swap; a swap that conflicts takes a second one, which loads
/// the record. There is no transaction of several statements, so a process that stops leaves no
/// lock. Time is the server's `clock_timestamp()`. All values are bound parameters.
///
/// If the connection was lost, or leads to a server that takes no writes, the statement is repeated
/// on another connection, up to ten times.
///
/// # Examples
///
/// ```no_run
/// # async fn example() -> Result<(), countersign_tokens::StoreError> {
/// use countersign_sqlx::PostgresStore;
///
/// let store = PostgresStore::connect("postgres://app@localhost/app").await?;
/// store.migrate().await?;
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct PostgresStore {
    pool: PgPool,
    listening: Option<Arc<Listening>>,
}

impl PostgresStore {
    /// Connects to the database at this URL, `postgres://user:password@host/database`, with a pool
    /// of at most ten connections. A statement waits at most 5 s for one of them. What the URL
    /// leaves out is read from the environment variables of PostgreSQL (`PGHOST`, `PGUSER`, …).
    ///
    /// # Errors
    ///
    /// [`StoreErrorKind::Other`] if the URL cannot be read. [`StoreErrorKind::Timeout`] or
    /// [`StoreErrorKind::Unavailable`] if no server answers within 5 s.
    pub async fn connect(url: &str) -> Result<Self, StoreError> {
        let options = options(url).ok_or_else(|| {
            // The library's message would show the URL, which may have a password.
            StoreError::new(StoreErrorKind::Other).with_source(
                "not a URL such as postgres://user:password@host/database. Percent-encode special \
                 characters of the password.",
            )
        })?;
        let options = own(options);
        reached(&options).await?;
        let pool = PgPoolOptions::new()
            // A statement notices a lost connection itself, without another round trip.
            .test_before_acquire(false)
            .acquire_timeout(TIMEOUT)
            .connect_lazy_with(options);
        Ok(Self::new(pool))
    }

    /// Creates a store that uses a pool of the program. Set
    /// [`test_before_acquire(false)`](PgPoolOptions::test_before_acquire) on the pool: otherwise
    /// each statement takes a second round trip.
    ///
    /// A pool also tests each connection that is returned to it. No statement waits for that test,
    /// unless all connections are in use.
    #[must_use]
    pub fn new(pool: PgPool) -> Self {
        Self { pool, listening: None }
    }

    /// Sets that this store notifies the others of its writes and listens for theirs (`LISTEN`,
    /// `NOTIFY`), so that waiting for another process's refresh ends as soon as the refresh is
    /// stored. By default processes poll. Only processes that listen notify and are notified.
    ///
    /// `direct` leads to the server itself, even if statements go through a pooler. Listening takes
    /// one more connection of each process. The store sends itself a notification here to test that
    /// notifications arrive. If the connection is lost later, processes poll until it is back.
    ///
    /// A transaction that notifies holds a lock of the whole database while it commits, so writes
    /// commit one after the other.
    ///
    /// # Errors
    ///
    /// [`StoreErrorKind::Timeout`] or [`StoreErrorKind::Unavailable`] if no server answers within
    /// 5 s. [`StoreErrorKind::Other`] if the notification does not arrive within 5 s.
    pub async fn listening(self, direct: PgConnectOptions) -> Result<Self, StoreError> {
        let listening = Listening::begin(self.pool(), direct).await?;
        Ok(Self { listening: Some(Arc::new(listening)), ..self })
    }

    /// Creates the table `countersign_grants`, and the table `_countersign_migrations`, which
    /// records the version of the schema. Does nothing if they are up to date, so every process
    /// may call it at its start. It needs a connection to the server itself, not through a pooler.
    /// If you manage the schema yourself, use the statements in the folder `migrations/postgres`.
    ///
    /// # Errors
    ///
    /// [`StoreErrorKind::ReadOnly`] if the role may not create tables.
    /// [`StoreErrorKind::UnknownVersion`] if another version of this library created the tables.
    pub async fn migrate(&self) -> Result<(), StoreError> {
        migrator(SCHEMA).run(&self.pool).await.map_err(not_migrated)
    }

    /// Returns the pool.
    #[must_use]
    pub fn pool(&self) -> &PgPool {
        &self.pool
    }
}

impl Table for PostgresStore {
    // clock_timestamp() and not now(), which is the time before the wait for a row's lock.
    const STATEMENTS: Statements = statements! {
        now: "floor(date_part('epoch', clock_timestamp()) * 1000)::bigint",
        told: ", CASE WHEN $1::text IS NOT NULL \
            THEN pg_notify('countersign_grants', $1::text)::text END"
    };

    async fn rows(
        &self,
        statement: &'static str,
        written: Option<&GrantKey>,
        values: &[Value<'_>],
    ) -> Result<Vec<Row>, StoreError> {
        let told = written.filter(|_| self.listening.is_some()).map(mark);
        let mut lost = 0;
        let mut may_be_done = false;
        let failed = |error, may_be_done: bool| {
            let error = failed(error);
            if may_be_done { error.with_unknown_outcome() } else { error }
        };
        loop {
            let connection = self.pool.acquire().await;
            let mut connection = connection.map_err(|error| failed(error, may_be_done))?;
            let mut query = sqlx::query_as::<_, Row>(statement).bind(told.as_deref());
            for value in values {
                query = match *value {
                    Value::Number(number) => query.bind(number),
                    Value::Text(text) => query.bind(text),
                    Value::Bytes(bytes) => query.bind(bytes),
                };
            }
            match query.fetch_all(&mut *connection).await {
                Ok(rows) => return Ok(rows),
                Err(error) if needs_another_connection(&error) && lost < MOST_LOST => {
                    connection.close_on_drop();
                    lost += 1;
                    may_be_done |= !is_standby(&error);
                }
                Err(error) => return Err(failed(error, may_be_done)),
            }
        }
    }
}

#[async_trait]
impl GrantStore for PostgresStore {
    async fn load(&self, key: &GrantKey) -> Result<Loaded, StoreError> {
        table::load(self, key).await
    }

    async fn swap(
        &self,
        key: &GrantKey,
        expected: Option<Version>,
        next: Option<&Record>,
    ) -> Result<Swap, StoreError> {
        table::swap(self, key, expected, next).await
    }

    async fn due(
        &self,
        within: Duration,
        after: Option<&Due>,
        limit: usize,
    ) -> Result<DuePage, StoreError> {
        table::due(self, within, after, limit).await
    }

    async fn list(&self, after: Option<&GrantKey>, limit: usize) -> Result<ListPage, StoreError> {
        table::list(self, after, limit).await
    }

    async fn changed(&self, key: &GrantKey) {
        match &self.listening {
            Some(listening) => listening.changed(key).await,
            None => std::future::pending().await,
        }
    }
}

/// Returns the options of the URL. sqlx itself accepts any scheme.
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
