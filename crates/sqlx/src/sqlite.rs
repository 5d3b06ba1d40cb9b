//! Grants in SQLite.

mod clock;
mod columns;
mod steps;

use std::fmt;
use std::fs::{self, OpenOptions};
use std::io;
use std::path::Path;
use std::time::Duration;

use countersign_core::Clock;
use countersign_tokens::{AttemptId, StoreError, StoreErrorKind, StoreTime};
use sqlx::sqlite::{SqliteConnectOptions, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{ConnectOptions, SqliteConnection, SqlitePool};

use self::clock::StoreClock;
use crate::error::{failed, not_migrated};
use crate::schema::apply;

const VERSIONS: &[(&str, &str)] = &[("grants", include_str!("../migrations/sqlite/1_grants.sql"))];

/// How long a statement waits for another process that writes.
const BUSY: Duration = Duration::from_secs(5);

/// How often it is tried to set a file to WAL mode: each time somebody else does, or writes.
const MOST_SWITCHES: u32 = 100;

/// Grants in a table of SQLite, for the processes of one machine. Clones share the pool.
///
/// A step reads the record, judges it by [`Rules`](countersign_tokens::Rules), and writes it back
/// in one statement that demands that nobody has written meanwhile; else it begins anew. No
/// transaction spans two statements, so that a process that is stopped between them keeps nobody
/// waiting. Time is that since the machine was started, where the system tells it (Linux), so that
/// setting the wall clock moves no lease; else it is the wall clock. The file must be on a local
/// file system.
#[derive(Clone)]
pub struct SqliteStore {
    pool: SqlitePool,
    clock: StoreClock,
}

impl SqliteStore {
    /// The store in this file, which is made when it is not there, with its table: open to its
    /// owner alone (0600), in WAL mode, every write synced (`synchronous=FULL`), and what is
    /// deleted overwritten (`secure_delete`).
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the file cannot be opened, or is none of SQLite's.
    pub async fn open(file: impl AsRef<Path>) -> Result<Self, StoreError> {
        let file = file.as_ref();
        make_private(file)?;
        let options = SqliteConnectOptions::new()
            .filename(file)
            .synchronous(SqliteSynchronous::Full)
            .busy_timeout(BUSY)
            .pragma("secure_delete", "ON")
            .disable_statement_logging();
        // Open until the pool is: the last one to close takes the files beside away.
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

    /// The store behind a pool that the program has: `migrate` makes its table.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the connections of the pool do not work in WAL mode with
    /// `synchronous=FULL`, without which a power cut loses a refresh token that was stored, or do
    /// not answer.
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

    /// The same by this clock, which has to be that of every process that shares the file.
    #[must_use]
    pub fn with_clock(self, clock: impl Clock) -> Self {
        Self { clock: StoreClock::given(clock), ..self }
    }

    /// Makes the tables `countersign_grants` and `countersign_clock`, or brings them up to this
    /// version; the table `_countersign_migrations` remembers what was done. Every process may call it at its start.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when they could not be made.
    pub async fn migrate(&self) -> Result<(), StoreError> {
        // The lock for writing, taken before what is there is looked at, has one process after the
        // other do so.
        let mut transaction = self.pool.begin_with("BEGIN IMMEDIATE").await.map_err(failed)?;
        apply(VERSIONS, &mut transaction).await.map_err(not_migrated)?;
        transaction.commit().await.map_err(failed)
    }

    /// The pool.
    #[must_use]
    pub fn pool(&self) -> &SqlitePool {
        &self.pool
    }

    async fn now(&self) -> Result<StoreTime, StoreError> {
        self.clock.now(&self.pool).await
    }
}

/// Makes the file where there is none. SQLite gives the files that it makes beside it (`-wal`,
/// `-shm`) the same permissions.
///
/// It is made under another name first: closing one that SQLite has open already, elsewhere in
/// this process, would take SQLite's locks on it away.
fn make_private(file: &Path) -> Result<(), StoreError> {
    let failed = |error: io::Error| {
        let why = format!("{}: {error}", file.display());
        StoreError::new(StoreErrorKind::Unavailable).with_source(why)
    };
    if file.try_exists().map_err(failed)? {
        return Ok(());
    }
    let mut beside = file.as_os_str().to_owned();
    beside.push(format!(".{}.tmp", AttemptId::random()?));
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(&beside).map(drop).map_err(failed)?;
    let linked = fs::hard_link(&beside, file);
    fs::remove_file(&beside).map_err(failed)?;
    match linked {
        // Somebody was faster.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        linked => linked.map_err(failed),
    }
}

/// Has the file be in WAL mode, which it stays in.
async fn in_wal_mode(options: &SqliteConnectOptions) -> Result<SqliteConnection, StoreError> {
    let mut connection = options.connect().await.map_err(failed)?;
    for _ in 0..MOST_SWITCHES {
        let switch = sqlx::raw_sql("PRAGMA journal_mode = WAL").execute(&mut connection).await;
        match switch.map_err(failed) {
            Ok(_) => return Ok(connection),
            // Another switches it, for whom SQLite does not wait here; for a lock it does.
            Err(error) if error.kind() == StoreErrorKind::Timeout => {
                let wait = sqlx::raw_sql("BEGIN IMMEDIATE; COMMIT");
                wait.execute(&mut connection).await.map_err(failed)?;
            }
            Err(error) => return Err(error),
        }
    }
    let why = "others keep it from being set to WAL mode";
    Err(StoreError::new(StoreErrorKind::Timeout).with_source(why))
}

impl fmt::Debug for SqliteStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SqliteStore({})", self.pool.connect_options().get_filename().display())
    }
}
