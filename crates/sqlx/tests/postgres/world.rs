//! A schema for each test, on a real server.

use std::env;
use std::str::FromStr;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use countersign_sqlx::PostgresStore;
use countersign_sqlx::sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use countersign_sqlx::sqlx::{self, AssertSqlSafe, Connection, PgConnection, PgPool};
use countersign_testkit::steps::record;
use countersign_testkit::store_conformance::Stores;
use countersign_tokens::{AttemptId, Record, StoreTime};
use tokio::runtime::Runtime;
use url::Url;

pub(crate) static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| Runtime::new().expect("a runtime"));

/// A schema with the tables. Dropping it drops the schema.
pub(crate) struct World {
    url: String,
    options: PgConnectOptions,
    schema: String,
    admin: PgPool,
}

impl World {
    /// Returns `None`, and prints why, if there is no server.
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

    /// Creates a store with another pool, as another process has.
    pub(crate) fn store(&self) -> PostgresStore {
        let _inside = RUNTIME.enter();
        let pool = PgPoolOptions::new().max_connections(8).test_before_acquire(false);
        PostgresStore::new(pool.connect_lazy_with(self.options()))
    }

    /// Connects a store that makes its pool itself, through `port` of this machine if given.
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

    /// Returns the options of the stores of this world.
    pub(crate) fn options(&self) -> PgConnectOptions {
        let options = self.options.clone().options([("search_path", self.schema.as_str())]);
        options.application_name(self.name())
    }

    /// Returns the name of the stores' connections at the server.
    pub(crate) fn name(&self) -> &str {
        &self.schema
    }

    /// Returns a pool for statements of the test.
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
    let world = Arc::new(World::open()?);
    // One pool is the program's, the other the store's own.
    let own = RUNTIME.block_on(world.connected(None));
    let again = world.clone();
    let stores = Stores::running(world.store(), own).reopened_by(move || again.store());
    Some(stores.keeping(world))
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
