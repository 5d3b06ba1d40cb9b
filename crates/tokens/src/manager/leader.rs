//! The election of the process that schedules the refreshes of a client's grants: the one that
//! holds the lease in the record of the client's reserved key.

use std::sync::Arc;
use std::time::Duration;

use super::engine::{Engine, Registered, Swapped};
use super::store_clock::Reading;
use crate::error::TokenError;
use crate::store::{Attempt, AttemptId, Epoch, GrantState, Record, StoreTime, Version};

/// The part of this process in the election for one client.
pub(super) struct Leader {
    pub(super) client: Arc<Registered>,
    id: AttemptId,
    /// The record with the lease of this process, as it wrote it last.
    held: Option<(Record, Reading)>,
}

/// Which process leads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Turn {
    Own,
    /// Another one, for so long at least.
    Others(Duration),
}

impl Leader {
    pub(super) fn new(engine: &Engine, client: Arc<Registered>) -> Result<Self, TokenError> {
        Ok(Self { client, id: AttemptId::draw(&*engine.randomness)?, held: None })
    }

    /// Renews the lease, or takes it if no other process holds it.
    pub(super) async fn turn(&mut self, engine: &Engine) -> Result<Turn, TokenError> {
        let lease = engine.timing.scan_lease();
        let (mut present, mut reading) = match self.held.take() {
            Some((record, reading)) => (Some(record), reading),
            None => engine.load(&self.client.key).await?,
        };
        loop {
            let now = reading.now(engine.moment()).earliest;
            let left = present.as_ref().and_then(|record| self.left_of_others(record, now));
            // A lease that ends further away is from before the store's clock was set back.
            if let Some(left) = left.filter(|left| *left <= lease) {
                return Ok(Turn::Others(left));
            }
            let attempt = Attempt { id: self.id, at: now, lease_until: now.plus(lease) };
            let next = self.record(engine, present.as_ref(), vec![attempt])?;
            let expected = present.as_ref().map(|record| record.version);
            match engine.swap(&self.client.key, expected, Some(&next)).await? {
                Swapped::Done(reading) => {
                    self.held = Some((next, reading));
                    return Ok(Turn::Own);
                }
                Swapped::Conflict(record, read) => (present, reading) = (record, read),
            }
        }
    }

    /// Returns whether this process held the lease at its last turn.
    pub(super) fn leads(&self) -> bool {
        self.held.is_some()
    }

    /// Ends the lease, so that another process can lead at once.
    pub(super) async fn resign(&mut self, engine: &Engine) {
        if let Some((record, _)) = self.held.take()
            && let Ok(next) = self.record(engine, Some(&record), Vec::new())
        {
            let _ = engine.swap(&self.client.key, Some(record.version), Some(&next)).await;
        }
    }

    fn left_of_others(&self, record: &Record, now: StoreTime) -> Option<Duration> {
        let others = record.attempts.iter().filter(|attempt| attempt.id != self.id);
        let until = others.map(|attempt| attempt.lease_until).max()?;
        Some(until.since(now)).filter(|left| !left.is_zero())
    }

    /// The record has neither a payload nor a time at which it is due.
    fn record(
        &self,
        engine: &Engine,
        former: Option<&Record>,
        attempts: Vec<Attempt>,
    ) -> Result<Record, TokenError> {
        let randomness = &*engine.randomness;
        let epoch = former.map_or_else(|| Epoch::draw(randomness), |record| Ok(record.epoch))?;
        let blank = Record::tombstone(epoch, 1, Version::draw(randomness)?);
        Ok(Record { state: GrantState::Live, attempts, ..blank })
    }
}
