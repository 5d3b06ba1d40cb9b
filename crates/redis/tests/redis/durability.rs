use std::error::Error;

use countersign_redis::redis::{self, cmd};
use countersign_redis::{Connection, RedisStore, Weakness};
use countersign_testkit::steps::put;
use countersign_tokens::{GrantStore, StoreErrorKind};

use crate::own::{HOUR, key};
use crate::server::{DURABLE, Server};
use crate::world::{RUNTIME, admin, timed_record};

/// What the crate's documentation says that an ACL needs.
const ALLOWED: &str = "~{countersign:* +eval +evalsha +hmget +hset +hstrlen +del +exists +zadd +zrem \
                       +zscore +zcount +zrange +zrangebylex +time +ping";

async fn set(server: &Server, setting: &str, value: &str) {
    let mut command = cmd("CONFIG");
    command.arg("SET").arg(setting).arg(value);
    let set: redis::RedisResult<()> = command.query_async(&mut admin(&server.url()).await).await;
    set.expect("set");
}

async fn weaknesses(url: &str) -> Vec<Weakness> {
    let connection = Connection::open(url).await.expect("a connection");
    let durability = RedisStore::danger_volatile(connection).check_durability().await;
    durability.expect("checked").weaknesses().to_vec()
}

#[test]
fn a_server_that_may_lose_grants_is_refused_with_what_to_set() {
    let Some(server) = Server::start(DURABLE) else { return };
    RUNTIME.block_on(async {
        let url = server.url();
        RedisStore::connect(&url).await.expect("a server that keeps what it accepts");
        for (setting, weak, strong, weakness) in [
            ("appendfsync", "everysec", "always", Weakness::SyncsLater),
            ("appendonly", "no", "yes", Weakness::NoAppendOnlyFile),
            ("maxmemory-policy", "allkeys-lru", "noeviction", Weakness::Evicts),
        ] {
            set(&server, setting, weak).await;
            assert_eq!(weaknesses(&url).await, [weakness]);
            let error = RedisStore::connect(&url).await.expect_err("it may lose grants");
            assert_eq!(error.kind(), StoreErrorKind::Other);
            let told = error.source().expect("a source").to_string();
            assert!(told.contains(&format!("set `{setting} {strong}`")), "{told}");
            set(&server, setting, strong).await;
            assert_eq!(weaknesses(&url).await, []);
        }
        // Evicts keys that expire, and no key does.
        set(&server, "maxmemory-policy", "volatile-lru").await;
        assert_eq!(weaknesses(&url).await, []);
    });
}

#[test]
fn settings_that_may_not_be_read_are_reported_and_the_store_works() {
    let Some(server) = Server::start(DURABLE) else { return };
    RUNTIME.block_on(async {
        let mut admin = admin(&server.url()).await;
        for (user, more, expected) in [
            ("nothing", "", Some(Weakness::Unknown)),
            ("info", "+info", Some(Weakness::SyncUnknown)),
            ("config", "+info +config|get", None),
        ] {
            let mut command = cmd("ACL");
            command.arg("SETUSER").arg(user).arg(&["on", ">word"]);
            command.arg(ALLOWED.split(' ').collect::<Vec<_>>());
            command.arg(more.split_terminator(' ').collect::<Vec<_>>());
            let _: () = command.query_async(&mut admin).await.expect("a user");
            let url = format!("redis://{user}:word@127.0.0.1:{}/", server.port());
            assert_eq!(weaknesses(&url).await, Vec::from_iter(expected));
            let connected = RedisStore::connect(&url).await;
            assert_eq!(connected.is_ok(), expected.is_none());
            if let Err(error) = connected {
                let told = error.source().expect("a source").to_string();
                assert!(told.contains("could not be checked"), "{told}");
            }

            let connection = Connection::open(&url).await.expect("a connection");
            let (store, key) = (RedisStore::danger_volatile(connection), key(user));
            let now = store.load(&key).await.expect("loaded").read_at;
            for text in ["first", "second"] {
                put(&store, &key, &timed_record(text, now)).await.expect("written");
            }
            let due = store.due(HOUR, None, 10).await.expect("read");
            let list = store.list(None, 10).await.expect("read");
            assert_eq!((due.records.len(), list.records.len()), (1, 1));
            let present = store.load(&key).await.expect("loaded").record.map(|it| it.version);
            store.swap(&key, present, None).await.expect("removed");
        }
    });
}

#[test]
fn info_is_read_where_config_is_forbidden() {
    let Some(server) = Server::start(&["--maxmemory-policy", "allkeys-lru"]) else { return };
    RUNTIME.block_on(async {
        let mut command = cmd("ACL");
        command.arg(&["SETUSER", "info", "on", ">word", "+info", "+ping"]);
        let _: () = command.query_async(&mut admin(&server.url()).await).await.expect("a user");
        let url = format!("redis://info:word@127.0.0.1:{}/", server.port());
        assert_eq!(weaknesses(&url).await, [Weakness::Evicts, Weakness::NoAppendOnlyFile]);
    });
}
