//! Two handles to one file, as two processes have.

use std::path::Path;
use std::sync::LazyLock;

use countersign_sqlx::SqliteStore;
use countersign_testkit::ManualClock;
use countersign_testkit::store_conformance::Stores;
use countersign_tokens::{GrantStore, KeyRing, SealedStore};
use tokio::runtime::Runtime;

pub(crate) static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| Runtime::new().expect("a runtime"));

pub(crate) fn stores() -> Stores {
    of(|store| store)
}

pub(crate) fn sealed_stores() -> Stores {
    of(|store| SealedStore::new(store, KeyRing::new("key 1", [7; 32]).expect("a ring")))
}

pub(crate) fn open(file: &Path) -> SqliteStore {
    RUNTIME.block_on(SqliteStore::open(file)).expect("a store")
}

fn of<S: GrantStore>(wrap: impl Fn(SqliteStore) -> S) -> Stores {
    let folder = tempfile::tempdir().expect("a folder");
    let clock = ManualClock::default();
    let file = folder.path().join("grants.db");
    let open = || wrap(open(&file).with_clock(clock.clone()));
    let (one, other) = (open(), open());
    Stores::new(one, other, move |by| clock.advance(by)).keeping(folder)
}
