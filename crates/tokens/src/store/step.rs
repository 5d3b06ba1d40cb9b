use std::time::Duration;

use super::{AttemptId, Epoch, GrantState, Payload, Record, StoreTime};
use crate::key::GrantKey;

/// What a store says to a step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It was done, now or before: the record as it is now.
    Accepted(Record),
    /// It was not done: the record as it is, or none.
    Refused(Option<Record>),
}

impl Verdict {
    /// The record of an accepted step.
    #[must_use]
    pub fn accepted(self) -> Option<Record> {
        match self {
            Self::Accepted(record) => Some(record),
            Self::Refused(_) => None,
        }
    }

    /// Whether it was done.
    #[must_use]
    pub fn is_accepted(&self) -> bool {
        matches!(self, Self::Accepted(_))
    }
}

/// Lease, second look and intent in one: see [`Rules::begin`](super::Rules::begin).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Begin {
    /// Who begins.
    pub attempt: AttemptId,
    /// The epoch that was read.
    pub epoch: Epoch,
    /// The generation that was read.
    pub generation: u64,
    /// How long the lease lasts.
    pub lease: Duration,
    /// What is made of intents that others have left on this generation.
    pub takeover: Takeover,
}

/// What is made of an intent that somebody else has left, by how the provider rotates.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Takeover {
    /// The refresh token may have been spent: it is not sent again.
    Never,
    /// It may be sent again when the first intent is younger than this: the grace window less the
    /// time limit of a request and the margin.
    Within(Duration),
    /// A refresh does not spend it.
    Always,
}

/// What a refresh brought: see [`Rules::save`](super::Rules::save).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Save {
    /// Whose it is.
    pub attempt: AttemptId,
    /// The epoch that the refresh token was read from.
    pub epoch: Epoch,
    /// The generation that the refresh token was read from. The saved one is the next.
    pub generation: u64,
    /// The new tokens and their times.
    pub material: Material,
    /// The instant by which the new access token has ended and is due, whatever the durations say:
    /// those are too long by as much as the step comes late, as after a pause of whoever sent it.
    pub ends_by: Option<StoreTime>,
    /// For how long the new tokens are not to be refreshed where others have left intents on that
    /// generation: their requests may still arrive, within the grace of the former token, which
    /// using the new one would end.
    pub rests_for: Option<Duration>,
}

/// A new grant: see [`Rules::adopt`](super::Rules::adopt).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Adopt {
    /// Its own, new epoch.
    pub epoch: Epoch,
    /// The epoch of what it replaces; none when nothing was there.
    pub replaces: Option<Epoch>,
    /// The tokens and their times.
    pub material: Material,
}

/// Tokens, and how they stand in time. The durations are from now on, since the clock of whoever
/// stores them is not the store's: reckon them anew when a step is repeated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Material {
    /// The tokens.
    pub payload: Payload,
    /// The key that they are sealed by.
    pub key_id: Option<String>,
    /// How much longer the access token is good. `None` when the provider did not say.
    pub expires_in: Option<Duration>,
    /// In how long it is to be refreshed; `None` when it is not.
    pub due_in: Option<Duration>,
}

/// Takes an own intent back: see [`Rules::clear`](super::Rules::clear).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Clear {
    /// Whose intent.
    pub attempt: AttemptId,
    /// The epoch that it was written for.
    pub epoch: Epoch,
    /// For how long nobody is to begin again; a longer rest that is set already stays.
    pub rests_for: Option<Duration>,
}

/// Extends a lease: see [`Rules::renew`](super::Rules::renew).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Renew {
    /// Who holds it.
    pub attempt: AttemptId,
    /// The epoch that it was taken in.
    pub epoch: Epoch,
    /// How long it lasts from now.
    pub lease: Duration,
}

/// Marks a grant: see [`Rules::mark`](super::Rules::mark).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mark {
    /// Who says so.
    pub attempt: AttemptId,
    /// The epoch that it is said of.
    pub epoch: Epoch,
    /// The generation that it is said of.
    pub generation: u64,
    /// What it is.
    pub as_state: Negative,
}

/// What a grant may be marked as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Negative {
    /// [`GrantState::Unknown`].
    Unknown,
    /// [`GrantState::Reauthorize`].
    Reauthorize,
}

impl From<Negative> for GrantState {
    fn from(negative: Negative) -> Self {
        match negative {
            Negative::Unknown => Self::Unknown,
            Negative::Reauthorize => Self::Reauthorize,
        }
    }
}

/// Replaces a payload by another form of it: see [`Rules::reseal`](super::Rules::reseal).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reseal {
    /// The epoch of the record that was read.
    pub epoch: Epoch,
    /// Its generation.
    pub generation: u64,
    /// Its revision: nothing was written since.
    pub revision: u64,
    /// The other form.
    pub payload: Payload,
    /// The key that it is sealed by.
    pub key_id: Option<String>,
}

/// Leaves a tombstone: see [`Rules::forget`](super::Rules::forget).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Forget {
    /// The epoch of the grant that was read.
    pub epoch: Epoch,
    /// The tombstone's own, new epoch.
    pub tombstone: Epoch,
}

/// A grant that is to be refreshed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Due {
    /// When, by the store's clock.
    pub due_at: StoreTime,
    /// Which.
    pub key: GrantKey,
}

/// Some of the grants that are to be refreshed, the earliest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DuePage {
    /// Which, and when.
    pub grants: Vec<Due>,
    /// The store's clock when they were listed.
    pub read_at: StoreTime,
}
