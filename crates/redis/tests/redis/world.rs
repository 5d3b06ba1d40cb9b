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

/// Has the server's clock move on, by setting back every instant that is told by it.
const ADVANCE: &str = "
for _, key in ipairs(redis.call('KEYS', '{' .. ARGV[1] .. ':*')) do
  if string.sub(key, -4) == ':due' then
    for _, member in ipairs(redis.call('ZRANGE', key, 0, -1)) do
      redis.call('ZINCRBY', key, -ARGV[2], member)
    end
  else
    for _, field in ipairs({ 'lease_until', 'expires_at', 'due_at', 'not_before' }) do
      local at = redis.call('HGET', key, field)
      if at then
        redis.call('HSET', key, field, at - ARGV[2])
      end
    end
    local attempts = string.gsub(redis.call('HGET', key, 'attempts'), '@(%-?%d+)', function(at)
      return string.format('@%.0f', at - ARGV[2])
    end)
    redis.call('HSET', key, 'attempts', attempts)
  end
end";

/// What names all keys of this world.
const KEYS: &str = "return redis.call('KEYS', '{' .. ARGV[1] .. ':*')";

/// A server, and keys there that go with it.
pub(crate) struct World {
    url: String,
    prefix: String,
}

impl World {
    /// `None`, and a line that says so, where there is no server.
    pub(crate) fn open() -> Option<Self> {
        let Ok(url) = env::var("COUNTERSIGN_REDIS_URL") else {
            println!("skipped: COUNTERSIGN_REDIS_URL is not set");
            return None;
        };
        let mark = AttemptId::random().expect("random bytes");
        Some(Self { url, prefix: format!("test-{mark}") })
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
        let connection = Connection::open(&self.url).await.expect("a connection");
        let store = RedisStore::danger_volatile(connection);
        store.with_prefix(&self.prefix).expect("a prefix")
    }

    /// Has the server's clock move on.
    pub(crate) fn advance(&self, by: Duration) {
        let by = u64::try_from(by.as_millis()).expect("not that long");
        RUNTIME.block_on(async {
            let mut command = redis::cmd("EVAL");
            command.arg(ADVANCE).arg(0).arg(&self.prefix).arg(by);
            let _: redis::Value = self.ask(&command).await;
        });
    }

    /// All keys of it.
    pub(crate) async fn keys(&self) -> Vec<String> {
        self.ask(redis::cmd("EVAL").arg(KEYS).arg(0).arg(&self.prefix)).await
    }

    /// What the server answers to a command of a test's own.
    pub(crate) async fn ask<T: FromRedisValue>(&self, command: &redis::Cmd) -> T {
        let answer = command.query_async(&mut admin(&self.url).await).await;
        answer.expect("an answer")
    }
}

impl Drop for World {
    fn drop(&mut self) {
        RUNTIME.block_on(async {
            let keys = self.keys().await;
            if !keys.is_empty() {
                let _: u64 = self.ask(redis::cmd("DEL").arg(keys)).await;
            }
        });
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

fn of<S: GrantStore>(world: World, wrap: impl Fn(RedisStore) -> S) -> Stores {
    let world = Arc::new(world);
    let store = || wrap(RUNTIME.block_on(world.store()));
    let (one, other) = (store(), store());
    Stores::new(one, other, move |by| world.advance(by))
}
