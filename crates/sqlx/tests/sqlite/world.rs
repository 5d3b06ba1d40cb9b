//! Two handles to one file, as two processes have.

use std::path::Path;
use std::sync::LazyLock;
use std::time::Duration;

use countersign_sqlx::SqliteStore;
use countersign_testkit::ManualClock;
use countersign_testkit::steps::record;
use countersign_testkit::store_conformance::Stores;
use countersign_tokens::{Record, StoreTime};
use tokio::runtime::Runtime;

pub(crate) static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| Runtime::new().expect("a runtime"));

pub(crate) fn open(file: &Path) -> SqliteStore {
    RUNTIME.block_on(SqliteStore::open(file)).expect("a store")
}

pub(crate) fn stores() -> Stores {
    let folder = tempfile::tempdir().expect("a folder");
    let clock = ManualClock::default();
    let file = folder.path().join("grants.db");
    let of_clock = clock.clone();
    let open = move || open(&file).with_clock(of_clock.clone());
    let (one, other) = (open(), open());
    let stores = Stores::new(one, other, move |by| clock.advance(by));
    stores.reopened_by(open).keeping(folder)
}

/// Creates a record that expires an hour after `now` and is due ten minutes before.
pub(crate) fn timed_record(text: &str, now: StoreTime) -> Record {
    let (expires_in, due_in) = (Duration::from_secs(3600), Duration::from_secs(3000));
    Record {
        expires_at: Some(now.plus(expires_in)),
        due_at: Some(now.plus(due_in)),
        ..record(text)
    }
}
