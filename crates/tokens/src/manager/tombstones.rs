//! Tombstones stay as long as something late could bring back what they stand for, and are purged
//! then.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use time::OffsetDateTime;

use super::timing::time_of;
use super::{Inner, TokenManager};
use crate::key::GrantKey;
use crate::store::Epoch;

/// How long a tombstone stays.
pub(super) const TOMBSTONE_LIFE: Duration = Duration::from_secs(3600);

/// In how long purging one is tried again.
const AGAIN: Duration = Duration::from_secs(60);

/// Those that this process has made, the next to be purged first.
#[derive(Default)]
pub(super) struct Tombstones(Mutex<VecDeque<Tombstone>>);

struct Tombstone {
    key: GrantKey,
    epoch: Epoch,
    purge_at: OffsetDateTime,
}

impl TokenManager {
    /// Purges a tombstone at the end of its time. One that stays since this process ends before
    /// does no harm.
    pub(super) fn purge_later(&self, key: &GrantKey, epoch: Epoch) {
        let inner = &self.0;
        let purge_at = inner.now().saturating_add(time_of(TOMBSTONE_LIFE));
        let is_first = {
            let mut tombstones = inner.tombstones.locked();
            tombstones.push_back(Tombstone { key: key.clone(), epoch, purge_at });
            tombstones.len() == 1
        };
        if is_first {
            let _ = inner.spawner.spawn(Box::pin(purge_all(Arc::clone(inner))));
        }
    }
}

/// Goes on as long as there are any.
async fn purge_all(inner: Arc<Inner>) {
    loop {
        let next = inner.tombstones.locked().front().map(|it| it.purge_at - inner.now());
        let Some(left) = next else { return };
        match Duration::try_from(left).ok().filter(|left| !left.is_zero()) {
            // No longer than its life, should the clock be set back.
            Some(left) => inner.timer.sleep(left.min(TOMBSTONE_LIFE)).await,
            None => {
                let front = inner.tombstones.locked().front().map(|it| (it.key.clone(), it.epoch));
                let Some((key, epoch)) = front else { return };
                let purged = inner.store.wait(inner.store.store.purge(&key, epoch)).await;
                inner.tombstones.settle(epoch, purged.is_ok(), inner.now());
            }
        }
    }
}

impl Tombstones {
    /// Whether this epoch is that of one of them.
    pub(super) fn has(&self, epoch: Epoch) -> bool {
        self.locked().iter().any(|it| it.epoch == epoch)
    }

    /// Forgets the tombstone of this epoch, which is purged, or has it wait for another look.
    fn settle(&self, epoch: Epoch, is_purged: bool, now: OffsetDateTime) {
        let mut tombstones = self.locked();
        let place = tombstones.iter().position(|it| it.epoch == epoch);
        let settled = place.and_then(|place| tombstones.remove(place));
        if let Some(waiting) = settled.filter(|_| !is_purged) {
            let purge_at = now.saturating_add(time_of(AGAIN));
            let place = tombstones.partition_point(|it| it.purge_at <= purge_at);
            tombstones.insert(place, Tombstone { purge_at, ..waiting });
        }
    }

    fn locked(&self) -> MutexGuard<'_, VecDeque<Tombstone>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
