//! Tests of `PostgresStore`: the rules of every store, and its own. They use the server that
//! `COUNTERSIGN_POSTGRES_URL` names; `cargo xtask test` starts one.
#![cfg(feature = "postgres")]
#![expect(clippy::expect_used, reason = "what the tests call is part of them")]

#[path = "postgres/bouncer.rs"]
mod bouncer;
#[path = "postgres/listening.rs"]
mod listening;
#[path = "postgres/own.rs"]
mod own;
#[path = "postgres/pages.rs"]
mod pages;
#[path = "postgres/schema.rs"]
mod schema;
#[path = "postgres/wire.rs"]
mod wire;
#[path = "postgres/world.rs"]
mod world;

mod rules {
    countersign_testkit::grant_store_conformance!(
        stores: match crate::world::stores() {
            Some(stores) => stores,
            None => return Ok(()),
        },
        block_on: |work| crate::world::RUNTIME.block_on(work),
    );
}
