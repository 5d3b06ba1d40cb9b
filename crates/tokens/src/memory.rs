use std::collections::{BTreeSet, HashMap};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use countersign_core::{Clock, SystemClock};

use crate::key::GrantKey;
use crate::store::{
    Adopt, Begin, Clear, Due, DuePage, Epoch, Forget, GrantStore, Mark, Record, Renew, Reseal,
    Rules, Save, StoreError, StoreTime, Verdict,
};

/// Grants in memory, for tests and for programs whose grants need not outlive them. Clones share
/// them.
///
/// ```
/// use countersign_tokens::MemoryStore;
///
/// let store = MemoryStore::new();
/// assert_eq!(format!("{store:?}"), "MemoryStore(0 grants)");
/// ```
#[derive(Clone)]
pub struct MemoryStore(Arc<Inner>);

struct Inner {
    clock: Arc<dyn Clock>,
    held: Mutex<Held>,
}

#[derive(Default)]
struct Held {
    records: HashMap<GrantKey, Record>,
    due: BTreeSet<Due>,
}

impl MemoryStore {
    /// An empty store by the system's clock.
    #[must_use]
    pub fn new() -> Self {
        Self::with_clock(SystemClock)
    }

    /// An empty store by this clock.
    #[must_use]
    pub fn with_clock(clock: impl Clock) -> Self {
        Self(Arc::new(Inner { clock: Arc::new(clock), held: Mutex::default() }))
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        // A panic under the lock is ours alone to make, and no record is left half changed.
        self.0.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now(&self) -> StoreTime {
        let now = self.0.clock.now();
        StoreTime::from_millis(now.unix_timestamp() * 1000 + i64::from(now.millisecond()))
    }

    /// Applies a rule to the record of `key`, and keeps the list of what is due in step with it.
    fn step<T>(&self, key: &GrantKey, rule: impl FnOnce(Rules<'_>) -> T) -> T {
        let (mut held, now) = (self.held(), self.now());
        let mut place = held.records.remove(key);
        let before = place.as_ref().and_then(|record| Rules::due(key, record));
        let answer = rule(Rules::new(&mut place, now));
        let after = place.as_ref().and_then(|record| Rules::due(key, record));
        if before != after {
            if let Some(due) = before {
                held.due.remove(&due);
            }
            held.due.extend(after);
        }
        if let Some(record) = place {
            held.records.insert(key.clone(), record);
        }
        answer
    }
}

#[async_trait]
impl GrantStore for MemoryStore {
    async fn load(&self, key: &GrantKey) -> Result<Option<Record>, StoreError> {
        let (held, now) = (self.held(), self.now());
        Ok(held.records.get(key).map(|record| Record { read_at: now, ..record.clone() }))
    }

    async fn begin(&self, key: &GrantKey, begin: &Begin) -> Result<Verdict, StoreError> {
        Ok(self.step(key, |rules| rules.begin(begin)))
    }

    async fn save(&self, key: &GrantKey, save: &Save) -> Result<Verdict, StoreError> {
        Ok(self.step(key, |rules| rules.save(save)))
    }

    async fn clear(&self, key: &GrantKey, clear: &Clear) -> Result<Verdict, StoreError> {
        Ok(self.step(key, |rules| rules.clear(clear)))
    }

    async fn renew(&self, key: &GrantKey, renew: &Renew) -> Result<Verdict, StoreError> {
        Ok(self.step(key, |rules| rules.renew(renew)))
    }

    async fn mark(&self, key: &GrantKey, mark: &Mark) -> Result<Verdict, StoreError> {
        Ok(self.step(key, |rules| rules.mark(mark)))
    }

    async fn reseal(&self, key: &GrantKey, reseal: &Reseal) -> Result<Verdict, StoreError> {
        Ok(self.step(key, |rules| rules.reseal(reseal)))
    }

    async fn adopt(&self, key: &GrantKey, adopt: &Adopt) -> Result<Verdict, StoreError> {
        Ok(self.step(key, |rules| rules.adopt(adopt)))
    }

    async fn forget(&self, key: &GrantKey, forget: &Forget) -> Result<Verdict, StoreError> {
        Ok(self.step(key, |rules| rules.forget(forget)))
    }

    async fn purge(&self, key: &GrantKey, tombstone: Epoch) -> Result<(), StoreError> {
        self.step(key, |rules| rules.purge(tombstone));
        Ok(())
    }

    async fn due(
        &self,
        within: Duration,
        after: Option<&Due>,
        limit: usize,
    ) -> Result<DuePage, StoreError> {
        let (held, read_at) = (self.held(), self.now());
        let until = read_at.plus(within);
        let later = held.due.iter().filter(|due| after.is_none_or(|after| *due > after));
        let grants = later.take_while(|due| due.due_at <= until).take(limit).cloned().collect();
        Ok(DuePage { grants, read_at })
    }
}

impl Default for MemoryStore {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MemoryStore({} grants)", self.held().records.len())
    }
}
