//! A prefix of its own for each test, on a real server.

use std::env;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use countersign_redis::redis::aio::MultiplexedConnection;
use countersign_redis::redis::{self, AsyncConnectionConfig, Client, FromRedisValue};
use countersign_redis::{Connection, RedisStore};
use countersign_testkit::store_conformance::Stores;
use countersign_tokens::{AttemptId, GrantStore, KeyRing, SealedStore};
use tokio::runtime::Runtime;

pub(crate) static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| Runtime::new().expect("a runtime"));

/// Sets back every instant of what is at a key, which is a list or a record.
const SET_BACK: &str = "
local key, by = KEYS[1], ARGV[1]
if redis.call('TYPE', key).ok == 'zset' then
  for _, member in ipairs(redis.call('ZRANGE', key, 0, -1)) do
    redis.call('ZINCRBY', key, -by, member)
  end
  return
end
for _, field in ipairs({ 'lease_until', 'expires_at', 'due_at', 'not_before' }) do
  local at = redis.call('HGET', key, field)
  if at and at ~= '' then
    redis.call('HSET', key, field, at - by)
  end
end
local attempts = string.gsub(redis.call('HGET', key, 'attempts'), '@(%-?%d+)', function(at)
  return string.format('@%.0f', at - by)
end)
redis.call('HSET', key, 'attempts', attempts)";

/// A server, and keys there that go with it.
pub(crate) struct World {
    url: String,
    prefix: String,
    #[cfg(feature = "cluster")]
    is_cluster: bool,
}

impl World {
    /// `None`, and a line that says so, where there is no server.
    pub(crate) fn open() -> Option<Self> {
        let Ok(url) = env::var("COUNTERSIGN_REDIS_URL") else {
            println!("skipped: COUNTERSIGN_REDIS_URL is not set");
            return None;
        };
        Some(Self::at(url))
    }

    /// At a server of a test's own.
    pub(crate) fn at(url: String) -> Self {
        let mark = AttemptId::random().expect("random bytes");
        Self {
            url,
            prefix: format!("test-{mark}"),
            #[cfg(feature = "cluster")]
            is_cluster: false,
        }
    }

    /// At the only node of a cluster.
    #[cfg(feature = "cluster")]
    pub(crate) fn at_cluster(url: String) -> Self {
        let mut world = Self::at(url);
        world.is_cluster = true;
        world
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// What the names of all keys of it begin with.
    pub(crate) fn prefix(&self) -> &str {
        &self.prefix
    }

    /// A store with a connection of its own, as another process has.
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

    /// Has the server's clock move on, by setting back every instant that is told by it.
    pub(crate) fn advance(&self, by: Duration) {
        let by = u64::try_from(by.as_millis()).expect("not that long");
        RUNTIME.block_on(async {
            let mut all = redis::pipe();
            for key in self.keys().await {
                all.cmd("EVAL").arg(SET_BACK).arg(1).arg(key).arg(by).ignore();
            }
            let done = all.exec_async(&mut admin(&self.url).await).await;
            done.expect("instants set back");
        });
    }

    /// All keys of it.
    pub(crate) async fn keys(&self) -> Vec<String> {
        self.ask(redis::cmd("KEYS").arg(format!("{{{}:*", self.prefix))).await
    }

    /// The key of the only list of what is due.
    pub(crate) async fn list(&self) -> String {
        let keys = self.keys().await;
        keys.into_iter().find(|key| key.ends_with(":due")).expect("a list")
    }

    /// The key of the only record.
    pub(crate) async fn record(&self) -> String {
        let keys = self.keys().await;
        keys.into_iter().find(|key| !key.ends_with(":due")).expect("a record")
    }

    /// What the server answers to a command of a test's own.
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
        // A server of the test's own may be gone already.
        let _: redis::RedisResult<()> = RUNTIME.block_on(delete);
    }
}

/// A connection for commands of a test's own.
pub(crate) async fn admin(url: &str) -> MultiplexedConnection {
    let client = Client::open(url).expect("a URL");
    let config = AsyncConnectionConfig::new()
        .set_connection_timeout(Some(Duration::from_secs(10)))
        .set_response_timeout(Some(Duration::from_secs(10)));
    client.get_multiplexed_async_connection_with_config(&config).await.expect("a connection")
}

pub(crate) fn stores() -> Option<Stores> {
    World::open().map(|world| of(world, |store| store))
}

pub(crate) fn sealed_stores() -> Option<Stores> {
    World::open().map(|world| of(world, sealed))
}

pub(crate) fn sealed(store: RedisStore) -> SealedStore<RedisStore> {
    SealedStore::new(store, KeyRing::new("key 1", [7; 32]).expect("a ring"))
}

pub(crate) fn of<S: GrantStore>(world: World, wrap: impl Fn(RedisStore) -> S) -> Stores {
    let world = Arc::new(world);
    let (one, other) = RUNTIME.block_on(async { (world.store().await, world.store().await) });
    let (one, other) = (wrap(one), wrap(other));
    Stores::new(one, other, move |by| world.advance(by))
}
