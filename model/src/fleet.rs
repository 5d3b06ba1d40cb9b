use std::fmt;
use std::time::Duration;

use countersign_tokens::protocol::{Config, Judged, Now, Obstacle, Rules, Spending};
use countersign_tokens::{AttemptId, GrantState, Record};
use stateright::{Model, Property};

use crate::names;
use crate::process::Outcome;
use crate::property;
use crate::state::{
    ATTEMPTS, Budget, End, Family, Flight, Process, Seen, State, Swap, Token, What, epoch, owner,
    time, version,
};

/// Processes that share one grant.
#[derive(Debug, Clone)]
pub struct Fleet {
    /// How many processes there are.
    pub processes: usize,
    /// The engine's rules. The provider rotates refresh tokens as they expect. A tick of the clock
    /// is a millisecond.
    pub rules: Rules,
    /// How many ticks a run has. `None` if there is no clock: a lease may end at any moment.
    pub ticks: Option<u8>,
    /// Whether the store has the grant at the beginning.
    pub is_there: bool,
    /// How many attempts each process may make.
    pub attempts: u8,
    /// What may happen.
    pub budget: Budget,
    /// By how many ticks the estimate of the store's clock may be wrong when a refresh begins from
    /// memory. Empty if none does.
    pub memory: &'static [i8],
    /// Whether a process may report an outcome that is unknown.
    pub reports: bool,
    /// Whether one state stands for all that differ in the order of the processes alone.
    pub is_symmetric: bool,
    /// Whether one state stands for all that have the same future. Without, only tiny fleets can be
    /// checked.
    pub is_merged: bool,
    /// The only property to check, or `None` for all.
    pub only: Option<&'static str>,
}

/// What happens next.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// A process takes its next step.
    Do(usize, What),
    /// A process makes a swap and gets no answer. The swap is done, done later, or never.
    Lose(usize, What),
    /// A process dies. Its swap is lost, or on its way.
    Crash(usize, Option<What>),
    /// The store carries out a late swap, which has this place in [`State::late`].
    Arrive(usize, What),
    /// A refresh token reaches the provider.
    Provide(Token, AttemptId),
    /// The lease ends.
    Expire,
    /// Time passes.
    Tick,
    /// The user ends the grant of this family at the provider.
    Withdraw(usize),
}

/// Rules for a strict provider, without a clock.
const RULES: Rules = Rules {
    spending: Spending::Once,
    lease: Duration::from_millis(1),
    request: Duration::ZERO,
    step: Duration::ZERO,
    margin: Duration::ZERO,
    report_after: Duration::ZERO,
};

impl Fleet {
    /// Creates two processes at a strict provider, to which nothing happens, and which make so many
    /// attempts each: four at most.
    #[must_use]
    pub fn new(attempts: u8) -> Self {
        Self {
            processes: 2,
            rules: RULES,
            ticks: None,
            is_there: true,
            attempts: attempts.min(ATTEMPTS),
            budget: Budget::default(),
            memory: &[],
            reports: false,
            is_symmetric: false,
            is_merged: true,
            only: None,
        }
    }

    pub(crate) fn config(&self) -> Config {
        Config {
            rules: self.rules,
            most_requests: 1,
            patience: Duration::ZERO,
            longest_rest: Duration::ZERO,
            resends_unknown: false,
        }
    }

    /// Returns whether the rules say of the record that the outcome of an attempt is unknown.
    pub(crate) fn is_unknown(&self, record: &Record, now: Now) -> bool {
        record.state == GrantState::Unknown
            || self.rules.obstacle(record, now) == Some(Obstacle::Unknown)
    }

    /// What a process without work may take on.
    fn offers(&self, state: &State, process: usize, actions: &mut Vec<Action>) {
        let mut offer = |what| actions.push(Action::Do(process, what));
        let it = &state.processes[process];
        if state.left.inserts > 0 {
            offer(What::Insert);
        }
        let Some(record) = &state.record else { return };
        if record.state == GrantState::Live && it.used < self.attempts {
            offer(What::Refresh);
            if it.remembers {
                self.memory.iter().for_each(|error| offer(What::RefreshFromMemory(*error)));
            }
        }
        let report = || self.rules.report(record, state.clock(), record.version);
        if self.reports && matches!(report(), Judged::Write(_)) {
            offer(What::Report);
        }
        if state.left.removals > 0 {
            offer(What::Remove);
        }
        if state.left.reseals > 0 && Token::of(record).is_some() {
            offer(What::Reseal);
        }
    }

    /// What may come of what a process does.
    fn go_on(&self, state: &State, process: usize, actions: &mut Vec<Action>) {
        let it = &state.processes[process];
        if it.is_idle() {
            return self.offers(state, process, actions);
        }
        let (is_losing, is_crashing) = (state.left.losses > 0, state.left.crashes > 0);
        if is_crashing {
            actions.push(Action::Crash(process, None));
        }
        if let Some(Swap { what, .. }) = it.swap {
            if is_losing {
                actions.push(Action::Lose(process, what));
            }
            if is_crashing && under_way(state, it).is_some() {
                actions.push(Action::Crash(process, Some(what)));
            }
            actions.push(Action::Do(process, what));
        } else if it.answer.is_some() {
            actions.push(Action::Do(process, What::CloseGate));
            if self.may_be_open(state, process) {
                actions.push(Action::Do(process, What::Send));
            }
        } else if let Some((id, _)) = it.sending() {
            let flight = state.flights.iter().find(|it| it.attempt == id);
            let is_answered = flight.is_some_and(|it| it.answer.is_some());
            if is_losing {
                actions.push(Action::Do(process, What::TimeOut));
            }
            if is_losing && flight.is_some() && !is_answered {
                actions.push(Action::Do(process, What::NotSent));
            }
            if is_answered {
                actions.push(Action::Do(process, What::Answer));
            }
        } else {
            actions.push(Action::Do(process, What::Revoke));
        }
    }

    /// Returns whether the run can do without the action.
    pub(crate) fn is_fault(&self, state: &State, action: Action) -> bool {
        match action {
            Action::Do(_, What::Refresh | What::RefreshFromMemory(_)) => false,
            Action::Do(process, what) => {
                matches!(what, What::NotSent | What::TimeOut) || state.processes[process].is_idle()
            }
            Action::Lose(..) | Action::Crash(..) | Action::Withdraw(_) => true,
            _ => false,
        }
    }
}

/// Returns the swap of a process if the store may still carry it out.
fn under_way<'a>(state: &State, process: &'a Process) -> Option<&'a Swap> {
    let present = state.record.as_ref().map(|it| it.version);
    let swap = process.swap.as_ref()?;
    let is_written = swap.next.as_ref().map(|it| it.version) == present;
    Some(swap).filter(|_| !is_written && (swap.expected.is_none() || swap.expected == present))
}

impl Model for Fleet {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        let token = Token { family: 0, number: 0 };
        let record = Record {
            generation: 1,
            state: GrantState::Live,
            payload: token.contents().payload,
            ..Record::tombstone(epoch(0), 1, version(names::HERE))
        };
        vec![State {
            now: 0,
            record: self.is_there.then_some(record),
            processes: vec![Process::default(); self.processes],
            late: Vec::new(),
            flights: Vec::new(),
            families: vec![Family::default()],
            tried: Vec::new(),
            left: self.budget,
            seen: Seen::default(),
        }]
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        for process in 0..self.processes {
            self.go_on(state, process, actions);
        }
        actions.extend(state.late.iter().enumerate().map(|(at, it)| Action::Arrive(at, it.what)));
        let asked = state.flights.iter().filter(|it| it.answer.is_none());
        actions.extend(asked.map(|it| Action::Provide(it.token, it.attempt)));
        if state.left.withdrawals > 0 {
            let families = state.families.iter().enumerate();
            let ended = families.filter(|it| it.1.end.is_none()).map(|it| Action::Withdraw(it.0));
            actions.extend(ended);
        }
        match self.ticks {
            // A request arrives within its time limit: grace windows rely on that.
            Some(ticks) => {
                let is_urgent = |it: &Flight| it.answer.is_none() && it.until == time(state.now);
                if state.now < ticks && !state.flights.iter().any(is_urgent) {
                    actions.push(Action::Tick);
                }
            }
            None => {
                if state.record.as_ref().is_some_and(|it| it.is_leased(time(state.now))) {
                    actions.push(Action::Expire);
                }
            }
        }
    }

    fn next_state(&self, last: &State, action: Action) -> Option<State> {
        let mut state = last.clone();
        if let Action::Lose(process, _) | Action::Crash(process, Some(_)) = action {
            state.late.extend(under_way(last, &last.processes[process]).cloned());
        }
        match action {
            Action::Do(process, what) => match what {
                _ if last.processes[process].is_idle() => self.take_on(&mut state, process, what),
                What::Send | What::CloseGate => self.gate(&mut state, process, what),
                What::Answer | What::NotSent | What::TimeOut => {
                    self.answered(&mut state, process, what);
                }
                What::Revoke => self.revoke(&mut state, process),
                _ => self.swap(&mut state, process),
            },
            Action::Lose(process, _) => {
                state.left.losses -= 1;
                let swap = state.processes[process].swap.take();
                self.hear(&mut state, process, Outcome::Unheard, swap);
            }
            Action::Crash(process, _) => self.crash(&mut state, process),
            Action::Arrive(at, _) => {
                let swap = state.late.remove(at);
                self.store(&mut state, &swap);
            }
            Action::Provide(_, attempt) => self.provide(&mut state, attempt),
            Action::Expire => {
                let now = time(state.now);
                state.for_each_record(&mut |record| {
                    record.attempts.iter_mut().for_each(|it| it.lease_until = now);
                });
            }
            Action::Tick => state.now += 1,
            Action::Withdraw(family) => {
                state.left.withdrawals -= 1;
                state.families[family].end = Some(End::Withdrawn);
            }
        }
        if self.is_merged {
            self.unify(&mut state);
        }
        (state != *last).then_some(state)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        let all = property::ALL.iter().filter(|it| self.only.is_none_or(|only| only == it.0));
        all.map(|it| Property::always(it.0, it.1)).collect()
    }
}

impl fmt::Debug for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Do(process, what) => write!(f, "{process}: {what:?}"),
            Self::Lose(process, what) => write!(f, "{process}: {what:?}, and no answer"),
            Self::Crash(process, None) => write!(f, "{process} dies"),
            Self::Crash(process, Some(what)) => {
                write!(f, "{process} dies, its {what:?} on its way")
            }
            Self::Arrive(_, what) => write!(f, "the store carries out a late {what:?}"),
            Self::Provide(Token { family, number }, id) => {
                let from = owner(*id).0;
                write!(f, "the provider gets token {number} of grant {family} from {from}")
            }
            Self::Expire => f.write_str("the lease ends"),
            Self::Tick => f.write_str("time passes"),
            Self::Withdraw(family) => write!(f, "the user ends grant {family} at the provider"),
        }
    }
}
