//! One refresh of one grant, as a machine: events in, actions out.
//!
//! The machine decides and does nothing else: it has no I/O, no clock and no randomness. Ids and
//! instants come with the events. [`driver`](super::driver) carries the actions out, and the model
//! checker (`model/`) feeds the machine every order of events.
//!
//! ```text
//! Idle ─ Wanted ─▶ Reading ─▶ Preparing ─▶ Swapping(Begin) ─▶ Sending ─▶ Swapping(Save) ─▶ Done
//!                    ▲  ╰─▶ Resting ─╮                           ╰─▶ Swapping(Clear, Leave, Mark) ─▶ Done
//!                    ╰───────────────╯
//! ```

use std::time::Duration;

use crate::rules::{Contents, Judged, Now, Obstacle, Origin, Refused, Rules, Spending};
use crate::store::{AttemptId, GrantState, Record, StoreTime, Version};

/// The state of a refresh.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Refresh {
    /// What the machine waits for.
    pub step: Step,
    /// The attempt of this process that stands in the store since its answer was lost. Only with a
    /// grace window.
    pub left: Option<AttemptId>,
    /// The requests that were sent.
    pub requests: u32,
    /// When the machine began to wait for other processes.
    pub waits_since: Option<StoreTime>,
    /// Whether a refresh token that may have been used was sent again, as the user allowed.
    pub has_resent: bool,
    /// Whether it has stored again what the store had lost.
    pub has_restored: bool,
}

/// What a [`Refresh`] waits for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub enum Step {
    /// [`Event::Wanted`] or [`Event::Remembered`].
    #[default]
    Idle,
    /// The record.
    Reading,
    /// The permit and the id of an attempt on this record.
    Preparing(Box<Record>),
    /// The end of a lease, of a rest or of a backoff.
    Resting,
    /// The outcome of a swap.
    Swapping(Swapping),
    /// The provider's answer to the attempt.
    Sending(Attempted),
    /// Nothing more.
    Done,
}

/// Why a record is swapped.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Swapping {
    /// To begin the attempt.
    Begin(Attempted),
    /// To store the answer.
    Save(Attempted, Contents),
    /// To remove the attempt, which used nothing.
    Clear(Attempted, Option<Duration>, After),
    /// To end the lease of the attempt, which may have used the refresh token.
    Leave(Attempted, After),
    /// To mark the grant as refused.
    Mark(Attempted),
    /// To put a superseded refresh token in the place of the refused one, and to end the attempt.
    Promote(Attempted),
    /// To store again what the store has lost.
    Restore,
    /// To shorten a lease from before the store's clock was set back.
    Shorten,
}

/// An attempt, and the record that it was begun with.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Attempted {
    /// Its id.
    pub id: AttemptId,
    /// The record, as the attempt was written into it. Its refresh token is the one that is sent.
    pub begun: Box<Record>,
}

/// What follows when an attempt has been removed or left.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum After {
    /// Another try.
    Again,
    /// The end, with this failure.
    Fail(Failure),
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// A refresh is wanted, and nothing is known of the grant.
    Wanted,
    /// A refresh is wanted, and this record is known from before.
    Remembered(Found),
    /// The record was loaded.
    Loaded(Found),
    /// Loading failed.
    LoadFailed,
    /// The attempt may be made, under this id.
    Ready(AttemptId),
    /// The attempt may not be made now.
    NotReady,
    /// The swap was done.
    Done,
    /// The swap met another record.
    Conflict(Found),
    /// The swap was not answered.
    Unheard,
    /// The store refused the swap: it was not done and never will be.
    NotDone,
    /// The provider answered with tokens.
    Answered(Contents),
    /// The provider refused the refresh token. Holds the contents that begin with a superseded
    /// refresh token, if there is one.
    InvalidGrant(Option<Contents>),
    /// The request used nothing: it was not sent, or the provider did not process it.
    NotProcessed {
        /// How long the provider asked to wait.
        rest: Option<Duration>,
        /// Whether another try may follow at once.
        may_repeat: bool,
    },
    /// The request may have used the refresh token.
    NoAnswer,
    /// The rest is over, or the record has changed, or the permit took a wait.
    Woken,
}

/// A record that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// The record. `None` if there is none.
    pub record: Option<Record>,
    /// What its tokens are good for.
    pub tokens: Tokens,
}

/// What the tokens of a record are good for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Tokens {
    /// The access token serves the callers, and is not to be refreshed now.
    Fresh,
    /// They are to be refreshed.
    Due,
    /// They cannot be refreshed, or not be read.
    Useless,
    /// They are older than these, which this process has stored before.
    Lost(Box<Record>),
}

/// What is to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Load the record.
    Load,
    /// Ask for a permit, and draw the id of an attempt.
    Prepare,
    /// Swap `expected` for `next`.
    Swap {
        /// The version to be replaced.
        expected: Version,
        /// The record to take its place.
        next: Box<Record>,
    },
    /// Repeat the last swap as it is, after a backoff.
    Repeat,
    /// Send the refresh token of this record.
    Send(Box<Record>),
    /// Wait until the record changes or a moment has passed.
    AwaitChange,
    /// Wait before another try.
    BackOff,
    /// Hand these tokens out and report that they are not stored yet. Repeating goes on.
    ServeUnsaved,
    /// Keep the answer beside the tokens that superseded it.
    KeepSuperseded,
    /// Hand the new tokens out: they are stored.
    Stored,
    /// Report that the store has again what it had lost.
    Restored,
    /// Give the callers the token of the record, or this failure.
    Finish(Result<(), Failure>),
}

/// Why the callers get no new token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Failure {
    /// There is no such grant.
    NoGrant,
    /// The tokens cannot be refreshed, or not be read.
    Useless,
    /// The provider has refused the refresh token.
    Reauthorize,
    /// The refresh token may have been used.
    OutcomeUnknown,
    /// Another process holds the lease for too long.
    Busy,
    /// The grant is not to be refreshed for so long.
    Resting(Duration),
    /// The permit was not granted.
    NotReady,
    /// The provider or the way to it failed.
    Provider,
    /// The store failed.
    Store,
}

/// The settings of a [`Refresh`].
#[derive(Debug, Clone, Copy)]
pub struct Config {
    /// The rules.
    pub rules: Rules,
    /// The most requests of one refresh.
    pub most_requests: u32,
    /// How long another process may hold the lease before the refresh fails as
    /// [`Failure::Busy`].
    pub patience: Duration,
    /// The longest rest that is waited for. A longer one is a failure.
    pub longest_rest: Duration,
    /// Whether a refresh token that may have been used is sent again.
    pub resends_unknown: bool,
}

/// What comes with each event.
#[derive(Debug, Clone, Copy)]
pub struct Input {
    /// Bounds of the store's clock.
    pub now: Now,
    /// A version that was not used before.
    pub version: Version,
}

type Next = (Step, Vec<Action>);

impl Refresh {
    /// Creates a refresh that waits for its first event. `left` is that of the former refresh of
    /// the grant by this process.
    #[must_use]
    pub fn new(left: Option<AttemptId>) -> Self {
        Self { left, ..Self::default() }
    }

    /// Returns the next state and what is to be done. An event that the state does not wait for
    /// changes nothing.
    #[must_use]
    pub fn step(mut self, event: Event, input: Input, config: &Config) -> (Self, Vec<Action>) {
        let step = std::mem::replace(&mut self.step, Step::Done);
        let (step, actions) = self.next(step, event, input, config);
        (Self { step, ..self }, actions)
    }

    fn next(&mut self, step: Step, event: Event, input: Input, config: &Config) -> Next {
        match (step, event) {
            // What was read before a wait may have changed.
            (Step::Idle, Event::Wanted) | (Step::Resting | Step::Preparing(_), Event::Woken) => {
                read()
            }
            (Step::Idle, Event::Remembered(found)) | (Step::Reading, Event::Loaded(found)) => {
                self.decide(found, input, config)
            }
            (Step::Reading, Event::LoadFailed) => fail(Failure::Store),
            (Step::Preparing(record), Event::Ready(id)) => self.begin(&record, id, input, config),
            (Step::Preparing(_), Event::NotReady) => fail(Failure::NotReady),
            (Step::Sending(attempt), event) => self.answered(attempt, event, input, config),
            (Step::Swapping(swapping), event) => self.swapped(swapping, event, input, config),
            (step, _) => (step, Vec::new()),
        }
    }

    /// Judges a record that was read.
    fn decide(&mut self, found: Found, input: Input, config: &Config) -> Next {
        let Input { now, version } = input;
        let rules = &config.rules;
        let record = match found.record {
            Some(record) if record.state != GrantState::Gone => record,
            _ => return fail(Failure::NoGrant),
        };
        match &found.tokens {
            Tokens::Fresh => return (Step::Done, vec![Action::Finish(Ok(()))]),
            Tokens::Lost(lost) if !self.has_restored => {
                self.has_restored = true;
                if let Judged::Write(next) = rules.restore(&record, lost, now, version) {
                    return swap(Swapping::Restore, &record, next);
                }
            }
            Tokens::Lost(_) | Tokens::Due | Tokens::Useless => {}
        }
        match rules.obstacle(&record, now) {
            Some(Obstacle::State(GrantState::Reauthorize)) => fail(Failure::Reauthorize),
            Some(Obstacle::State(_) | Obstacle::Unknown) if !self.may_resend(config) => {
                fail(Failure::OutcomeUnknown)
            }
            Some(Obstacle::Leased(_)) => match rules.shorten(&record, now, version) {
                Judged::Write(next) => swap(Swapping::Shorten, &record, next),
                _ => self.wait(input, config),
            },
            Some(Obstacle::Resting(until)) => match until.since(now.earliest) {
                left if left > config.longest_rest => fail(Failure::Resting(left)),
                _ => self.wait(input, config),
            },
            _ if found.tokens == Tokens::Useless => fail(Failure::Useless),
            _ => (Step::Preparing(Box::new(record)), vec![Action::Prepare]),
        }
    }

    fn may_resend(&self, config: &Config) -> bool {
        config.resends_unknown && !self.has_resent
    }

    fn wait(&mut self, input: Input, config: &Config) -> Next {
        let since = *self.waits_since.get_or_insert(input.now.earliest);
        if input.now.earliest.since(since) >= config.patience {
            return fail(Failure::Busy);
        }
        (Step::Resting, vec![Action::AwaitChange])
    }

    fn begin(&mut self, record: &Record, id: AttemptId, input: Input, config: &Config) -> Next {
        let Input { now, version } = input;
        let begun = match config.rules.begin(record, id, now, version) {
            Ok(begun) => begun,
            Err(Obstacle::State(GrantState::Unknown) | Obstacle::Unknown)
                if self.may_resend(config) =>
            {
                self.has_resent = true;
                config.rules.begin_again(record, id, now, version)
            }
            Err(_) => return read(),
        };
        let attempt = Attempted { id, begun: Box::new(begun.clone()) };
        swap(Swapping::Begin(attempt), record, begun)
    }

    /// Sends the refresh token, unless the lease may end before the answer is stored.
    fn send(&mut self, attempt: Attempted, input: Input, config: &Config) -> Next {
        let own = attempt.begun.attempt(attempt.id);
        let is_open = own.is_some_and(|own| {
            input.now.earliest < own.lease_until && config.rules.may_send(own.at, input.now)
        });
        // Where a refresh spends nothing, it needs no lease.
        if !is_open && config.rules.spending != Spending::Never {
            return clear(attempt, None, None, After::Fail(Failure::Store), input, config);
        }
        self.requests += 1;
        let action = Action::Send(attempt.begun.clone());
        (Step::Sending(attempt), vec![action])
    }

    fn answered(
        &mut self,
        attempt: Attempted,
        event: Event,
        input: Input,
        config: &Config,
    ) -> Next {
        let repeats = self.requests < config.most_requests;
        let after = if repeats { After::Again } else { After::Fail(Failure::Provider) };
        match event {
            Event::Answered(contents) => save(attempt, contents, None, input, config),
            Event::InvalidGrant(promoted) => refused(attempt, promoted, input, config),
            Event::NotProcessed { rest, may_repeat: true } => {
                clear(attempt, None, rest, after, input, config)
            }
            Event::NotProcessed { rest, may_repeat: false } => {
                clear(attempt, None, rest, After::Fail(Failure::Provider), input, config)
            }
            Event::NoAnswer => match config.rules.spending {
                Spending::Never => clear(attempt, None, None, after, input, config),
                Spending::Once => {
                    leave(attempt, None, After::Fail(Failure::OutcomeUnknown), input, config)
                }
                // An earlier attempt that stands says since when the grace window may have run.
                Spending::Grace(_) if self.left.is_some_and(|it| stands(it, &attempt)) => {
                    clear(attempt, None, None, after, input, config)
                }
                Spending::Grace(_) => {
                    self.left = Some(attempt.id);
                    leave(attempt, None, after, input, config)
                }
            },
            _ => (Step::Sending(attempt), Vec::new()),
        }
    }

    fn swapped(&mut self, swapping: Swapping, event: Event, input: Input, config: &Config) -> Next {
        let never = config.rules.spending == Spending::Never;
        let event = match (&swapping, event) {
            (Swapping::Begin(_), Event::NotDone) if !never => return fail(Failure::Store),
            (_, Event::NotDone) => Event::Unheard,
            (_, event) => event,
        };
        match (swapping, event) {
            (Swapping::Begin(attempt), Event::Done) => self.send(attempt, input, config),
            (Swapping::Begin(attempt), Event::Conflict(found)) => match found.record {
                // The attempt was written, and somebody has written since.
                Some(record) if record.attempt(attempt.id).is_some() => {
                    let begun = Box::new(record);
                    self.send(Attempted { begun, ..attempt }, input, config)
                }
                // It was not written and never will be: the version that it expects is gone.
                _ => self.decide(found, input, config),
            },
            // Where a refresh spends nothing, a store that takes no writes costs requests only.
            (Swapping::Begin(attempt), Event::Unheard) if never => {
                self.send(attempt, input, config)
            }

            (Swapping::Save(..), Event::Done) => stored(),
            (Swapping::Save(attempt, contents), Event::Conflict(found)) => {
                save(attempt, contents, Some(found.record), input, config)
            }
            (save @ Swapping::Save(..), Event::Unheard) => {
                (Step::Swapping(save), vec![Action::ServeUnsaved, Action::Repeat])
            }

            (Swapping::Clear(_, _, after), Event::Done) => then(after),
            (Swapping::Clear(attempt, rest, after), Event::Conflict(found)) => {
                clear(attempt, Some(found.record), rest, after, input, config)
            }
            // Where a refresh spends nothing, an attempt that stays forbids nothing.
            (Swapping::Clear(_, _, after), Event::Unheard) if never => then(after),

            (Swapping::Leave(_, after), Event::Done) => then(after),
            (Swapping::Leave(attempt, after), Event::Conflict(found)) => {
                leave(attempt, Some(found.record), after, input, config)
            }

            (Swapping::Mark(_), Event::Done) => fail(Failure::Reauthorize),
            (Swapping::Mark(attempt), Event::Conflict(found)) => {
                self.refused_again(&attempt, found, input, config)
            }
            (mark @ Swapping::Mark(_), Event::Unheard) => repeat(mark, Failure::Reauthorize),

            (Swapping::Promote(attempt), Event::Conflict(found)) => {
                clear(attempt, Some(found.record), None, After::Again, input, config)
            }
            (Swapping::Restore, Event::Done) => {
                (Step::Reading, vec![Action::Restored, Action::Load])
            }
            (Swapping::Promote(_) | Swapping::Shorten, Event::Done) => read(),
            (Swapping::Restore | Swapping::Shorten, Event::Conflict(found)) => {
                self.decide(found, input, config)
            }
            // A late write of these does no harm.
            (Swapping::Restore | Swapping::Shorten, Event::Unheard) => fail(Failure::Store),

            // Another process takes an attempt that stays for one whose author has died.
            (swapping, Event::Unheard) => {
                let failure = match &swapping {
                    Swapping::Clear(_, _, After::Fail(it))
                    | Swapping::Leave(_, After::Fail(it)) => *it,
                    _ => Failure::Store,
                };
                repeat(swapping, failure)
            }
            (swapping, _) => (Step::Swapping(swapping), Vec::new()),
        }
    }

    /// The mark met another record: all is judged again.
    fn refused_again(
        &mut self,
        attempt: &Attempted,
        found: Found,
        input: Input,
        config: &Config,
    ) -> Next {
        let origin = Origin::of(&attempt.begun);
        match &found.record {
            Some(record) if origin == Origin::of(record) => {
                let begun = Box::new(record.clone());
                refused(Attempted { id: attempt.id, begun }, None, input, config)
            }
            // A newer refresh token is there.
            _ => self.decide(found, input, config),
        }
    }
}

impl Attempted {
    /// Returns the record to be judged: what a conflict brought, or what the attempt began with.
    fn present(&self, conflict: Option<Option<Record>>) -> Option<Record> {
        conflict.unwrap_or_else(|| Some((*self.begun).clone()))
    }
}

/// Stores the answer in the place of `present`, or of the record that the attempt began with.
fn save(
    attempt: Attempted,
    contents: Contents,
    present: Option<Option<Record>>,
    input: Input,
    config: &Config,
) -> Next {
    let Input { now, version } = input;
    let origin = Origin::of(&attempt.begun);
    let present = attempt.present(present);
    let judged =
        |record: &Record| config.rules.save(record, origin, attempt.id, &contents, now, version);
    match present.as_ref().map(|record| (record, judged(record))) {
        Some((record, Judged::Write(next))) => {
            swap(Swapping::Save(attempt, contents), record, next)
        }
        Some((_, Judged::Nothing)) => stored(),
        Some((_, Judged::Superseded)) | None => {
            (Step::Reading, vec![Action::KeepSuperseded, Action::Load])
        }
    }
}

fn clear(
    attempt: Attempted,
    present: Option<Option<Record>>,
    rest: Option<Duration>,
    after: After,
    input: Input,
    config: &Config,
) -> Next {
    let Input { now, version } = input;
    let (record, epoch) = (attempt.present(present), attempt.begun.epoch);
    let judged =
        record.as_ref().map(|it| config.rules.clear(it, epoch, attempt.id, rest, now, version));
    match (record, judged) {
        (Some(record), Some(Judged::Write(next))) => {
            swap(Swapping::Clear(attempt, rest, after), &record, next)
        }
        _ => then(after),
    }
}

fn leave(
    attempt: Attempted,
    present: Option<Option<Record>>,
    after: After,
    input: Input,
    config: &Config,
) -> Next {
    let Input { now, version } = input;
    let (record, epoch) = (attempt.present(present), attempt.begun.epoch);
    let judged = record.as_ref().map(|it| config.rules.leave(it, epoch, attempt.id, now, version));
    match (record, judged) {
        (Some(record), Some(Judged::Write(next))) => {
            swap(Swapping::Leave(attempt, after), &record, next)
        }
        _ => then(after),
    }
}

/// The provider refused the refresh token of the attempt.
fn refused(attempt: Attempted, promoted: Option<Contents>, input: Input, config: &Config) -> Next {
    let record = (*attempt.begun).clone();
    match config.rules.refused(&record, attempt.id, promoted, input.version) {
        Refused::Mark(next) => swap(Swapping::Mark(attempt), &record, next),
        Refused::Promote(next) => swap(Swapping::Promote(attempt), &record, next),
        Refused::Contested => {
            leave(attempt, None, After::Fail(Failure::OutcomeUnknown), input, config)
        }
    }
}

/// Whether the attempt `id` is pending beside `attempt`.
fn stands(id: AttemptId, attempt: &Attempted) -> bool {
    id != attempt.id && attempt.begun.attempt(id).is_some()
}

fn read() -> Next {
    (Step::Reading, vec![Action::Load])
}

fn swap(swapping: Swapping, present: &Record, next: Record) -> Next {
    let action = Action::Swap { expected: present.version, next: Box::new(next) };
    (Step::Swapping(swapping), vec![action])
}

/// Goes on with the swap, while the callers learn that it has no outcome.
fn repeat(swapping: Swapping, failure: Failure) -> Next {
    (Step::Swapping(swapping), vec![Action::Finish(Err(failure)), Action::Repeat])
}

fn stored() -> Next {
    (Step::Done, vec![Action::Stored, Action::Finish(Ok(()))])
}

fn then(after: After) -> Next {
    match after {
        After::Again => (Step::Resting, vec![Action::BackOff]),
        After::Fail(failure) => fail(failure),
    }
}

fn fail(failure: Failure) -> Next {
    (Step::Done, vec![Action::Finish(Err(failure))])
}
