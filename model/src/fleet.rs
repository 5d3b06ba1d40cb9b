use std::fmt;

use countersign_tokens::{GrantState, Takeover};
use stateright::{Model, Property};

use crate::property;
use crate::provider::Rotation;
use crate::rule::{Rule, Without};
use crate::state::{
    ATTEMPTS, Budget, Doing, EPOCHS, End, Family, Flight, Process, Read, Request, Row, Seen, State,
    Token,
};
use crate::store::{Store, ticks};

/// `N` processes that share one grant.
#[derive(Debug, Clone)]
pub struct Fleet<const N: usize> {
    /// How the provider rotates.
    pub rotation: Rotation,
    /// Whether the store has the grant at the beginning.
    pub is_there: bool,
    /// How often each process may begin.
    pub attempts: u8,
    /// What may happen.
    pub budget: Budget,
    /// The clock, where there is one: without, a lease may run out at any moment.
    pub clock: Option<Timing>,
    /// The rules that it does without.
    pub without: Without,
    /// The one property that is looked at, if it is one.
    pub only: Option<&'static str>,
}

/// Durations, in ticks.
#[derive(Debug, Clone, Copy)]
pub struct Timing {
    /// How long a lease lasts: `L`.
    pub lease: u8,
    /// The time limit of a request: `T`.
    pub limit: u8,
    /// The time limit of a save: `S`.
    pub save: u8,
    /// The margin: `m`.
    pub margin: u8,
    /// How long the run is.
    pub horizon: u8,
}

/// What happens next. Steps of a process have the names that they have in `countersign-tokens`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// A process does what it is about to do.
    Do(usize, Step),
    /// The same, and it does not hear what came of it: the request is under way for ever or for a
    /// while.
    Lose(usize, Step),
    /// A process does not try that again.
    GiveUp(usize),
    /// A process dies, and its request with it.
    Crash(usize),
    /// A process dies, and its request is under way.
    CrashSending(usize, Step),
    /// A late step reaches the store.
    Arrive(Request),
    /// A refresh token reaches the provider.
    Provide(Token, u8),
    /// The gate is closed: it took too long.
    Close(usize),
    /// The connection is not made.
    NotSent(usize),
    /// The answer takes too long.
    TimeOut(usize),
    /// The lease runs out.
    Expire,
    /// Time passes.
    Tick,
    /// The user ends this grant at the provider.
    Withdraw(u8),
}

/// A step of a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "they are what they are called in `countersign-tokens`")]
pub enum Step {
    Load,
    Begin,
    Intend,
    Gate,
    Send,
    Answer,
    Save,
    Renew,
    LoadAgain,
    Mark,
    Clear,
    TakeBack,
    Release,
    LoadToAdopt,
    Adopt,
    LoadToForget,
    Forget,
    Revoke,
    Purge,
    LoadToReseal,
    Reseal,
}

impl<const N: usize> Fleet<N> {
    /// A fleet at a strict provider, to which nothing happens. Each process begins so many times,
    /// four at most.
    #[must_use]
    pub fn new(attempts: u8) -> Self {
        Self {
            rotation: Rotation::Strict,
            is_there: true,
            attempts: attempts.min(ATTEMPTS),
            budget: Budget::default(),
            clock: None,
            without: Without::default(),
            only: None,
        }
    }

    pub(crate) fn store(&self, now: u8) -> Store {
        let timing = self.clock.unwrap_or(Timing::NONE);
        let takeover = match self.rotation {
            Rotation::Strict => Takeover::Never,
            Rotation::Never => Takeover::Always,
            Rotation::Grace(window) => {
                let is_reckless = self.without.lacks(Rule::TakeoverCountsTheGate);
                let ahead = if is_reckless { 0 } else { timing.time_to_send() };
                let used = ahead + timing.limit + timing.margin;
                Takeover::Within(ticks(window.saturating_sub(used)))
            }
        };
        let rests = self.has_grace() && !self.without.lacks(Rule::RestForIntents);
        let rest = rests.then(|| ticks(timing.time_to_arrive()));
        Store { now, lease: timing.lease, rest, takeover, without: self.without }
    }

    pub(crate) fn has_grace(&self) -> bool {
        matches!(self.rotation, Rotation::Grace(_))
    }

    /// The step that a process is about to take, and the request that it is for the store.
    fn pending(&self, state: &State<N>, process: usize) -> Option<(Step, Option<Request>)> {
        let attempt = state.attempt(process);
        let of_store = |step, request| Some((step, Some(request)));
        match state.processes[process].doing {
            Doing::Idle => None,
            Doing::Begin { read: Read { epoch, generation, .. } } => {
                of_store(Step::Begin, Request::Begin { attempt, epoch, generation })
            }
            Doing::Intend { read: Read { epoch, generation, .. } } => {
                of_store(Step::Intend, Request::Intend { attempt, epoch, generation })
            }
            Doing::Gate { .. } => Some((Step::Gate, None)),
            Doing::Send { .. } => Some((Step::Send, None)),
            Doing::Wait { .. } => Some((Step::Answer, None)),
            Doing::Save { read: Read { epoch, generation, .. }, fresh } => {
                of_store(Step::Save, Request::Save { attempt, epoch, generation, fresh })
            }
            Doing::Renew { read, .. } => of_store(
                Step::Renew,
                Request::Renew { attempt, epoch: read.epoch, is_release: false },
            ),
            Doing::Release { read } => of_store(
                Step::Release,
                Request::Renew { attempt, epoch: read.epoch, is_release: true },
            ),
            Doing::Reload { .. } => Some((Step::LoadAgain, None)),
            Doing::Mark { read: Read { epoch, generation, .. }, as_state } => {
                of_store(Step::Mark, Request::Mark { attempt, epoch, generation, as_state })
            }
            Doing::Clear { read, .. } => {
                of_store(Step::Clear, Request::Clear { attempt, epoch: read.epoch })
            }
            Doing::TakeBack { epoch, attempt } => {
                of_store(Step::TakeBack, Request::Clear { attempt, epoch })
            }
            Doing::LookToAdopt { .. } => Some((Step::LoadToAdopt, None)),
            Doing::Adopt { epoch, replaces, .. } => {
                of_store(Step::Adopt, Request::Adopt { epoch, replaces })
            }
            Doing::LookToForget { .. } => Some((Step::LoadToForget, None)),
            Doing::Forget { epoch, tombstone, .. } => {
                of_store(Step::Forget, Request::Forget { epoch, tombstone })
            }
            Doing::Revoke { .. } => Some((Step::Revoke, None)),
            Doing::Purge { tombstone } => of_store(Step::Purge, Request::Purge { tombstone }),
            Doing::Reseal { read: Read { epoch, generation, token }, is_unchanged } => {
                of_store(Step::Reseal, Request::Reseal { epoch, generation, token, is_unchanged })
            }
        }
    }

    /// What a process without work may take on.
    fn take_on(&self, state: &State<N>, process: usize, actions: &mut Vec<Action>) {
        let live = state.record.as_ref().filter(|it| it.state == GrantState::Live);
        if state.stray(process).is_some() {
            actions.push(Action::Do(process, Step::TakeBack));
        } else if live.is_some() && state.processes[process].used < self.attempts {
            actions.push(Action::Do(process, Step::Load));
        }
        if state.left.adoptions > 0 {
            actions.push(Action::Do(process, Step::LoadToAdopt));
        }
        if state.left.forgettings > 0 && state.record.is_some() {
            actions.push(Action::Do(process, Step::LoadToForget));
        }
        if state.left.reseals > 0 && state.record.as_ref().is_some_and(|it| it.token.is_some()) {
            actions.push(Action::Do(process, Step::LoadToReseal));
        }
    }

    /// What may come of the step that a process is about to take.
    fn go_on(&self, state: &State<N>, process: usize, actions: &mut Vec<Action>) {
        let Some((step, request)) = self.pending(state, process) else {
            return self.take_on(state, process, actions);
        };
        if step == Step::Purge && !self.may_purge(state) {
            actions.push(Action::GiveUp(process));
            return;
        }
        let (is_losing, is_crashing) = (state.left.losses > 0, state.left.crashes > 0);
        if is_crashing {
            actions.push(Action::Crash(process));
        }
        if request.is_some() {
            if is_losing {
                actions.push(Action::Lose(process, step));
            }
            if is_crashing {
                actions.push(Action::CrashSending(process, step));
            }
        }
        match state.processes[process].doing {
            Doing::Gate { began, .. } => {
                actions.push(Action::Close(process));
                if !self.is_open(state, process, began) {
                    return;
                }
            }
            Doing::Send { .. } if is_losing => actions.push(Action::NotSent(process)),
            Doing::Reload { .. } if is_losing => actions.push(Action::Lose(process, step)),
            Doing::Wait { .. } => {
                if is_losing {
                    actions.push(Action::TimeOut(process));
                }
                let attempt = state.attempt(process);
                let is_answered = |it: &Flight| it.attempt == attempt && it.answer.is_some();
                if !state.flights.iter().any(is_answered) {
                    return;
                }
            }
            Doing::Clear { tried: true, .. } if self.rotation == Rotation::Never => {
                actions.push(Action::GiveUp(process));
            }
            Doing::Adopt { replaces: None, is_repeated: true, .. } => {
                actions.push(Action::GiveUp(process));
            }
            _ => {}
        }
        actions.push(Action::Do(process, step));
    }

    /// Whether it is none of what has to happen.
    pub(crate) fn is_fault(&self, state: &State<N>, action: Action) -> bool {
        match action {
            Action::Do(process, step) => {
                self.pending(state, process).is_none()
                    && !matches!(step, Step::Load | Step::TakeBack)
            }
            Action::Arrive(_)
            | Action::Provide(..)
            | Action::Close(_)
            | Action::Expire
            | Action::Tick
            | Action::GiveUp(_) => false,
            _ => true,
        }
    }

    /// Whether nobody is about to adopt where nothing was.
    fn may_purge(&self, state: &State<N>) -> bool {
        let adopts = |it: &Process| matches!(it.doing, Doing::Adopt { replaces: None, .. });
        let is_late = |it: &Request| matches!(it, Request::Adopt { replaces: None, .. });
        self.without.lacks(Rule::TombstonesStay)
            || !state.processes.iter().any(adopts) && !state.late.iter().any(is_late)
    }

    /// Whether there is time enough left for the request and for storing its answer.
    fn is_open(&self, state: &State<N>, process: usize, began: u8) -> bool {
        if self.without.lacks(Rule::Gate) {
            return true;
        }
        if let Some(it) = self.clock {
            return state.now - began <= it.time_to_send();
        }
        let lease = state.record.as_ref().and_then(|row| row.lease);
        // Where refreshes spend nothing, one begins without a lease too.
        let attempt = state.attempt(process);
        self.rotation == Rotation::Never
            || lease.is_some_and(|(owner, until)| owner == attempt && state.now < until)
    }
}

impl Timing {
    /// A clock that stands still, and a lease that ends when it is made to.
    const NONE: Self = Self { lease: 1, limit: 0, save: 0, margin: 0, horizon: 0 };

    /// How long after begin the gate is open.
    fn time_to_send(self) -> u8 {
        self.lease.saturating_sub(self.limit + self.save + self.margin)
    }

    /// How long after begin a request may still arrive.
    fn time_to_arrive(self) -> u8 {
        self.time_to_send() + self.limit + self.margin
    }
}

impl<const N: usize> Model for Fleet<N> {
    type State = State<N>;
    type Action = Action;

    fn init_states(&self) -> Vec<State<N>> {
        let token = Token { family: 0, number: 0 };
        let row = Row {
            epoch: 0,
            generation: 1,
            state: GrantState::Live,
            lease: None,
            attempts: Vec::new(),
            written_by: None,
            not_before: None,
            token: Some(token),
        };
        vec![State {
            now: 0,
            record: self.is_there.then_some(row),
            processes: [Process::default(); N],
            late: Vec::new(),
            flights: Vec::new(),
            families: [Family::default(); EPOCHS],
            left: self.budget,
            next_epoch: 1,
            seen: Seen::default(),
        }]
    }

    fn actions(&self, state: &State<N>, actions: &mut Vec<Action>) {
        for process in 0..N {
            self.go_on(state, process, actions);
        }
        let is_kept = |it: &&Request| matches!(it, Request::Purge { .. }) && !self.may_purge(state);
        let late = state.late.iter().filter(|it| !is_kept(it));
        actions.extend(late.copied().map(Action::Arrive));
        let asked = state.flights.iter().filter(|it| it.answer.is_none());
        actions.extend(asked.map(|it| Action::Provide(it.token, it.attempt)));
        if state.left.withdrawals > 0 {
            let families = state.families.iter().zip(0..state.next_epoch);
            let ended = families.filter(|it| it.0.end.is_none()).map(|it| Action::Withdraw(it.1));
            actions.extend(ended);
        }
        match self.clock {
            Some(timing) => {
                // A request goes as soon as the gate is open, and arrives within its time limit:
                // so much a grace window does rest on.
                let is_urgent = |it: &Flight| it.answer.is_none() && it.until == state.now;
                let is_going = |it: &Process| matches!(it.doing, Doing::Send { .. });
                let waits =
                    !state.flights.iter().any(is_urgent) && !state.processes.iter().any(is_going);
                if state.now < timing.horizon && waits {
                    actions.push(Action::Tick);
                }
            }
            None => {
                let lease = state.record.as_ref().and_then(|it| it.lease);
                if lease.is_some_and(|it| state.now < it.1) {
                    actions.push(Action::Expire);
                }
            }
        }
    }

    fn next_state(&self, last: &State<N>, action: Action) -> Option<State<N>> {
        let mut state = last.clone();
        match action {
            Action::Do(process, step) => match self.pending(&state, process) {
                None => self.begin_work(&mut state, process, step),
                Some((_, Some(request))) => self.ask_store(&mut state, process, request),
                Some((_, None)) => self.step(&mut state, process),
            },
            Action::Lose(process, _) => {
                let (_, request) = self.pending(&state, process)?;
                state.left.losses -= 1;
                state.late.extend(request);
                self.unheard(&mut state, process);
            }
            Action::GiveUp(process) => self.give_up(&mut state, process),
            Action::Crash(process) => self.crash(&mut state, process),
            Action::CrashSending(process, _) => {
                let (_, request) = self.pending(&state, process)?;
                state.late.extend(request);
                self.crash(&mut state, process);
            }
            Action::Arrive(request) => {
                let at = state.late.iter().position(|it| *it == request)?;
                state.late.remove(at);
                self.apply(&mut state, &request);
            }
            Action::Provide(_, attempt) => self.provide(&mut state, attempt),
            Action::Close(process) => self.not_sent(&mut state, process),
            Action::NotSent(process) => {
                state.left.losses -= 1;
                self.not_sent(&mut state, process);
            }
            Action::TimeOut(process) => {
                state.left.losses -= 1;
                self.time_out(&mut state, process);
            }
            Action::Expire => {
                let now = state.now;
                state.record.as_mut()?.lease.as_mut()?.1 = now;
            }
            Action::Tick => state.now += 1,
            Action::Withdraw(family) => {
                state.left.withdrawals -= 1;
                state.families[usize::from(family)].end = Some(End::Withdrawn);
            }
        }
        state.late.sort_unstable();
        state.flights.sort_unstable();
        (state != *last).then_some(state)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        let mut properties = property::all();
        properties.retain(|it| self.only.is_none_or(|only| it.name == only));
        properties
    }
}

impl fmt::Debug for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Do(process, step) => write!(f, "{process}: {step:?}"),
            Self::Lose(process, step) => {
                write!(f, "{process}: {step:?}, of which it does not hear")
            }
            Self::GiveUp(process) => write!(f, "{process} gives that up"),
            Self::Crash(process) => write!(f, "{process} dies"),
            Self::CrashSending(process, step) => {
                write!(f, "{process} dies, its {step:?} under way")
            }
            Self::Arrive(request) => write!(f, "the store gets a late {request:?}"),
            Self::Provide(token, attempt) => write!(f, "the provider gets {token:?} of {attempt}"),
            Self::Close(process) => write!(f, "{process}: Gate is closed"),
            Self::NotSent(process) => write!(f, "{process}: Send, and no connection"),
            Self::TimeOut(process) => write!(f, "{process}: no Answer in time"),
            Self::Expire => f.write_str("the lease runs out"),
            Self::Tick => f.write_str("time passes"),
            Self::Withdraw(family) => write!(f, "the user ends grant {family} at the provider"),
        }
    }
}
