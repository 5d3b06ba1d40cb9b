//! What a store has lost, as in a fail-over, is offered to it again by the process that wrote it.

use countersign_core::TokenSet;

use super::refresh::Refresh;
use super::save::ends_by;
use super::slot::Slot;
use super::{Inner, material};
use crate::error::TokenError;
use crate::event::Event;
use crate::store::{AttemptId, Epoch, GrantState, Record, Save};

/// The newest tokens that this process has stored.
pub(super) struct Held {
    epoch: Epoch,
    generation: u64,
    attempt: AttemptId,
    tokens: TokenSet,
}

impl Inner {
    /// Remembers tokens that were stored as this record, where the ones before are of no use any
    /// more.
    pub(super) fn hold(
        &self,
        slot: &Slot,
        life: u64,
        row: &Record,
        attempt: AttemptId,
        tokens: &TokenSet,
    ) {
        let mut work = slot.work();
        if work.life == life && self.spends() {
            let (epoch, generation) = (row.epoch, row.generation);
            work.held = Some(Box::new(Held { epoch, generation, attempt, tokens: tokens.clone() }));
        }
    }
}

impl Refresh {
    /// Stores again what this process has stored already, when the record is from before that and
    /// its tokens are older. Whether it is, and is to be read again.
    pub(super) async fn offer_again(&self, record: &Record) -> Result<bool, TokenError> {
        let inner = &self.manager.0;
        let (save, tokens) = {
            let mut work = self.slot.work();
            if work.life != self.life {
                // What is held is of the life that came after.
                return Ok(false);
            }
            let Some(held) = &work.held else { return Ok(false) };
            if held.epoch != record.epoch || held.generation < record.generation {
                work.held = None;
                return Ok(false);
            }
            if held.generation == record.generation || record.state == GrantState::Gone {
                return Ok(false);
            }
            // Generations tell which tokens are later only as long as the store does not go back:
            // of several who offer theirs, each counts on from where it went.
            let present = material::read(&inner.client, record).map(|kept| kept.tokens);
            if present.is_ok_and(|it| held.tokens.requested_at() <= it.requested_at()) {
                work.held = None;
                return Ok(false);
            }
            let material = inner.material(&held.tokens, false)?;
            let (epoch, generation) = (record.epoch, record.generation);
            let ends_by = ends_by(record, inner.now(), &held.tokens);
            let (attempt, rests_for) = (held.attempt, inner.contested_rest());
            let save = Save { attempt, epoch, generation, material, ends_by, rests_for };
            (save, held.tokens.clone())
        };
        let saved = inner.store.wait(inner.store.store.save(&self.slot.key, &save)).await?;
        if let Some(row) = saved.accepted() {
            inner.hold(&self.slot, self.life, &row, save.attempt, &tokens);
            inner.tell(&Event::Stored { key: self.slot.key.clone() });
        }
        Ok(true)
    }
}
