//! The stores that a race can run on.

use std::path::Path;
use std::sync::Arc;

use countersign::Client;
use countersign_redis::RedisStore;
use countersign_sqlx::sqlx::postgres::PgPoolOptions;
use countersign_sqlx::{PostgresStore, SqliteStore};
use countersign_tokens::{
    FileStore, GrantStore, KeyRing, TokenManager, TokenManagerBuilder, TokioExecutor,
};
use serde::{Deserialize, Serialize};
use url::Url;

use crate::Outcome;
use crate::args::{Args, Kind};

/// Where the store is, and whether its payloads are sealed.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Place {
    kind: Kind,
    url: String,
    is_sealed: bool,
}

impl Place {
    /// Returns the place that the arguments or the environment name, or one in `folder`.
    pub(crate) fn of(args: &Args, folder: &Path) -> Outcome<Self> {
        let given = |variable| {
            let url = args.url.clone().or_else(|| std::env::var(variable).ok());
            url.ok_or_else(|| format!("no server is named: give `--url`, or set {variable}"))
        };
        let inside = |name| {
            let path = args.url.clone().map_or_else(|| folder.join(name), Into::into);
            path.to_str().map(str::to_owned).ok_or("the path is not UTF-8")
        };
        let url = match args.store {
            Kind::Postgres => given("COUNTERSIGN_POSTGRES_URL")?,
            Kind::Redis => given("COUNTERSIGN_REDIS_URL")?,
            Kind::Sqlite => inside("grants.sqlite")?,
            Kind::File => inside("grants")?,
        };
        Ok(Self { kind: args.store, url, is_sealed: args.sealed })
    }

    /// Creates the tables that the store needs, once for all processes.
    pub(crate) async fn prepare(&self) -> Outcome {
        if self.kind == Kind::Postgres {
            let store = PostgresStore::connect(&self.url).await?;
            store.migrate().await?;
            store.pool().close().await;
        }
        Ok(())
    }

    pub(crate) async fn open(&self) -> Outcome<Arc<dyn GrantStore>> {
        match self.kind {
            Kind::Postgres => {
                // Few connections, so that many processes fit into what a server allows.
                let pool = PgPoolOptions::new().max_connections(6).test_before_acquire(false);
                Ok(Arc::new(PostgresStore::new(pool.connect(&self.url).await?)))
            }
            Kind::Redis => Ok(Arc::new(RedisStore::connect(&self.url).await?)),
            Kind::Sqlite => Ok(Arc::new(SqliteStore::open(&self.url).await?)),
            Kind::File => Ok(Arc::new(FileStore::open(&self.url)?)),
        }
    }

    /// Returns the builder of a manager on `store`, with an executor.
    pub(crate) fn manager(
        &self,
        client: Client,
        store: impl GrantStore,
    ) -> Outcome<TokenManagerBuilder> {
        let builder = TokenManager::builder(client, store).executor(TokioExecutor::current()?);
        Ok(if self.is_sealed {
            // A race tests that sealing works, and has nothing to keep secret.
            builder.sealed_by(KeyRing::new("race", [7; 32])?)
        } else {
            builder
        })
    }

    /// Returns host and port of the store's server, if it has one.
    pub(crate) fn server(&self) -> Outcome<Option<(String, u16)>> {
        let port = match self.kind {
            Kind::Postgres => 5432,
            Kind::Redis => 6379,
            Kind::Sqlite | Kind::File => return Ok(None),
        };
        let url = Url::parse(&self.url).map_err(|_| "the store's URL cannot be parsed")?;
        let host = url.host_str().filter(|it| !it.is_empty());
        let host = host.ok_or("`--partition` needs a store that is reached by host and port")?;
        Ok(Some((host.to_owned(), url.port().unwrap_or(port))))
    }

    /// Returns the same place, reached by another port of this machine.
    pub(crate) fn through(&self, port: u16) -> Outcome<Self> {
        let mut url = Url::parse(&self.url).map_err(|_| "the store's URL cannot be parsed")?;
        url.set_host(Some("127.0.0.1"))
            .map_err(|_| "the host in the store's URL cannot be replaced")?;
        url.set_port(Some(port)).map_err(|()| "the port in the store's URL cannot be replaced")?;
        Ok(Self { url: url.into(), ..self.clone() })
    }
}
