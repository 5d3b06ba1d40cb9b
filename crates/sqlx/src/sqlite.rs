//! Grants in SQLite.

mod clock;
mod file;

use std::fmt;
use std::path::Path;
use std::time::Duration;

use async_trait::async_trait;
use countersign_core::Clock;
use countersign_tokens::{
    Due, DuePage, GrantKey, GrantStore, ListPage, Loaded, Record, StoreError, StoreErrorKind, Swap,
    Version,
};
use sqlx::sqlite::{SqliteConnectOptions, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{ConnectOptions, SqlitePool};

use self::clock::StoreClock;
use self::file::{in_wal_mode, make_private};
use crate::error::{failed, not_migrated};
use crate::schema::apply;
use crate::statements::{Statements, statements};
use crate::table::{self, Row, Table, Value};

const SCHEMA: &str = include_str!("../migrations/sqlite/1_grants.sql");

/// The longest time that a statement waits for another process that writes.
const BUSY: Duration = Duration::from_secs(5);

/// Grants in a table of SQLite, for the processes of one machine. Clones share the pool.
///
/// A load is one statement, and so is a swap; a swap that conflicts takes a second one, which loads
/// the record. There is no transaction of several statements, so a process that stops leaves no
/// lock. On Linux, time is the time since the machine was started, so setting the wall clock moves
/// no lease. On other systems time is the wall clock. The file must be on a local file system.
///
/// # Examples
///
/// ```no_run
/// # async fn example() -> Result<(), countersign_tokens::StoreError> {
/// use countersign_sqlx::SqliteStore;
///
/// let store = SqliteStore::open("grants.sqlite").await?;
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct SqliteStore {
    pool: SqlitePool,
    clock: StoreClock,
}

impl SqliteStore {
    /// Opens the database in this file, and creates the file and the tables if there are none.
    ///
    /// The file gets the permissions 0600 if other users have access to it. It is in WAL mode,
    /// every write is synced (`synchronous=FULL`), and deleted content is overwritten
    /// (`secure_delete`). Use [`new`](Self::new) for other options.
    ///
    /// # Errors
    ///
    /// [`StoreErrorKind::Unavailable`] if the file cannot be opened. [`StoreErrorKind::ReadOnly`] if
    /// its permissions cannot be set. [`StoreErrorKind::Damaged`] if it is not a database.
    /// [`StoreErrorKind::UnknownVersion`] if another version of this library created the tables.
    pub async fn open(file: impl AsRef<Path>) -> Result<Self, StoreError> {
        let file = file.as_ref();
        make_private(file)?;
        let options = SqliteConnectOptions::new()
            .filename(file)
            .synchronous(SqliteSynchronous::Full)
            .busy_timeout(BUSY)
            .pragma("secure_delete", "ON")
            .disable_statement_logging();
        // Open until the pool is: the last connection that closes removes the files beside.
        let _first = in_wal_mode(&options).await?;
        let pool = SqlitePoolOptions::new()
            .max_connections(4)
            .test_before_acquire(false)
            .connect_with(options)
            .await
            .map_err(failed)?;
        let store = Self::of(pool);
        store.migrate().await?;
        Ok(store)
    }

    /// Creates a store that uses a pool of the program. Call [`migrate`](Self::migrate) to create
    /// the tables.
    ///
    /// # Errors
    ///
    /// [`StoreErrorKind::Other`] unless the connections of the pool have WAL mode and
    /// `synchronous=FULL`: otherwise a power cut loses a refresh token that was stored.
    pub async fn new(pool: SqlitePool) -> Result<Self, StoreError> {
        let one = |pragma| sqlx::query_scalar::<_, String>(pragma).fetch_one(&pool);
        let mode = one("SELECT journal_mode FROM pragma_journal_mode").await.map_err(failed)?;
        let level = one("SELECT CAST(synchronous AS TEXT) FROM pragma_synchronous");
        let level = level.await.map_err(failed)?;
        // 2 is FULL, 3 is EXTRA.
        if mode != "wal" || !matches!(level.as_str(), "2" | "3") {
            let why = format!(
                "the pool has journal_mode={mode} and synchronous={level}: set \
                 `.journal_mode(SqliteJournalMode::Wal)` and \
                 `.synchronous(SqliteSynchronous::Full)` in its options"
            );
            return Err(StoreError::new(StoreErrorKind::Other).with_source(why));
        }
        Ok(Self::of(pool))
    }

    fn of(pool: SqlitePool) -> Self {
        Self { pool, clock: StoreClock::of_the_machine() }
    }

    /// Sets the clock. All processes that share the file must use the same clock.
    #[must_use]
    pub fn with_clock(self, clock: impl Clock) -> Self {
        Self { clock: StoreClock::given(clock), ..self }
    }

    /// Creates the tables `countersign_grants` and `countersign_clock`, and the table
    /// `_countersign_migrations`, which records the version of the schema. Does nothing if they are
    /// up to date, so every process may call it at its start.
    ///
    /// # Errors
    ///
    /// [`StoreErrorKind::ReadOnly`] or [`StoreErrorKind::Full`] if the file cannot be written.
    /// [`StoreErrorKind::UnknownVersion`] if another version of this library created the tables.
    pub async fn migrate(&self) -> Result<(), StoreError> {
        // The lock for writing comes first, so processes that start together migrate one by one.
        let mut transaction = self.pool.begin_with("BEGIN IMMEDIATE").await.map_err(failed)?;
        apply(SCHEMA, &mut transaction).await.map_err(not_migrated)?;
        transaction.commit().await.map_err(failed)
    }

    /// Returns the pool.
    #[must_use]
    pub fn pool(&self) -> &SqlitePool {
        &self.pool
    }
}

impl Table for SqliteStore {
    const STATEMENTS: Statements = statements! { now: "$1", told: "" };

    async fn rows(
        &self,
        statement: &'static str,
        _written: Option<&GrantKey>,
        values: &[Value<'_>],
    ) -> Result<Vec<Row>, StoreError> {
        // Read before the statement, which may wait for a lock: an instant that is too early only
        // costs time, and one that is too late would end another process's lease.
        let now = self.clock.now(&self.pool).await?;
        let mut query = sqlx::query_as::<_, Row>(statement).bind(now.as_millis());
        for value in values {
            query = match *value {
                Value::Number(number) => query.bind(number),
                Value::Text(text) => query.bind(text),
                Value::Bytes(bytes) => query.bind(bytes),
            };
        }
        query.fetch_all(&self.pool).await.map_err(failed)
    }
}

#[async_trait]
impl GrantStore for SqliteStore {
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
}

impl fmt::Debug for SqliteStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SqliteStore({})", self.pool.connect_options().get_filename().display())
    }
}
