//! The fleet on Redis, under a prefix of its own.

use std::time::Duration;

use countersign_redis::RedisStore;
use countersign_redis::redis::aio::{ConnectionManager, ConnectionManagerConfig};
use countersign_redis::redis::io::tcp::TcpSettings;
use countersign_redis::redis::{Client, IntoConnectionInfo, Value, cmd, pipe};
use countersign_tokens::{Adopt, Epoch, GrantKey, GrantStore, Material, StoreError};
use tokio::task::JoinSet;

use crate::bare::{self, Values};
use crate::common::{grant, manager};
use crate::ours::{self, at_once};
use crate::{HOUR, Outcome};

const PREFIX: &str = "fleet";

/// All that it has, whoever's.
const ALL: &str = "{fleet:*";

/// How many adoptions are in flight, and how many commands are sent at once, to fill it.
const AT_ONCE: usize = 512;

/// The store.
pub(crate) async fn open(url: &str) -> Result<RedisStore, StoreError> {
    RedisStore::connect(url).await?.with_prefix(PREFIX)
}

/// What the rival's hash is called, as long as that of a grant.
pub(crate) fn name(key: &GrantKey) -> String {
    format!("{{{PREFIX}:00}}:{key}")
}

/// A connection with the settings of the store's.
async fn connect(url: &str) -> Outcome<ConnectionManager> {
    let tcp = TcpSettings::default().set_nodelay(true);
    let client = Client::open(url.into_connection_info()?.set_tcp_settings(tcp))?;
    let config = ConnectionManagerConfig::new()
        .set_connection_timeout(Some(Duration::from_secs(2)))
        .set_response_timeout(Some(Duration::from_secs(4)));
    Ok(ConnectionManager::new_with_config(client, config).await?)
}

/// The server, as the controller has it.
pub(crate) struct Redis(ConnectionManager);

impl Redis {
    pub(crate) async fn prepare(url: &str) -> Outcome<Self> {
        let server = Self(connect(url).await?);
        server.clean().await?;
        Ok(server)
    }

    pub(crate) async fn fill(&self, url: &str, grants: usize) -> Outcome {
        self.clean().await?;
        let client = at_once();
        let store = open(url).await?;
        let tokens = manager(client.clone(), store.clone());
        let first = ours::key(&client, 0);
        tokens.adopt(&first, grant(client.now(), HOUR)).await?;
        let record = store.load(&first).await?.ok_or("what was adopted is not there")?;
        let payload = record.payload;

        let mut adoptions = JoinSet::new();
        for task in 0..AT_ONCE {
            let (store, client, payload) = (store.clone(), client.clone(), payload.clone());
            adoptions.spawn(async move {
                for number in (1..grants).skip(task).step_by(AT_ONCE) {
                    // None before everything is measured.
                    let due_in = HOUR.mul_f64(0.5 + fastrand::f64() / 2.0);
                    let material = Material {
                        payload: payload.clone(),
                        key_id: None,
                        expires_in: Some(HOUR),
                        due_in: Some(due_in),
                    };
                    let adopt = Adopt { epoch: Epoch::random()?, replaces: None, material };
                    store.adopt(&ours::key(&client, number), &adopt).await?;
                }
                Outcome::Ok(())
            });
        }
        while let Some(ended) = adoptions.join_next().await {
            ended??;
        }

        let mut redis = self.0.clone();
        let epoch = Epoch::random()?.to_string();
        for from in (0..grants).step_by(AT_ONCE) {
            let mut copies = pipe();
            for number in from..grants.min(from + AT_ONCE) {
                copies.cmd("HSET").arg(name(&bare::key(&client, number))).ignore();
                copies.arg("format").arg(1).arg("epoch").arg(&epoch);
                copies.arg("generation").arg(1).arg("revision").arg(1).arg("state").arg("live");
                copies.arg("fence").arg(0).arg("attempts").arg("");
                copies.arg("payload").arg(payload.as_bytes());
                copies.arg("expires_at").arg(record.expires_at.map(|it| it.as_millis()));
                copies.arg("due_at").arg(record.due_at.map(|it| it.as_millis()));
            }
            copies.query_async::<()>(&mut redis).await?;
        }
        self.settle().await
    }

    /// Has the file of what was appended written anew, and waits for that: so that it is not due
    /// soon.
    #[expect(clippy::disallowed_methods, reason = "a server that has done so tells nobody")]
    async fn settle(&self) -> Outcome {
        let mut redis = self.0.clone();
        // Whoever may not ask for it measures with it.
        let _ = cmd("BGREWRITEAOF").query_async::<()>(&mut redis).await;
        loop {
            let told: String = cmd("INFO").arg("persistence").query_async(&mut redis).await?;
            let is_under_way = ["aof_rewrite_scheduled", "aof_rewrite_in_progress"]
                .iter()
                .any(|name| number(&told, name) == Some(1.0));
            if !is_under_way {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// As it tells itself.
    pub(crate) async fn microseconds(&self) -> Option<f64> {
        let told = cmd("INFO").arg("cpu").query_async(&mut self.0.clone()).await;
        let told: String = told.ok()?;
        Some((number(&told, "used_cpu_user")? + number(&told, "used_cpu_sys")?) * 1e6)
    }

    pub(crate) async fn told(&self) -> Outcome<String> {
        let mut redis = self.0.clone();
        let told: String = cmd("INFO").arg("server").query_async(&mut redis).await?;
        let version = told.lines().find_map(|it| it.strip_prefix("redis_version:"));
        let asked = cmd("CONFIG").arg("GET").arg("appendfsync").query_async(&mut redis).await;
        let (_, sync): (String, String) = asked.unwrap_or_default();
        Ok(format!("Redis {}, appendfsync {sync}", version.unwrap_or("?")))
    }

    pub(crate) async fn clean(&self) -> Outcome {
        let mut redis = self.0.clone();
        let mut cursor = 0_u64;
        loop {
            let mut scan = cmd("SCAN");
            scan.arg(cursor).arg("MATCH").arg(ALL).arg("COUNT").arg(1000);
            let (next, names): (u64, Vec<String>) = scan.query_async(&mut redis).await?;
            if !names.is_empty() {
                cmd("UNLINK").arg(names).query_async::<()>(&mut redis).await?;
            }
            cursor = next;
            if cursor == 0 {
                return Ok(());
            }
        }
    }
}

/// The rival's commands, on a connection as the store has it.
#[derive(Clone)]
pub(crate) struct Bare(ConnectionManager);

impl Bare {
    pub(crate) async fn open(url: &str) -> Outcome<Self> {
        Ok(Self(connect(url).await?))
    }

    pub(crate) async fn refresh(&self, key: &str, values: &Values<'_>) -> Outcome {
        let mut redis = self.0.clone();
        let Values { attempt, now, lease_until, expires_at, due_at, payload } = *values;
        let attempt = format!("{:032x}", u128::from_be_bytes(attempt));

        cmd("HGETALL").arg(key).query_async::<Value>(&mut redis).await?;

        let mut begin = cmd("HSET");
        begin.arg(key).arg("revision").arg(now).arg("fence").arg(now);
        begin.arg("attempts").arg(format!("{attempt}@{now} "));
        begin.arg("lease_owner").arg(&attempt).arg("lease_until").arg(lease_until);
        begin.query_async::<()>(&mut redis).await?;

        let mut save = cmd("HSET");
        save.arg(key).arg("revision").arg(now).arg("generation").arg(now);
        save.arg("written_by").arg(&attempt).arg("attempts").arg("").arg("payload").arg(payload);
        save.arg("expires_at").arg(expires_at).arg("due_at").arg(due_at);
        save.arg("lease_owner").arg("").arg("lease_until").arg("");
        Ok(save.query_async::<()>(&mut redis).await?)
    }
}

/// A number among what a server tells of itself.
fn number(told: &str, name: &str) -> Option<f64> {
    let mut lines = told.lines().filter_map(|line| line.split_once(':'));
    lines.find(|(it, _)| *it == name)?.1.trim().parse().ok()
}
