//! A store that counts its steps by grant, and reports the points at which faults may strike.

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use countersign_tokens::{
    AttemptId, Due, DuePage, GrantKey, GrantState, GrantStore, ListPage, Loaded, Record,
    StoreError, Swap, Version,
};

use crate::message::{Grant, Message, Point};
use crate::worker::send;

/// How many records of a grant are remembered, to tell what a swap changes.
const MOST_SEEN: usize = 4;

/// The store, and what was asked of it.
#[derive(Clone)]
pub(crate) struct Counted {
    inner: Arc<dyn GrantStore>,
    counts: Arc<HashMap<GrantKey, Counts>>,
}

struct Counts {
    grant: Grant,
    /// All loads and swaps.
    all: AtomicU32,
    /// The loads and swaps of the refresh under way. Those before a swap that could not begin were
    /// spent on waiting, and do not count.
    steps: AtomicU32,
    seen: Mutex<Seen>,
}

#[derive(Default)]
struct Seen {
    /// The records that the store returned or has taken last.
    records: VecDeque<Outline>,
    /// The swaps that were asked for last. They may be repeated.
    changes: VecDeque<Change>,
}

/// What of a record tells the purpose of a swap.
#[derive(Clone)]
struct Outline {
    version: Version,
    generation: u64,
    attempts: Vec<AttemptId>,
}

/// A swap with its purpose.
#[derive(Clone, Copy)]
struct Change {
    next: Version,
    generation: u64,
    purpose: Purpose,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Purpose {
    /// Adds this attempt.
    Begin(AttemptId),
    /// Raises the generation.
    Save,
    /// Removes an attempt.
    Clear,
    /// Ends the lease of an attempt.
    Leave,
    /// Marks the grant as refused.
    Mark,
    Other,
}

impl Counted {
    pub(crate) fn new(inner: Arc<dyn GrantStore>, keys: &[GrantKey]) -> Self {
        let counts = |(grant, key): (Grant, &GrantKey)| {
            let counts = Counts {
                grant,
                all: AtomicU32::default(),
                steps: AtomicU32::default(),
                seen: Mutex::default(),
            };
            (key.clone(), counts)
        };
        Self { inner, counts: Arc::new(keys.iter().enumerate().map(counts).collect()) }
    }

    /// Returns how many steps of the store were asked for this grant.
    pub(crate) fn steps(&self, key: &GrantKey) -> u32 {
        self.counts.get(key).map_or(0, |counts| counts.all.load(Relaxed))
    }

    /// Counts the steps of the next refresh from 0.
    pub(crate) fn reset(&self, key: &GrantKey) {
        if let Some(counts) = self.counts.get(key) {
            counts.steps.store(0, Relaxed);
        }
    }

    /// Counts a step before it is done.
    fn count(&self, key: &GrantKey) -> Option<&Counts> {
        let counts = self.counts.get(key)?;
        counts.all.fetch_add(1, Relaxed);
        counts.steps.fetch_add(1, Relaxed);
        Some(counts)
    }
}

impl Counts {
    fn at(&self, point: Point, generation: u64) {
        send(&Message::At { point, grant: self.grant, generation });
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        // No code under the lock panics.
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reports the point before a swap.
    fn before(&self, expected: Option<Version>, next: &Record) -> Change {
        let mut seen = self.seen();
        if let Some(change) = seen.changes.iter().find(|it| it.next == next.version) {
            // The same swap once more, because it was not answered.
            return *change;
        }
        let former = seen.records.iter().find(|it| Some(it.version) == expected);
        let purpose = former.map_or(Purpose::Other, |former| former.purpose(next));
        let generation = match purpose {
            Purpose::Save => next.generation.saturating_sub(1),
            _ => next.generation,
        };
        let change = Change { next: next.version, generation, purpose };
        seen.changes.push_front(change);
        seen.changes.truncate(MOST_SEEN);
        drop(seen);
        match purpose {
            Purpose::Begin(_) => self.at(Point::Begins, generation),
            Purpose::Save => self.at(Point::Saves, generation),
            _ => {}
        }
        change
    }

    /// Reports the point after a swap that was answered.
    fn after(&self, change: Change, next: &Record, swapped: &Swap) {
        let generation = change.generation;
        let present = match swapped {
            Swap::Done(_) => Some(next),
            Swap::Conflict(found) => found.record.as_ref(),
        };
        self.seen().remember(present);
        let is_done = matches!(swapped, Swap::Done(_));
        let has = |id| present.is_some_and(|record| record.attempt(id).is_some());
        match change.purpose {
            Purpose::Begin(id) if is_done || has(id) => self.at(Point::Begun, generation),
            Purpose::Begin(_) => {
                self.steps.store(0, Relaxed);
                self.at(Point::Refused, generation);
            }
            Purpose::Save if present.is_some_and(|it| holds_answer(it, next)) => {
                let steps = self.steps.swap(0, Relaxed);
                send(&Message::Stored { grant: self.grant, generation, steps });
            }
            Purpose::Save => {
                let is_superseded = present
                    .is_none_or(|it| it.epoch != next.epoch || it.generation >= next.generation);
                if is_superseded {
                    self.at(Point::Superseded, generation);
                }
            }
            Purpose::Clear if is_done => self.at(Point::Cleared, generation),
            Purpose::Leave if is_done => self.at(Point::Left, generation),
            Purpose::Mark if is_done => self.at(Point::Marked, generation),
            _ => {}
        }
    }
}

impl Seen {
    fn remember(&mut self, record: Option<&Record>) {
        let Some(record) = record else { return };
        self.records.retain(|it| it.version != record.version);
        self.records.push_front(Outline::of(record));
        self.records.truncate(MOST_SEEN);
    }
}

impl Outline {
    fn of(record: &Record) -> Self {
        Self {
            version: record.version,
            generation: record.generation,
            attempts: record.attempts.iter().map(|attempt| attempt.id).collect(),
        }
    }

    /// Returns the purpose of a swap of this record for `next`.
    fn purpose(&self, next: &Record) -> Purpose {
        if next.generation > self.generation {
            return Purpose::Save;
        }
        let is_new = |id: &AttemptId| !self.attempts.contains(id);
        if let Some(new) = next.attempts.iter().map(|it| it.id).find(is_new) {
            return Purpose::Begin(new);
        }
        let removes = next.attempts.len() < self.attempts.len();
        match () {
            () if removes && next.state == GrantState::Reauthorize => Purpose::Mark,
            () if removes => Purpose::Clear,
            () if !self.attempts.is_empty() && next.state == GrantState::Live => Purpose::Leave,
            () => Purpose::Other,
        }
    }
}

/// Returns whether `present` holds the answer that `next` was to store.
fn holds_answer(present: &Record, next: &Record) -> bool {
    let origin = |record: &Record| (record.epoch, record.generation);
    origin(present) == origin(next) && present.payload == next.payload
}

#[async_trait]
impl GrantStore for Counted {
    async fn load(&self, key: &GrantKey) -> Result<Loaded, StoreError> {
        let counts = self.count(key);
        let loaded = self.inner.load(key).await?;
        if let Some(counts) = counts {
            counts.seen().remember(loaded.record.as_ref());
        }
        Ok(loaded)
    }

    async fn swap(
        &self,
        key: &GrantKey,
        expected: Option<Version>,
        next: Option<&Record>,
    ) -> Result<Swap, StoreError> {
        let (Some(counts), Some(next)) = (self.count(key), next) else {
            return self.inner.swap(key, expected, next).await;
        };
        let change = counts.before(expected, next);
        let swapped = self.inner.swap(key, expected, Some(next)).await?;
        counts.after(change, next, &swapped);
        Ok(swapped)
    }

    async fn due(
        &self,
        within: Duration,
        after: Option<&Due>,
        limit: usize,
    ) -> Result<DuePage, StoreError> {
        self.inner.due(within, after, limit).await
    }

    async fn list(&self, after: Option<&GrantKey>, limit: usize) -> Result<ListPage, StoreError> {
        self.inner.list(after, limit).await
    }

    async fn changed(&self, key: &GrantKey) {
        self.inner.changed(key).await;
    }
}

impl fmt::Debug for Counted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Counted").field(&self.inner).finish()
    }
}

#[cfg(test)]
mod tests {
    use std::error::Error;

    use countersign_tokens::{Attempt, Epoch, StoreTime};

    use super::*;

    #[test]
    fn a_swap_shows_its_purpose() -> Result<(), Box<dyn Error>> {
        let at = StoreTime::from_millis;
        let attempt = |lease_until| -> Result<Attempt, StoreError> {
            Ok(Attempt { id: AttemptId::random()?, at: at(0), lease_until: at(lease_until) })
        };
        let blank = Record::tombstone(Epoch::random()?, 1, Version::random()?);
        let live = Record { state: GrantState::Live, ..blank };
        let (own, other) = (attempt(10)?, attempt(10)?);
        let with = |attempts: &[Attempt]| Record { attempts: attempts.to_vec(), ..live.clone() };
        let ended = Attempt { lease_until: at(5), ..own };
        let refused = Record { state: GrantState::Reauthorize, ..live.clone() };
        let saved = Record { generation: 2, ..live.clone() };
        for (former, next, purpose) in [
            (with(&[]), with(&[own]), Purpose::Begin(own.id)),
            (with(&[other]), with(&[other, own]), Purpose::Begin(own.id)),
            (with(&[other]), with(&[own]), Purpose::Begin(own.id)),
            (with(&[own]), saved, Purpose::Save),
            (with(&[other, own]), with(&[other]), Purpose::Clear),
            (with(&[own]), with(&[ended]), Purpose::Leave),
            (with(&[own]), refused, Purpose::Mark),
            (with(&[]), with(&[]), Purpose::Other),
        ] {
            assert_eq!(Outline::of(&former).purpose(&next), purpose, "{former:?} {next:?}");
        }
        Ok(())
    }
}
