//! Tests of `SqliteStore`: the rules of every store, and its own.
#![cfg(feature = "sqlite")]
#![expect(clippy::expect_used, reason = "what the tests call is part of them")]

#[path = "sqlite/own.rs"]
mod own;
#[path = "sqlite/world.rs"]
mod world;

mod rules {
    countersign_testkit::grant_store_conformance!(
        stores: crate::world::stores(),
        block_on: |work| crate::world::RUNTIME.block_on(work),
    );
}
