//! What a process does, and what it makes of what it hears: `manager/refresh.rs`,
//! `outcome.rs`, `save.rs`, `adopt.rs` and `forget.rs` of `countersign-tokens`.

use countersign_tokens::GrantState;

use crate::fleet::{Fleet, Step};
use crate::provider::Rotation;
use crate::rule::Rule;
use crate::state::{
    ATTEMPTS, As, Doing, End, Flight, Invalid, Own, Read, Request, Row, State, Token,
};

impl<const N: usize> Fleet<N> {
    /// A process without work takes something on.
    pub(crate) fn begin_work(&self, state: &mut State<N>, process: usize, step: Step) {
        let mut drawn = || {
            state.next_epoch += 1;
            state.next_epoch - 1
        };
        let doing = match step {
            Step::LoadToAdopt => {
                let epoch = drawn();
                state.left.adoptions -= 1;
                Doing::LookToAdopt { epoch }
            }
            Step::LoadToForget => {
                let tombstone = drawn();
                state.left.forgettings -= 1;
                Doing::LookToForget { tombstone }
            }
            Step::LoadToReseal => {
                state.left.reseals -= 1;
                match state.record.as_ref().and_then(read) {
                    Some(read) => Doing::Reseal { read, is_unchanged: true },
                    None => Doing::Idle,
                }
            }
            Step::TakeBack => match state.stray(process) {
                Some((epoch, attempt)) => Doing::TakeBack { epoch, attempt },
                None => Doing::Idle,
            },
            _ => match state.record.as_ref().and_then(read) {
                Some(read) => Doing::Begin { read },
                None => Doing::Idle,
            },
        };
        state.processes[process].doing = doing;
        if matches!(doing, Doing::LookToAdopt { .. } | Doing::LookToForget { .. }) {
            self.step(state, process);
        }
    }

    /// A process takes a step that is none of the store's.
    pub(crate) fn step(&self, state: &mut State<N>, process: usize) {
        let attempt = state.attempt(process);
        let doing = match state.processes[process].doing {
            Doing::Gate { read, .. } => Doing::Send { read },
            Doing::Send { read } => {
                let used = state.processes[process].used;
                state.processes[process].tried.add(used);
                let until = state.now + self.clock.map_or(0, |it| it.limit);
                state.flights.push(Flight { attempt, token: read.token, until, answer: None });
                Doing::Wait { read }
            }
            Doing::Wait { read } => {
                let Some(at) = state.flights.iter().position(|it| it.attempt == attempt) else {
                    return;
                };
                match state.flights.remove(at).answer {
                    Some(Ok(fresh)) => Doing::Save { read, fresh },
                    Some(Err(Invalid)) if self.without.lacks(Rule::ReadingAgain) => {
                        Doing::Mark { read, as_state: As::Reauthorize }
                    }
                    Some(Err(Invalid)) => Doing::Reload { read },
                    None => return,
                }
            }
            Doing::Reload { read } => match state.record.as_ref().filter(|it| is_same(it, read)) {
                Some(row) if has_others(row, attempt) => {
                    Doing::Mark { read, as_state: As::Unknown }
                }
                Some(_) => Doing::Mark { read, as_state: As::Reauthorize },
                None => return end(state, process),
            },
            Doing::LookToAdopt { epoch } => {
                let replaces = state.record.as_ref().map(|it| it.epoch);
                Doing::Adopt { epoch, replaces, is_repeated: false }
            }
            Doing::LookToForget { tombstone } => match &state.record {
                Some(row) => Doing::Forget { epoch: row.epoch, tombstone, token: row.token },
                None => Doing::Idle,
            },
            Doing::Revoke { tombstone, token } => {
                if let Some(token) = token {
                    let family = &mut state.families[usize::from(token.family)];
                    family.end.get_or_insert(End::Withdrawn);
                }
                Doing::Purge { tombstone }
            }
            other => other,
        };
        state.processes[process].doing = doing;
    }

    /// A process asks the store for a step, and hears what came of it.
    pub(crate) fn ask_store(&self, state: &mut State<N>, process: usize, request: Request) {
        let is_accepted = self.apply(state, &request);
        if is_accepted && matches!(request, Request::Begin { .. }) {
            state.keep_left(process);
        }
        let now = state.now;
        let is_stray = state.stray(process).is_some();
        let row = state.record.as_ref();
        let doing = match state.processes[process].doing {
            Doing::Begin { read } if is_accepted => {
                if self.without.lacks(Rule::IntentInTheWrite) {
                    Doing::Intend { read }
                } else {
                    Doing::Gate { read, began: now }
                }
            }
            Doing::Begin { read } => match row.filter(|it| is_same(it, read)) {
                Some(row) if row.state == GrantState::Live && !is_held(row, now) && !is_stray => {
                    Doing::Mark { read, as_state: As::Unknown }
                }
                // Somebody is at it, or has been. Nothing was written under this attempt.
                _ => Doing::Idle,
            },
            Doing::Intend { read } if is_accepted => Doing::Gate { read, began: now },
            // There is no intent to be unknown of: its author has taken it back. This one has none.
            Doing::Mark { read, as_state: As::Unknown }
                if !is_accepted
                    && row.is_some_and(|it| is_same(it, read) && it.attempts.is_empty()) =>
            {
                Doing::Idle
            }
            Doing::Save { fresh, .. } => {
                if !is_accepted {
                    drop_answer(state, fresh);
                }
                return end(state, process);
            }
            Doing::Renew { read, fresh } => Doing::Save { read, fresh },
            Doing::Adopt { epoch, is_repeated: false, .. } if !is_accepted => {
                Doing::LookToAdopt { epoch }
            }
            Doing::Forget { tombstone, token, .. } if is_accepted => {
                Doing::Revoke { tombstone, token }
            }
            Doing::Forget { tombstone, .. } if self.without.lacks(Rule::FreshTombstone) => {
                Doing::LookToForget { tombstone }
            }
            Doing::Forget { .. } => {
                state.next_epoch += 1;
                Doing::LookToForget { tombstone: state.next_epoch - 1 }
            }
            Doing::TakeBack { .. }
            | Doing::Adopt { .. }
            | Doing::Purge { .. }
            | Doing::Reseal { .. } => Doing::Idle,
            _ => return end(state, process),
        };
        state.processes[process].doing = doing;
    }

    /// A process does not hear what came of a step of the store.
    pub(crate) fn unheard(&self, state: &mut State<N>, process: usize) {
        let doing = match state.processes[process].doing {
            Doing::Begin { read } | Doing::Intend { read } => {
                if !self.without.lacks(Rule::OwnClear) && !self.without.lacks(Rule::ClearAgain) {
                    let used = state.processes[process].used;
                    state.processes[process].strays.add(used);
                }
                if self.rotation != Rotation::Never {
                    return self.take_back(state, process, read);
                }
                Doing::Gate { read, began: state.now }
            }
            // The intent has its answer.
            Doing::Reload { read } => return self.take_back(state, process, read),
            Doing::Save { read, fresh } => Doing::Renew { read, fresh },
            Doing::Renew { read, fresh } => Doing::Save { read, fresh },
            Doing::Clear { read, .. } => Doing::Clear { read, tried: true },
            Doing::Adopt { epoch, replaces, .. } => {
                Doing::Adopt { epoch, replaces, is_repeated: true }
            }
            again @ (Doing::TakeBack { .. } | Doing::Forget { .. } | Doing::Purge { .. }) => again,
            Doing::Reseal { .. } => Doing::Idle,
            _ => return end(state, process),
        };
        state.processes[process].doing = doing;
    }

    /// A step is not tried again: where intents forbid nothing a clear, and an adoption that was
    /// repeated for long enough. A tombstone is left where it is.
    pub(crate) fn give_up(&self, state: &mut State<N>, process: usize) {
        match state.processes[process].doing {
            Doing::Adopt { .. } | Doing::Purge { .. } => {
                state.processes[process].doing = Doing::Idle;
            }
            _ => end(state, process),
        }
    }

    /// Nothing was sent, for sure.
    pub(crate) fn not_sent(&self, state: &mut State<N>, process: usize) {
        if let Doing::Gate { read, .. } | Doing::Send { read, .. } = state.processes[process].doing
        {
            self.take_back(state, process, read);
        }
    }

    /// Whether the refresh token was spent is not known.
    pub(crate) fn time_out(&self, state: &mut State<N>, process: usize) {
        let Doing::Wait { read, .. } = state.processes[process].doing else { return };
        self.leave(state, process);
        let it = &mut state.processes[process];
        it.doing = match self.rotation {
            Rotation::Never => return self.take_back(state, process, read),
            // One that was left says since when the grace has run.
            Rotation::Grace(_) if it.left != Own::default() => Doing::Clear { read, tried: false },
            Rotation::Grace(_) => {
                it.left.add(it.used);
                Doing::Release { read }
            }
            Rotation::Strict => Doing::Mark { read, as_state: As::Unknown },
        };
    }

    /// A process dies, and begins anew with nothing in memory.
    pub(crate) fn crash(&self, state: &mut State<N>, process: usize) {
        state.left.crashes -= 1;
        self.leave(state, process);
        let it = &mut state.processes[process];
        (it.strays, it.left) = (Own::default(), Own::default());
        (0..=it.used).for_each(|used| it.tried.add(used));
        match state.processes[process].doing {
            Doing::LookToAdopt { .. }
            | Doing::TakeBack { .. }
            | Doing::Adopt { .. }
            | Doing::LookToForget { .. }
            | Doing::Forget { .. }
            | Doing::Revoke { .. }
            | Doing::Purge { .. }
            | Doing::Reseal { .. } => state.processes[process].doing = Doing::Idle,
            _ => end(state, process),
        }
    }

    /// The provider answers.
    pub(crate) fn provide(&self, state: &mut State<N>, attempt: u8) {
        let asked = |it: &Flight| it.attempt == attempt && it.answer.is_none();
        let Some(at) = state.flights.iter().position(asked) else { return };
        let token = state.flights[at].token;
        let family = &mut state.families[usize::from(token.family)];
        let answer = self.rotation.answer(token, family, state.now, &mut state.seen);
        let waits = |process: usize| matches!(state.processes[process].doing, Doing::Wait { .. });
        if (0..N).any(|process| waits(process) && state.attempt(process) == attempt) {
            state.flights[at] = Flight { until: 0, answer: Some(answer), ..state.flights[at] };
        } else {
            state.flights.remove(at);
        }
    }

    /// The store takes a step.
    pub(crate) fn apply(&self, state: &mut State<N>, request: &Request) -> bool {
        let before = state.record.as_ref().and_then(|row| row.token);
        let answer = self.store(state.now).apply(&mut state.record, request);
        if answer.is_written {
            let after = state.record.as_ref().and_then(|row| row.token);
            if let Some(before) = before {
                match after.filter(|it| it.family == before.family) {
                    Some(after) => state.seen.older_over_newer |= after.number < before.number,
                    None => state.families[usize::from(before.family)].is_past = true,
                }
            }
            for process in &mut state.processes {
                if let Doing::Reseal { is_unchanged, .. } = &mut process.doing {
                    *is_unchanged = false;
                }
            }
            for late in &mut state.late {
                if let Request::Reseal { is_unchanged, .. } = late {
                    *is_unchanged = false;
                }
            }
        }
        answer.is_accepted
    }

    fn take_back(&self, state: &mut State<N>, process: usize, read: Read) {
        if self.without.lacks(Rule::OwnClear) {
            return end(state, process);
        }
        state.processes[process].doing = Doing::Clear { read, tried: false };
    }

    /// Nobody waits for the answer any more. The request may be under way.
    fn leave(&self, state: &mut State<N>, process: usize) {
        let attempt = state.attempt(process);
        state.flights.retain(|it| it.attempt != attempt || it.answer.is_none());
    }
}

impl<const N: usize> State<N> {
    /// The intent that was left is one that stands.
    fn keep_left(&mut self, process: usize) {
        let left = self.processes[process].left;
        let stands = |row: &Row| {
            let own = row.attempts.iter().map(|it| it.0);
            let mut own = own.filter(|it| usize::from(it / ATTEMPTS) == process);
            own.any(|it| left.has(it % ATTEMPTS))
        };
        if !self.record.as_ref().is_some_and(stands) {
            self.processes[process].left = Own::default();
        }
    }
}

/// The attempt is over.
fn end<const N: usize>(state: &mut State<N>, process: usize) {
    state.processes[process].used += 1;
    state.processes[process].doing = Doing::Idle;
}

fn read(row: &Row) -> Option<Read> {
    let token = row.token?;
    Some(Read { epoch: row.epoch, generation: row.generation, token })
}

fn is_same(row: &Row, read: Read) -> bool {
    row.epoch == read.epoch && row.generation == read.generation
}

fn has_others(row: &Row, attempt: u8) -> bool {
    row.attempts.iter().any(|it| it.0 != attempt)
}

/// Whether somebody has a lease, or the grant rests.
fn is_held(row: &Row, now: u8) -> bool {
    let rests = row.not_before.is_some_and(|it| now < it);
    rests || row.lease.is_some_and(|it| now < it.1)
}

fn drop_answer<const N: usize>(state: &mut State<N>, fresh: Token) {
    let family = state.family(fresh);
    let is_newest = family.newest == fresh.number && family.end.is_none() && !family.is_past;
    let held = state.record.as_ref().and_then(|row| row.token);
    state.seen.newest_dropped |= is_newest && held != Some(fresh);
}
