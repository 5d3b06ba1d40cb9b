//! The protocol of `begin`, `save` and the rest as pure functions: what SQL and scripts say in
//! their languages is said here once in Rust.

use std::time::Duration;

use super::step::{Material, Negative, Takeover};
use super::{
    Adopt, Attempt, Begin, Clear, Due, Forget, GrantState, Lease, Mark, Payload, Record, Renew,
    Reseal, Save, StoreTime, Verdict,
};
use crate::key::GrantKey;

/// Judges the steps of one record: the place where it is kept, and the present instant by the
/// store's clock.
///
/// Every function either changes the record as its step says and accepts, or leaves it alone.
#[derive(Debug)]
pub struct Rules<'a> {
    place: &'a mut Option<Record>,
    now: StoreTime,
}

impl<'a> Rules<'a> {
    /// For the record in `place`, at `now`.
    pub fn new(place: &'a mut Option<Record>, now: StoreTime) -> Self {
        if let Some(record) = place.as_mut() {
            record.read_at = now;
        }
        Self { place, now }
    }

    /// Accepts when epoch and generation are those that were read, the state is `Live`, no other
    /// attempt holds a lease that has not run out, the grant does not rest, and no other intent
    /// on this generation forbids it ([`Takeover`]). Writes intent, lease and the next fence. An
    /// attempt that holds the lease already is accepted unchanged.
    ///
    /// A lease of another that ends further away than the one asked for, as after the store's
    /// clock was set back, is shortened to that; the step is refused all the same.
    pub fn begin(self, begin: &Begin) -> Verdict {
        let now = self.now;
        self.step(|record| {
            let is_read = record.epoch == begin.epoch && record.generation == begin.generation;
            if !is_read || record.state != GrantState::Live {
                return Change::Refused;
            }
            let lease = record.live_lease();
            let has_intent = record.attempts.iter().any(|it| it.id == begin.attempt);
            if has_intent {
                // Repeated. Without its lease it has lost the right to send.
                let holds = lease.is_some_and(|it| it.owner == begin.attempt);
                return if holds { Change::Nothing } else { Change::Refused };
            }
            let furthest = now.plus(begin.lease);
            if let Some(lease) = lease.filter(|it| furthest < it.until) {
                record.lease = Some(Lease { until: furthest, ..lease });
                return Change::Clamped;
            }
            let rests = record.not_before.is_some_and(|it| now < it);
            if lease.is_some() || rests || !begin.takeover.allows(&record.attempts, now) {
                return Change::Refused;
            }
            record.attempts.push(Attempt { id: begin.attempt, at: now });
            record.fence = record.fence.saturating_add(1);
            record.lease = Some(Lease { owner: begin.attempt, until: furthest });
            Change::Written
        })
    }

    /// Accepts when epoch and generation are those that the refresh token was read from, whoever
    /// holds the lease and whatever the grant was marked as meanwhile: a late answer is the newest
    /// there is. A save that is there already is accepted unchanged. The new tokens end no later
    /// than it says, and rest where others have left intents.
    pub fn save(self, save: &Save) -> Verdict {
        let now = self.now;
        self.step(|record| {
            if record.epoch != save.epoch || record.state == GrantState::Gone {
                return Change::Refused;
            }
            if record.written_by == Some(save.attempt) {
                return Change::Nothing;
            }
            if record.generation != save.generation {
                return Change::Refused;
            }
            let is_contested = record.attempts_of_others(save.attempt).next().is_some();
            record.generation = record.generation.saturating_add(1);
            record.state = GrantState::Live;
            record.written_by = Some(save.attempt);
            record.attempts.clear();
            release(record, save.attempt);
            place(record, &save.material, now);
            if let Some(end) = save.ends_by {
                record.expires_at = record.expires_at.map(|it| it.min(end));
                record.due_at = record.due_at.map(|it| it.min(end));
            }
            record.not_before = save.rests_for.filter(|_| is_contested).map(|it| now.plus(it));
            Change::Written
        })
    }

    /// Accepts in the epoch of the attempt: its intent goes, and its lease. A grant that was
    /// `Unknown` for this intent alone is live again, and due.
    pub fn clear(self, clear: &Clear) -> Verdict {
        let now = self.now;
        self.step(|record| {
            if record.epoch != clear.epoch {
                return Change::Refused;
            }
            let before = record.attempts.len();
            record.attempts.retain(|it| it.id != clear.attempt);
            let had_intent = record.attempts.len() < before;
            let had_lease = release(record, clear.attempt);
            if !had_intent && !had_lease {
                return Change::Nothing;
            }
            if record.state == GrantState::Unknown && record.attempts.is_empty() {
                record.state = GrantState::Live;
                record.due_at = Some(now);
            }
            let rest = clear.rests_for.map(|it| now.plus(it));
            record.not_before = record.not_before.max(rest);
            Change::Written
        })
    }

    /// Accepts when the attempt still holds a lease that has not run out.
    pub fn renew(self, renew: &Renew) -> Verdict {
        let now = self.now;
        self.step(|record| {
            let held = record.live_lease().filter(|it| it.owner == renew.attempt);
            if record.epoch != renew.epoch || held.is_none() {
                return Change::Refused;
            }
            record.lease = Some(Lease { owner: renew.attempt, until: now.plus(renew.lease) });
            Change::Written
        })
    }

    /// Accepts on the generation that it is said of, while nobody else holds a live lease; as
    /// `Reauthorize` only without an intent of anybody else, whose answer may still come, and as
    /// `Unknown` only where there is an intent. The
    /// lease goes; intents stay, so that their authors can take it back.
    pub fn mark(self, mark: &Mark) -> Verdict {
        self.step(|record| {
            if record.epoch != mark.epoch || record.generation != mark.generation {
                return Change::Refused;
            }
            if record.state == GrantState::from(mark.as_state) {
                return Change::Nothing;
            }
            let leased = record.live_lease().is_some_and(|it| it.owner != mark.attempt);
            let contested = mark.as_state == Negative::Reauthorize
                && record.attempts_of_others(mark.attempt).next().is_some();
            // What nobody has tried is not unknown, and nobody could take it back.
            let groundless = mark.as_state == Negative::Unknown && record.attempts.is_empty();
            if record.state != GrantState::Live || leased || contested || groundless {
                return Change::Refused;
            }
            record.state = mark.as_state.into();
            record.due_at = None;
            release(record, mark.attempt);
            Change::Written
        })
    }

    /// Accepts when nothing was written since the record was read. Only payload and key id change.
    pub fn reseal(self, reseal: &Reseal) -> Verdict {
        self.step(|record| {
            let is_read = record.epoch == reseal.epoch
                && record.generation == reseal.generation
                && record.revision == reseal.revision;
            if !is_read || record.state == GrantState::Gone {
                return Change::Refused;
            }
            record.payload = reseal.payload.clone();
            record.key_id.clone_from(&reseal.key_id);
            Change::Written
        })
    }

    /// Accepts when what is there is what it replaces. One that is there already is accepted
    /// unchanged, and one that was replaced meanwhile is refused.
    pub fn adopt(self, adopt: &Adopt) -> Verdict {
        let present = self.place.as_ref().map(|record| record.epoch);
        if present == Some(adopt.epoch) {
            return self.step(|_| Change::Nothing);
        }
        if present != adopt.replaces {
            return Verdict::Refused(self.place.clone());
        }
        let revision = self.place.as_ref().map_or(0, |record| record.revision);
        let mut record = Record {
            epoch: adopt.epoch,
            generation: 1,
            revision: revision.saturating_add(1),
            state: GrantState::Live,
            lease: None,
            fence: 0,
            attempts: Vec::new(),
            written_by: None,
            expires_at: None,
            due_at: None,
            not_before: None,
            key_id: None,
            payload: Payload::empty(),
            read_at: self.now,
        };
        place(&mut record, &adopt.material, self.now);
        *self.place = Some(record.clone());
        Verdict::Accepted(record)
    }

    /// Accepts when the epoch is the one that was read; the tokens go. A tombstone of this epoch
    /// is accepted unchanged.
    pub fn forget(self, forget: &Forget) -> Verdict {
        self.step(|record| {
            if record.epoch == forget.tombstone {
                return Change::Nothing;
            }
            if record.epoch != forget.epoch {
                return Change::Refused;
            }
            record.epoch = forget.tombstone;
            record.state = GrantState::Gone;
            record.lease = None;
            record.attempts.clear();
            record.written_by = None;
            (record.expires_at, record.due_at, record.not_before) = (None, None, None);
            record.key_id = None;
            record.payload = Payload::empty();
            Change::Written
        })
    }

    /// Removes the tombstone of this epoch; whether there was one.
    pub fn purge(self, tombstone: super::Epoch) -> bool {
        let is_it = |record: &Record| record.epoch == tombstone && record.state == GrantState::Gone;
        self.place.take_if(|record| is_it(record)).is_some()
    }

    /// When the record is listed as due, if it is.
    #[must_use]
    pub fn due(key: &GrantKey, record: &Record) -> Option<Due> {
        let due_at = record.due_at.filter(|_| record.state == GrantState::Live)?;
        let due_at = due_at.max(record.not_before.unwrap_or(due_at));
        Some(Due { due_at, key: key.clone() })
    }

    fn step(self, change: impl FnOnce(&mut Record) -> Change) -> Verdict {
        let Some(record) = self.place.as_mut() else {
            return Verdict::Refused(None);
        };
        let change = change(record);
        match change {
            Change::Refused => Verdict::Refused(Some(record.clone())),
            Change::Nothing => Verdict::Accepted(record.clone()),
            Change::Written | Change::Clamped => {
                record.revision = record.revision.saturating_add(1);
                let record = record.clone();
                if matches!(change, Change::Clamped) {
                    Verdict::Refused(Some(record))
                } else {
                    Verdict::Accepted(record)
                }
            }
        }
    }
}

/// What a step does to a record that is there.
enum Change {
    Refused,
    Nothing,
    Written,
    /// Refused, but a lease was shortened.
    Clamped,
}

impl Takeover {
    /// Whether intents that others have left allow another. Reckoned from the first of them: the
    /// grace window began when that was sent at the earliest.
    fn allows(self, attempts: &[Attempt], now: StoreTime) -> bool {
        let first = attempts.iter().map(|attempt| attempt.at).min();
        match (first, self) {
            (None, _) | (_, Self::Always) => true,
            (Some(_), Self::Never) => false,
            (Some(first), Self::Within(window)) => now.since(first) < window,
        }
    }
}

/// Releases the lease of this attempt; whether it had one.
fn release(record: &mut Record, attempt: super::AttemptId) -> bool {
    record.lease.take_if(|lease| lease.owner == attempt).is_some()
}

fn place(record: &mut Record, material: &Material, now: StoreTime) {
    let from_now = |duration: Option<Duration>| duration.map(|it| now.plus(it));
    record.expires_at = from_now(material.expires_in);
    record.due_at = from_now(material.due_in);
    record.not_before = None;
    record.key_id.clone_from(&material.key_id);
    record.payload = material.payload.clone();
}
