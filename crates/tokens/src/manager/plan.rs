//! When each of the grants that are due is refreshed.

use std::time::Duration;

use super::Inner;
use super::outage::STRETCH;
use super::slot::Rest;
use crate::key::GrantKey;
use crate::store::{Due, DuePage, StoreTime};

/// The longest wait between two grants that are overdue.
const STEP: Duration = Duration::from_secs(1);

/// Failures in a row after which a grant is taken for one that may fail for ever.
const PATIENCE: u32 = 3;

/// The turns of what the pages of one scan list. What is not yet due comes at its time. What is
/// overdue comes at half the speed at which it came due, lest it come all at once after an outage.
///
/// What may fail for ever is not to hold up the others, and comes beside them at a speed of its
/// own. What rests has no turn.
pub(super) struct Plan<'a> {
    inner: &'a Inner,
    /// What keys of this client begin with. Of others a store that they share lists too.
    own: GrantKey,
    length: Duration,
    coming: Vec<(Duration, GrantKey)>,
    overdue: Vec<(Duration, Due)>,
    overdue_pace: Pace,
    failed: Vec<(Rest, GrantKey)>,
    failed_pace: Pace,
}

/// What a plan comes to.
pub(super) struct Turns {
    /// In how long each is to be refreshed, in order.
    pub(super) listed: Vec<(Duration, GrantKey)>,
    /// When there is to be another plan.
    pub(super) length: Duration,
    /// After which of the overdue that is to begin; with the first when there is none.
    pub(super) cursor: Option<Due>,
}

impl<'a> Plan<'a> {
    /// One for so long.
    pub(super) fn new(inner: &'a Inner, length: Duration) -> Self {
        Self {
            inner,
            own: GrantKey::of_nobody(&inner.client),
            length,
            coming: Vec::new(),
            overdue: Vec::new(),
            overdue_pace: Pace::default(),
            failed: Vec::new(),
            failed_pace: Pace::default(),
        }
    }

    /// Adds a page. After a full one there may be more, which another plan has to ask for.
    pub(super) fn add(&mut self, page: &DuePage, is_full: bool) {
        let now = self.inner.now();
        for due in page.grants.iter().filter(|it| it.key.as_str().starts_with(self.own.as_str())) {
            if page.read_at < due.due_at {
                self.coming.push((due.due_at.since(page.read_at), due.key.clone()));
                continue;
            }
            match self.last_failure(&due.key) {
                Some((_, rest)) if rest.holds(now) => {}
                Some((strikes, rest)) if strikes >= PATIENCE => {
                    self.failed_pace.next(due.due_at);
                    self.failed.push((rest, due.key.clone()));
                }
                _ => self.overdue.push((self.overdue_pace.next(due.due_at), due.clone())),
            }
        }
        let last = page.grants.last().filter(|it| is_full && page.read_at < it.due_at);
        if let Some(last) = last {
            self.length = self.length.min(last.due_at.since(page.read_at));
        }
    }

    /// How many grants have a turn.
    pub(super) fn len(&self) -> usize {
        self.coming.len() + self.overdue.len() + self.failed.len()
    }

    /// The turns. `end` is the last of the overdue that was listed when there are more.
    pub(super) fn turns(mut self, end: Option<Due>) -> Turns {
        let reached = self.overdue.iter().take_while(|(at, _)| *at <= self.length).count();
        let last = self.overdue.get(..reached).and_then(<[_]>::last);
        if end.is_some() {
            let pace = last.map_or(self.failed_pace.wait, |(at, _)| *at);
            self.length = self.length.min(pace);
        }
        let are_left = reached < self.overdue.len();
        let cursor = last.filter(|_| are_left).map(|(_, due)| due.clone()).or(end);
        let mut listed = self.coming;
        listed.extend(self.overdue.into_iter().map(|(at, due)| (at, due.key)));
        // Those first that had no turn for the longest time, so that each has one.
        self.failed.sort_by_key(|(rest, _)| rest.from);
        let count = u32::try_from(self.failed.len()).unwrap_or(u32::MAX).max(1);
        let (mut at, step) = (Duration::ZERO, self.failed_pace.wait / count);
        for (_, key) in self.failed {
            listed.push((at, key));
            at += step;
        }
        listed.sort_by_key(|(at, _)| *at);
        Turns { listed, length: self.length.max(STEP), cursor }
    }

    /// How often a grant has failed since it was refreshed, if it has, and the rest that it was
    /// given for it.
    fn last_failure(&self, key: &GrantKey) -> Option<(u32, Rest)> {
        let slots = self.inner.slots.pin();
        let slot = slots.get(key)?;
        let work = slot.work();
        work.cooling.as_ref().map(|it| (it.strikes, it.rest))
    }
}

/// Half the speed at which grants came due.
#[derive(Default)]
struct Pace {
    former: Option<StoreTime>,
    wait: Duration,
}

impl Pace {
    /// In how long the turn of the next comes.
    fn next(&mut self, due_at: StoreTime) -> Duration {
        let gap = self.former.map_or(Duration::ZERO, |it| due_at.since(it));
        self.former = Some(due_at);
        self.wait += (gap * STRETCH.unsigned_abs()).min(STEP);
        self.wait
    }
}
