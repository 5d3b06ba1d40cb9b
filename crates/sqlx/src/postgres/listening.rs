//! Being told of changes by the server: LISTEN and NOTIFY.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use countersign_tokens::{AttemptId, GrantKey, StoreError, StoreErrorKind};
use event_listener::Event;
use sha2::{Digest, Sha256};
use sqlx::PgPool;
use sqlx::postgres::{PgConnectOptions, PgListener, PgPoolOptions};
use tokio::task::JoinHandle;

use super::reach::{PATIENCE, own, reached};
use crate::error::failed;

/// As the statements name it.
const CHANNEL: &str = "countersign_grants";

/// How long after a failure it is tried to listen again.
const PAUSE: Duration = Duration::from_secs(1);

/// A connection that listens for as long as this lives.
pub(super) struct Listening {
    waiting: Arc<Waiting>,
    task: JoinHandle<()>,
}

impl Listening {
    /// Listens at `direct`, once a notification that `steps` sends has come through.
    pub(super) async fn begin(
        steps: &PgPool,
        direct: PgConnectOptions,
    ) -> Result<Self, StoreError> {
        let options = own(direct);
        reached(&options).await?;
        let pool = PgPoolOptions::new()
            .max_connections(1)
            .max_lifetime(None)
            .idle_timeout(None)
            .acquire_timeout(PATIENCE)
            .connect_lazy_with(options);
        let mut listener = subscribed(&pool).await.map_err(failed)?;
        tested(steps, &mut listener).await?;
        let waiting = Arc::new(Waiting::default());
        let task = tokio::spawn(follow(pool, listener, waiting.clone()));
        Ok(Self { waiting, task })
    }

    /// Ends when something is told of this key, or may have been while nobody listened.
    pub(super) async fn changed(&self, key: &GrantKey) {
        let place = Place::take(&self.waiting, mark(key));
        place.event.listen().await;
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

/// What is told of a key: a hash, since whoever may connect may listen, and a notification has a
/// limit of 8000 bytes.
pub(super) fn mark(key: &GrantKey) -> String {
    Sha256::digest(key.as_str()).iter().map(|byte| format!("{byte:02x}")).collect()
}

async fn subscribed(pool: &PgPool) -> Result<PgListener, sqlx::Error> {
    let mut listener = PgListener::connect_with(pool).await?;
    listener.listen(CHANNEL).await?;
    Ok(listener)
}

/// Sent as the steps are, not by the listener: a pooler hands one that has sent something what is
/// told meanwhile, and nobody who only listens.
async fn tested(steps: &PgPool, listener: &mut PgListener) -> Result<(), StoreError> {
    let sent = AttemptId::random()?.to_string();
    sqlx::query("SELECT pg_notify($1, $2)::text")
        .bind(CHANNEL)
        .bind(sent.clone())
        .execute(steps)
        .await
        .map_err(failed)?;
    let heard = tokio::time::timeout(PATIENCE, async {
        while listener.recv().await.map_err(failed)?.payload() != sent {}
        Ok(())
    });
    heard.await.unwrap_or_else(|_| {
        let why = format!(
            "a notification did not come through within {PATIENCE:?}: a pooler such as PgBouncer \
             in transaction mode passes none on, and one database has not those of another; \
             listen at the URL of the server itself, in the database of the steps"
        );
        Err(StoreError::new(StoreErrorKind::Other).with_source(why))
    })
}

/// Passes on what the server tells. A connection that is lost is made anew; until then waiters are
/// told nothing, and once it is all are, since something may have been missed.
async fn follow(pool: PgPool, listener: PgListener, waiting: Arc<Waiting>) {
    let mut listener = Some(listener);
    loop {
        let listening = match listener.take() {
            Some(first) => Ok(first),
            None => subscribed(&pool).await,
        };
        if let Ok(mut listener) = listening {
            waiting.tell_all();
            while let Ok(told) = listener.try_recv().await {
                match told {
                    Some(told) => waiting.tell(told.payload()),
                    None => waiting.tell_all(),
                }
            }
        }
        pause().await;
    }
}

#[expect(clippy::disallowed_methods, reason = "a server that is back tells nobody of itself")]
async fn pause() {
    tokio::time::sleep(PAUSE).await;
}

/// Who waits, by the mark of what.
#[derive(Default)]
struct Waiting(Mutex<HashMap<String, (usize, Arc<Event>)>>);

impl Waiting {
    fn tell(&self, mark: &str) {
        if let Some((_, event)) = self.places().get(mark) {
            event.notify(usize::MAX);
        }
    }

    fn tell_all(&self) {
        for (_, event) in self.places().values() {
            event.notify(usize::MAX);
        }
    }

    fn places(&self) -> MutexGuard<'_, HashMap<String, (usize, Arc<Event>)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One who waits.
struct Place<'a> {
    waiting: &'a Waiting,
    mark: String,
    event: Arc<Event>,
}

impl<'a> Place<'a> {
    fn take(waiting: &'a Waiting, mark: String) -> Self {
        let mut places = waiting.places();
        let (count, event) = places.entry(mark.clone()).or_default();
        *count += 1;
        let event = event.clone();
        drop(places);
        Self { waiting, mark, event }
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let mut places = self.waiting.places();
        if let Entry::Occupied(mut place) = places.entry(std::mem::take(&mut self.mark)) {
            place.get_mut().0 -= 1;
            if place.get().0 == 0 {
                place.remove();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_lite::FutureExt;
    use futures_lite::future::{block_on, poll_once};

    use super::*;

    #[test]
    fn who_has_gone_leaves_nothing_behind() {
        let waiting = Waiting::default();
        let one = Place::take(&waiting, "a".to_owned());
        let other = Place::take(&waiting, "a".to_owned());
        drop(one);
        assert_eq!(waiting.places().len(), 1);
        drop(other);
        assert!(waiting.places().is_empty());
    }

    #[test]
    fn only_who_waits_for_it_is_told() {
        let waiting = Waiting::default();
        let (one, other) =
            (Place::take(&waiting, "a".to_owned()), Place::take(&waiting, "b".to_owned()));
        let (mut one, mut other) = (one.event.listen(), other.event.listen());
        waiting.tell("a");
        block_on(async {
            assert!(poll_once(&mut one).await.is_some());
            assert!(poll_once(&mut other).await.is_none());
            waiting.tell_all();
            other.boxed().await;
        });
    }
}
