//! Two handles to one store, as two processes have.

use countersign_testkit::ManualClock;
use countersign_testkit::store_conformance::Stores;
use countersign_tokens::{FileStore, MemoryStore};

pub(crate) fn memory() -> Stores {
    let clock = ManualClock::default();
    let store = MemoryStore::with_clock(clock.clone());
    Stores::new(store.clone(), store, move |by| clock.advance(by))
}

pub(crate) fn running_memory() -> Stores {
    let store = MemoryStore::new();
    Stores::running(store.clone(), store)
}

pub(crate) fn files() -> Stores {
    let folder = tempfile::tempdir().expect("a folder");
    let (clock, grants) = (ManualClock::default(), folder.path().join("grants"));
    let by_clock = clock.clone();
    let open = move || FileStore::open_with_clock(&grants, clock.clone()).expect("a store");
    let stores = Stores::new(open(), open(), move |by| by_clock.advance(by));
    stores.reopened_by(open).keeping(folder)
}
