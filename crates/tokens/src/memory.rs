use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::ops::Bound;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use countersign_core::{Clock, SystemClock};

use crate::key::GrantKey;
use crate::store::{
    Due, DuePage, GrantStore, ListPage, Loaded, Page, Record, StoreError, StoreTime, Swap, Version,
};

/// Grants in memory, for tests and for programs whose grants need not outlive them. Clones share
/// the grants.
///
/// # Examples
///
/// ```
/// use countersign_tokens::MemoryStore;
///
/// let store = MemoryStore::new();
/// assert_eq!(format!("{store:?}"), "MemoryStore(0 records)");
/// ```
#[derive(Clone)]
pub struct MemoryStore(Arc<Inner>);

struct Inner {
    clock: Arc<dyn Clock>,
    records: Mutex<Records>,
}

#[derive(Default)]
struct Records {
    by_key: BTreeMap<GrantKey, Record>,
    due: BTreeSet<Due>,
}

impl MemoryStore {
    /// Creates an empty store that uses the system's clock.
    #[must_use]
    pub fn new() -> Self {
        Self::with_clock(SystemClock)
    }

    /// Creates an empty store that uses `clock`.
    #[must_use]
    pub fn with_clock(clock: impl Clock) -> Self {
        Self(Arc::new(Inner { clock: Arc::new(clock), records: Mutex::default() }))
    }

    fn records(&self) -> MutexGuard<'_, Records> {
        // No code under the lock panics with a record half changed.
        self.0.records.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now(&self) -> StoreTime {
        let now = self.0.clock.now();
        StoreTime::from_millis(now.unix_timestamp() * 1000 + i64::from(now.millisecond()))
    }
}

impl Records {
    fn place(&mut self, key: &GrantKey, next: Option<&Record>) {
        let due = |record: &Record| Some(Due { due_at: record.due_at?, key: key.clone() });
        if let Some(former) = self.by_key.remove(key).and_then(|record| due(&record)) {
            self.due.remove(&former);
        }
        if let Some(next) = next {
            self.due.extend(due(next));
            self.by_key.insert(key.clone(), next.clone());
        }
    }
}

#[async_trait]
impl GrantStore for MemoryStore {
    async fn load(&self, key: &GrantKey) -> Result<Loaded, StoreError> {
        let record = self.records().by_key.get(key).cloned();
        Ok(Loaded { record, read_at: self.now() })
    }

    async fn swap(
        &self,
        key: &GrantKey,
        expected: Option<Version>,
        next: Option<&Record>,
    ) -> Result<Swap, StoreError> {
        let (mut records, read_at) = (self.records(), self.now());
        let present = records.by_key.get(key);
        let version = present.map(|record| record.version);
        if version == next.map(|record| record.version) {
            return Ok(Swap::Done(read_at));
        }
        if version != expected {
            return Ok(Swap::Conflict(Loaded { record: present.cloned(), read_at }));
        }
        records.place(key, next);
        Ok(Swap::Done(read_at))
    }

    async fn due(
        &self,
        within: Duration,
        after: Option<&Due>,
        limit: usize,
    ) -> Result<DuePage, StoreError> {
        let (records, read_at) = (self.records(), self.now());
        let until = read_at.plus(within);
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        let due = records.due.range((from, Bound::Unbounded));
        let due = due.take_while(|due| due.due_at <= until);
        let rows =
            due.filter_map(|due| Some((due.clone(), records.by_key.get_key_value(&due.key)?)));
        Ok(page(read_at, limit, rows))
    }

    async fn list(&self, after: Option<&GrantKey>, limit: usize) -> Result<ListPage, StoreError> {
        let (records, read_at) = (self.records(), self.now());
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        let rows = records.by_key.range((from, Bound::Unbounded));
        Ok(page(read_at, limit, rows.map(|(key, record)| (key.clone(), (key, record)))))
    }
}

/// Reads as many rows as make a page.
fn page<'a, C>(
    read_at: StoreTime,
    limit: usize,
    rows: impl Iterator<Item = (C, (&'a GrantKey, &'a Record))>,
) -> Page<C> {
    let mut page = Page::new(read_at);
    for (cursor, (key, record)) in rows {
        let bytes = record.most_bytes(key);
        if page.records.len() == limit || !page.fits(bytes) {
            return page.full();
        }
        page.add(cursor, key.clone(), record.clone(), bytes);
    }
    page
}

impl Default for MemoryStore {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MemoryStore({} records)", self.records().by_key.len())
    }
}
