use serde::{Deserialize, Serialize};

use super::{AttemptId, Epoch, Payload, StoreTime};

/// A grant as a store holds it. All but the payload is in clear.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// Which life of the grant it is.
    pub epoch: Epoch,
    /// Moves with every new token of this epoch, and with nothing else.
    pub generation: u64,
    /// Moves with every write.
    pub revision: u64,
    /// Whether it can be refreshed.
    pub state: GrantState,
    /// Who may refresh it now. It may have run out.
    pub lease: Option<Lease>,
    /// Counts the leases of this epoch: a later holder has a greater number.
    pub fence: u64,
    /// The intents to refresh this generation that nobody has taken back, the earliest first.
    pub attempts: Vec<Attempt>,
    /// The attempt that wrote this generation; none for one that was adopted.
    pub written_by: Option<AttemptId>,
    /// When its access token ends. `None` when the provider did not say.
    pub expires_at: Option<StoreTime>,
    /// When it is to be refreshed; none unless its state is [`GrantState::Live`].
    pub due_at: Option<StoreTime>,
    /// Before when it is not to be refreshed.
    pub not_before: Option<StoreTime>,
    /// The key that the payload is sealed by; none when it is not sealed.
    pub key_id: Option<String>,
    /// Its tokens.
    pub payload: Payload,
    /// The store's clock when this was read or written.
    pub read_at: StoreTime,
}

impl Record {
    /// The lease, when it has not run out.
    #[must_use]
    pub fn live_lease(&self) -> Option<Lease> {
        self.lease.filter(|lease| self.read_at < lease.until)
    }

    /// The intents of others than `attempt`.
    pub fn attempts_of_others(&self, attempt: AttemptId) -> impl Iterator<Item = &Attempt> {
        self.attempts.iter().filter(move |other| other.id != attempt)
    }
}

/// Whether a grant can be refreshed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GrantState {
    /// It can.
    Live,
    /// Its refresh token may have been spent by an attempt whose answer was lost. A late save, or
    /// the author's clear, takes that back.
    Unknown,
    /// The provider refused it: the user has to be asked again.
    Reauthorize,
    /// It was forgotten; this is its tombstone.
    Gone,
}

/// The right to refresh a grant, until it runs out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lease {
    /// The attempt that holds it.
    pub owner: AttemptId,
    /// When it runs out, by the store's clock.
    pub until: StoreTime,
}

/// An intent to spend the refresh token, written before it is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    /// Whose it is.
    pub id: AttemptId,
    /// When it was written, by the store's clock.
    pub at: StoreTime,
}
