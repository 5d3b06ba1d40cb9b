//! One form for all states with the same future: see "Fewer states" in the README.

use std::hash::{DefaultHasher, Hash, Hasher};

use countersign_tokens::protocol::{Insert, Refresh, Remove, Spending, Step, Swapping};
use countersign_tokens::{AttemptId, Epoch, GrantState, Record, Version};

use crate::fleet::Fleet;
use crate::state::{Doing, Process, State, Swap, attempt, attempted, epoch, owner, time, version};

/// Names of versions, each the byte that its id repeats: that of the stored record.
pub(crate) const HERE: u8 = 0xf0;
/// A version that the store had, and will not have again.
const GONE: u8 = 0xf1;
/// The first of the names of those that swaps on their way would write.
const LATE: u8 = 0xe0;
/// The next version and the next epoch that a machine is given.
const FRESH: u8 = 0xf2;
/// The first of the names of the tombstones' epochs.
const TOMBSTONES: u8 = 0x80;
/// An instant after the end of every run.
pub(crate) const FAR: u8 = 0xff;

impl Fleet {
    /// Returns a version and an epoch that are not in use.
    pub(crate) fn fresh(&self, state: &State) -> (Version, Epoch) {
        if self.is_merged {
            return (version(FRESH), epoch(FRESH));
        }
        let mut used = Vec::new();
        state
            .clone()
            .for_each_record(&mut |it| used.extend([*it.version.as_bytes(), *it.epoch.as_bytes()]));
        let swaps = state.processes.iter().filter_map(|it| it.swap.as_ref()).chain(&state.late);
        used.extend(swaps.filter_map(|it| Some(*it.expected?.as_bytes())));
        let free = (TOMBSTONES..HERE).find(|name| !used.contains(&[*name; 16]));
        let name = free.unwrap_or(FRESH);
        (version(name), epoch(name))
    }

    /// Brings a state into the form that all states with the same future have.
    pub(crate) fn unify(&self, state: &mut State) {
        let alive = forget_late(state);
        for process in &mut state.processes {
            self.forget_unused(process, &alive);
        }
        forget_past(state);
        forget_attempts(state);
        if self.is_symmetric {
            sort_processes(state);
        }
        name_all(state);
    }

    /// Removes from a process what its machine does not look at any more.
    fn forget_unused(&self, process: &mut Process, alive: &[Option<Version>]) {
        let present = alive.first().copied().flatten();
        let mut is_stale = false;
        if let Some(Swap { expected: Some(expected), next, .. }) = &mut process.swap {
            let is_written = next.as_ref().is_some_and(|it| Some(it.version) == present);
            is_stale = !is_written && !alive.contains(&Some(*expected));
            if is_written || is_stale {
                *expected = version(GONE);
                for it in next.iter_mut() {
                    let version = if is_written { it.version } else { version(GONE) };
                    *it = Record { version, ..blank(GONE) };
                }
            }
        }
        match &mut process.doing {
            Doing::Refresh(refresh) => {
                // Where a refresh spends nothing, a begin without an answer is sent too.
                let is_over = is_stale && self.rules.spending != Spending::Never
                    || matches!(process.answer, Some(Some(_)));
                forget_begun(refresh, is_over);
            }
            Doing::Remove(Remove::Swapping(record, _), _) if is_stale => **record = blank(GONE),
            _ => {}
        }
    }
}

/// Removes late swaps that can never be done. Returns the versions that the store has or may come
/// to have, that of its record first.
fn forget_late(state: &mut State) -> Vec<Option<Version>> {
    let present = state.record.as_ref().map(|it| it.version);
    loop {
        let late = state.late.iter().filter_map(|it| it.next.as_ref());
        let alive: Vec<_> = [present].into_iter().chain(late.map(|it| Some(it.version))).collect();
        let before = state.late.len();
        state.late.retain(|it| it.expected.is_none() || alive.contains(&it.expected));
        if state.late.len() == before {
            return alive;
        }
    }
}

/// Removes from a refresh what the machine does not look at any more.
fn forget_begun(refresh: &mut Refresh, is_over: bool) {
    // One request is the most.
    refresh.requests = 1;
    let step = &mut refresh.step;
    let keeps = match step {
        Step::Sending(_) => true,
        Step::Swapping(Swapping::Begin(_)) => !is_over,
        _ => false,
    };
    if let Some(it) = attempted(step).filter(|_| !keeps) {
        let (epoch, generation) = (it.begun.epoch, it.begun.generation);
        *it.begun = Record { epoch, generation, state: GrantState::Live, ..blank(GONE) };
    }
}

/// Names the versions by where they are.
fn name_versions(state: &mut State) {
    let gone = version(GONE);
    let mut names = Vec::with_capacity(8);
    names.extend(state.record.as_ref().map(|it| (it.version, version(HERE))));
    let swaps = state.processes.iter().map(|it| it.swap.as_ref()?.next.as_ref());
    let late = state.late.iter().map(|it| it.next.as_ref());
    names.extend(swaps.zip(0..).filter_map(|it| Some((it.0?.version, version(it.1)))));
    names.extend(late.zip(LATE..).filter_map(|it| Some((it.0?.version, version(it.1)))));
    names.retain(|it| it.0 != gone);
    let rename = |it: &mut Version| {
        *it = names.iter().find(|name| name.0 == *it).map_or(gone, |name| name.1);
    };
    state.for_each_record(&mut |it| rename(&mut it.version));
    let swaps = state.processes.iter_mut().filter_map(|it| it.swap.as_mut());
    swaps.chain(&mut state.late).filter_map(|it| it.expected.as_mut()).for_each(rename);
}

/// A record of which nothing but the name of its version matters.
fn blank(name: u8) -> Record {
    Record::tombstone(epoch(0), 0, version(name))
}

/// Removes instants that make no difference any more. Nothing is reckoned with an instant before
/// the last tick.
fn forget_past(state: &mut State) {
    let now = time(state.now);
    state.for_each_record(&mut |record| {
        record.due_at = None;
        record.retry_at = record.retry_at.filter(|it| now <= *it);
        for it in &mut record.attempts {
            if it.lease_until < now {
                it.lease_until = it.at;
            }
        }
        record.attempts.sort_unstable_by_key(|it| it.id);
    });
}

/// Removes the memory of attempts that are in no record.
fn forget_attempts(state: &mut State) {
    let mut known = Vec::new();
    state.for_each_record(&mut |record| known.extend(record.attempts.iter().map(|it| it.id)));
    state.tried.retain(|id| known.contains(id));
    state.tried.sort_unstable();
    state.tried.dedup();
    for process in &mut state.processes {
        let left = match &mut process.doing {
            Doing::Refresh(refresh) => &mut refresh.left,
            _ => &mut process.left,
        };
        left.take_if(|id| !known.contains(id));
    }
}

/// Sorts the processes by what they do, so that states that differ in the order of the processes
/// alone become the same. A tie leaves two forms, which costs time only.
fn sort_processes(state: &mut State) {
    let mut order: Vec<usize> = (0..state.processes.len()).collect();
    let doing = |at: usize| {
        let Process { used, doing, swap, .. } = &state.processes[at];
        (*used, doing == &Doing::Idle, swap.as_ref().map(|it| it.what))
    };
    order.sort_by(|a, b| {
        doing(*a).cmp(&doing(*b)).then_with(|| seen_by(state, *a).cmp(&seen_by(state, *b)))
    });
    if !order.is_sorted() {
        let mut processes = std::mem::take(&mut state.processes);
        state.processes = order.iter().map(|it| std::mem::take(&mut processes[*it])).collect();
        rename_attempts(state, |id| {
            let (process, used) = owner(id);
            attempt(order.iter().position(|it| *it == process).unwrap_or(process), used)
        });
    }
}

/// Returns a number for the state as a process sees it, without the names of the processes.
fn seen_by(state: &State, process: usize) -> u64 {
    let mut seen = state.clone();
    seen.processes = vec![state.processes[process].clone()];
    rename_attempts(&mut seen, |id| match owner(id) {
        (by, used) if by == process => attempt(0, used),
        _ => attempt(1, 0),
    });
    name_all(&mut seen);
    hash(&seen)
}

/// Names what is named by where it is.
fn name_all(state: &mut State) {
    if state.late.len() > 1 {
        state.late.sort_by_key(content);
        state.late.dedup();
    }
    name_versions(state);
    name_tombstones(state);
    state.flights.sort_unstable();
}

fn rename_attempts(state: &mut State, name: impl Fn(AttemptId) -> AttemptId) {
    state.for_each_record(&mut |record| {
        record.attempts.iter_mut().for_each(|it| it.id = name(it.id));
        record.attempts.sort_unstable_by_key(|it| (it.id, it.at, it.lease_until));
    });
    state.tried.iter_mut().for_each(|it| *it = name(*it));
    state.tried.sort_unstable();
    state.flights.iter_mut().for_each(|it| it.attempt = name(it.attempt));
    for process in &mut state.processes {
        process.left = process.left.map(&name);
        if let Doing::Refresh(refresh) = &mut process.doing {
            refresh.left = refresh.left.map(&name);
            attempted(&mut refresh.step).into_iter().for_each(|it| it.id = name(it.id));
        }
    }
}

/// Names the epochs of tombstones in the order in which they are met.
fn name_tombstones(state: &mut State) {
    let mut known: Vec<Epoch> = Vec::new();
    let mut rename = |it: &mut Epoch| {
        if it.as_bytes()[0] < TOMBSTONES {
            return;
        }
        let at = known.iter().position(|known| known == it).unwrap_or_else(|| {
            known.push(*it);
            known.len() - 1
        });
        *it = epoch(TOMBSTONES + u8::try_from(at).unwrap_or(u8::MAX));
    };
    state.for_each_record(&mut |it| rename(&mut it.epoch));
    for process in &mut state.processes {
        if let Doing::Insert(Insert::Swapping { replaces, .. }, _) = &mut process.doing {
            rename(replaces);
        }
    }
}

/// Returns a number for what a swap writes, without names that are still to be given.
fn content(swap: &Swap) -> u64 {
    let next = swap.next.as_ref();
    let next = next.map(|it| (it.generation, it.state, &it.attempts, it.retry_at, &it.payload));
    hash(&(swap.what, next))
}

fn hash(it: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    it.hash(&mut hasher);
    hasher.finish()
}
