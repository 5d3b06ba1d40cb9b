//! Begins of which the store has said nothing: one may still reach it, after the clear that was to
//! take it back, and would be taken for that of somebody who died.

use std::time::Duration;

use super::TokenManager;
use super::in_use::InUse;
use super::refresh::Refresh;
use super::slot::Slot;
use crate::error::TokenError;
use crate::store::{AttemptId, Clear, Epoch, Record, StoreError, StoreErrorKind, Verdict};

/// Those of one generation: with the next one none is accepted any more.
pub(super) struct Strays {
    epoch: Epoch,
    generation: u64,
    attempts: Vec<AttemptId>,
}

/// In a long outage each failure makes one, and those that are this many failures old have arrived.
const MOST_STRAYS: usize = 16;

/// The wait before the first look, which doubles.
const FIRST_LOOK: Duration = Duration::from_secs(1);

impl Strays {
    fn of(record: &Record) -> Self {
        Self { epoch: record.epoch, generation: record.generation, attempts: Vec::new() }
    }

    fn may_reach(&self, record: &Record) -> bool {
        self.epoch == record.epoch && self.generation >= record.generation
    }

    fn push(&mut self, attempt: AttemptId) {
        if self.attempts.len() == MOST_STRAYS {
            self.attempts.remove(0);
        }
        self.attempts.push(attempt);
    }
}

impl Refresh {
    /// Remembers a begin that failed so, and looks after it for as long as its lease would last,
    /// before others take it for that of somebody who died.
    pub(super) fn remember_stray(&self, record: &Record, attempt: AttemptId, error: &StoreError) {
        let mut work = self.slot.work();
        if work.life != self.life {
            return;
        }
        let strays = &mut work.intents().strays;
        strays.take_if(|it| it.epoch != record.epoch || it.generation != record.generation);
        strays.get_or_insert_with(|| Strays::of(record)).push(attempt);
        drop(work);
        // Nothing is late that was refused for want of room or permission.
        if matches!(error.kind(), StoreErrorKind::Full | StoreErrorKind::ReadOnly) {
            return;
        }
        let (manager, slot) = (self.manager.clone(), self.slot.clone());
        let of = (record.epoch, record.generation);
        let _ = self.manager.0.spawner.spawn(Box::pin(look_after(manager, slot, of, attempt)));
    }

    /// Takes back the own ones that have reached the store; whether there were any, so that the
    /// record has changed.
    ///
    /// # Errors
    ///
    /// The store's.
    pub(super) async fn take_strays_back(&self, row: &Record) -> Result<bool, TokenError> {
        let arrived: Vec<_> = {
            let mut work = self.slot.work();
            if work.strays().is_none() {
                return Ok(false);
            }
            if work.life == self.life {
                work.intents().strays.take_if(|it| !it.may_reach(row));
            }
            let Some(strays) = work.strays() else { return Ok(false) };
            let attempts = row.attempts.iter().map(|it| it.id);
            attempts.filter(|it| strays.attempts.contains(it)).collect()
        };
        let store = &self.manager.0.store;
        for attempt in &arrived {
            let clear = Clear { attempt: *attempt, epoch: row.epoch, rests_for: None };
            store.wait(store.store.clear(&self.slot.key, &clear)).await?;
        }
        Ok(!arrived.is_empty())
    }
}

async fn look_after(
    manager: TokenManager,
    slot: InUse,
    (epoch, generation): (Epoch, u64),
    attempt: AttemptId,
) {
    let inner = &manager.0;
    let clear = Clear { attempt, epoch, rests_for: None };
    let (mut wait, mut waited) = (FIRST_LOOK, Duration::ZERO);
    while waited < inner.timing.lease {
        inner.timer.sleep(wait).await;
        waited += wait;
        wait *= 2;
        if !slot.is_stray(attempt) {
            return;
        }
        // Without an answer it is done at the next look, or by whoever finds it.
        match inner.store.wait(inner.store.store.clear(&slot.key, &clear)).await {
            Ok(Verdict::Accepted(row)) if row.generation == generation => {}
            Ok(_) => return,
            Err(_) => {}
        }
    }
}

impl Slot {
    /// Whether the begin of this attempt may still reach the store.
    fn is_stray(&self, attempt: AttemptId) -> bool {
        self.work().strays().is_some_and(|it| it.attempts.contains(&attempt))
    }
}
