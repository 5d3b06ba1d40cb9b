//! The processes: runs the engine's machines, and carries out what they ask for.

use countersign_tokens::protocol::{
    Action, Event, Found, Input, Insert, InsertAction, InsertEvent, InsertInput, Judged, Now,
    Refresh, Remove, RemoveAction, RemoveEvent, RemoveInput, Spending, Step, Swapping, Tokens,
};
use countersign_tokens::{AttemptId, Record, Version};

use crate::fleet::Fleet;
use crate::names;
use crate::state::{
    Doing, End, Family, Flight, State, Swap, Token, What, attempt, epoch, owner, time,
};

/// The outcome of a swap.
pub(crate) enum Outcome {
    Done,
    Met(Option<Record>),
    Unheard,
}

impl Fleet {
    /// A process without work takes something on.
    pub(crate) fn take_on(&self, state: &mut State, process: usize, what: What) {
        match what {
            What::Report | What::Reseal => {
                let (version, _) = self.fresh(state);
                let Some(record) = &state.record else { return };
                let judged = match what {
                    What::Report => self.rules.report(record, state.clock(), version),
                    _ => self.rules.reseal(record, record.payload.clone(), None, version),
                };
                if let Judged::Write(next) = judged {
                    let swap = Swap { what, expected: Some(record.version), next: Some(next) };
                    state.processes[process].swap = Some(swap);
                    state.processes[process].doing = Doing::Once;
                }
                state.left.reseals -= u8::from(what == What::Reseal);
            }
            What::Insert => {
                state.left.inserts -= 1;
                let family = u8::try_from(state.families.len()).unwrap_or(u8::MAX);
                state.families.push(Family::default());
                let event = InsertEvent::Found(state.record.clone());
                self.feed_insert(state, process, (Insert::Looking, family), event, None);
            }
            What::Remove => {
                state.left.removals -= 1;
                let event = RemoveEvent::Found { record: state.record.clone(), waits: false };
                self.feed_remove(state, process, (Remove::Looking, None), event, None);
            }
            _ => {
                let refresh = Refresh::new(state.processes[process].left.take());
                // What a process remembers is what the store has.
                let (event, error) = match what {
                    What::RefreshFromMemory(error) => {
                        (Event::Remembered(due(state.record.clone())), error)
                    }
                    _ => (Event::Wanted, 0),
                };
                let earliest = time(state.now.saturating_add_signed(error));
                let now = Now { earliest, ..state.clock() };
                self.feed(state, process, refresh, event, now, None);
            }
        }
    }

    /// A process makes its swap and gets the answer.
    pub(crate) fn swap(&self, state: &mut State, process: usize) {
        let Some(swap) = state.processes[process].swap.take() else { return };
        let outcome = self.store(state, &swap);
        let is_done = matches!(outcome, Outcome::Done);
        let own = state.processes[process].attempt();
        let answer = match &outcome {
            Outcome::Done => Some(None),
            Outcome::Met(met) => Some(met.clone()).filter(|met| has_attempt(met.as_ref(), own)),
            Outcome::Unheard => None,
        };
        if swap.what == What::Begin && answer.is_some() {
            // The gate is judged when the process acts on the answer.
            use_up(state, process);
            state.processes[process].answer = answer;
            return;
        }
        self.hear(state, process, outcome, None);
        let it = &mut state.processes[process];
        it.remembers = !self.memory.is_empty() && is_done && it.is_idle();
    }

    /// Feeds the outcome of a swap to the machine of a process. It may repeat `swap`.
    pub(crate) fn hear(
        &self,
        state: &mut State,
        process: usize,
        outcome: Outcome,
        swap: Option<Swap>,
    ) {
        match std::mem::take(&mut state.processes[process].doing) {
            Doing::Refresh(refresh) => {
                let event = match outcome {
                    Outcome::Done => Event::Done,
                    Outcome::Met(record) => Event::Conflict(due(record)),
                    Outcome::Unheard => Event::Unheard,
                };
                self.feed(state, process, refresh, event, state.clock(), swap);
            }
            Doing::Insert(insert, family) => {
                let event = match outcome {
                    Outcome::Done => InsertEvent::Done,
                    Outcome::Met(record) => InsertEvent::Found(record),
                    Outcome::Unheard => InsertEvent::Unheard,
                };
                self.feed_insert(state, process, (insert, family), event, swap);
            }
            Doing::Remove(remove, token) => {
                let event = match outcome {
                    Outcome::Done => RemoveEvent::Done,
                    Outcome::Met(record) => RemoveEvent::Found { record, waits: false },
                    Outcome::Unheard => RemoveEvent::Unheard,
                };
                self.feed_remove(state, process, (remove, token), event, swap);
            }
            Doing::Idle | Doing::Once => {}
        }
    }

    /// A process acts on the answer to its begin, in time or too late.
    pub(crate) fn gate(&self, state: &mut State, process: usize, what: What) {
        let now = state.clock();
        let latest = if what == What::Send { now.latest } else { time(names::FAR) };
        let event = match state.processes[process].answer.take() {
            Some(Some(record)) => Event::Conflict(due(Some(record))),
            _ => Event::Done,
        };
        self.feed_pending(state, process, event, Now { latest, ..now });
    }

    /// Returns whether the gate may be open: with a clock it is for the machine to say, without
    /// one it is while the attempt holds its lease.
    pub(crate) fn may_be_open(&self, state: &State, process: usize) -> bool {
        let own = state.processes[process].attempt();
        let own = own.and_then(|id| state.record.as_ref()?.attempt(id));
        self.ticks.is_some() || own.is_some_and(|it| time(state.now) < it.lease_until)
    }

    /// The request of a process is answered, is not sent, or takes too long.
    pub(crate) fn answered(&self, state: &mut State, process: usize, what: What) {
        let mut now = state.clock();
        let Some((id, begun)) = state.processes[process].sending() else { return };
        let began = begun.attempt(id).map_or(now.earliest, |it| it.at);
        let answer = state.flights.iter().find(|it| it.attempt == id).and_then(|it| it.answer);
        let event = match (what, answer) {
            (What::NotSent, _) => Event::NotProcessed { rest: None, may_repeat: true },
            (What::Answer, Some(Ok(fresh))) => Event::Answered(fresh.contents()),
            (What::Answer, Some(Err(()))) => Event::InvalidGrant(None),
            _ => Event::NoAnswer,
        };
        match what {
            // The process knows of no later instant for certain than that of its attempt.
            What::Answer => now.earliest = began,
            _ => state.left.losses -= 1,
        }
        // A request that is not answered may be on its way, unless it was not sent.
        let keeps = |it: &Flight| what == What::TimeOut && it.answer.is_none();
        state.flights.retain(|it| it.attempt != id || keeps(it));
        self.feed_pending(state, process, event, now);
    }

    /// The provider revokes what a process has removed.
    pub(crate) fn revoke(&self, state: &mut State, process: usize) {
        if let Doing::Remove(remove, token) = std::mem::take(&mut state.processes[process].doing) {
            if let Some(token) = token {
                let family = &mut state.families[usize::from(token.family)];
                family.end.get_or_insert(End::Withdrawn);
            }
            self.feed_remove(state, process, (remove, None), RemoveEvent::Revoked, None);
        }
    }

    /// A process dies and starts again with nothing in memory.
    pub(crate) fn crash(&self, state: &mut State, process: usize) {
        state.left.crashes -= 1;
        let own = state.processes[process].attempt();
        state.flights.retain(|it| Some(it.attempt) != own || it.answer.is_none());
        use_up(state, process);
        let it = &mut state.processes[process];
        state.tried.extend((0..it.used).map(|used| attempt(process, used)));
        (it.doing, it.swap, it.answer) = (Doing::Idle, None, None);
        (it.left, it.remembers) = (None, false);
    }

    /// The swap of the store.
    pub(crate) fn store(&self, state: &mut State, swap: &Swap) -> Outcome {
        let present = state.record.as_ref().map(|it| it.version);
        if present == swap.next.as_ref().map(|it| it.version) {
            return Outcome::Done;
        }
        if present != swap.expected {
            return Outcome::Met(state.record.clone());
        }
        let before = state.token();
        state.record.clone_from(&swap.next);
        let after = state.token();
        if before != after {
            // Attempts were made with the former token.
            state.tried.clear();
        }
        if let Some(before) = before {
            match after.filter(|it| it.family == before.family) {
                Some(after) => state.seen.older_over_newer |= after.number < before.number,
                None => state.families[usize::from(before.family)].is_past = true,
            }
        }
        state.processes.iter_mut().for_each(|it| it.remembers = false);
        if self.rules.spending == Spending::Once && !self.reports {
            state.seen.late_save_died |= late_save_dies(state, present);
        }
        Outcome::Done
    }

    /// Feeds an event to the refresh of a process.
    fn feed_pending(&self, state: &mut State, process: usize, event: Event, now: Now) {
        if let Doing::Refresh(refresh) = std::mem::take(&mut state.processes[process].doing) {
            self.feed(state, process, refresh, event, now, None);
        }
    }

    /// Feeds an event to a refresh. What the machine asks for and needs no time follows at once:
    /// a load that takes long is a swap that comes long after it.
    fn feed(
        &self,
        state: &mut State,
        process: usize,
        mut refresh: Refresh,
        event: Event,
        now: Now,
        mut swap: Option<Swap>,
    ) {
        let config = self.config();
        let mut next = Some(event);
        while let Some(event) = next.take() {
            let answer = match &refresh.step {
                Step::Swapping(Swapping::Save(_, contents)) => Token::read(&contents.payload),
                _ => None,
            };
            let input = Input { now, version: self.fresh(state).0 };
            let (stepped, actions) = refresh.step(event, input, &config);
            refresh = stepped;
            for action in actions {
                match action {
                    Action::Load => next = Some(Event::Loaded(due(state.record.clone()))),
                    Action::Prepare => {
                        let used = Some(state.processes[process].used);
                        let id =
                            used.filter(|it| *it < self.attempts).map(|it| attempt(process, it));
                        next = Some(id.map_or(Event::NotReady, Event::Ready));
                    }
                    Action::Swap { expected, next } => {
                        let (what, expected) = (what(&refresh.step), Some(expected));
                        let swap = Swap { what, expected, next: Some(*next) };
                        state.processes[process].swap = Some(swap);
                    }
                    Action::Repeat => state.processes[process].swap = swap.take(),
                    Action::Send(record) => self.send(state, &refresh, &record),
                    Action::KeepSuperseded => {
                        state.seen.newest_dropped |= answer.is_some_and(|it| is_lost(state, it));
                    }
                    Action::AwaitChange
                    | Action::BackOff
                    | Action::ServeUnsaved
                    | Action::Stored
                    | Action::Restored
                    | Action::Finish(_) => {}
                }
            }
        }
        let it = &mut state.processes[process];
        match refresh.step {
            Step::Done => (it.doing, it.left) = (Doing::Idle, refresh.left),
            _ => it.doing = Doing::Refresh(refresh),
        }
    }

    /// A refresh token goes out.
    fn send(&self, state: &mut State, refresh: &Refresh, record: &Record) {
        let Step::Sending(it) = &refresh.step else { return };
        let Some(token) = Token::of(record) else { return };
        let (process, number) = owner(it.id);
        let sender = &mut state.processes[process];
        sender.used = sender.used.max(number + 1);
        state.tried.push(it.id);
        let until = time(state.now).plus(self.rules.request);
        state.flights.push(Flight { attempt: it.id, token, until, answer: None });
    }

    fn feed_insert(
        &self,
        state: &mut State,
        process: usize,
        (insert, family): (Insert, u8),
        event: InsertEvent,
        swap: Option<Swap>,
    ) {
        let (version, vacancy) = self.fresh(state);
        let contents = Token { family, number: 0 }.contents();
        let input = InsertInput { epoch: epoch(family), contents, version, vacancy };
        let (insert, action) = insert.step(event, input);
        let it = &mut state.processes[process];
        match action {
            InsertAction::Load => {
                let event = InsertEvent::Found(state.record.clone());
                return self.feed_insert(state, process, (insert, family), event, None);
            }
            InsertAction::Swap { expected, next } => {
                let what = if expected.is_some() { What::Store } else { What::Vacate };
                it.swap = Some(Swap { what, expected, next: Some(*next) });
            }
            InsertAction::Repeat => it.swap = swap,
            InsertAction::Finish(_) => return,
        }
        it.doing = Doing::Insert(insert, family);
    }

    fn feed_remove(
        &self,
        state: &mut State,
        process: usize,
        (remove, mut token): (Remove, Option<Token>),
        event: RemoveEvent,
        swap: Option<Swap>,
    ) {
        let (version, epoch) = self.fresh(state);
        let (remove, action) = remove.step(event, RemoveInput { epoch, version });
        let it = &mut state.processes[process];
        match action {
            RemoveAction::Swap { expected, next } => {
                let what = if next.is_some() { What::Bury } else { What::Purge };
                let next = next.map(|it| *it);
                it.swap = Some(Swap { what, expected: Some(expected), next });
            }
            RemoveAction::Repeat => it.swap = swap,
            RemoveAction::Revoke(record) => token = Token::read(&record.payload),
            // The removal does not wait for another process's lease.
            RemoveAction::Finish(_) | RemoveAction::Load | RemoveAction::Wait => return,
        }
        it.doing = Doing::Remove(remove, token);
    }
}

fn has_attempt(record: Option<&Record>, id: Option<AttemptId>) -> bool {
    record.zip(id).is_some_and(|(record, id)| record.attempt(id).is_some())
}

/// A record whose access token is to be refreshed.
fn due(record: Option<Record>) -> Found {
    Found { record, tokens: Tokens::Due }
}

/// The attempt of a process is in the store, or may be.
fn use_up(state: &mut State, process: usize) {
    let it = &mut state.processes[process];
    if it.attempt() == Some(attempt(process, it.used)) {
        it.used += 1;
    }
}

/// Whether a token is the newest of a grant, and the store has another one.
fn is_lost(state: &State, fresh: Token) -> bool {
    let family = state.family(fresh);
    let is_newest = family.newest == fresh.number && family.end.is_none() && !family.is_past;
    is_newest && state.token() != Some(fresh)
}

/// Whether the save of a dead process expects the version that was just replaced.
fn late_save_dies(state: &State, replaced: Option<Version>) -> bool {
    let is_repeated = |it: &Swap| state.processes.iter().any(|by| by.swap.as_ref() == Some(it));
    let dies = |it: &&Swap| it.what == What::Save && it.expected == replaced && !is_repeated(it);
    let mut fresh = state.late.iter().filter(dies).filter_map(|it| Token::of(it.next.as_ref()?));
    fresh.any(|fresh| is_lost(state, fresh))
}

fn what(step: &Step) -> What {
    match step {
        Step::Swapping(Swapping::Save(..)) => What::Save,
        Step::Swapping(Swapping::Clear(..)) => What::Clear,
        Step::Swapping(Swapping::Leave(..)) => What::Leave,
        Step::Swapping(Swapping::Mark(_)) => What::Mark,
        _ => What::Begin,
    }
}
