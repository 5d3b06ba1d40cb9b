//! The rules of the refresh protocol: pure functions of a record and of the store's time.
//!
//! Each rule returns the record that is to take the place of the one it was given, or says why
//! there is none. Every process judges so, and one [`swap`](crate::GrantStore::swap) then writes
//! the outcome. After a conflict the same rule judges the record that came back. The model checker
//! (`model/`) runs these functions.

use std::time::Duration;

use crate::store::{Attempt, AttemptId, Epoch, GrantState, Payload, Record, StoreTime, Version};

/// What a refresh does to the refresh token that it sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Spending {
    /// Nothing: the refresh token stays valid.
    Never,
    /// The refresh token is valid once. Sending it again may end the grant.
    Once,
    /// A used refresh token stays valid for so long, unless the token that replaced it is used.
    Grace(Duration),
}

/// The settings that the rules depend on.
#[derive(Debug, Clone, Copy)]
pub struct Rules {
    /// What a refresh does to the refresh token.
    pub spending: Spending,
    /// How long an attempt holds its lease.
    pub lease: Duration,
    /// The time limit of a request to the provider.
    pub request: Duration,
    /// The time limit of a store operation.
    pub step: Duration,
    /// The allowance for clocks that differ and for the time between two steps.
    pub margin: Duration,
    /// How old an attempt without a lease must be for [`Rules::report`].
    pub report_after: Duration,
}

/// Bounds of the store's clock at the moment of a decision.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Now {
    /// The store's clock shows at least this. Rules reckon with this instant.
    pub earliest: StoreTime,
    /// The store's clock shows at most this. Only [`Rules::may_send`] reckons with it.
    pub latest: StoreTime,
}

/// Tokens in the form in which a record keeps them.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Contents {
    /// The payload.
    pub payload: Payload,
    /// The id of the key that seals it.
    pub key_id: Option<String>,
    /// When the access token expires.
    pub expires_at: Option<StoreTime>,
    /// When the grant is to be refreshed.
    pub due_at: Option<StoreTime>,
}

/// The refresh token that was read: which one of which grant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Origin {
    /// The epoch of the record.
    pub epoch: Epoch,
    /// Its generation.
    pub generation: u64,
}

/// Why an attempt must not begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Obstacle {
    /// The grant is not [`GrantState::Live`].
    State(GrantState),
    /// Another attempt holds the lease until this instant.
    Leased(StoreTime),
    /// The grant is not to be refreshed before this instant.
    Resting(StoreTime),
    /// An attempt without a lease may have used the refresh token.
    Unknown,
}

/// The outcome of a rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Judged {
    /// This record is to take the place of the one that was judged.
    Write(Record),
    /// There is nothing to write: what the rule is for is done already, or not needed any more.
    Nothing,
    /// The rule does not apply to this record any more: another process has moved on.
    Superseded,
}

/// The outcome of [`Rules::refused`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refused {
    /// This record marks the grant as [`GrantState::Reauthorize`].
    Mark(Record),
    /// This record has a superseded refresh token in the place of the refused one.
    Promote(Record),
    /// Another attempt is pending, whose answer may still come.
    Contested,
}

impl Contents {
    /// Returns the record of another version that has these contents.
    pub(crate) fn placed_in(self, record: Record, version: Version) -> Record {
        let Self { payload, key_id, expires_at, due_at } = self;
        Record { version, payload, key_id, expires_at, due_at, ..record }
    }
}

impl Origin {
    /// Returns the origin of the refresh token in `record`.
    #[must_use]
    pub fn of(record: &Record) -> Self {
        Self { epoch: record.epoch, generation: record.generation }
    }
}

impl Rules {
    /// Returns how long after an attempt began its request may be sent: the answer has to be stored
    /// before the lease ends.
    #[must_use]
    pub fn send_window(&self) -> Duration {
        self.lease.saturating_sub(self.request + self.step + self.margin)
    }

    /// Returns how long after an attempt began its request may still reach the provider.
    fn arrival_window(&self) -> Duration {
        self.send_window() + self.request + self.margin
    }

    /// Returns why no attempt may begin on `record`.
    #[must_use]
    pub fn obstacle(&self, record: &Record, now: Now) -> Option<Obstacle> {
        let at = now.earliest;
        if record.state != GrantState::Live {
            return Some(Obstacle::State(record.state));
        }
        if let Some(until) = record.lease_until().filter(|until| at < *until) {
            return Some(Obstacle::Leased(until));
        }
        if let Some(until) = record.retry_at.filter(|until| at < *until) {
            return Some(Obstacle::Resting(until));
        }
        (!self.may_take_over(record, at)).then_some(Obstacle::Unknown)
    }

    /// Returns whether the pending attempts of others allow another one. Their requests may have
    /// used the refresh token.
    fn may_take_over(&self, record: &Record, at: StoreTime) -> bool {
        // The grace window may have begun with the first attempt.
        let Some(first) = record.oldest_attempt_at() else { return true };
        match self.spending {
            Spending::Never => true,
            Spending::Once => false,
            // The new request has to arrive before the window ends.
            Spending::Grace(window) => {
                at.since(first) < window.saturating_sub(self.arrival_window())
            }
        }
    }

    /// Adds the attempt `id` and its lease.
    ///
    /// # Errors
    ///
    /// The [`Obstacle`] that forbids the attempt.
    pub fn begin(
        &self,
        record: &Record,
        id: AttemptId,
        now: Now,
        version: Version,
    ) -> Result<Record, Obstacle> {
        match self.obstacle(record, now) {
            Some(obstacle) => Err(obstacle),
            None => Ok(self.with_attempt(record, id, now, version)),
        }
    }

    /// Adds the attempt `id` in the place of all others, although they may have used the refresh
    /// token.
    #[must_use]
    pub fn begin_again(
        &self,
        record: &Record,
        id: AttemptId,
        now: Now,
        version: Version,
    ) -> Record {
        let record = Record { state: GrantState::Live, attempts: Vec::new(), ..record.clone() };
        self.with_attempt(&record, id, now, version)
    }

    fn with_attempt(&self, record: &Record, id: AttemptId, now: Now, version: Version) -> Record {
        let at = now.earliest;
        let mut next = Record { version, ..record.clone() };
        next.attempts.push(Attempt { id, at, lease_until: at.plus(self.lease) });
        next
    }

    /// Returns whether the request of an attempt that began at `began` may still be sent.
    #[must_use]
    pub fn may_send(&self, began: StoreTime, now: Now) -> bool {
        now.latest.since(began) <= self.send_window()
    }

    /// Stores the answer to the refresh token of `origin`. The answer is the newest there is, so
    /// neither a lease of another attempt nor a mark on the grant forbids it.
    #[must_use]
    pub fn save(
        &self,
        record: &Record,
        origin: Origin,
        id: AttemptId,
        contents: &Contents,
        now: Now,
        version: Version,
    ) -> Judged {
        if record.state == GrantState::Gone || record.epoch != origin.epoch {
            return Judged::Superseded;
        }
        if record.generation == origin.generation {
            return Judged::Write(self.renewed(
                record,
                origin.generation.saturating_add(1),
                record.has_other_attempts(id),
                contents,
                now,
                version,
            ));
        }
        let is_there = record.generation == origin.generation.saturating_add(1)
            && record.payload == contents.payload;
        if is_there { Judged::Nothing } else { Judged::Superseded }
    }

    /// Stores tokens that this process has stored before, over a record that a fail-over or a
    /// restored backup brought back.
    #[must_use]
    pub fn restore(&self, record: &Record, lost: &Record, now: Now, version: Version) -> Judged {
        if record.epoch != lost.epoch
            || record.generation >= lost.generation
            || record.state == GrantState::Gone
        {
            return Judged::Superseded;
        }
        let contents = Contents {
            payload: lost.payload.clone(),
            key_id: lost.key_id.clone(),
            expires_at: lost.expires_at,
            due_at: lost.due_at,
        };
        let is_contested = !record.attempts.is_empty();
        Judged::Write(self.renewed(record, lost.generation, is_contested, &contents, now, version))
    }

    fn renewed(
        &self,
        record: &Record,
        generation: u64,
        is_contested: bool,
        contents: &Contents,
        now: Now,
        version: Version,
    ) -> Record {
        // The requests of other attempts may still arrive. Using the new token before would end
        // the grace of theirs. Their instants are no bound: an attempt that was sent may have been
        // cleared.
        let rests = is_contested && matches!(self.spending, Spending::Grace(_));
        let retry_at = rests.then(|| now.earliest.plus(self.arrival_window()));
        let due_at = contents.due_at.map(|due_at| due_at.max(retry_at.unwrap_or(due_at)));
        let renewed = Record {
            generation,
            state: GrantState::Live,
            // Attempts were made with the former refresh token.
            attempts: Vec::new(),
            retry_at,
            ..record.clone()
        };
        Contents { due_at, ..contents.clone() }.placed_in(renewed, version)
    }

    /// Removes the attempt `id`, which used nothing, and keeps the grant from being refreshed for
    /// `rest`.
    #[must_use]
    pub fn clear(
        &self,
        record: &Record,
        epoch: Epoch,
        id: AttemptId,
        rest: Option<Duration>,
        now: Now,
        version: Version,
    ) -> Judged {
        if record.epoch != epoch || record.attempt(id).is_none() {
            return Judged::Nothing;
        }
        let mut next = Record { version, ..record.clone() };
        next.attempts.retain(|attempt| attempt.id != id);
        if next.state == GrantState::Unknown && next.attempts.is_empty() {
            next.state = GrantState::Live;
            next.due_at = Some(now.earliest);
        }
        next.retry_at = next.retry_at.max(rest.map(|rest| now.earliest.plus(rest)));
        next.due_at = next.due_at.map(|due_at| due_at.max(next.retry_at.unwrap_or(due_at)));
        Judged::Write(next)
    }

    /// Ends the lease of the attempt `id`, which may have used the refresh token. The attempt
    /// stays, so that other processes know.
    #[must_use]
    pub fn leave(
        &self,
        record: &Record,
        epoch: Epoch,
        id: AttemptId,
        now: Now,
        version: Version,
    ) -> Judged {
        let leased = |it: &&mut Attempt| it.id == id && now.earliest < it.lease_until;
        let mut next = Record { version, ..record.clone() };
        match next.attempts.iter_mut().find(leased) {
            Some(attempt) if record.epoch == epoch => attempt.lease_until = attempt.at,
            _ => return Judged::Nothing,
        }
        Judged::Write(next)
    }

    /// Judges the refusal of the refresh token of `record`: marks the grant, unless another attempt
    /// is pending or there is a superseded refresh token to try.
    #[must_use]
    pub fn refused(
        &self,
        record: &Record,
        id: AttemptId,
        promoted: Option<Contents>,
        version: Version,
    ) -> Refused {
        // The provider may have refused a token that another attempt has used.
        if record.has_other_attempts(id) && self.spending != Spending::Never {
            return Refused::Contested;
        }
        let settled = Record { version, attempts: Vec::new(), ..record.clone() };
        match promoted {
            Some(contents) => Refused::Promote(contents.placed_in(settled, version)),
            None => {
                Refused::Mark(Record { state: GrantState::Reauthorize, due_at: None, ..settled })
            }
        }
    }

    /// Marks the grant as [`GrantState::Unknown`] if an attempt without a lease has forbidden
    /// refreshes for `report_after`, so that the grant is not due any more.
    #[must_use]
    pub fn report(&self, record: &Record, now: Now, version: Version) -> Judged {
        let is_unknown = self.obstacle(record, now) == Some(Obstacle::Unknown);
        let age = record.oldest_attempt_at().map(|at| now.earliest.since(at));
        if !is_unknown || age.is_none_or(|age| age < self.report_after) {
            return Judged::Nothing;
        }
        Judged::Write(Record {
            version,
            state: GrantState::Unknown,
            due_at: None,
            ..record.clone()
        })
    }

    /// Marks the grant of a restored backup as [`GrantState::Unknown`]: its refresh token may have
    /// been used after the backup was made. Where an attempt without a lease says so already,
    /// nothing is written.
    #[must_use]
    pub fn mark_restored(&self, record: &Record, version: Version) -> Judged {
        let is_known = match self.spending {
            Spending::Never => true,
            Spending::Once => !record.attempts.is_empty(),
            Spending::Grace(_) => false,
        };
        if is_known || record.state != GrantState::Live {
            return Judged::Nothing;
        }
        let (state, due_at) = (GrantState::Unknown, None);
        Judged::Write(Record { version, state, due_at, ..record.clone() })
    }

    /// Replaces the payload by another form of the same tokens, if no attempt is pending: a write
    /// would make the late save of a process that died fail.
    #[must_use]
    pub fn reseal(
        &self,
        record: &Record,
        payload: Payload,
        key_id: Option<String>,
        version: Version,
    ) -> Judged {
        if record.state == GrantState::Gone || !record.attempts.is_empty() {
            return Judged::Nothing;
        }
        Judged::Write(Record { version, payload, key_id, ..record.clone() })
    }

    /// Shortens a lease that ends further away than a lease lasts: the store's clock was set back.
    #[must_use]
    pub fn shorten(&self, record: &Record, now: Now, version: Version) -> Judged {
        let most = now.earliest.plus(self.lease + self.margin);
        if record.lease_until().is_none_or(|until| until <= most) {
            return Judged::Nothing;
        }
        let mut next = Record { version, ..record.clone() };
        for attempt in &mut next.attempts {
            attempt.lease_until = attempt.lease_until.min(most);
        }
        Judged::Write(next)
    }
}
