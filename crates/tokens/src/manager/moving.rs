//! Moving a grant to another store while it lives.
//!
//! 1. A copy is placed in the other store, with an attempt, so that nobody refreshes it there.
//! 2. A tombstone of the copy's epoch replaces the original. It expects the version that was
//!    copied, so an attempt that another process has begun meanwhile makes it fail: the tokens that
//!    are copied are the newest, and nobody refreshes them here any more.
//! 3. The attempt is removed from the copy.
//!
//! Whoever finds the tombstone of step 2 can do step 3: the epoch identifies the attempt.

use std::sync::Arc;
use std::time::Duration;

use super::close::Ongoing;
use super::engine::{Engine, GrantInUse, Swapped};
use super::payload::Tokens;
use super::single_flight::{Finisher, SingleFlight};
use super::store_clock::Reading;
use crate::error::{TokenError, TokenErrorKind};
use crate::key::GrantKey;
use crate::rules::{Judged, Obstacle, Origin, Spending};
use crate::store::{Attempt, AttemptId, Epoch, GrantState, Record, StoreError, StoreTime, Version};

/// How often each write is tried.
const MOST_TRIES: u32 = 3;

/// Moves the grant `from` to the place of `to`, by a task of its own.
pub(super) async fn move_to(from: GrantInUse, to: GrantInUse) -> Result<(), TokenError> {
    let (flight, finisher) = SingleFlight::new();
    let engine = Arc::clone(&from.engine);
    let ongoing = |it: &GrantInUse| it.engine.closing.begin(Some(&it.key));
    let _ongoing = [ongoing(&from)?, ongoing(&to)?];
    let moving = Moving { _ongoing, waited: Duration::ZERO, from, to };
    engine.spawn(moving.run(finisher));
    flight.outcome().await
}

/// A grant that is being moved.
struct Moving {
    _ongoing: [Ongoing; 2],
    from: GrantInUse,
    to: GrantInUse,
    /// How long it has waited for other processes.
    waited: Duration,
}

/// What became of the original.
enum Buried {
    Yes,
    /// Somebody has written it. It has to be copied again.
    Changed,
}

impl Moving {
    async fn run(mut self, finisher: Finisher<()>) {
        finisher.finish(self.drive().await);
    }

    async fn drive(&mut self) -> Result<(), TokenError> {
        // The answer of a refresh under way is to be the last.
        let flight = self.from.work().flight.clone();
        if let Some(flight) = flight {
            let _ = flight.outcome().await;
        }
        while self.from.work().is_unsaved {
            self.wait(TokenErrorKind::NotStored).await?;
        }
        loop {
            let (record, reading) = self.from.engine.load(&self.from.key).await?;
            let unknown = || TokenError::new(TokenErrorKind::UnknownGrant);
            let record = record.ok_or_else(unknown)?;
            if record.state == GrantState::Gone {
                // An earlier move may have come this far.
                return self.arrive(&record).await;
            }
            let now = reading.now(self.from.engine.moment());
            match self.from.client.rules.obstacle(&record, now) {
                Some(Obstacle::Leased(_)) => {
                    self.wait(TokenErrorKind::Busy).await?;
                    continue;
                }
                Some(Obstacle::State(GrantState::Reauthorize)) => {
                    return Err(TokenError::new(TokenErrorKind::Reauthorize));
                }
                Some(Obstacle::State(_) | Obstacle::Unknown) => {
                    return Err(TokenError::new(TokenErrorKind::OutcomeUnknown));
                }
                // An attempt that is left within a grace window: the next refresh settles it.
                None if is_left(&record, &self.from) => {
                    self.wait(TokenErrorKind::Busy).await?;
                    continue;
                }
                Some(Obstacle::Resting(_)) | None => {}
            }
            let (engine, client) = (&self.from.engine, &self.from.client.client);
            let tokens = engine.codec.read(client, &self.from.key, &record)?;
            let rest = record.retry_at.map(|at| at.since(now.earliest));
            let epoch = Epoch::draw(&*engine.randomness)?;
            self.place(&tokens, epoch, rest).await?;
            let tombstone =
                Record::tombstone(epoch, record.generation, Version::draw(&*engine.randomness)?);
            if let Buried::Yes = self.bury(&record, &tombstone).await? {
                return self.arrive(&tombstone).await;
            }
        }
    }

    /// Waits a moment for another process, for as long as a request may take.
    async fn wait(&mut self, kind: TokenErrorKind) -> Result<(), TokenError> {
        if self.waited >= self.from.client.rules.lease {
            return Err(TokenError::new(kind));
        }
        let wait = self.from.engine.randomness.poll();
        self.waited += wait;
        self.from.engine.sleep(wait).await;
        Ok(())
    }

    /// Writes the copy, with an attempt that keeps it from being refreshed.
    async fn place(
        &self,
        tokens: &Tokens,
        epoch: Epoch,
        rest: Option<Duration>,
    ) -> Result<(), TokenError> {
        let (engine, key) = (&self.to.engine, &self.to.key);
        let (mut present, mut reading) = engine.load(key).await?;
        loop {
            let version = Version::draw(&*engine.randomness)?;
            let Some(replaced) = present else {
                // A late write that expects nothing could bring back what was removed.
                let blank = Record::tombstone(Epoch::draw(&*engine.randomness)?, 0, version);
                (present, reading) = match engine.swap(key, None, Some(&blank)).await? {
                    Swapped::Done(reading) => (Some(blank), reading),
                    Swapped::Conflict(found, reading) => (found, reading),
                };
                continue;
            };
            let copy = self.copy(tokens, epoch, rest, version, &reading)?;
            (present, reading) = match engine.swap(key, Some(replaced.version), Some(&copy)).await?
            {
                Swapped::Done(_) => break,
                Swapped::Conflict(found, reading) => (found, reading),
            };
            if present.as_ref().is_some_and(|it| it.epoch == epoch) {
                break;
            }
        }
        self.to.begin_incarnation();
        Ok(())
    }

    fn copy(
        &self,
        tokens: &Tokens,
        epoch: Epoch,
        rest: Option<Duration>,
        version: Version,
        reading: &Reading,
    ) -> Result<Record, TokenError> {
        let (engine, client) = (&self.to.engine, &self.to.client);
        let now = reading.now(engine.moment());
        let origin = Origin { epoch, generation: 1 };
        let contents = engine.contents(client, &self.to.key, origin, tokens, (now, false))?;
        let lease_until = now.earliest.plus(client.rules.lease);
        // An attempt of long ago: no grace window allows another one while the original lives.
        let attempt = Attempt { id: attempt_of(epoch), at: StoreTime::default(), lease_until };
        let copy = Record {
            state: GrantState::Live,
            attempts: vec![attempt],
            retry_at: rest.map(|rest| now.earliest.plus(rest)),
            ..Record::tombstone(epoch, 1, version)
        };
        Ok(contents.placed_in(copy, version))
    }

    /// Puts the tombstone in the place of the original.
    async fn bury(&self, record: &Record, tombstone: &Record) -> Result<Buried, TokenError> {
        let key = &self.from.key;
        let buried = repeat(&self.from.engine, record.version, key, Some(tombstone)).await?;
        Ok(match buried {
            Swapped::Done(_) => Buried::Yes,
            // The copy has taken the place of the original: the managers share a store.
            Swapped::Conflict(Some(found), _) if found.epoch == tombstone.epoch => Buried::Yes,
            Swapped::Conflict(..) => Buried::Changed,
        })
    }

    /// Removes the attempt from the copy, and the tombstone.
    async fn arrive(&self, tombstone: &Record) -> Result<(), TokenError> {
        self.from.begin_incarnation();
        let (engine, key) = (&self.to.engine, &self.to.key);
        let (mut present, mut reading) = engine.load(key).await?;
        loop {
            let unknown = || TokenError::new(TokenErrorKind::UnknownGrant);
            let copy = present.filter(|it| it.epoch == tombstone.epoch).ok_or_else(unknown)?;
            let (now, version) =
                (reading.now(engine.moment()), Version::draw(&*engine.randomness)?);
            let id = attempt_of(copy.epoch);
            let rules = &self.to.client.rules;
            let Judged::Write(next) = rules.clear(&copy, copy.epoch, id, None, now, version) else {
                break;
            };
            match repeat(engine, copy.version, key, Some(&next)).await? {
                Swapped::Done(_) => break,
                Swapped::Conflict(found, read) => (present, reading) = (found, read),
            }
        }
        self.to.begin_incarnation();
        // A tombstone that stays does no harm.
        let _ = self.from.engine.swap(&self.from.key, Some(tombstone.version), None).await;
        Ok(())
    }
}

/// Returns whether an attempt is pending that may have used the refresh token.
fn is_left(record: &Record, grant: &GrantInUse) -> bool {
    grant.client.rules.spending != Spending::Never && !record.attempts.is_empty()
}

/// The id of the attempt that a copy of this epoch arrives with.
fn attempt_of(epoch: Epoch) -> AttemptId {
    AttemptId::from_bytes(*epoch.as_bytes())
}

/// Swaps, and repeats the swap until it is answered, up to a number of tries.
async fn repeat(
    engine: &Engine,
    expected: Version,
    key: &GrantKey,
    next: Option<&Record>,
) -> Result<Swapped, StoreError> {
    let mut tries = 0;
    loop {
        match engine.swap(key, Some(expected), next).await {
            Err(error) if tries + 1 >= MOST_TRIES => return Err(error),
            Err(_) => engine.sleep(engine.backoff(tries)).await,
            swapped => return swapped,
        }
        tries += 1;
    }
}
