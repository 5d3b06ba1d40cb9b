//! A schema of its own for each test, on a real server.

use std::env;
use std::str::FromStr;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use countersign_sqlx::PostgresStore;
use countersign_sqlx::sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use countersign_sqlx::sqlx::{self, AssertSqlSafe, Connection, PgConnection, PgPool};
use countersign_testkit::store_conformance::Stores;
use countersign_tokens::{AttemptId, GrantStore, KeyRing, SealedStore};
use tokio::runtime::Runtime;
use url::Url;

pub(crate) static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| Runtime::new().expect("a runtime"));

/// A schema with the tables, which goes with it. `None`, and a line that says so, where there is
/// no server.
pub(crate) struct World {
    url: String,
    options: PgConnectOptions,
    schema: String,
    admin: PgPool,
}

impl World {
    pub(crate) fn open() -> Option<Self> {
        let Ok(url) = env::var("COUNTERSIGN_POSTGRES_URL") else {
            println!("skipped: COUNTERSIGN_POSTGRES_URL is not set");
            return None;
        };
        let options = PgConnectOptions::from_str(&url).expect("a URL");
        let schema = format!("test_{}", AttemptId::random().expect("random bytes"));
        let admin = RUNTIME.block_on(async {
            let mut connection = PgConnection::connect_with(&options).await.expect("a connection");
            let create = AssertSqlSafe(format!("CREATE SCHEMA {schema}"));
            sqlx::raw_sql(create).execute(&mut connection).await.expect("a schema");
            let options = options.clone().options([("search_path", schema.as_str())]);
            let pool = PgPoolOptions::new().max_connections(2).connect_lazy_with(options);
            PostgresStore::new(pool.clone()).migrate().await.expect("tables");
            pool
        });
        Some(Self { url, options, schema, admin })
    }

    /// A store with a pool of its own, as another process has.
    pub(crate) fn store(&self) -> PostgresStore {
        let _inside = RUNTIME.enter();
        let pool = PgPoolOptions::new().max_connections(8).test_before_acquire(false);
        PostgresStore::new(pool.connect_lazy_with(self.options()))
    }

    /// A store with a pool that is its own, through `port` of this machine if there is one.
    pub(crate) async fn connected(&self, port: Option<u16>) -> PostgresStore {
        let mut url = Url::parse(&self.url).expect("a URL");
        if let Some(port) = port {
            url.set_host(Some("127.0.0.1")).expect("a host");
            url.set_port(Some(port)).expect("a port");
        }
        url.query_pairs_mut()
            .append_pair("options[search_path]", &self.schema)
            .append_pair("application_name", self.name());
        PostgresStore::connect(url.as_str()).await.expect("a server")
    }

    /// Has the server's clock move on, by setting back every instant that is told by it.
    pub(crate) fn advance(&self, by: Duration) {
        let by = i64::try_from(by.as_millis()).expect("not that long");
        let moved = sqlx::query(
            "UPDATE countersign_grants SET lease_until = lease_until - $1,
            attempted_at = ARRAY(SELECT at - $1 FROM unnest(attempted_at) AS at),
            expires_at = expires_at - $1, due_at = due_at - $1, not_before = not_before - $1",
        );
        RUNTIME.block_on(moved.bind(by).execute(&self.admin)).expect("rows set back");
    }

    /// Connects as the stores of this world do.
    pub(crate) fn options(&self) -> PgConnectOptions {
        let options = self.options.clone().options([("search_path", self.schema.as_str())]);
        options.application_name(self.name())
    }

    /// What the connections of [`store`](Self::store) are called at the server.
    pub(crate) fn name(&self) -> &str {
        &self.schema
    }

    /// For statements of a test's own.
    pub(crate) fn admin(&self) -> &PgPool {
        &self.admin
    }
}

impl Drop for World {
    fn drop(&mut self) {
        let drop = AssertSqlSafe(format!("DROP SCHEMA {} CASCADE", self.schema));
        let _ = RUNTIME.block_on(sqlx::raw_sql(drop).execute(&self.admin));
    }
}

pub(crate) fn stores() -> Option<Stores> {
    World::open().map(|world| of(world, |store| store))
}

pub(crate) fn sealed_stores() -> Option<Stores> {
    World::open().map(|world| {
        of(world, |store| {
            let ring = KeyRing::new("key 1", [7; 32]).expect("a ring");
            SealedStore::new(store, ring)
        })
    })
}

fn of<S: GrantStore>(world: World, wrap: impl Fn(PostgresStore) -> S) -> Stores {
    let world = Arc::new(world);
    // The pools of a program and of the store itself.
    let own = RUNTIME.block_on(world.connected(None));
    let (one, other) = (wrap(world.store()), wrap(own));
    Stores::new(one, other, move |by| world.advance(by))
}
