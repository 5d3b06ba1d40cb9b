//! The store: a [`MemoryStore`], and what a defect makes of its answers.

use std::collections::{BTreeMap, HashSet};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, ThreadId};
use std::time::Duration;

use async_trait::async_trait;
use countersign_testkit::store_conformance::Stores;
use countersign_testkit::{ManualClock, block_on, steps};
use countersign_tokens::{
    Due, DuePage, GrantKey, GrantState, GrantStore, ListPage, Loaded, MemoryStore, Page, Payload,
    Record, StoreError, StoreTime, Swap, Version,
};

use crate::defect::Defect::{self, *};

#[derive(Clone)]
pub(crate) struct BrokenStore {
    defect: Option<Defect>,
    inner: MemoryStore,
    past: Arc<Mutex<Past>>,
}

/// What only some defects use.
#[derive(Default)]
struct Past {
    /// The record before the last write of a key, and the thread that wrote.
    former: BTreeMap<GrantKey, (ThreadId, Option<Record>)>,
    /// The key of the last write.
    last: Option<GrantKey>,
    first: BTreeMap<GrantKey, Record>,
    removed: BTreeMap<GrantKey, Record>,
    versions: HashSet<Version>,
}

impl BrokenStore {
    pub(crate) fn stores(defect: Option<Defect>) -> Stores {
        let clock = ManualClock::default();
        let inner = MemoryStore::with_clock(clock.clone());
        let store = Self { defect, inner, past: Arc::default() };
        let mut reopened = store.clone();
        if defect == Some(ReopensEmpty) {
            reopened.inner = MemoryStore::new();
        }
        let advance = move |by| {
            if defect != Some(StopsItsClock) {
                clock.advance(by);
            }
        };
        Stores::new(store.clone(), store, advance).reopened_by(move || reopened.clone())
    }

    fn is(&self, defect: Defect) -> bool {
        self.defect == Some(defect)
    }

    fn past(&self) -> MutexGuard<'_, Past> {
        self.past.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn key(&self, key: &GrantKey) -> GrantKey {
        let subject = match self.defect {
            Some(FoldsCase) => key.subject().to_lowercase(),
            Some(CutsLongKeys) => key.subject().chars().take(255).collect(),
            _ => return key.clone(),
        };
        let folded = GrantKey::new(&key.provider(), &key.client_id(), &subject);
        folded.unwrap_or_else(|_| key.clone())
    }

    /// Returns what is kept of a record.
    fn kept(&self, mut record: Record, former: Option<&Record>) -> Record {
        let seconds = |time: &mut Option<StoreTime>| {
            *time = time.map(|it| StoreTime::from_millis(it.as_millis() / 1000 * 1000));
        };
        let bytes = record.payload.as_bytes();
        match self.defect {
            Some(KeepsTheFormerKeyId) => {
                record.key_id = record.key_id.or_else(|| former.and_then(|it| it.key_id.clone()));
            }
            Some(StoresUnknownAsLive) if record.state == GrantState::Unknown => {
                record.state = GrantState::Live;
            }
            Some(KeepsGenerationsAsFloats) => record.generation = record.generation as f64 as u64,
            Some(SortsAttempts) => record.attempts.sort_by_key(|it| (it.at, it.id)),
            Some(KeepsSeconds) => {
                seconds(&mut record.due_at);
                seconds(&mut record.expires_at);
                seconds(&mut record.retry_at);
            }
            Some(KeepsAsciiKeyIds) => {
                record.key_id = record.key_id.map(|it| it.replace(|it: char| !it.is_ascii(), "?"));
            }
            Some(KeepsText) => {
                record.payload = Payload::new(String::from_utf8_lossy(bytes).into_owned().into());
            }
            Some(CutsLongPayloads) if bytes.len() > 64 << 10 => {
                record.payload = Payload::new(bytes[..64 << 10].to_vec());
            }
            _ => {}
        }
        record
    }

    fn swap_now(
        &self,
        key: &GrantKey,
        mut expected: Option<Version>,
        next: Option<&Record>,
    ) -> Result<Swap, StoreError> {
        let mut past = self.past();
        let present = block_on(self.inner.load(key))?;
        let (read_at, present) = (present.read_at, present.record);
        let version = present.as_ref().map(|it| it.version);
        let next = next.map(|it| self.kept(it.clone(), present.as_ref()));
        let is_repeat = next.as_ref().map(|it| it.version) == version;
        let conflict = |record| Ok(Swap::Conflict(Loaded { record, read_at }));
        let is_raced = |(thread, former): &(ThreadId, Option<Record>)| {
            *thread != thread::current().id() && former.as_ref().map(|it| it.version) == expected
        };
        let former = past.former.get(key).filter(|it| is_raced(it)).map(|(_, former)| former);
        let is_lower = |(next, present): (&Record, &Record)| next.generation < present.generation;
        match self.defect {
            Some(LosesReservedKeys) if key.is_reserved() => return Ok(Swap::Done(read_at)),
            Some(OverwritesWithFirstWrites) if expected.is_none() && next.is_some() => {
                expected = version;
            }
            Some(OverwritesAnyVersion) if expected.is_some() && version.is_some() => {
                expected = version;
            }
            Some(WritesOverNothing) if version.is_none() => expected = None,
            Some(RefusesLowerGenerations)
                if next.as_ref().zip(present.as_ref()).is_some_and(is_lower) =>
            {
                return conflict(present);
            }
            Some(RemovesAnyVersion) if next.is_none() => expected = version,
            Some(RefusesToRemoveNothing) if next.is_none() && version.is_none() => {
                return conflict(None);
            }
            Some(RefusesRepeatedSwaps) if is_repeat && version.is_some() => {
                return conflict(present);
            }
            Some(RewritesRepeatedSwaps) if is_repeat => {
                block_on(self.inner.swap(key, version, None))?;
                return block_on(self.inner.swap(key, None, next.as_ref()));
            }
            Some(RemembersSwapsForGood)
                if next.as_ref().is_some_and(|it| past.versions.contains(&it.version)) =>
            {
                return Ok(Swap::Done(read_at));
            }
            Some(ComparesBeforeItLocks) if former.is_some() => expected = version,
            Some(ShowsTheRecordOfBefore) if version != expected && !is_repeat => {
                if let Some(former) = former {
                    return conflict(former.clone());
                }
            }
            Some(KeepsAllInOneFile) => self.put_back(&past, key)?,
            _ => {}
        }
        let next = match next {
            None if self.is(RemovesToATombstone) && version.is_some() => {
                Some(Record::tombstone(steps::epoch(), 1, steps::version()))
            }
            next => next,
        };
        let swap = block_on(self.inner.swap(key, expected, next.as_ref()))?;
        if let (Swap::Done(_), false) = (&swap, is_repeat) {
            past.former.insert(key.clone(), (thread::current().id(), present.clone()));
            past.last = Some(key.clone());
            match next {
                Some(next) => {
                    past.versions.insert(next.version);
                    past.first.entry(key.clone()).or_insert(next);
                }
                None => past.removed.extend(present.map(|it| (key.clone(), it))),
            }
            return Ok(swap);
        }
        if let (Swap::Conflict(_), Some(WritesWithConflicts)) = (&swap, self.defect) {
            block_on(self.inner.swap(key, version, next.as_ref()))?;
        }
        Ok(match swap {
            Swap::Conflict(_) if self.is(ShowsNoRecordWithConflicts) => {
                Swap::Conflict(Loaded { record: None, read_at })
            }
            Swap::Conflict(Loaded { record, .. }) if self.is(TellsNoTimeWithConflicts) => {
                Swap::Conflict(Loaded { record, read_at: StoreTime::default() })
            }
            swap => swap,
        })
    }

    /// Undoes the last write if another thread wrote it under another key.
    fn put_back(&self, past: &Past, key: &GrantKey) -> Result<(), StoreError> {
        let Some(last) = past.last.as_ref().filter(|last| *last != key) else { return Ok(()) };
        let Some((thread, former)) = past.former.get(last) else { return Ok(()) };
        if *thread != thread::current().id() {
            let version = block_on(self.inner.load(last))?.record.map(|it| it.version);
            block_on(self.inner.swap(last, version, former.as_ref()))?;
        }
        Ok(())
    }

    /// Changes a page, whether of what is due or of the list.
    fn page<C>(&self, mut page: Page<C>) -> Page<C> {
        match self.defect {
            Some(LeavesOutPayloadsInPages) => {
                page.records.iter_mut().for_each(|(_, it)| it.payload = Payload::empty());
            }
            Some(LeavesOutReservedKeysInPages) => {
                page.records.retain(|(key, _)| !key.is_reserved());
            }
            Some(AddsRemovedRecords) if page.next.is_none() => {
                page.records.extend(self.past().removed.clone());
            }
            Some(TellsNoTimeWithPages) => page.read_at = StoreTime::default(),
            _ => {}
        }
        page
    }
}

#[async_trait]
impl GrantStore for BrokenStore {
    async fn load(&self, key: &GrantKey) -> Result<Loaded, StoreError> {
        let mut loaded = self.inner.load(&self.key(key)).await?;
        if self.is(ShowsTombstonesForNothing) && loaded.record.is_none() {
            loaded.record = Some(Record::tombstone(steps::epoch(), 1, steps::version()));
        }
        Ok(loaded)
    }

    async fn swap(
        &self,
        key: &GrantKey,
        expected: Option<Version>,
        next: Option<&Record>,
    ) -> Result<Swap, StoreError> {
        let key = self.key(key);
        if let (Some(WritesInTwoParts), Some(next)) = (self.defect, next) {
            let half = Half { store: self, key: &key, expected, next: Some(next) };
            yield_once().await;
            half.complete();
        }
        self.swap_now(&key, expected, next)
    }

    async fn due(
        &self,
        within: Duration,
        after: Option<&Due>,
        limit: usize,
    ) -> Result<DuePage, StoreError> {
        let mut page = match self.defect {
            Some(IgnoresWithin) => self.inner.due(Duration::MAX, after, limit).await?,
            Some(FillsDuePages) => self.inner.due(within, after, usize::MAX).await?,
            _ => self.inner.due(within, after, limit).await?,
        };
        let now = page.read_at;
        match self.defect {
            Some(SortsDueByKey) => page.records.sort_by_key(|(key, _)| key.clone()),
            Some(LeavesOutOverdueRecords) => page.records.retain(|it| it.1.due_at >= Some(now)),
            Some(SkipsEqualInstants) => {
                page.records
                    .retain(|it| after.is_none_or(|after| it.1.due_at > Some(after.due_at)));
            }
            Some(RepeatsTheLastRecord) => {
                if let Some(after) = after {
                    let last = self.inner.load(&after.key).await?.record;
                    page.records.splice(..0, last.map(|it| (after.key.clone(), it)));
                }
            }
            Some(AddsRecordsThatAreNeverDue) if page.next.is_none() => {
                let all = self.inner.list(None, usize::MAX).await?.records;
                page.records.extend(all.into_iter().filter(|it| it.1.due_at.is_none()));
            }
            Some(KeepsTheFirstInstant) => {
                let first = self.past().first.clone();
                page.records.retain(|(key, it)| first[key].due_at == it.due_at);
            }
            _ => {}
        }
        Ok(self.page(page))
    }

    async fn list(&self, after: Option<&GrantKey>, limit: usize) -> Result<ListPage, StoreError> {
        let limit = if self.is(FillsListPages) { usize::MAX } else { limit };
        let mut page = self.inner.list(after, limit).await?;
        match self.defect {
            Some(SortsAsPeopleDo) => page.records.sort_by_key(|it| it.0.as_str().to_lowercase()),
            Some(EndsTheListEarly) if page.records.len() == limit => page.next = None,
            _ => {}
        }
        Ok(self.page(page))
    }
}

/// Writes half of a record if the future that holds it is dropped.
struct Half<'a> {
    store: &'a BrokenStore,
    key: &'a GrantKey,
    expected: Option<Version>,
    next: Option<&'a Record>,
}

impl Half<'_> {
    fn complete(mut self) {
        self.next = None;
    }
}

impl Drop for Half<'_> {
    fn drop(&mut self) {
        let half = self.next.map(|it| Record { payload: Payload::empty(), ..it.clone() });
        if half.is_some() {
            let _ = self.store.swap_now(self.key, self.expected, half.as_ref());
        }
    }
}

async fn yield_once() {
    let mut is_first = true;
    std::future::poll_fn(|context| {
        context.waker().wake_by_ref();
        if std::mem::take(&mut is_first) {
            std::task::Poll::Pending
        } else {
            std::task::Poll::Ready(())
        }
    })
    .await;
}

impl fmt::Debug for BrokenStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let records = block_on(self.inner.list(None, usize::MAX)).ok();
        let shown = records.filter(|_| self.is(ShowsPayloads));
        f.debug_list()
            .entries(shown.iter().flat_map(|it| &it.records).map(|it| it.1.payload.as_bytes()))
            .finish()
    }
}
