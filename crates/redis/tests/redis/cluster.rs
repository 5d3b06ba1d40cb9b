//! A cluster of one node. Such a cluster too refuses a script whose keys are in several slots.

use std::time::Duration;

use countersign_redis::redis::cmd;
use countersign_redis::{Connection, RedisStore};
use countersign_testkit::steps::{put, record};
use countersign_testkit::store_conformance::{Judged, RULES};
use countersign_tokens::StoreErrorKind;

use crate::own::key;
use crate::server::{DURABLE, Server};
use crate::world::{RUNTIME, World, of};

fn start() -> Option<Server> {
    let settings = [DURABLE, &["--cluster-enabled", "yes"]].concat();
    let server = Server::start(&settings)?;
    let world = World::at(server.url());
    RUNTIME.block_on(async {
        let _: () = world.ask(cmd("CLUSTER").arg(&["ADDSLOTSRANGE", "0", "16383"])).await;
        let mut state = String::new();
        while !state.contains("cluster_state:ok") {
            state = world.ask(cmd("CLUSTER").arg("INFO")).await;
        }
    });
    Some(server)
}

#[test]
fn every_rule_is_kept_in_a_cluster() {
    let Some(server) = start() else { return };
    for rule in RULES {
        let stores = of(World::at_cluster(server.url()));
        let judged = Judged::new(stores, |work| RUNTIME.block_on(work));
        if let Err(broken) = (rule.judge)(&judged) {
            panic!("{}: {broken:?}", rule.name);
        }
    }
}

#[test]
fn the_settings_of_a_cluster_are_looked_at() {
    let Some(server) = start() else { return };
    let world = World::at(server.url());
    RUNTIME.block_on(async {
        let open = async || Connection::open_cluster(&[&server.url()]).await;
        let connection = open().await.expect("a connection");
        RedisStore::new(connection).await.expect("a cluster that keeps what it accepts");
        let _: () = world.ask(cmd("CONFIG").arg(&["SET", "appendonly", "no"])).await;
        let error = RedisStore::new(open().await.expect("a connection")).await;
        assert_eq!(error.expect_err("no file").kind(), StoreErrorKind::Other);
    });
}

#[test]
fn replicas_are_waited_for_at_the_node_of_the_grant() {
    let Some(server) = start() else { return };
    let world = World::at_cluster(server.url());
    RUNTIME.block_on(async {
        let store = world.store().await.with_replicas(1, Duration::from_millis(1));
        let error =
            put(&store, &key("user"), &record("token")).await.expect_err("there is no replica");
        assert_eq!(error.kind(), StoreErrorKind::Unavailable);
    });
}
