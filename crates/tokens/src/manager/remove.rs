//! Removing a grant: the machine, and the task that carries it out.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use countersign_core::{Client, Error, Recovery};
use futures_lite::FutureExt;

use super::close::Ongoing;
use super::engine::{Engine, GrantInUse, Swapped};
use super::payload::Tokens;
use super::single_flight::{Finisher, SingleFlight};
use super::store_clock::Reading;
use crate::error::{TokenError, TokenErrorKind};
use crate::rules::Spending;
use crate::store::{Epoch, GrantState, Record, Version};

/// The state of a removal.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Remove {
    /// Waits for the record that is there.
    Looking,
    /// Waits for the end of another process's lease, whose answer is to be the last.
    Waiting,
    /// Waits for the swap that puts the tombstone in the place of the record. Holds both.
    Swapping(Box<Record>, Box<Record>),
    /// Waits for the provider to revoke the tokens. Holds the tombstone.
    Revoking(Box<Record>),
    /// Waits for the swap that removes the tombstone.
    Purging,
    /// Waits for nothing more.
    Done,
}

/// What happened to a removal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RemoveEvent {
    /// The record was loaded, or a swap met it. The removal waits first if `waits`.
    Found {
        /// The record.
        record: Option<Record>,
        /// Whether another process is about to replace it.
        waits: bool,
    },
    /// The swap was done.
    Done,
    /// The swap was not answered.
    Unheard,
    /// The provider has revoked the tokens, or not.
    Revoked,
    /// The wait is over.
    Woken,
}

/// What a removal does next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RemoveAction {
    /// Load the record.
    Load,
    /// Wait for another process.
    Wait,
    /// Swap `expected` for `next`.
    Swap {
        /// The version to be replaced.
        expected: Version,
        /// The record to take its place. `None` to remove it.
        next: Option<Box<Record>>,
    },
    /// Repeat the last swap as it is, after a backoff.
    Repeat,
    /// Revoke the tokens of this record, which the tombstone has replaced.
    Revoke(Box<Record>),
    /// The removal is over. Holds whether there was a record.
    Finish(bool),
}

/// Ids that were not used before.
#[derive(Debug, Clone, Copy)]
pub struct RemoveInput {
    /// The epoch of the tombstone.
    pub epoch: Epoch,
    /// The version of the tombstone.
    pub version: Version,
}

impl Remove {
    /// Returns the next state and what is to be done.
    #[must_use]
    pub fn step(self, event: RemoveEvent, input: RemoveInput) -> (Self, RemoveAction) {
        match (self, event) {
            (Self::Looking | Self::Swapping(..), RemoveEvent::Found { record, waits }) => {
                let Some(record) = record else {
                    return (Self::Done, RemoveAction::Finish(false));
                };
                if waits {
                    return (Self::Waiting, RemoveAction::Wait);
                }
                // Another epoch each time: an insert may be about to replace a tombstone whose
                // write was not answered.
                let RemoveInput { epoch, version } = input;
                let tombstone = Box::new(Record::tombstone(epoch, record.generation, version));
                let (expected, next) = (record.version, Some(tombstone.clone()));
                let swapping = Self::Swapping(Box::new(record), tombstone);
                (swapping, RemoveAction::Swap { expected, next })
            }
            (Self::Waiting, RemoveEvent::Woken) => (Self::Looking, RemoveAction::Load),
            (Self::Swapping(record, tombstone), RemoveEvent::Done) => {
                (Self::Revoking(tombstone), RemoveAction::Revoke(record))
            }
            (Self::Revoking(tombstone), RemoveEvent::Revoked) => {
                let action = RemoveAction::Swap { expected: tombstone.version, next: None };
                (Self::Purging, action)
            }
            // What another process has put in its place is not to be removed.
            (Self::Purging, RemoveEvent::Done | RemoveEvent::Found { .. }) => {
                (Self::Done, RemoveAction::Finish(true))
            }
            (state, RemoveEvent::Unheard) => (state, RemoveAction::Repeat),
            (state, _) => (state, RemoveAction::Load),
        }
    }
}

/// The provider's side of a removed grant.
#[derive(Debug, Clone)]
#[non_exhaustive]
#[must_use = "a grant that was not revoked may be live at the provider"]
pub enum Removed {
    /// The provider has revoked the refresh token, or the access token if there is no other.
    Revoked,
    /// The provider has no way to revoke: the grant lives there until it ends by itself, or its
    /// user ends it. HelloSign is such a provider.
    NotRevocable,
    /// The grant may be live at the provider: revoking failed, or the revoked token may not have
    /// been the newest one. The tokens are gone from the store, so that revoking cannot be tried
    /// again. The user can end the grant at the provider.
    ///
    /// The error's kind is [`TokenErrorKind::NotRevoked`] with the provider's answer, or
    /// [`TokenErrorKind::Unreadable`] if the tokens in the store could not be read.
    MayBeLive(TokenError),
}

/// How often the provider is asked to revoke a grant, and the store to write.
const MOST_TRIES: u32 = 3;

/// Removes the grant, by a task of its own.
pub(super) async fn remove(grant: GrantInUse) -> Result<Removed, TokenError> {
    let (flight, finisher) = SingleFlight::new();
    let engine = Arc::clone(&grant.engine);
    let removal = Removal {
        _ongoing: engine.closing.begin(Some(&grant.key))?,
        engine: Arc::clone(&engine),
        incarnation: 0,
        waited: Duration::ZERO,
        is_unsaved: false,
        result: None,
        grant,
        finisher,
    };
    engine.spawn(removal.run());
    flight.outcome().await
}

/// A grant that is being removed.
struct Removal {
    _ongoing: Ongoing,
    engine: Arc<Engine>,
    grant: GrantInUse,
    incarnation: u64,
    /// How long it has waited for others.
    waited: Duration,
    /// Whether this process has newer tokens, which were not stored in time.
    is_unsaved: bool,
    result: Option<Removed>,
    finisher: Finisher<Removed>,
}

impl Removal {
    async fn run(mut self) {
        // A refresh under way is to end first: its answer would be refused, and be lost.
        let flight = self.grant.work().flight.clone();
        if let Some(flight) = flight {
            let _ = flight.outcome().await;
        }
        while self.grant.work().is_unsaved && self.wait().await {}
        self.is_unsaved = self.grant.work().is_unsaved;
        self.incarnation = self.grant.begin_incarnation();
        let outcome = self.drive().await;
        let is_gone = match &outcome {
            Ok(_) => true,
            Err(error) => error.kind() == TokenErrorKind::UnknownGrant,
        };
        if is_gone {
            self.begin_incarnation();
        }
        self.finisher.finish(outcome);
    }

    /// A caller may have read the record before it was replaced, and get it later: it is not
    /// published any more.
    fn begin_incarnation(&mut self) {
        let next = self.grant.begin_incarnation_after(self.incarnation, None);
        self.incarnation = next.unwrap_or(self.incarnation);
    }

    async fn drive(&mut self) -> Result<Removed, TokenError> {
        let (mut machine, mut action) = (Remove::Looking, RemoveAction::Load);
        let mut tries = 0;
        loop {
            let answer = match &action {
                RemoveAction::Load | RemoveAction::Repeat => self.load().await,
                RemoveAction::Wait => Ok(self.woken().await),
                RemoveAction::Swap { expected, next } => {
                    self.swap(*expected, next.as_deref()).await
                }
                RemoveAction::Revoke(record) => {
                    self.begin_incarnation();
                    self.result = self.revoked(record).await;
                    tries = 0;
                    Ok(RemoveEvent::Revoked)
                }
                RemoveAction::Finish(_) => {
                    let unknown = || TokenError::new(TokenErrorKind::UnknownGrant);
                    return self.result.take().ok_or_else(unknown);
                }
            };
            let event = match answer {
                Ok(event) => event,
                Err(error) => {
                    tries += 1;
                    if tries >= MOST_TRIES {
                        // A tombstone that stays does no harm.
                        return self.result.take().ok_or(error);
                    }
                    self.engine.sleep(self.engine.backoff(tries)).await;
                    if action == RemoveAction::Load {
                        continue;
                    }
                    RemoveEvent::Unheard
                }
            };
            let randomness = &*self.engine.randomness;
            let (epoch, version) = (Epoch::draw(randomness)?, Version::draw(randomness)?);
            let input = RemoveInput { epoch, version };
            let (next, following) = machine.step(event, input);
            machine = next;
            if following != RemoveAction::Repeat {
                action = following;
            }
        }
    }

    async fn load(&self) -> Result<RemoveEvent, TokenError> {
        let (record, reading) = self.engine.load(&self.grant.key).await?;
        Ok(self.found(record, reading))
    }

    async fn swap(
        &self,
        expected: Version,
        next: Option<&Record>,
    ) -> Result<RemoveEvent, TokenError> {
        match self.engine.swap(&self.grant.key, Some(expected), next).await? {
            Swapped::Done(_) => Ok(RemoveEvent::Done),
            Swapped::Conflict(record, reading) => Ok(self.found(record, reading)),
        }
    }

    /// Another process may be refreshing the grant: what it is about to store is to be the last.
    fn found(&self, record: Option<Record>, reading: Reading) -> RemoveEvent {
        let is_leased = record.as_ref().is_some_and(|it| it.is_leased(reading.read_at));
        RemoveEvent::Found { record, waits: is_leased && self.may_wait() }
    }

    fn may_wait(&self) -> bool {
        self.waited < self.grant.client.rules.request
    }

    async fn woken(&mut self) -> RemoveEvent {
        self.wait().await;
        RemoveEvent::Woken
    }

    /// Waits a moment for others. Returns `false` if that took as long as a request may.
    async fn wait(&mut self) -> bool {
        let may_wait = self.may_wait();
        if may_wait {
            let wait = self.engine.randomness.poll();
            self.waited += wait;
            self.engine.sleep(wait).await;
        }
        may_wait
    }

    /// Revokes the tokens of the record that the tombstone has replaced. `None` if it was a
    /// tombstone that an insert had begun with.
    async fn revoked(&self, record: &Record) -> Option<Removed> {
        let client = &self.grant.client.client;
        if record.state == GrantState::Gone && record.generation == 0 {
            return None;
        }
        if !client.can_revoke() {
            return Some(Removed::NotRevocable);
        }
        let tokens = match record.state {
            // Another process has removed the grant, and whether it revoked the tokens is unknown.
            GrantState::Gone => Err(not_revoked(None)),
            _ => self.engine.codec.read(client, &self.grant.key, record),
        };
        let tokens = match tokens {
            Ok(tokens) => tokens,
            Err(error) => return Some(Removed::MayBeLive(error)),
        };
        // A pending attempt may have received a token that nobody has stored.
        let is_spent =
            self.grant.client.rules.spending != Spending::Never && !record.attempts.is_empty();
        let mut tries = 0;
        Some(loop {
            tries += 1;
            let error = match revoke(client, &tokens).await {
                Ok(()) if is_spent || self.is_unsaved => {
                    break Removed::MayBeLive(not_revoked(None));
                }
                Ok(()) => break Removed::Revoked,
                Err(error) => error,
            };
            match error.as_ref().map(Error::recovery) {
                Some(Recovery::Retry { after })
                    if tries < MOST_TRIES
                        && after.unwrap_or_default() <= client.limits().timeout =>
                {
                    let wait = self.engine.backoff(tries).max(after.unwrap_or_default());
                    self.engine.sleep(wait).await;
                }
                _ => break Removed::MayBeLive(not_revoked(error)),
            }
        })
    }
}

/// Revokes the refresh token, with which the access tokens end (RFC 7009 section 2.1), or the
/// access token if there is no other. The error is `None` if the transport panicked.
async fn revoke(client: &Client, tokens: &Tokens) -> Result<(), Option<Error>> {
    let revoked = async {
        match tokens.main.refresh_token() {
            Some(token) => client.revoke_refresh_token(token).await,
            None => client.revoke_access_token(tokens.main.access_token()).await,
        }
    };
    match AssertUnwindSafe(revoked).catch_unwind().await {
        Ok(answer) => answer.map_err(Some),
        Err(_) => Err(None),
    }
}

fn not_revoked(error: Option<Error>) -> TokenError {
    let kind = TokenErrorKind::NotRevoked;
    match error {
        Some(error) => TokenError::of_provider(kind, error),
        None => TokenError::new(kind),
    }
}
