//! Storing a new grant: the machine, and the task that carries it out.

use std::sync::Arc;
use std::time::Duration;

use countersign_core::TokenSet;

use super::close::Ongoing;
use super::engine::{Engine, GrantInUse, Swapped};
use super::grant::{CachedToken, Remembered};
use super::payload::Tokens;
use super::single_flight::{Finisher, SingleFlight};
use super::store_clock::Reading;
use crate::error::{TokenError, TokenErrorKind};
use crate::event::Event;
use crate::rules::{Contents, Now, Origin};
use crate::store::{Epoch, GrantState, Record, StoreError, Version};

/// The state of an insert.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Insert {
    /// Waits for the record that is there.
    Looking,
    /// Waits for the swap that writes a tombstone where nothing is, so that there is a version to
    /// expect: a late write that expects nothing could bring back what was removed. Holds the
    /// tombstone.
    Vacating(Box<Record>),
    /// Waits for the swap that replaces the grant of the epoch `replaces`.
    Swapping {
        /// The epoch to be replaced.
        replaces: Epoch,
        /// Whether a try was not answered, so that the new grant may be there, or have been.
        is_unheard: bool,
    },
    /// Waits for nothing more.
    Done,
}

/// What happened to an insert.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum InsertEvent {
    /// The record was loaded, or a swap met it.
    Found(Option<Record>),
    /// The swap was done.
    Done,
    /// The swap was not answered.
    Unheard,
}

/// What an insert does next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum InsertAction {
    /// Load the record.
    Load,
    /// Swap `expected` for `next`.
    Swap {
        /// The version to be replaced. `None` if there must be no record.
        expected: Option<Version>,
        /// The record to take its place.
        next: Box<Record>,
    },
    /// Repeat the last swap as it is, after a backoff.
    Repeat,
    /// The insert is over.
    Finish(Inserted),
}

/// The outcome of an insert.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Inserted {
    /// The new grant is stored.
    Stored,
    /// Another process has inserted a grant since.
    Superseded,
    /// Another process has removed the grant since.
    Removed,
}

/// What comes with each event.
#[derive(Debug, Clone)]
pub struct InsertInput {
    /// The epoch of the new grant.
    pub epoch: Epoch,
    /// Its tokens.
    pub contents: Contents,
    /// A version that was not used before.
    pub version: Version,
    /// An epoch that was not used before.
    pub vacancy: Epoch,
}

impl Insert {
    /// Returns the next state and what is to be done.
    #[must_use]
    pub fn step(self, event: InsertEvent, input: InsertInput) -> (Self, InsertAction) {
        match (self, event) {
            (Self::Looking, InsertEvent::Found(record)) => Self::over(record, input),
            (Self::Vacating(tombstone), InsertEvent::Done) => Self::over(Some(*tombstone), input),
            (Self::Vacating(_), InsertEvent::Found(record)) => Self::over(record, input),
            // Another tombstone each time: a late copy of this one must not be taken for it.
            (Self::Vacating(_), InsertEvent::Unheard) => (Self::Looking, InsertAction::Load),
            (Self::Swapping { .. }, InsertEvent::Done) => finish(Inserted::Stored),
            (Self::Swapping { replaces, .. }, InsertEvent::Unheard) => {
                (Self::Swapping { replaces, is_unheard: true }, InsertAction::Repeat)
            }
            (Self::Swapping { replaces, is_unheard }, InsertEvent::Found(record)) => {
                let present = record.as_ref().map(|record| record.epoch);
                if present == Some(input.epoch) {
                    return finish(Inserted::Stored);
                }
                // A swap without an answer was not done if what it replaces is still there. Else
                // it may have been done, and been replaced since.
                if !is_unheard || present == Some(replaces) {
                    return Self::over(record, input);
                }
                let is_live = record.is_some_and(|it| it.state != GrantState::Gone);
                finish(if is_live { Inserted::Superseded } else { Inserted::Removed })
            }
            (state, _) => (state, InsertAction::Load),
        }
    }

    /// Puts the new grant in the place of `record`.
    fn over(record: Option<Record>, input: InsertInput) -> (Self, InsertAction) {
        let InsertInput { epoch, contents, version, vacancy } = input;
        let Some(record) = record else {
            let tombstone = Box::new(Record::tombstone(vacancy, 0, version));
            let next = tombstone.clone();
            return (Self::Vacating(tombstone), InsertAction::Swap { expected: None, next });
        };
        let blank = Record::tombstone(epoch, 1, version);
        let next = contents.placed_in(Record { state: GrantState::Live, ..blank }, version);
        let action = InsertAction::Swap { expected: Some(record.version), next: Box::new(next) };
        (Self::Swapping { replaces: record.epoch, is_unheard: false }, action)
    }
}

fn finish(inserted: Inserted) -> (Insert, InsertAction) {
    (Insert::Done, InsertAction::Finish(inserted))
}

/// Stores `tokens` in the place of whatever is there, by a task of its own.
pub(super) async fn insert(grant: GrantInUse, tokens: TokenSet) -> Result<(), TokenError> {
    let (flight, finisher) = SingleFlight::new();
    let engine = Arc::clone(&grant.engine);
    let insertion = Insertion {
        _ongoing: engine.closing.begin(Some(&grant.key))?,
        engine: Arc::clone(&engine),
        epoch: Epoch::draw(&*engine.randomness)?,
        incarnation: grant.begin_incarnation(),
        grant,
        tokens: tokens.into(),
        reading: None,
        own: None,
        is_unsaved: false,
        finisher,
    };
    engine.spawn(insertion.run());
    flight.outcome().await
}

/// A new grant that is being stored.
struct Insertion {
    _ongoing: Ongoing,
    engine: Arc<Engine>,
    grant: GrantInUse,
    epoch: Epoch,
    incarnation: u64,
    tokens: Tokens,
    /// The store's last answer.
    reading: Option<Reading>,
    /// The record of the new grant, as it was written or read last.
    own: Option<Remembered>,
    /// Whether the tokens serve from memory and the caller knows.
    is_unsaved: bool,
    finisher: Finisher<()>,
}

impl Insertion {
    async fn run(mut self) {
        let (mut machine, mut action) = (Insert::Looking, InsertAction::Load);
        let mut failures = 0;
        loop {
            let answer = match &action {
                InsertAction::Finish(outcome) => return self.finish(*outcome),
                InsertAction::Swap { expected, next } => self.swap(*expected, next).await,
                InsertAction::Load | InsertAction::Repeat => self.load().await,
            };
            let event = match answer {
                Ok(event) => event,
                Err(error) => {
                    let is_refusal = error.store().is_some_and(StoreError::is_refusal);
                    if !self.serve_unsaved(error) {
                        return;
                    }
                    self.back_off(&mut failures).await;
                    if action == InsertAction::Load || is_refusal {
                        continue;
                    }
                    InsertEvent::Unheard
                }
            };
            let input = loop {
                match self.input() {
                    Ok(input) => break input,
                    Err(error) if self.serve_unsaved(error.clone()) => {
                        self.back_off(&mut failures).await;
                    }

                    Err(_) => return,
                }
            };
            let (next, following) = machine.step(event, input);
            machine = next;
            if following != InsertAction::Repeat {
                action = following;
            }
        }
    }

    async fn back_off(&self, failures: &mut u32) {
        self.engine.sleep(Duration::from_millis(50) + self.engine.backoff(*failures)).await;
        *failures += 1;
    }

    async fn load(&mut self) -> Result<InsertEvent, TokenError> {
        let (record, reading) = self.engine.load(&self.grant.key).await?;
        Ok(self.found(record, reading))
    }

    async fn swap(
        &mut self,
        expected: Option<Version>,
        next: &Record,
    ) -> Result<InsertEvent, TokenError> {
        match self.engine.swap(&self.grant.key, expected, Some(next)).await? {
            Swapped::Done(reading) => {
                self.found(Some(next.clone()), reading);
                Ok(InsertEvent::Done)
            }
            Swapped::Conflict(record, reading) => Ok(self.found(record, reading)),
        }
    }

    fn found(&mut self, record: Option<Record>, reading: Reading) -> InsertEvent {
        self.reading = Some(reading);
        let own = record.clone().filter(|it| it.epoch == self.epoch);
        self.own = own.map(|record| Remembered { record, reading });
        InsertEvent::Found(record)
    }

    fn input(&self) -> Result<InsertInput, TokenError> {
        let origin = Origin { epoch: self.epoch, generation: 1 };
        let moment = self.engine.moment();
        let now = self.reading.map_or_else(Now::default, |reading| reading.now(moment));
        let (client, key) = (&self.grant.client, &self.grant.key);
        let randomness = &*self.engine.randomness;
        Ok(InsertInput {
            epoch: self.epoch,
            contents: self.engine.contents(client, key, origin, &self.tokens, (now, true))?,
            version: Version::draw(randomness)?,
            vacancy: Epoch::draw(randomness)?,
        })
    }

    /// Lets the grant serve from memory while storing it is tried again. Returns whether it is
    /// still the grant.
    fn serve_unsaved(&mut self, error: TokenError) -> bool {
        if self.is_unsaved {
            return self.grant.work().incarnation == self.incarnation;
        }
        self.is_unsaved = true;
        let error = match error.store() {
            Some(store) => TokenError::of_store(TokenErrorKind::NotStored, store.clone()),
            None => error,
        };
        let unsaved = self.grant.client.unsaved(&self.tokens.main);
        let is_current = self.begin_incarnation(Some(unsaved));
        if is_current {
            let key = self.grant.key.clone();
            self.engine.notify(&Event::NotStored { key, error: error.clone() });
        }
        self.finisher.finish(Err(error));
        is_current
    }

    /// What was read of the former grant until now is not published any more.
    fn begin_incarnation(&mut self, token: Option<CachedToken>) -> bool {
        let next = self.grant.begin_incarnation_after(self.incarnation, token);
        self.incarnation = next.unwrap_or(self.incarnation);
        next.is_some()
    }

    fn finish(mut self, outcome: Inserted) {
        let token = self.own.as_ref().map(|Remembered { record, reading }| {
            self.grant.client.cached(record, &self.tokens.main, reading)
        });
        let is_current = self.begin_incarnation(token);
        self.grant.remember(self.incarnation, self.own.take());
        let key = self.grant.key.clone();
        let unknown = || TokenError::new(TokenErrorKind::UnknownGrant);
        let is_late = !self.finisher.finish(match outcome {
            Inserted::Stored | Inserted::Superseded => Ok(()),
            Inserted::Removed => Err(unknown()),
        });
        match outcome {
            Inserted::Stored if is_late && is_current => self.engine.notify(&Event::Stored { key }),
            Inserted::Removed if is_late => {
                self.engine.notify(&Event::NotStored { key, error: unknown() });
            }
            _ => {}
        }
    }
}
