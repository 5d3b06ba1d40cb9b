use std::error::Error;

use countersign_redis::redis::{self, cmd};
use countersign_redis::{Connection, RedisStore, Weakness};
use countersign_testkit::steps::{adopt, attempt, begin, save};
use countersign_tokens::{GrantStore, StoreErrorKind, Takeover};

use crate::own::{LEASE, key};
use crate::server::{DURABLE, Server};
use crate::world::{RUNTIME, admin};

/// What the crate's documentation says that an ACL needs.
const ALLOWED: &str = "~{countersign:* +eval +evalsha +hmget +hset +hdel +del +exists +zadd +zrem \
                       +zscore +zrangebyscore +time +ping";

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
    });
}

#[test]
fn what_may_not_be_looked_at_is_said_to_be_unchecked_and_the_steps_work() {
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
            let read = adopt(&store, &key, "first").await.expect("adopted");
            let attempt = attempt();
            let begin = begin(&read, attempt, LEASE, Takeover::Never);
            store.begin(&key, &begin).await.expect("begun");
            store.save(&key, &save(&read, attempt, "second")).await.expect("saved");
            store.due(LEASE, None, 10).await.expect("listed");
        }
    });
}
