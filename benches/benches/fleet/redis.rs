//! The fleet on Redis, under a prefix of its own.

use std::time::Duration;

use countersign_redis::RedisStore;
use countersign_redis::redis::aio::{ConnectionManager, ConnectionManagerConfig};
use countersign_redis::redis::io::tcp::TcpSettings;
use countersign_redis::redis::{Client, IntoConnectionInfo, Value, cmd, pipe};
use countersign_tokens::{GrantKey, GrantStore, Record, StoreError, StoreTime, Version};
use tokio::task::JoinSet;

use crate::bare::{self, Records, Values};
use crate::common::{grant, manager};
use crate::ours::{self, at_once};
use crate::{HOUR, Outcome};

const PREFIX: &str = "fleet";

/// The pattern of all keys of the benchmark.
const ALL: &str = "{fleet:*";

/// How many swaps are in flight, and how many commands are sent at once, to fill the server.
const AT_ONCE: usize = 512;

/// The store.
pub(crate) async fn open(url: &str) -> Result<RedisStore, StoreError> {
    RedisStore::connect(url).await?.with_prefix(PREFIX)
}

/// Returns the name of the rival's hash, which is as long as that of a grant.
pub(crate) fn name(key: &GrantKey) -> String {
    format!("{{{PREFIX}:00}}:{key}")
}

/// Opens a connection with the settings of the store's.
async fn connect(url: &str) -> Outcome<ConnectionManager> {
    let tcp = TcpSettings::default().set_nodelay(true);
    let client = Client::open(url.into_connection_info()?.set_tcp_settings(tcp))?;
    let config = ConnectionManagerConfig::new()
        .set_connection_timeout(Some(Duration::from_secs(2)))
        .set_response_timeout(Some(Duration::from_secs(4)));
    Ok(ConnectionManager::new_with_config(client, config).await?)
}

/// The server, as the controller uses it.
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
        tokens.insert(&first, grant(client.now(), HOUR)).await?;
        let record = ours::put_off(&store, &first).await?;

        let mut swaps = JoinSet::new();
        for task in 0..AT_ONCE {
            let (store, client, record) = (store.clone(), client.clone(), record.clone());
            let mut random = fastrand::Rng::with_seed(task as u64);
            swaps.spawn(async move {
                for number in (1..grants).skip(task).step_by(AT_ONCE) {
                    // No grant is due before the end of the measurement.
                    let early = HOUR.mul_f64(random.f64() / 2.0);
                    let due_at = record.expires_at.map(|at| at.minus(early));
                    let next = Record { version: Version::random()?, due_at, ..record.clone() };
                    store.swap(&ours::key(&client, number), None, Some(&next)).await?;
                }
                Outcome::Ok(())
            });
        }
        while let Some(ended) = swaps.join_next().await {
            ended??;
        }

        let mut redis = self.0.clone();
        let saved = Records::of(&client, &record)?.saved;
        let millis = |at: Option<StoreTime>| at.map(StoreTime::as_millis);
        for from in (0..grants).step_by(AT_ONCE) {
            let mut copies = pipe();
            for number in from..grants.min(from + AT_ONCE) {
                copies.cmd("HSET").arg(name(&bare::key(&client, number))).ignore();
                copies.arg("version").arg(record.version.to_string()).arg("record").arg(&saved);
                copies.arg("due_at").arg(millis(record.due_at)).arg("state").arg("live");
                copies.arg("expires_at").arg(millis(record.expires_at));
                copies.arg("oldest_attempt_at").arg("").arg("lease_until").arg("");
                copies.arg("key_id").arg("");
            }
            copies.query_async::<()>(&mut redis).await?;
        }
        self.settle().await
    }

    /// Rewrites the append-only file and waits for the end, so that a rewrite is not due soon.
    #[expect(clippy::disallowed_methods, reason = "a server that has done so tells nobody")]
    async fn settle(&self) -> Outcome {
        let mut redis = self.0.clone();
        // A role that may not ask for it measures with it.
        let _ = cmd("BGREWRITEAOF").query_async::<()>(&mut redis).await;
        loop {
            let info: String = cmd("INFO").arg("persistence").query_async(&mut redis).await?;
            let is_under_way = ["aof_rewrite_scheduled", "aof_rewrite_in_progress"]
                .iter()
                .any(|name| number(&info, name) == Some(1.0));
            if !is_under_way {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// Returns the CPU time that the server reports.
    pub(crate) async fn microseconds(&self) -> Option<f64> {
        let info = cmd("INFO").arg("cpu").query_async(&mut self.0.clone()).await;
        let info: String = info.ok()?;
        Some((number(&info, "used_cpu_user")? + number(&info, "used_cpu_sys")?) * 1e6)
    }

    pub(crate) async fn description(&self) -> Outcome<String> {
        let mut redis = self.0.clone();
        let info: String = cmd("INFO").arg("server").query_async(&mut redis).await?;
        let version = info.lines().find_map(|it| it.strip_prefix("redis_version:"));
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

/// The rival's commands, on a connection like the store's.
#[derive(Clone)]
pub(crate) struct Bare(ConnectionManager);

impl Bare {
    pub(crate) async fn open(url: &str) -> Outcome<Self> {
        Ok(Self(connect(url).await?))
    }

    pub(crate) async fn refresh(&self, key: &str, is_first: bool, values: &Values<'_>) -> Outcome {
        let mut redis = self.0.clone();
        let Values { version, now, lease_until, expires_at, due_at, records } = *values;
        let version = format!("{:032x}", u128::from_be_bytes(version));

        if is_first {
            let mut read = cmd("HMGET");
            read.arg(key).arg("version").arg("record");
            read.query_async::<Value>(&mut redis).await?;
        }

        let mut begin = cmd("HSET");
        begin.arg(key).arg("version").arg(&version).arg("record").arg(&records.begun);
        begin.arg("oldest_attempt_at").arg(now).arg("lease_until").arg(lease_until);
        begin.query_async::<()>(&mut redis).await?;

        let mut save = cmd("HSET");
        save.arg(key).arg("version").arg(&version).arg("record").arg(&records.saved);
        save.arg("due_at").arg(due_at).arg("state").arg("live").arg("expires_at").arg(expires_at);
        save.arg("oldest_attempt_at").arg("").arg("lease_until").arg("").arg("key_id").arg("");
        Ok(save.query_async::<()>(&mut redis).await?)
    }
}

/// Returns a number of the server's `INFO`.
fn number(info: &str, name: &str) -> Option<f64> {
    let mut lines = info.lines().filter_map(|line| line.split_once(':'));
    lines.find(|(it, _)| *it == name)?.1.trim().parse().ok()
}
