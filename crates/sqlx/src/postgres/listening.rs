//! Notifications of changes: LISTEN and NOTIFY.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use countersign_tokens::{AttemptId, GrantKey, StoreError, StoreErrorKind};
use sha2::{Digest, Sha256};
use sqlx::PgPool;
use sqlx::postgres::{PgConnectOptions, PgListener, PgPoolOptions};
use tokio::sync::broadcast::Sender;
use tokio::task::JoinHandle;

use super::reach::{TIMEOUT, own, reached};
use crate::error::failed;

/// The channel, which the statements name too.
const CHANNEL: &str = "countersign_grants";

/// The pause before a lost connection is made again.
const PAUSE: Duration = Duration::from_secs(1);

/// The number of notifications that a waiter may lag behind.
const MOST_PENDING: usize = 1024;

/// A connection that listens until this is dropped.
pub(super) struct Listening {
    /// Sends the mark of a key that changed, or `None` if notifications may have been missed.
    told: Sender<Option<Arc<str>>>,
    task: JoinHandle<()>,
}

impl Listening {
    /// Listens at `direct`. Returns when a notification that the pool `writes` sent has arrived.
    pub(super) async fn begin(
        writes: &PgPool,
        direct: PgConnectOptions,
    ) -> Result<Self, StoreError> {
        let options = own(direct);
        reached(&options).await?;
        let pool = PgPoolOptions::new()
            .max_connections(1)
            .max_lifetime(None)
            .idle_timeout(None)
            .acquire_timeout(TIMEOUT)
            .connect_lazy_with(options);
        let mut listener = subscribed(&pool).await.map_err(failed)?;
        tested(writes, &mut listener).await?;
        let told = Sender::new(MOST_PENDING);
        let task = tokio::spawn(follow(pool, listener, told.clone()));
        Ok(Self { told, task })
    }

    /// Completes when a notification of this key arrives, or may have been missed.
    pub(super) async fn changed(&self, key: &GrantKey) {
        let (mut told, mark) = (self.told.subscribe(), mark(key));
        // An error means that this waiter was too slow and has missed some.
        while told.recv().await.is_ok_and(|told| told.is_some_and(|it| *it != *mark)) {}
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl fmt::Debug for Listening {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Listening").finish_non_exhaustive()
    }
}

/// Returns the notification of a key: a hash, since every role that can connect can listen, and a
/// notification has at most 8,000 bytes.
pub(super) fn mark(key: &GrantKey) -> String {
    Sha256::digest(key.as_str()).iter().map(|byte| format!("{byte:02x}")).collect()
}

async fn subscribed(pool: &PgPool) -> Result<PgListener, sqlx::Error> {
    let mut listener = PgListener::connect_with(pool).await?;
    listener.listen(CHANNEL).await?;
    Ok(listener)
}

/// Sends the notification through the pool of the writes. A pooler passes notifications on to a
/// connection that has just sent one, so one that the listener sends itself would prove nothing.
async fn tested(writes: &PgPool, listener: &mut PgListener) -> Result<(), StoreError> {
    let sent = AttemptId::random()?.to_string();
    sqlx::query("SELECT pg_notify($1, $2)::text")
        .bind(CHANNEL)
        .bind(sent.clone())
        .execute(writes)
        .await
        .map_err(failed)?;
    let heard = tokio::time::timeout(TIMEOUT, async {
        while listener.recv().await.map_err(failed)?.payload() != sent {}
        Ok(())
    });
    heard.await.unwrap_or_else(|_| {
        let why = format!(
            "a notification did not arrive within {TIMEOUT:?}: a pooler such as PgBouncer in \
             transaction mode passes none on, and notifications do not leave their database; \
             listen at the URL of the server itself, in the database of the grants"
        );
        Err(StoreError::new(StoreErrorKind::Other).with_source(why))
    })
}

/// Wakes waiters when notifications arrive. When a lost connection is back, all waiters are woken,
/// since notifications may have been missed.
async fn follow(pool: PgPool, mut listener: PgListener, told: Sender<Option<Arc<str>>>) {
    loop {
        while let Ok(received) = listener.try_recv().await {
            // An error means that nobody waits.
            let _ = told.send(received.map(|it| it.payload().into()));
        }
        listener = loop {
            pause().await;
            if let Ok(again) = subscribed(&pool).await {
                break again;
            }
        };
        let _ = told.send(None);
    }
}

#[expect(clippy::disallowed_methods, reason = "no event says that a server is back")]
async fn pause() {
    tokio::time::sleep(PAUSE).await;
}
