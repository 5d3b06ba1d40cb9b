//! Connections to a server or a cluster.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use countersign_tokens::{StoreError, StoreErrorKind};
use redis::aio::{ConnectionManager, ConnectionManagerConfig};
use redis::io::tcp::TcpSettings;
use redis::{
    Client, Cmd, ConnectionInfo, FromRedisValue, IntoConnectionInfo, Pipeline, RedisError, Value,
    from_redis_value,
};

use crate::error::{failed, is_of_replica, is_unknown_script};
use crate::script::Script;

/// The longest time to connect.
const CONNECT: Duration = Duration::from_secs(2);

/// The longest time to wait for an answer.
pub(crate) const ANSWER: Duration = Duration::from_secs(4);

/// The longest time that sent bytes may stay unacknowledged. Then the connection is lost.
#[cfg(any(target_os = "android", target_os = "fuchsia", target_os = "linux"))]
const SILENCE: Duration = Duration::from_secs(10);

/// The answer to one of several commands.
pub(crate) type Answer = Result<Value, RedisError>;

/// A connection to a server, or to the nodes of a cluster. A lost connection is made again. Clones
/// share the connection.
#[derive(Clone)]
pub struct Connection(Kind);

#[derive(Clone)]
enum Kind {
    Server(Server),
    #[cfg(feature = "cluster")]
    Cluster(redis::cluster_async::ClusterConnection),
}

#[derive(Clone)]
struct Server {
    manager: Arc<Mutex<ConnectionManager>>,
    /// `None` if the program made the connection.
    client: Option<Arc<Client>>,
}

impl Server {
    fn manager(&self) -> ConnectionManager {
        self.manager.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Replaces a connection that leads to a replica. The manager itself keeps such a connection,
    /// though the server's name may lead to another server since a fail-over.
    async fn reconnect(&self) -> bool {
        let Some(client) = &self.client else { return false };
        let Ok(manager) = ConnectionManager::new_with_config((**client).clone(), config()).await
        else {
            return false;
        };
        *self.manager.lock().unwrap_or_else(PoisonError::into_inner) = manager;
        true
    }
}

/// The replicas that a write waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Replicas {
    pub(crate) count: u32,
    pub(crate) timeout: Duration,
}

impl Connection {
    /// Connects to the server at this URL: `redis://user:password@host:6379/0`, `rediss://…` for
    /// TLS (feature `rustls`), `redis+unix:///path`. Connecting fails after 2 s, and waiting for an
    /// answer after 4 s.
    ///
    /// TLS uses the process-wide cryptography provider of rustls. If none is installed, this
    /// installs the provider of ring.
    ///
    /// # Errors
    ///
    /// [`StoreErrorKind::Other`] if the URL cannot be read. [`StoreErrorKind::Unavailable`] or
    /// [`StoreErrorKind::Timeout`] if no server answers.
    pub async fn open(url: &str) -> Result<Self, StoreError> {
        let client = Client::open(target(url)?).map_err(|error| failed(&error))?;
        let manager = ConnectionManager::new_with_config(client.clone(), config()).await;
        let manager = Arc::new(Mutex::new(manager.map_err(|error| failed(&error))?));
        Ok(Self(Kind::Server(Server { manager, client: Some(Arc::new(client)) })))
    }

    /// Connects to the cluster that has nodes at these URLs. These nodes name the others. The time
    /// limits are those of [`open`](Self::open) for each node, and 8 s for a command with all its
    /// redirections.
    ///
    /// # Errors
    ///
    /// As [`open`](Self::open).
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

    /// Runs a script on keys of one slot. Takes one round trip, and a second one if the server does
    /// not know the script yet.
    pub(crate) async fn run<T: FromRedisValue>(
        &self,
        script: &Script,
        keys: &[String],
        arguments: &[Vec<u8>],
        replicas: Option<Replicas>,
    ) -> Result<T, StoreError> {
        let (mut answer, mut may_be_done) =
            self.ask(script.call(keys, arguments), replicas).await?;
        if answer.as_ref().is_err_and(is_unknown_script) {
            let told = self.ask(script.tell(keys, arguments), replicas).await?;
            (answer, may_be_done) = (told.0, may_be_done || told.1);
        }
        let answer = answer.map_err(|error| failed(&error));
        read(if may_be_done { answer.map_err(StoreError::with_unknown_outcome) } else { answer }?)
    }

    /// Sends a command. Returns what [`exchange`](Self::exchange) does. Fails if the answer does not
    /// count because replicas lack the write.
    async fn ask(
        &self,
        command: Cmd,
        replicas: Option<Replicas>,
    ) -> Result<(Answer, bool), StoreError> {
        let mut pipeline = Pipeline::new();
        pipeline.add_command(command).ignore_errors();
        if let Some(Replicas { count, timeout }) = replicas {
            // 0 would wait for ever.
            let millis = timeout.as_millis().max(1);
            pipeline.cmd("WAIT").arg(count).arg(u64::try_from(millis).unwrap_or(u64::MAX));
        }
        let (answers, may_be_done) = self.exchange(&pipeline).await;
        let mut answers = match answers {
            Ok(answers) => answers.into_iter().map(Value::extract_error),
            Err(error) => return Ok((Err(error), may_be_done)),
        };
        let answer = answers.next().unwrap_or(Ok(Value::Nil));
        if let (Ok(_), Some(Replicas { count, timeout })) = (&answer, replicas) {
            let waited = answers.next().unwrap_or(Ok(Value::Nil));
            // Whatever becomes of the wait, the write before it is done.
            let waited = waited.map_err(|error| failed(&error).with_unknown_outcome());
            let had: u32 = read(waited?)?;
            if had < count {
                return Err(StoreError::new(StoreErrorKind::Unavailable).with_source(format!(
                    "{had} of {count} replicas had the write within {timeout:?}: the write is \
                     done, and a fail-over may lose it"
                )));
            }
        }
        Ok((answer, may_be_done))
    }

    /// Runs a script that only reads, once for each key. A server answers all in one round trip, and
    /// the nodes of a cluster at the same time.
    pub(crate) async fn run_each(
        &self,
        script: &Script,
        keys: &[String],
        arguments: &[Vec<u8>],
    ) -> Result<Vec<Answer>, StoreError> {
        let each = keys.iter().map(std::slice::from_ref);
        let answers = self.ask_each(each.clone().map(|key| script.call(key, arguments))).await?;
        if !answers.iter().any(|it| it.as_ref().is_err_and(is_unknown_script)) {
            return Ok(answers);
        }
        self.ask_each(each.map(|key| script.tell(key, arguments))).await
    }

    /// Sends commands that only read. Each has the answer at its own place.
    pub(crate) async fn ask_each(
        &self,
        commands: impl Iterator<Item = Cmd>,
    ) -> Result<Vec<Answer>, StoreError> {
        #[cfg(feature = "cluster")]
        if let Kind::Cluster(_) = &self.0 {
            let each = commands.map(|command| self.ask(command, None));
            let answers = futures_util::future::join_all(each).await.into_iter();
            return answers.map(|answer| Ok(answer?.0)).collect();
        }
        let mut pipeline = Pipeline::new();
        pipeline.ignore_errors();
        for command in commands {
            pipeline.add_command(command);
        }
        let answers = self.exchange(&pipeline).await.0.map_err(|error| failed(&error))?;
        Ok(answers.into_iter().map(Value::extract_error).collect())
    }

    /// Sends the commands once more if the connection was lost or leads to a replica: every script
    /// may be repeated. Also returns whether an earlier copy may be done, whatever the answer to the
    /// last one.
    async fn exchange(&self, pipeline: &Pipeline) -> (Result<Vec<Value>, RedisError>, bool) {
        let answers = self.send(pipeline).await;
        let was_lost = answers.as_ref().is_err_and(RedisError::is_connection_dropped);
        let is_repeated = match &answers {
            Ok(answers) if answers.iter().any(is_of_replica) => self.reconnect().await,
            _ => was_lost,
        };
        // The connection to a cluster repeats commands by itself too, and does not say so.
        let may_be_done = was_lost || !matches!(self.0, Kind::Server(_));
        (if is_repeated { self.send(pipeline).await } else { answers }, may_be_done)
    }

    async fn send(&self, pipeline: &Pipeline) -> Result<Vec<Value>, RedisError> {
        match &self.0 {
            Kind::Server(server) => pipeline.query_async(&mut server.manager()).await,
            // To the primary of the keys' slot. WAIT goes along.
            #[cfg(feature = "cluster")]
            Kind::Cluster(cluster) => pipeline.query_async(&mut cluster.clone()).await,
        }
    }

    async fn reconnect(&self) -> bool {
        match &self.0 {
            Kind::Server(server) => server.reconnect().await,
            #[cfg(feature = "cluster")]
            Kind::Cluster(_) => false,
        }
    }

    /// Returns the answers of every server that takes writes.
    pub(crate) async fn ask_all(&self, command: &Cmd) -> Result<Vec<Value>, RedisError> {
        match &self.0 {
            Kind::Server(server) => Ok(vec![command.query_async(&mut server.manager()).await?]),
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
        let manager = Arc::new(Mutex::new(manager));
        Self(Kind::Server(Server { manager, client: None }))
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
        f.write_str(match &self.0 {
            Kind::Server(_) => "Connection(server)",
            #[cfg(feature = "cluster")]
            Kind::Cluster(_) => "Connection(cluster)",
        })
    }
}

fn config() -> ConnectionManagerConfig {
    ConnectionManagerConfig::new()
        .set_connection_timeout(Some(CONNECT))
        .set_response_timeout(Some(ANSWER))
        .set_number_of_retries(1)
        .set_max_delay(Duration::from_millis(200))
}

/// Reads an answer, which no script of this library gives in another form.
pub(crate) fn read<T: FromRedisValue>(answer: Value) -> Result<T, StoreError> {
    from_redis_value(answer).map_err(|error| failed(&error.into()))
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
        // Without one, rustls panics if several providers are compiled in. An error means that another
        // thread has installed one, which serves as well.
        let _ = rustls::crypto::ring::default_provider().install_default();
    }
    // The library's own message is not shown, since it may hold the password.
    let info = url
        .into_connection_info()
        .map_err(|_| refused("not a URL such as redis://user:password@host:6379/0"))?;
    Ok(info.set_tcp_settings(tcp()))
}

/// Returns settings by which the system notices a peer that has vanished.
fn tcp() -> TcpSettings {
    let settings = TcpSettings::default().set_nodelay(true);
    #[cfg(any(target_os = "android", target_os = "fuchsia", target_os = "linux"))]
    let settings = settings.set_user_timeout(SILENCE);
    settings
}
