//! Tests of `RedisStore`: the rules of every store, and its own. They use the server that
//! `COUNTERSIGN_REDIS_URL` names; `cargo xtask test` starts one.
#![expect(clippy::expect_used, reason = "what the tests call is part of them")]

#[cfg(feature = "cluster")]
#[path = "redis/cluster.rs"]
mod cluster;
#[path = "redis/durability.rs"]
mod durability;
#[path = "redis/monitor.rs"]
mod monitor;
#[path = "redis/own.rs"]
mod own;
#[path = "redis/pages.rs"]
mod pages;
#[path = "redis/server.rs"]
mod server;
#[cfg(feature = "rustls")]
#[path = "redis/tls.rs"]
mod tls;
#[path = "redis/world.rs"]
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
