//! The example's store keeps the rules that every store keeps.
#![expect(clippy::expect_used, reason = "what the tests call is part of them")]

#[path = "../../crates/countersign/guide/custom_store.rs"]
mod store;

use std::path::Path;
use std::sync::Arc;

use countersign_testkit::store_conformance::Stores;
use redb::Database;
use store::RedbStore;

fn open(path: &Path) -> RedbStore {
    RedbStore(Arc::new(Database::create(path).expect("a database")))
}

fn stores() -> Stores {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("grants.redb");
    let store = open(&path);
    // The file is locked, so a copy of it is opened: what a copy has was written.
    let reopen = move || {
        let copy = path.with_extension("copy");
        std::fs::copy(&path, &copy).expect("copied");
        open(&copy)
    };
    Stores::running(store.clone(), store).reopened_by(reopen).keeping(folder)
}

countersign_testkit::grant_store_conformance!(stores: stores());
