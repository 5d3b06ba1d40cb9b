//! Which process of a fleet lists the due grants: the one that holds the lease on a record of its
//! own, whose key is nobody's.

use std::time::Duration;

use super::Inner;
use crate::error::TokenError;
use crate::key::GrantKey;
use crate::store::{
    Adopt, AttemptId, Begin, Clear, Epoch, GrantState, Material, Payload, Record, Renew, Takeover,
    Verdict,
};

/// The part of one process in it.
pub(super) struct Lead {
    key: GrantKey,
    /// The lease that it holds, as far as it knows.
    held: Option<(Epoch, AttemptId)>,
}

/// Whose turn it is to list.
pub(super) enum Turn {
    Own,
    /// Another's, for so long at least.
    Others(Duration),
}

impl Lead {
    pub(super) fn new(inner: &Inner) -> Self {
        Self { key: GrantKey::of_nobody(&inner.client), held: None }
    }

    /// Renews the lease, or takes it when nobody holds it.
    pub(super) async fn turn(&mut self, inner: &Inner) -> Result<Turn, TokenError> {
        let (store, lease) = (&inner.store, inner.timing.scan_lease());
        if let Some((epoch, attempt)) = self.held {
            let renew = Renew { attempt, epoch, lease };
            if store.wait(store.store.renew(&self.key, &renew)).await?.is_accepted() {
                return Ok(Turn::Own);
            }
            self.held = None;
        }
        let Some(record) = self.record(inner).await? else { return Ok(Turn::Others(lease)) };
        let left = record.live_lease().map(|it| it.until.since(record.read_at));
        // One that ends further away is from before the clock was set back, and begin shortens it.
        if let Some(left) = left.filter(|left| *left <= lease) {
            return Ok(Turn::Others(left));
        }
        let (attempt, epoch) = (AttemptId::random()?, record.epoch);
        let (generation, takeover) = (record.generation, Takeover::Always);
        let begin = Begin { attempt, epoch, generation, lease, takeover };
        match store.wait(store.store.begin(&self.key, &begin)).await? {
            Verdict::Refused(_) => Ok(Turn::Others(lease)),
            Verdict::Accepted(row) => {
                self.held = Some((epoch, attempt));
                // Those of leaders who died, which mean nothing here and would add up.
                for dead in row.attempts_of_others(attempt) {
                    let clear = Clear { attempt: dead.id, epoch, rests_for: None };
                    let _ = store.wait(store.store.clear(&self.key, &clear)).await;
                }
                Ok(Turn::Own)
            }
        }
    }

    /// Lets another lead.
    pub(super) async fn resign(&mut self, inner: &Inner) {
        if let Some((epoch, attempt)) = self.held.take() {
            let clear = Clear { attempt, epoch, rests_for: None };
            let _ = inner.store.wait(inner.store.store.clear(&self.key, &clear)).await;
        }
    }

    /// The record, which the first of all processes makes.
    async fn record(&self, inner: &Inner) -> Result<Option<Record>, TokenError> {
        let store = &inner.store;
        let present = store.wait(store.store.load(&self.key)).await?;
        let replaces = match present {
            Some(record) if record.state == GrantState::Live => return Ok(Some(record)),
            other => other.map(|record| record.epoch),
        };
        let material =
            Material { payload: Payload::empty(), key_id: None, expires_in: None, due_in: None };
        let adopt = Adopt { epoch: Epoch::random()?, replaces, material };
        Ok(match store.wait(store.store.adopt(&self.key, &adopt)).await? {
            Verdict::Accepted(record) => Some(record),
            Verdict::Refused(record) => record.filter(|it| it.state == GrantState::Live),
        })
    }
}
