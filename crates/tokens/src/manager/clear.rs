//! Taking an own intent back: nobody else can, so that it is repeated until it is done.

use std::time::Duration;

use time::OffsetDateTime;

use super::in_use::InUse;
use super::refresh::Refresh;
use super::slot::Slot;
use super::timing::{backoff, time_of};
use super::{Inner, TokenManager};
use crate::error::TokenError;
use crate::store::{AttemptId, Clear, Epoch, Record, StoreError, Verdict};

/// Bounds the waits between two tries to three seconds: others take the intent for that of one who
/// died when the lease has run out.
const MOST_STRIKES: u32 = 4;

/// An intent that may be in the store, and led to nothing.
#[derive(Clone, Copy)]
pub(super) struct Uncleared {
    epoch: Epoch,
    attempt: AttemptId,
    rests_until: Option<OffsetDateTime>,
}

impl Refresh {
    /// Takes the own intent back, and has the grant rest for so long; whether the store has taken
    /// it. If not, it is repeated by a task of its own and by whoever asks next: an intent that
    /// stands would be taken for that of one who died.
    pub(super) async fn clear(
        &self,
        record: &Record,
        attempt: AttemptId,
        rests_for: Option<Duration>,
    ) -> bool {
        let inner = &self.manager.0;
        let rests_until = rests_for.and_then(|it| inner.now().checked_add(time_of(it)));
        let uncleared = Uncleared { epoch: record.epoch, attempt, rests_until };
        if uncleared.clear(inner, &self.slot).await.is_ok() {
            return true;
        }
        // Where a refresh spends nothing, intents forbid nothing.
        if inner.spends() {
            let mut work = self.slot.work();
            if work.life == self.life {
                work.intents().uncleared = Some(uncleared);
                drop(work);
                let (manager, slot) = (self.manager.clone(), self.slot.clone());
                let _ = inner.spawner.spawn(Box::pin(clear_until_done(manager, slot, attempt)));
            }
        }
        false
    }

    /// Takes back what an earlier refresh could not.
    ///
    /// # Errors
    ///
    /// The store's, as long as it fails.
    pub(super) async fn clear_former(&self) -> Result<(), TokenError> {
        let uncleared = self.slot.work().uncleared();
        if let Some(uncleared) = uncleared {
            uncleared.clear(&self.manager.0, &self.slot).await?;
            uncleared.is_cleared(&self.slot);
        }
        Ok(())
    }
}

impl Uncleared {
    async fn clear(&self, inner: &Inner, slot: &Slot) -> Result<Verdict, StoreError> {
        let left = self.rests_until.map(|it| it - inner.now());
        let clear = Clear {
            attempt: self.attempt,
            epoch: self.epoch,
            rests_for: left.and_then(|it| Duration::try_from(it).ok()),
        };
        inner.store.wait(inner.store.store.clear(&slot.key, &clear)).await
    }

    fn is_cleared(&self, slot: &Slot) {
        slot.work().intents().uncleared.take_if(|it| it.attempt == self.attempt);
    }
}

async fn clear_until_done(manager: TokenManager, slot: InUse, attempt: AttemptId) {
    let mut strikes = 0;
    loop {
        let wait = Duration::from_millis(50) + backoff(strikes.min(MOST_STRIKES));
        manager.0.timer.sleep(wait).await;
        strikes += 1;
        let uncleared = slot.work().uncleared();
        // Somebody else did it, or the intent went with its epoch.
        let Some(uncleared) = uncleared.filter(|it| it.attempt == attempt) else { return };
        if uncleared.clear(&manager.0, &slot).await.is_ok() {
            return uncleared.is_cleared(&slot);
        }
    }
}
