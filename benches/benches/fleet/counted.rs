//! A store whose steps are counted.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use async_trait::async_trait;
use countersign_tokens::{
    Adopt, Begin, Clear, Due, DuePage, Epoch, Forget, GrantKey, GrantStore, Mark, Record, Renew,
    Reseal, Save, StoreError, Verdict,
};

use crate::message::Steps;

/// The store, and how often each step was asked of it.
#[derive(Clone)]
pub(crate) struct Counted {
    inner: Arc<dyn GrantStore>,
    counts: Arc<Counts>,
}

#[derive(Default)]
struct Counts {
    loads: AtomicU64,
    begins: AtomicU64,
    saves: AtomicU64,
    others: AtomicU64,
}

impl Counted {
    pub(crate) fn new(inner: Arc<dyn GrantStore>) -> Self {
        Self { inner, counts: Arc::default() }
    }

    /// What was counted since the last time.
    pub(crate) fn take(&self) -> Steps {
        let Counts { loads, begins, saves, others } = &*self.counts;
        let take = |count: &AtomicU64| count.swap(0, Relaxed);
        Steps { loads: take(loads), begins: take(begins), saves: take(saves), others: take(others) }
    }

    fn other(&self) -> &Arc<dyn GrantStore> {
        count(&self.counts.others);
        &self.inner
    }
}

fn count(of: &AtomicU64) {
    of.fetch_add(1, Relaxed);
}

#[async_trait]
impl GrantStore for Counted {
    async fn load(&self, key: &GrantKey) -> Result<Option<Record>, StoreError> {
        count(&self.counts.loads);
        self.inner.load(key).await
    }
    async fn begin(&self, key: &GrantKey, step: &Begin) -> Result<Verdict, StoreError> {
        count(&self.counts.begins);
        self.inner.begin(key, step).await
    }
    async fn save(&self, key: &GrantKey, step: &Save) -> Result<Verdict, StoreError> {
        count(&self.counts.saves);
        self.inner.save(key, step).await
    }
    async fn clear(&self, key: &GrantKey, step: &Clear) -> Result<Verdict, StoreError> {
        self.other().clear(key, step).await
    }
    async fn renew(&self, key: &GrantKey, step: &Renew) -> Result<Verdict, StoreError> {
        self.other().renew(key, step).await
    }
    async fn mark(&self, key: &GrantKey, step: &Mark) -> Result<Verdict, StoreError> {
        self.other().mark(key, step).await
    }
    async fn reseal(&self, key: &GrantKey, step: &Reseal) -> Result<Verdict, StoreError> {
        self.other().reseal(key, step).await
    }
    async fn adopt(&self, key: &GrantKey, step: &Adopt) -> Result<Verdict, StoreError> {
        self.other().adopt(key, step).await
    }
    async fn forget(&self, key: &GrantKey, step: &Forget) -> Result<Verdict, StoreError> {
        self.other().forget(key, step).await
    }
    async fn purge(&self, key: &GrantKey, tombstone: Epoch) -> Result<(), StoreError> {
        self.other().purge(key, tombstone).await
    }
    async fn due(
        &self,
        within: Duration,
        after: Option<&Due>,
        limit: usize,
    ) -> Result<DuePage, StoreError> {
        self.other().due(within, after, limit).await
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
