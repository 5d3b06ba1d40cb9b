//! The store: a compare-and-swap that can lose what it wrote last.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use countersign_tokens::{
    Due, DuePage, GrantKey, ListPage, Loaded, Page, Record, StoreTime, Swap, Version,
};

use crate::executor::Micros;
use crate::settings::SECOND;

#[derive(Default)]
pub(crate) struct Store {
    records: BTreeMap<GrantKey, Record>,
    /// What the last writes replaced, the oldest first.
    replaced: VecDeque<(Micros, GrantKey, Option<Record>)>,
}

/// How far back a fail-over goes at most.
pub(crate) const MOST_LOST: Micros = 3 * SECOND;

/// What the store's clock shows.
pub(crate) fn store_time(now: Micros) -> StoreTime {
    StoreTime::from_millis(i64::try_from(1_800_000_000_000 + now / 1000).unwrap_or(i64::MAX))
}

impl Store {
    pub(crate) fn record(&self, key: &GrantKey) -> Option<&Record> {
        self.records.get(key)
    }

    pub(crate) fn load(&self, key: &GrantKey, now: Micros) -> Loaded {
        Loaded { record: self.record(key).cloned(), read_at: store_time(now) }
    }

    /// The second value is whether this swap has written.
    pub(crate) fn swap(
        &mut self,
        key: &GrantKey,
        expected: Option<Version>,
        next: Option<&Record>,
        now: Micros,
    ) -> (Swap, bool) {
        let present = self.record(key).map(|record| record.version);
        if present == next.map(|record| record.version) {
            return (Swap::Done(store_time(now)), false);
        }
        if present != expected {
            return (Swap::Conflict(self.load(key, now)), false);
        }
        let former = self.place(key, next.cloned());
        self.replaced.push_back((now, key.clone(), former));
        while self.replaced.front().is_some_and(|(at, ..)| at + MOST_LOST < now) {
            self.replaced.pop_front();
        }
        (Swap::Done(store_time(now)), true)
    }

    fn place(&mut self, key: &GrantKey, record: Option<Record>) -> Option<Record> {
        match record {
            Some(record) => self.records.insert(key.clone(), record),
            None => self.records.remove(key),
        }
    }

    /// Takes back the writes since this instant. Returns their keys.
    pub(crate) fn fail_over(&mut self, since: Micros) -> Vec<GrantKey> {
        let mut keys = Vec::new();
        while self.replaced.back().is_some_and(|(at, ..)| *at >= since) {
            let Some((_, key, former)) = self.replaced.pop_back() else { break };
            self.place(&key, former);
            keys.push(key);
        }
        self.replaced.clear();
        keys
    }

    pub(crate) fn due(
        &self,
        within: Duration,
        after: Option<&Due>,
        limit: usize,
        now: Micros,
    ) -> DuePage {
        let until = store_time(now).plus(within);
        let due = |(key, record): (&GrantKey, &Record)| {
            let due_at = record.due_at.filter(|at| *at <= until)?;
            Some(Due { due_at, key: key.clone() })
        };
        let mut due: Vec<_> = self.records.iter().filter_map(due).collect();
        due.retain(|due| after.is_none_or(|after| due > after));
        due.sort_unstable();
        let mut page = Page::new(store_time(now));
        page.next = limit.checked_sub(1).and_then(|last| due.get(last)).cloned();
        page.next.take_if(|_| due.len() <= limit);
        due.truncate(limit);
        let row = |due: Due| Some((due.key.clone(), self.record(&due.key)?.clone()));
        page.records = due.into_iter().filter_map(row).collect();
        page
    }

    pub(crate) fn list(&self, after: Option<&GrantKey>, limit: usize, now: Micros) -> ListPage {
        let rows = self.records.iter().filter(|(key, _)| after.is_none_or(|after| *key > after));
        let mut rows: Vec<_> = rows.map(|(key, record)| (key.clone(), record.clone())).collect();
        let has_more = rows.len() > limit;
        rows.truncate(limit);
        let mut page = Page::new(store_time(now));
        page.next = rows.last().map(|(key, _)| key.clone()).filter(|_| has_more);
        page.records = rows;
        page
    }
}
