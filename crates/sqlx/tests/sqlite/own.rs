use std::path::Path;
use std::time::Duration;

use countersign_sqlx::SqliteStore;
use countersign_sqlx::sqlx::SqlitePool;
use countersign_sqlx::sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous,
};
use countersign_testkit::steps::{adopt, attempt, begin, save};
use countersign_tokens::{GrantKey, GrantStore, KeyRing, SealedStore, StoreErrorKind, Takeover};

use crate::world::{RUNTIME, open};

const LEASE: Duration = Duration::from_secs(40);

fn key() -> GrantKey {
    GrantKey::new("provider", "client", "user").expect("a key")
}

fn files(folder: &Path) -> Vec<std::path::PathBuf> {
    let entries = std::fs::read_dir(folder).expect("a folder");
    entries.map(|entry| entry.expect("an entry").path()).collect()
}

#[test]
fn g05_no_file_shows_a_token_of_a_sealed_store() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = open(&folder.path().join("grants.db"));
    RUNTIME.block_on(async {
        let sealed =
            SealedStore::new(store.clone(), KeyRing::new("key 1", [7; 32]).expect("a ring"));
        let adopted = adopt(&sealed, &key(), "canary-of-adopt").await.expect("adopted");
        let attempt = attempt();
        let begin = begin(&adopted, attempt, LEASE, Takeover::Never);
        sealed.begin(&key(), &begin).await.expect("begun");
        sealed.save(&key(), &save(&adopted, attempt, "canary-of-save")).await.expect("saved");
    });
    let files = files(folder.path());
    assert!(files.len() > 1, "the log of SQLite is there, while the store is open");
    for file in files {
        let bytes = std::fs::read(&file).expect("a file");
        let canary = bytes.windows(6).any(|it| it == b"canary");
        assert!(!canary, "{} shows a token", file.display());
    }
    drop(store);
}

#[cfg(unix)]
#[test]
fn its_files_are_open_to_their_owner_alone() {
    use std::os::unix::fs::PermissionsExt;

    let folder = tempfile::tempdir().expect("a folder");
    let store = open(&folder.path().join("grants.db"));
    RUNTIME.block_on(adopt(&store, &key(), "token")).expect("adopted");
    for file in files(folder.path()) {
        let mode = file.metadata().expect("a file").permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{}", file.display());
    }
}

#[test]
fn what_was_replaced_is_overwritten() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("grants.db");
    RUNTIME.block_on(async {
        let store = SqliteStore::open(&file).await.expect("a store");
        adopt(&store, &key(), "canary").await.expect("adopted");
        adopt(&store, &key(), "another").await.expect("adopted");
        // The last connection moves its log into the file.
        store.pool().close().await;
    });
    let bytes = std::fs::read(&file).expect("a file");
    assert!(bytes.windows(7).any(|it| it == b"another"), "the token is there");
    assert!(!bytes.windows(6).any(|it| it == b"canary"), "the one before is there too");
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
        adopt(&store, &key(), "token").await.expect("adopted");
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
