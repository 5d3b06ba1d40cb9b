use std::time::Duration;

use super::TokenManager;
use crate::error::{TokenError, TokenErrorKind};
use crate::key::GrantKey;
use crate::store::{Epoch, Forget, Verdict};

impl TokenManager {
    /// Forgets a grant: hands nothing out any more, waits for a refresh that is under way, and
    /// deletes the record. The provider is not told: HelloSign has no way to revoke a token.
    ///
    /// Nothing that comes late brings it back. Dropping the future may leave a tombstone: call it
    /// again.
    ///
    /// # Errors
    ///
    /// [`TokenErrorKind::UnknownGrant`] when there is none; [`TokenErrorKind::Store`] when the
    /// store failed, and the grant may be there still; [`TokenErrorKind::Busy`] when it was
    /// adopted again and again meanwhile.
    pub async fn forget(&self, key: &GrantKey) -> Result<(), TokenError> {
        let slot = self.slot(key)?;
        // What is under way is to end first: its answer would be refused, and be lost.
        let flight = slot.work().flight.clone();
        if let Some(flight) = flight {
            let _ = flight.outcome().await;
        }
        slot.begin_life();
        let tombstone = Epoch::random()?;
        self.bury(key, tombstone).await?;
        let store = &self.0.store;
        store.wait(store.store.purge(key, tombstone)).await?;
        self.0.slots.pin().remove(key);
        Ok(())
    }

    /// Puts the tombstone in the place of the grant.
    async fn bury(&self, key: &GrantKey, tombstone: Epoch) -> Result<(), TokenError> {
        let store = &self.0.store;
        let mut waited = Duration::ZERO;
        loop {
            let record = store.wait(store.store.load(key)).await?;
            let Some(record) = record else {
                self.0.slots.pin().remove(key);
                return Err(TokenError::new(TokenErrorKind::UnknownGrant));
            };
            // Another process is at it: what it is about to store is to be the last.
            let limit = self.0.client.limits().timeout;
            if record.live_lease().is_some() && waited < limit {
                let wait = Duration::from_millis(fastrand::u64(50..250));
                waited += wait;
                self.0.timer.sleep(wait).await;
                continue;
            }
            let forget = Forget { epoch: record.epoch, tombstone };
            let verdict = store.wait(store.store.forget(key, &forget)).await?;
            if let Verdict::Accepted(_) = verdict {
                return Ok(());
            }
        }
    }
}
