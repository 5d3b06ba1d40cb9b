//! A prefix for each test, on a real server.

use std::env;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use countersign_redis::redis::aio::MultiplexedConnection;
use countersign_redis::redis::{self, AsyncConnectionConfig, Client, FromRedisValue};
use countersign_redis::{Connection, RedisStore};
use countersign_testkit::steps::record;
use countersign_testkit::store_conformance::Stores;
use countersign_tokens::{AttemptId, Record, StoreTime};
use tokio::runtime::Runtime;

pub(crate) static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| Runtime::new().expect("a runtime"));

/// A prefix on a server. Dropping it deletes its keys.
pub(crate) struct World {
    url: String,
    prefix: String,
    #[cfg(feature = "cluster")]
    is_cluster: bool,
}

impl World {
    /// Returns `None`, and prints why, if there is no server.
    pub(crate) fn open() -> Option<Self> {
        let Ok(url) = env::var("COUNTERSIGN_REDIS_URL") else {
            println!("skipped: COUNTERSIGN_REDIS_URL is not set");
            return None;
        };
        Some(Self::at(url))
    }

    /// Creates a prefix on a server of the test.
    pub(crate) fn at(url: String) -> Self {
        let mark = AttemptId::random().expect("random bytes");
        Self {
            url,
            prefix: format!("test-{mark}"),
            #[cfg(feature = "cluster")]
            is_cluster: false,
        }
    }

    /// Creates a prefix on the only node of a cluster.
    #[cfg(feature = "cluster")]
    pub(crate) fn at_cluster(url: String) -> Self {
        let mut world = Self::at(url);
        world.is_cluster = true;
        world
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// Returns the begin of the names of its keys.
    pub(crate) fn prefix(&self) -> &str {
        &self.prefix
    }

    /// Creates a store with another connection, as another process has.
    pub(crate) async fn store(&self) -> RedisStore {
        #[cfg(feature = "cluster")]
        let connection = if self.is_cluster {
            Connection::open_cluster(&[&self.url]).await
        } else {
            Connection::open(&self.url).await
        };
        #[cfg(not(feature = "cluster"))]
        let connection = Connection::open(&self.url).await;
        let store = RedisStore::danger_volatile(connection.expect("a connection"));
        store.with_prefix(&self.prefix).expect("a prefix")
    }

    /// Returns all its keys.
    pub(crate) async fn keys(&self) -> Vec<String> {
        self.ask(redis::cmd("KEYS").arg(format!("{{{}:*", self.prefix))).await
    }

    /// Returns the only key that ends so: the set `:due` or `:keys`, or a record by its grant's key.
    pub(crate) async fn key(&self, end: &str) -> String {
        let mut keys = self.keys().await.into_iter().filter(|key| key.ends_with(end));
        let (first, other) = (keys.next(), keys.next());
        assert_eq!(other, None, "there are several");
        first.expect("a key")
    }

    /// Returns the server's answer to a command of the test.
    pub(crate) async fn ask<T: FromRedisValue>(&self, command: &redis::Cmd) -> T {
        let answer = command.query_async(&mut admin(&self.url).await).await;
        answer.expect("an answer")
    }
}

impl Drop for World {
    fn drop(&mut self) {
        let delete = async {
            let client = Client::open(self.url.as_str())?;
            let mut admin = client.get_multiplexed_async_connection().await?;
            let pattern = format!("{{{}:*", self.prefix);
            let keys: Vec<String> = redis::cmd("KEYS").arg(pattern).query_async(&mut admin).await?;
            let mut all = redis::pipe();
            for key in keys {
                all.cmd("DEL").arg(key).ignore();
            }
            all.exec_async(&mut admin).await
        };
        // A server of the test may have ended.
        let _: redis::RedisResult<()> = RUNTIME.block_on(delete);
    }
}

/// Returns a connection for commands of the test.
pub(crate) async fn admin(url: &str) -> MultiplexedConnection {
    let client = Client::open(url).expect("a URL");
    let config = AsyncConnectionConfig::new()
        .set_connection_timeout(Some(Duration::from_secs(10)))
        .set_response_timeout(Some(Duration::from_secs(10)));
    client.get_multiplexed_async_connection_with_config(&config).await.expect("a connection")
}

pub(crate) fn stores() -> Option<Stores> {
    World::open().map(of)
}

pub(crate) fn of(world: World) -> Stores {
    let world = Arc::new(world);
    let open = {
        let world = world.clone();
        move || RUNTIME.block_on(world.store())
    };
    Stores::running(open(), open()).reopened_by(open).keeping(world)
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
