use std::fmt;
use std::time::Duration;

use countersign_tokens::{StoreError, StoreErrorKind};

use crate::connection::{ANSWER, Replicas};
use crate::key::Prefix;
use crate::{Connection, Durability};

/// Grants in Redis, for processes on any number of machines. Clones share the connection.
///
/// Each step is one script, which the server runs whole before any other; time is the server's.
/// What a server has to be set to is said [here](crate#durability).
///
/// A connection that was lost is no error yet: the step is repeated on another, which every step
/// allows. A server that does not answer is an error within seconds.
#[derive(Clone)]
pub struct RedisStore {
    pub(crate) connection: Connection,
    pub(crate) prefix: Prefix,
    pub(crate) replicas: Option<Replicas>,
}

impl RedisStore {
    /// The store at this URL, by [`Connection::open`] and [`new`](Self::new).
    ///
    /// # Errors
    ///
    /// Theirs.
    pub async fn connect(url: &str) -> Result<Self, StoreError> {
        Self::new(Connection::open(url).await?).await
    }

    /// The store behind a [`Connection`], or what the program has already: a
    /// [`ConnectionManager`](redis::aio::ConnectionManager), or with the feature `cluster` a
    /// `ClusterConnection`. Its limits of time hold then: those that the library has by default
    /// (500 ms) are short for a disk that syncs.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the server is not set to keep what it accepts, or that could not be
    /// checked ([`Durability`] has both), or it does not answer.
    pub async fn new(connection: impl Into<Connection>) -> Result<Self, StoreError> {
        let store = Self::danger_volatile(connection);
        let durability = store.check_durability().await?;
        if durability.is_full() {
            return Ok(store);
        }
        Err(StoreError::new(StoreErrorKind::Other).with_source(format!(
            "Redis may lose grants: {durability} (or take `RedisStore::danger_volatile`)"
        )))
    }

    /// The same, however the server is set. What it loses of a provider that rotates refresh
    /// tokens are grants.
    #[must_use]
    pub fn danger_volatile(connection: impl Into<Connection>) -> Self {
        Self { connection: connection.into(), prefix: Prefix::default(), replicas: None }
    }

    /// With this in the place of `countersign` in the names of all keys, for several stores in
    /// one database.
    ///
    /// # Errors
    ///
    /// [`StoreError`] unless it is one or more visible ASCII characters without braces.
    pub fn with_prefix(self, prefix: &str) -> Result<Self, StoreError> {
        Ok(Self { prefix: Prefix::new(prefix)?, ..self })
    }

    /// Waits after each step until so many replicas have it (`WAIT`, in the same round trip), at
    /// most for `timeout`, which is no more than 2 s and no less than 1 ms. When fewer have it by
    /// then, that is an error: the step is done, and may be lost in a fail-over. Repeated, by
    /// whichever connection, it waits anew: for all that the server has written until then.
    ///
    /// It narrows what a fail-over loses and does not exclude it. While a step waits, so do those
    /// that come after it on the same connection.
    #[must_use]
    pub fn with_replicas(self, count: u32, timeout: Duration) -> Self {
        let replicas = (count > 0).then(|| Replicas { count, timeout: timeout.min(ANSWER / 2) });
        Self { replicas, ..self }
    }

    /// How the server keeps what it accepts, or the primaries of the cluster do, as they are set
    /// now.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when it does not answer. Settings that may not be read are no error, but a
    /// [`Weakness`](crate::Weakness).
    pub async fn check_durability(&self) -> Result<Durability, StoreError> {
        Durability::of(&self.connection).await
    }

    /// The connection.
    #[must_use]
    pub fn connection(&self) -> &Connection {
        &self.connection
    }
}

impl fmt::Debug for RedisStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisStore")
            .field("connection", &self.connection)
            .field("prefix", &self.prefix.as_str())
            .field("replicas", &self.replicas.map(|it| it.count))
            .finish()
    }
}
