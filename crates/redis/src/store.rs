use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use countersign_tokens::{
    Due, DuePage, GrantKey, GrantStore, ListPage, Loaded, Record, StoreError, StoreErrorKind,
    StoreTime, Swap, Version,
};

use crate::connection::{ANSWER, Replicas};
use crate::key::Prefix;
use crate::pages::Scan;
use crate::{Connection, Durability, script};

/// Grants in Redis, for processes on any number of machines. Clones share the connection.
///
/// A load and a swap are one script each, which the server runs as one atomic step, and one round
/// trip. Time is the server's. See [Durability](crate#durability) for how to configure the server.
///
/// If the connection was lost, or leads to a replica since a fail-over, the script is sent again on
/// a new connection, once. A server that does not answer is an error after 4 s.
///
/// # Examples
///
/// ```no_run
/// # async fn example() -> Result<(), countersign_tokens::StoreError> {
/// use countersign_redis::RedisStore;
///
/// let store = RedisStore::connect("redis://localhost/").await?.with_prefix("my-app")?;
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct RedisStore {
    pub(crate) connection: Connection,
    pub(crate) prefix: Prefix,
    replicas: Option<Replicas>,
}

impl RedisStore {
    /// Connects to the server at this URL with [`Connection::open`], and calls [`new`](Self::new).
    ///
    /// # Errors
    ///
    /// The errors of both.
    pub async fn connect(url: &str) -> Result<Self, StoreError> {
        Self::new(Connection::open(url).await?).await
    }

    /// Creates a store that uses a [`Connection`], or a connection of the program: a
    /// [`ConnectionManager`](redis::aio::ConnectionManager), or with the feature `cluster` a
    /// `ClusterConnection`. The time limits of a connection of the program are its own. The default
    /// of the library `redis` (500 ms) is short for a disk that syncs. After a fail-over such a
    /// connection may lead to a replica until the program replaces the store.
    ///
    /// # Errors
    ///
    /// [`StoreErrorKind::Other`] if the server may lose writes, or if its settings cannot be checked
    /// (see [`Durability`]). [`StoreErrorKind::Unavailable`] or [`StoreErrorKind::Timeout`] if it
    /// does not answer.
    pub async fn new(connection: impl Into<Connection>) -> Result<Self, StoreError> {
        let store = Self::danger_volatile(connection);
        let durability = store.check_durability().await?;
        if durability.is_full() {
            return Ok(store);
        }
        Err(StoreError::new(StoreErrorKind::Other).with_source(format!(
            "Redis may lose grants: {durability} (or use `RedisStore::danger_volatile`)"
        )))
    }

    /// Creates a store as [`new`](Self::new) does, without the check of the server's settings. If the
    /// server loses a write of a provider that rotates refresh tokens, the grant is lost.
    #[must_use]
    pub fn danger_volatile(connection: impl Into<Connection>) -> Self {
        Self { connection: connection.into(), prefix: Prefix::default(), replicas: None }
    }

    /// Sets the begin of the names of all keys, so that one database can hold several stores.
    /// Defaults to `countersign`.
    ///
    /// # Errors
    ///
    /// [`StoreErrorKind::Other`] unless `prefix` is one or more visible ASCII characters without
    /// braces.
    pub fn with_prefix(self, prefix: &str) -> Result<Self, StoreError> {
        Ok(Self { prefix: Prefix::new(prefix)?, ..self })
    }

    /// Sets the number of replicas that each swap waits for (`WAIT`, in the same round trip), and the
    /// longest wait, from 1 ms to 2 s. Defaults to no replica. If fewer replicas have the write by
    /// then, the swap is an error: the write is done, and a fail-over may lose it. A repeated swap
    /// waits again, for all that the server has written so far.
    ///
    /// Waiting narrows what a fail-over loses and does not exclude it. While a swap waits, later
    /// commands on the same connection wait too.
    #[must_use]
    pub fn with_replicas(self, count: u32, timeout: Duration) -> Self {
        let replicas = (count > 0).then(|| Replicas { count, timeout: timeout.min(ANSWER / 2) });
        Self { replicas, ..self }
    }

    /// Reads the settings of the server, or of the primaries of the cluster, that decide whether
    /// writes may be lost.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if a server does not answer. Settings that may not be read are no error, but a
    /// [`Weakness`](crate::Weakness).
    pub async fn check_durability(&self) -> Result<Durability, StoreError> {
        Durability::of(&self.connection).await
    }

    /// Returns the connection.
    #[must_use]
    pub fn connection(&self) -> &Connection {
        &self.connection
    }
}

#[async_trait]
impl GrantStore for RedisStore {
    async fn load(&self, key: &GrantKey) -> Result<Loaded, StoreError> {
        let keys = [self.prefix.record(key.as_str())];
        let (now, record) = self.connection.run(&script::LOAD, &keys, &[], None).await?;
        loaded(key, now, record)
    }

    async fn swap(
        &self,
        key: &GrantKey,
        expected: Option<Version>,
        next: Option<&Record>,
    ) -> Result<Swap, StoreError> {
        let [due, all] = self.prefix.sets(key);
        let keys = [self.prefix.record(key.as_str()), due, all];
        let version = |it: Option<Version>| it.map(|it| it.to_string()).unwrap_or_default();
        let millis = |it: Option<StoreTime>| it.map(|it| it.as_millis().to_string());
        let millis = |it| millis(it).unwrap_or_default().into_bytes();
        let mut arguments = vec![
            key.as_str().into(),
            version(expected).into(),
            version(next.map(|it| it.version)).into(),
            millis(next.and_then(|it| it.due_at)),
        ];
        if let Some(next) = next {
            for (field, value) in [
                ("version", next.version.to_string().into()),
                ("record", next.encode(key)?.to_vec()),
                ("due_at", millis(next.due_at)),
                ("state", next.state.name().into()),
                ("expires_at", millis(next.expires_at)),
                ("oldest_attempt_at", millis(next.oldest_attempt_at())),
                ("lease_until", millis(next.lease_until())),
                ("key_id", next.key_id.clone().unwrap_or_default().into()),
            ] {
                arguments.extend([field.into(), value]);
            }
        }
        let answer = self.connection.run(&script::SWAP, &keys, &arguments, self.replicas);
        Ok(match answer.await? {
            (true, now, _) => Swap::Done(StoreTime::from_millis(now)),
            (false, now, record) => Swap::Conflict(loaded(key, now, record)?),
        })
    }

    async fn due(
        &self,
        within: Duration,
        after: Option<&Due>,
        limit: usize,
    ) -> Result<DuePage, StoreError> {
        let after = after.map(|due| (due.due_at.as_millis(), due.key.as_str().into()));
        let cursor = |key, due_at| Due { due_at: StoreTime::from_millis(due_at), key };
        self.page(Scan::Due(within), after, limit, cursor).await
    }

    async fn list(&self, after: Option<&GrantKey>, limit: usize) -> Result<ListPage, StoreError> {
        let after = after.map(|key| (0, key.as_str().into()));
        self.page(Scan::List, after, limit, |key, _| key).await
    }
}

fn loaded(key: &GrantKey, now: i64, record: Option<Vec<u8>>) -> Result<Loaded, StoreError> {
    let record = record.map(|bytes| Record::decode(key, &bytes)).transpose()?;
    Ok(Loaded { record, read_at: StoreTime::from_millis(now) })
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
