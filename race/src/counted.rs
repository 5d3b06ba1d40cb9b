//! A store whose steps are counted by grant, and told where faults may strike.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::time::Duration;

use async_trait::async_trait;
use countersign_tokens::{
    Adopt, Begin, Clear, Due, DuePage, Epoch, Forget, GrantKey, GrantStore, Mark, Record, Renew,
    Reseal, Save, StoreError, Verdict,
};

use crate::message::{Grant, Point, Said};
use crate::worker::say;

/// The store, and what was done with it.
#[derive(Clone)]
pub(crate) struct Counted {
    inner: Arc<dyn GrantStore>,
    counts: Arc<HashMap<GrantKey, Counts>>,
}

struct Counts {
    grant: Grant,
    /// Begins, refused ones too: whoever began either refreshes or waits for another.
    begins: AtomicU32,
    /// Steps of the flight under way. What came before a begin that was refused was waiting.
    steps: AtomicU32,
}

impl Counted {
    pub(crate) fn new(inner: Arc<dyn GrantStore>, keys: &[GrantKey]) -> Self {
        let counts = |(grant, key): (Grant, &GrantKey)| {
            let counts =
                Counts { grant, begins: AtomicU32::default(), steps: AtomicU32::default() };
            (key.clone(), counts)
        };
        Self { inner, counts: Arc::new(keys.iter().enumerate().map(counts).collect()) }
    }

    /// How often a refresh of this grant was begun or tried to.
    pub(crate) fn begins(&self, key: &GrantKey) -> u32 {
        self.counts.get(key).map_or(0, |counts| counts.begins.load(Relaxed))
    }

    /// What comes now belongs to another flight.
    pub(crate) fn take_off(&self, key: &GrantKey) {
        if let Some(counts) = self.counts.get(key) {
            counts.steps.store(0, Relaxed);
        }
    }

    /// Counts a step before it is done.
    fn count(&self, key: &GrantKey) -> Option<&Counts> {
        let counts = self.counts.get(key)?;
        counts.steps.fetch_add(1, Relaxed);
        Some(counts)
    }
}

impl Counts {
    fn at(&self, point: Point) {
        say(&Said::At(point, self.grant));
    }
}

#[async_trait]
impl GrantStore for Counted {
    async fn load(&self, key: &GrantKey) -> Result<Option<Record>, StoreError> {
        self.count(key);
        self.inner.load(key).await
    }

    async fn begin(&self, key: &GrantKey, step: &Begin) -> Result<Verdict, StoreError> {
        let counts = self.count(key);
        if let Some(counts) = counts {
            counts.begins.fetch_add(1, Relaxed);
            counts.at(Point::Begins);
        }
        let begun = self.inner.begin(key, step).await;
        if let (Some(counts), Ok(verdict)) = (counts, &begun) {
            if verdict.is_accepted() {
                counts.at(Point::Begun);
            } else {
                counts.steps.store(0, Relaxed);
                counts.at(Point::Refused);
            }
        }
        begun
    }

    async fn save(&self, key: &GrantKey, step: &Save) -> Result<Verdict, StoreError> {
        let counts = self.count(key);
        if let Some(counts) = counts {
            counts.at(Point::Saves);
        }
        let saved = self.inner.save(key, step).await;
        if let (Some(counts), Ok(Verdict::Accepted(_))) = (counts, &saved) {
            let steps = counts.steps.swap(0, Relaxed);
            say(&Said::Stored { grant: counts.grant, steps });
        }
        saved
    }

    async fn clear(&self, key: &GrantKey, step: &Clear) -> Result<Verdict, StoreError> {
        self.count(key);
        self.inner.clear(key, step).await
    }

    async fn renew(&self, key: &GrantKey, step: &Renew) -> Result<Verdict, StoreError> {
        self.count(key);
        self.inner.renew(key, step).await
    }

    async fn mark(&self, key: &GrantKey, step: &Mark) -> Result<Verdict, StoreError> {
        self.count(key);
        self.inner.mark(key, step).await
    }

    async fn reseal(&self, key: &GrantKey, step: &Reseal) -> Result<Verdict, StoreError> {
        self.count(key);
        self.inner.reseal(key, step).await
    }

    async fn adopt(&self, key: &GrantKey, step: &Adopt) -> Result<Verdict, StoreError> {
        self.inner.adopt(key, step).await
    }

    async fn forget(&self, key: &GrantKey, step: &Forget) -> Result<Verdict, StoreError> {
        self.inner.forget(key, step).await
    }

    async fn purge(&self, key: &GrantKey, tombstone: Epoch) -> Result<(), StoreError> {
        self.inner.purge(key, tombstone).await
    }

    async fn due(
        &self,
        within: Duration,
        after: Option<&Due>,
        limit: usize,
    ) -> Result<DuePage, StoreError> {
        self.inner.due(within, after, limit).await
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
