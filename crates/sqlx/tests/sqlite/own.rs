use std::path::Path;
use std::time::Duration;

use countersign_sqlx::SqliteStore;
use countersign_sqlx::sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous,
};
use countersign_sqlx::sqlx::{self, SqlitePool};
use countersign_testkit::steps::{put, record};
use countersign_tokens::{GrantKey, GrantStore, Payload, Record, StoreErrorKind, StoreTime};

use crate::world::{RUNTIME, open, timed_record};

const DAY: Duration = Duration::from_secs(24 * 3600);

fn key() -> GrantKey {
    GrantKey::new("provider", "client", "user").expect("a key")
}

fn files(folder: &Path) -> Vec<std::path::PathBuf> {
    let entries = std::fs::read_dir(folder).expect("a folder");
    entries.map(|entry| entry.expect("an entry").path()).collect()
}

#[cfg(unix)]
#[test]
fn its_files_are_open_to_their_owner_alone() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = open(&folder.path().join("grants.db"));
    RUNTIME.block_on(put(&store, &key(), &record("token"))).expect("written");
    are_private(folder.path());
}

#[cfg(unix)]
fn are_private(folder: &Path) {
    use std::os::unix::fs::PermissionsExt;

    let files = files(folder);
    assert!(files.len() > 1, "SQLite's log is there while the store is open");
    for file in files {
        let mode = file.metadata().expect("a file").permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{}", file.display());
    }
}

#[cfg(unix)]
#[test]
fn a_file_that_others_can_read_is_made_private() {
    use std::fs::{Permissions, set_permissions, write};
    use std::os::unix::fs::PermissionsExt;

    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("grants.db");
    write(&file, "").expect("a file");
    set_permissions(&file, Permissions::from_mode(0o644)).expect("set");
    let store = open(&file);
    RUNTIME.block_on(put(&store, &key(), &record("token"))).expect("written");
    are_private(folder.path());
    for file in files(folder.path()) {
        set_permissions(&file, Permissions::from_mode(0o664)).expect("set");
    }
    open(&file);
    are_private(folder.path());
}

#[test]
fn what_was_replaced_is_overwritten() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("grants.db");
    RUNTIME.block_on(async {
        let store = SqliteStore::open(&file).await.expect("a store");
        put(&store, &key(), &record("canary")).await.expect("written");
        put(&store, &key(), &record("another")).await.expect("written");
        // The last connection moves its log into the file.
        store.pool().close().await;
    });
    let bytes = std::fs::read(&file).expect("a file");
    // The payloads in base64.
    assert!(bytes.windows(8).any(|it| it == b"YW5vdGhl"), "the token is not there");
    assert!(!bytes.windows(8).any(|it| it == b"Y2FuYXJ5"), "the former token is there too");
}

#[test]
fn a_pool_that_may_lose_what_it_stored_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("grants.db");
    let pool = |mode, level| -> SqlitePool {
        let _inside = RUNTIME.enter();
        let options = SqliteConnectOptions::new().filename(&file).create_if_missing(true);
        SqlitePoolOptions::new().connect_lazy_with(options.journal_mode(mode).synchronous(level))
    };
    RUNTIME.block_on(async {
        let careless = pool(SqliteJournalMode::Wal, SqliteSynchronous::Normal);
        let error = SqliteStore::new(careless).await.expect_err("it is refused");
        let why = std::error::Error::source(&error).expect("a reason").to_string();
        assert!(why.contains("synchronous=1: set"), "{why}");
        let careful = pool(SqliteJournalMode::Wal, SqliteSynchronous::Full);
        let store = SqliteStore::new(careful).await.expect("it is taken");
        store.migrate().await.expect("tables");
        put(&store, &key(), &record("token")).await.expect("written");
    });
}

#[test]
fn a_file_that_is_no_database_is_left_alone() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("grants.db");
    let text = "this is not a database, whatever its name says, and long enough to be one";
    std::fs::write(&file, text).expect("a file");
    let error = RUNTIME.block_on(SqliteStore::open(&file)).expect_err("it is none");
    assert_eq!(error.kind(), StoreErrorKind::Damaged);
    assert_eq!(std::fs::read_to_string(&file).expect("a file"), text);
}

#[test]
fn many_processes_may_open_a_new_file_at_once() {
    let folder = tempfile::tempdir().expect("a folder");
    for round in 0..20 {
        let file = folder.path().join(format!("{round}.db"));
        if round % 2 == 1 {
            // Not in WAL mode yet.
            std::fs::write(&file, "").expect("a file");
        }
        RUNTIME.block_on(async {
            let opened = (0..8).map(|_| {
                let file = file.clone();
                tokio::spawn(async move { SqliteStore::open(file).await })
            });
            for store in opened.collect::<Vec<_>>() {
                store.await.expect("no panic").expect("a store");
            }
        });
    }
    let beside =
        files(folder.path()).into_iter().filter(|it| it.extension() == Some("tmp".as_ref()));
    assert_eq!(beside.count(), 0);
}

#[test]
fn tables_of_another_version_are_an_unknown_version() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("grants.db");
    RUNTIME.block_on(async {
        let store = SqliteStore::open(&file).await.expect("a store");
        let old = "DROP TABLE countersign_grants; CREATE TABLE countersign_grants (
                key TEXT PRIMARY KEY NOT NULL, epoch BLOB NOT NULL, revision INTEGER NOT NULL,
                due_at INTEGER, payload BLOB NOT NULL);
            UPDATE _countersign_migrations SET checksum = x'00'";
        sqlx::raw_sql(old).execute(store.pool()).await.expect("the old table");
        let next = record("next");
        for error in [
            store.load(&key()).await.expect_err("no record"),
            store.swap(&key(), None, Some(&next)).await.expect_err("no version"),
            store.swap(&key(), Some(next.version), Some(&next)).await.expect_err("no version"),
            store.due(DAY, None, 1).await.expect_err("no record"),
            store.migrate().await.expect_err("another schema"),
            SqliteStore::open(&file).await.expect_err("another schema"),
        ] {
            assert_eq!(error.kind(), StoreErrorKind::UnknownVersion, "{error:?}");
            let why = std::error::Error::source(&error).expect("why").to_string();
            assert!(why.contains("rename or drop `countersign_grants`"), "{why}");
        }
    });
}

#[test]
fn rows_that_cannot_be_read_are_skipped_and_end_no_page() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = open(&folder.path().join("grants.db"));
    RUNTIME.block_on(async {
        let now = store.load(&key()).await.expect("loaded").read_at;
        put(&store, &key(), &timed_record("token", now)).await.expect("written");
        let damage =
            "WITH RECURSIVE n (n) AS (VALUES (1) UNION ALL SELECT n + 1 FROM n WHERE n < 9)
            INSERT INTO countersign_grants (key, version, record, state, due_at, written_at)
            SELECT prefix.key || n, '', zeroblob(9), 'live', due_at, 0
            FROM n, countersign_grants,
                (SELECT 'a/b/' AS key UNION ALL SELECT 'zz' UNION ALL SELECT 'z/z/') AS prefix";
        sqlx::raw_sql(damage).execute(store.pool()).await.expect("rows");
        for limit in [2, 100] {
            let due = store.due(DAY, None, limit).await.expect("a page");
            let list = store.list(None, limit).await.expect("a page");
            assert!(due.next.is_none() && list.next.is_none());
            for (records, skipped) in [(due.records, due.skipped), (list.records, list.skipped)] {
                assert_eq!(records.len(), 1);
                assert_eq!(records[0].0, key());
                assert_eq!(skipped.len(), 27);
            }
        }
    });
}

#[test]
fn a_page_reads_one_record_more_than_fits() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = open(&folder.path().join("grants.db"));
    RUNTIME.block_on(async {
        for index in 0..4 {
            let key = GrantKey::new("provider", "client", &index.to_string()).expect("a key");
            let large = Record { payload: Payload::new(vec![7; 300 * 1024]), ..record("") };
            put(&store, &key, &large).await.expect("written");
        }
        let page = store.list(None, 1000).await.expect("a page");
        assert_eq!(page.records.len(), 2, "records of 400 KiB in a page of 1 MiB");
        assert_eq!(page.next.expect("there are more").subject(), "1");
    });
}

async fn now(store: &SqliteStore) -> StoreTime {
    store.load(&key()).await.expect("loaded").read_at
}

fn is_about(one: StoreTime, other: StoreTime) -> bool {
    one.since(other).max(other.since(one)) < DAY / 24
}

#[cfg(target_os = "linux")]
#[test]
fn a_wall_clock_that_is_set_moves_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("grants.db");
    RUNTIME.block_on(async {
        let store = SqliteStore::open(&file).await.expect("a store");
        let began = now(&store).await;
        // As if the wall clock was a day ahead when the machine was started.
        let set = "UPDATE countersign_clock SET zero = zero + 86400000";
        sqlx::raw_sql(set).execute(store.pool()).await.expect("set");
        let other = SqliteStore::open(&file).await.expect("a store");
        assert!(is_about(now(&other).await, began.plus(DAY)), "it follows the wall clock");
        assert!(is_about(now(&store).await, began), "its time moved");
    });
}

#[cfg(target_os = "linux")]
#[test]
fn time_does_not_go_back_behind_the_last_write_when_the_machine_is_started() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("grants.db");
    RUNTIME.block_on(async {
        let store = SqliteStore::open(&file).await.expect("a store");
        put(&store, &key(), &record("token")).await.expect("written");
        let before = now(&store).await.plus(DAY);
        // As if the wall clock was a day ahead when the machine was started the last time.
        let started = "UPDATE countersign_grants SET written_at = written_at + 86400000;
            UPDATE countersign_clock SET boot_id = 'another'";
        sqlx::raw_sql(started).execute(store.pool()).await.expect("set");
        let after = now(&SqliteStore::open(&file).await.expect("a store")).await;
        assert!(is_about(before, after), "{before:?} {after:?}");
    });
}

#[test]
fn the_store_shows_its_file() {
    let folder = tempfile::tempdir().expect("a folder");
    let shown = format!("{:?}", open(&folder.path().join("grants.db")));
    assert!(shown.contains("grants.db"), "{shown}");
}
