//! How a server, or a cluster of them, is reached.

use std::fmt;
use std::time::Duration;

use countersign_tokens::{StoreError, StoreErrorKind};
use redis::aio::{ConnectionManager, ConnectionManagerConfig};
use redis::io::tcp::TcpSettings;
use redis::{Client, Cmd, ConnectionInfo, IntoConnectionInfo, Pipeline, RedisError, Value};

use crate::error::{damaged, failed, is_unknown_script};
use crate::script::Script;

/// How long connecting may take.
const CONNECT: Duration = Duration::from_secs(2);

/// How long an answer may take.
pub(crate) const ANSWER: Duration = Duration::from_secs(4);

/// How long what was sent may stay unacknowledged until the connection is given up.
#[cfg(any(target_os = "android", target_os = "fuchsia", target_os = "linux"))]
const SILENCE: Duration = Duration::from_secs(10);

/// A connection to a server, or to the nodes of a cluster, which is made anew when it is lost.
/// Clones share it.
#[derive(Clone)]
pub struct Connection(Kind);

#[derive(Clone)]
enum Kind {
    Server(ConnectionManager),
    #[cfg(feature = "cluster")]
    Cluster(redis::cluster_async::ClusterConnection),
}

/// What is waited for after a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Replicas {
    pub(crate) count: u32,
    pub(crate) timeout: Duration,
}

impl Connection {
    /// Connects to the server at this URL: `redis://user:password@host:6379/0`, `rediss://…` for
    /// TLS (feature `rustls`), `redis+unix:///path`. Connecting is given up after 2 s, and waiting
    /// for an answer after 4 s.
    ///
    /// For TLS the process-wide provider of cryptography that rustls has is used; if none is
    /// installed, that of ring is.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the URL cannot be read, or nothing answers there.
    pub async fn open(url: &str) -> Result<Self, StoreError> {
        let client = Client::open(target(url)?).map_err(|error| failed(&error))?;
        let config = ConnectionManagerConfig::new()
            .set_connection_timeout(Some(CONNECT))
            .set_response_timeout(Some(ANSWER))
            .set_number_of_retries(1)
            .set_max_delay(Duration::from_millis(200));
        let manager = ConnectionManager::new_with_config(client, config).await;
        manager.map(Self::from).map_err(|error| failed(&error))
    }

    /// Connects to the cluster that has nodes at these URLs; the others are found by asking them.
    /// The limits are those of [`open`](Self::open) for each node, and 8 s for a step with all its
    /// redirections.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when a URL cannot be read, or no node answers.
    #[cfg(feature = "cluster")]
    pub async fn open_cluster(urls: &[&str]) -> Result<Self, StoreError> {
        let nodes: Vec<_> = urls.iter().map(|url| target(url)).collect::<Result<_, _>>()?;
        let client = redis::cluster::ClusterClient::builder(nodes)
            .connection_timeout(CONNECT)
            .response_timeout(ANSWER)
            .overall_response_timeout(Some(2 * ANSWER))
            .retries(3)
            .tcp_settings(tcp())
            .build()
            .map_err(|error| failed(&error))?;
        let connection = client.get_async_connection().await;
        connection.map(Self::from).map_err(|error| failed(&error))
    }

    /// Whether all keys are on one server.
    pub(crate) fn is_one_server(&self) -> bool {
        match &self.0 {
            Kind::Server(_) => true,
            #[cfg(feature = "cluster")]
            Kind::Cluster(_) => false,
        }
    }

    /// Runs a script on keys of one slot: one round trip, and a second one where the server does
    /// not know the script yet.
    pub(crate) async fn run(
        &self,
        script: &Script,
        keys: &[String],
        arguments: &[Vec<u8>],
        replicas: Option<Replicas>,
    ) -> Result<Vec<Value>, StoreError> {
        let answer = self.send(script.call(keys, arguments), replicas).await;
        let answer = match answer {
            Err(Failure::Redis(error)) if is_unknown_script(&error) => {
                self.send(script.tell(keys, arguments), replicas).await
            }
            answer => answer,
        };
        match answer {
            Ok(Value::Array(values)) => Ok(values),
            Ok(_) => Err(damaged("a script answered with something else")),
            Err(failure) => Err(failure.into()),
        }
    }

    /// Sends it once more where the connection was lost, which every step allows: the first to
    /// notice has it made anew.
    async fn send(&self, command: Cmd, replicas: Option<Replicas>) -> Result<Value, Failure> {
        let pipeline = pipeline(command, replicas);
        let mut answers = self.exchange(&pipeline).await;
        if answers.as_ref().is_err_and(RedisError::is_connection_dropped) {
            answers = self.exchange(&pipeline).await;
        }
        let mut answers = answers?.into_iter();
        let answer = match answers.next() {
            Some(Value::ServerError(error)) => return Err(RedisError::from(error).into()),
            answer => answer.unwrap_or_default(),
        };
        if let Some(replicas) = replicas {
            match answers.next() {
                Some(Value::Int(count)) if count >= i64::from(replicas.count) => {}
                Some(Value::Int(count)) => return Err(Failure::Replicas { count, replicas }),
                Some(Value::ServerError(error)) => return Err(RedisError::from(error).into()),
                _ => return Err(Failure::Replicas { count: 0, replicas }),
            }
        }
        Ok(answer)
    }

    async fn exchange(&self, pipeline: &Pipeline) -> Result<Vec<Value>, RedisError> {
        match &self.0 {
            Kind::Server(manager) => pipeline.query_async(&mut manager.clone()).await,
            // By the slot of the keys, to its primary: WAIT goes along.
            #[cfg(feature = "cluster")]
            Kind::Cluster(cluster) => pipeline.query_async(&mut cluster.clone()).await,
        }
    }

    /// The answers of every server that takes writes.
    pub(crate) async fn ask_all(&self, command: &Cmd) -> Result<Vec<Value>, RedisError> {
        match &self.0 {
            Kind::Server(manager) => Ok(vec![command.query_async(&mut manager.clone()).await?]),
            #[cfg(feature = "cluster")]
            Kind::Cluster(cluster) => {
                use redis::cluster_routing::{MultipleNodeRoutingInfo, RoutingInfo};
                let primaries = RoutingInfo::MultiNode((MultipleNodeRoutingInfo::AllMasters, None));
                // The nodes' names, and their answers.
                match cluster.clone().route_command(command.clone(), primaries).await? {
                    Value::Map(answers) => Ok(answers.into_iter().map(|(_, it)| it).collect()),
                    _ => Ok(Vec::new()),
                }
            }
        }
    }
}

impl From<ConnectionManager> for Connection {
    fn from(manager: ConnectionManager) -> Self {
        Self(Kind::Server(manager))
    }
}

#[cfg(feature = "cluster")]
impl From<redis::cluster_async::ClusterConnection> for Connection {
    fn from(cluster: redis::cluster_async::ClusterConnection) -> Self {
        Self(Kind::Cluster(cluster))
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.is_one_server() { "Connection(server)" } else { "Connection(cluster)" })
    }
}

/// Why there is no answer that counts.
enum Failure {
    Redis(RedisError),
    Replicas { count: i64, replicas: Replicas },
}

impl From<RedisError> for Failure {
    fn from(error: RedisError) -> Self {
        Self::Redis(error)
    }
}

impl From<Failure> for StoreError {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Redis(error) => failed(&error),
            Failure::Replicas { count, replicas: Replicas { count: wanted, timeout } } => {
                Self::new(StoreErrorKind::Unavailable).with_source(format!(
                    "{count} of {wanted} replicas had the step within {timeout:?}: it is done, and \
                     may be lost in a fail-over"
                ))
            }
        }
    }
}

/// The command, and the wait for replicas in the same round trip.
fn pipeline(command: Cmd, replicas: Option<Replicas>) -> Pipeline {
    let mut pipeline = Pipeline::new();
    pipeline.add_command(command).ignore_errors();
    if let Some(Replicas { count, timeout }) = replicas {
        // 0 would be for ever.
        let millis = timeout.as_millis().max(1);
        pipeline.cmd("WAIT").arg(count).arg(u64::try_from(millis).unwrap_or(u64::MAX));
    }
    pipeline
}

fn target(url: &str) -> Result<ConnectionInfo, StoreError> {
    let refused = |why: &'static str| StoreError::new(StoreErrorKind::Other).with_source(why);
    let is_tls = url.starts_with("rediss:") || url.starts_with("valkeys:");
    if is_tls && !cfg!(feature = "rustls") {
        return Err(refused(
            "TLS needs the feature `rustls` of countersign-redis, `redis-rustls` of countersign",
        ));
    }
    #[cfg(feature = "rustls")]
    if is_tls && rustls::crypto::CryptoProvider::get_default().is_none() {
        // Without it the library panics where several providers are compiled in. Somebody who was
        // faster has installed another, which will do.
        let _ = rustls::crypto::ring::default_provider().install_default();
    }
    // The library's own message is not shown: there may be a password in what it could not read.
    let info = url
        .into_connection_info()
        .map_err(|_| refused("not a URL such as redis://user:password@host:6379/0"))?;
    Ok(info.set_tcp_settings(tcp()))
}

/// A peer that has vanished is given up in time, where the system can.
fn tcp() -> TcpSettings {
    let settings = TcpSettings::default().set_nodelay(true);
    #[cfg(any(target_os = "android", target_os = "fuchsia", target_os = "linux"))]
    let settings = settings.set_user_timeout(SILENCE);
    settings
}
