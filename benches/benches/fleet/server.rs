//! The server under the stores.

use std::env;
use std::str::FromStr;
use std::sync::Arc;

use countersign_tokens::GrantStore;
use serde::{Deserialize, Serialize};

use crate::postgres::Postgres;
use crate::redis::Redis;
use crate::{Outcome, bare, postgres, redis};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Kind {
    Postgres,
    Redis,
}

impl Kind {
    pub(crate) const ALL: [Self; 2] = [Self::Postgres, Self::Redis];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Postgres => "PostgreSQL",
            Self::Redis => "Redis",
        }
    }

    /// Returns the environment variable of the server's URL.
    pub(crate) fn variable(self) -> &'static str {
        match self {
            Self::Postgres => "COUNTERSIGN_POSTGRES_URL",
            Self::Redis => "COUNTERSIGN_REDIS_URL",
        }
    }

    pub(crate) fn url(self) -> Option<String> {
        env::var(self.variable()).ok()
    }

    /// Opens the store as a program does.
    pub(crate) async fn open(self, url: &str) -> Outcome<Arc<dyn GrantStore>> {
        Ok(match self {
            Self::Postgres => Arc::new(postgres::open(url).await?),
            Self::Redis => Arc::new(redis::open(url).await?),
        })
    }

    /// Opens the rival's connections for so many tasks: one for each task with PostgreSQL, and one
    /// for all tasks with Redis, on which commands do not wait for each other.
    pub(crate) async fn ways(self, url: &str, tasks: usize) -> Outcome<Vec<bare::Way>> {
        let mut ways = Vec::with_capacity(tasks);
        match self {
            Self::Postgres => {
                for _ in 0..tasks {
                    ways.push(bare::Way::Postgres(postgres::Bare::open(url).await?));
                }
            }
            Self::Redis => {
                let way = redis::Bare::open(url).await?;
                ways.resize_with(tasks, || bare::Way::Redis(way.clone()));
            }
        }
        Ok(ways)
    }
}

impl FromStr for Kind {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        match text {
            "postgres" => Ok(Self::Postgres),
            "redis" => Ok(Self::Redis),
            _ => Err(()),
        }
    }
}

/// The server of one kind, as the controller uses it.
pub(crate) struct Server {
    kind: Kind,
    url: String,
    way: Way,
}

enum Way {
    Postgres(Postgres),
    Redis(Redis),
}

impl Server {
    pub(crate) async fn prepare(kind: Kind, url: &str) -> Outcome<Self> {
        let way = match kind {
            Kind::Postgres => Way::Postgres(Postgres::prepare(url).await?),
            Kind::Redis => Way::Redis(Redis::prepare(url).await?),
        };
        Ok(Self { kind, url: url.to_owned(), way })
    }

    pub(crate) fn kind(&self) -> Kind {
        self.kind
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// Fills the server with so many grants, which expire in an hour and are due in its second half,
    /// and as many records of the rival. Removes everything else.
    pub(crate) async fn fill(&self, grants: usize) -> Outcome {
        match &self.way {
            Way::Postgres(server) => server.fill(&self.url, grants).await,
            Way::Redis(server) => server.fill(&self.url, grants).await,
        }
    }

    /// Returns the CPU time of the server, if it is known.
    pub(crate) async fn microseconds(&self) -> Option<f64> {
        match &self.way {
            Way::Postgres(server) => server.microseconds().await,
            Way::Redis(server) => server.microseconds().await,
        }
    }

    /// Returns the version of the server and how it writes.
    pub(crate) async fn description(&self) -> Outcome<String> {
        match &self.way {
            Way::Postgres(server) => server.description().await,
            Way::Redis(server) => server.description().await,
        }
    }

    /// Removes everything from the server.
    pub(crate) async fn clean(&self) -> Outcome {
        match &self.way {
            Way::Postgres(server) => server.clean().await,
            Way::Redis(server) => server.clean().await,
        }
    }
}
