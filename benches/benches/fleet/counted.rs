//! A store that counts its steps.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use async_trait::async_trait;
use countersign_tokens::{
    Due, DuePage, GrantKey, GrantStore, ListPage, Loaded, Record, StoreError, Swap, Version,
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

    /// Returns the counts since the last call.
    pub(crate) fn take(&self) -> Steps {
        let Counts { loads, begins, saves, others } = &*self.counts;
        let take = |count: &AtomicU64| count.swap(0, Relaxed);
        Steps { loads: take(loads), begins: take(begins), saves: take(saves), others: take(others) }
    }
}

fn count(of: &AtomicU64) {
    of.fetch_add(1, Relaxed);
}

#[async_trait]
impl GrantStore for Counted {
    async fn load(&self, key: &GrantKey) -> Result<Loaded, StoreError> {
        count(&self.counts.loads);
        self.inner.load(key).await
    }

    async fn swap(
        &self,
        key: &GrantKey,
        expected: Option<Version>,
        next: Option<&Record>,
    ) -> Result<Swap, StoreError> {
        count(match next {
            None => &self.counts.others,
            // No two tasks refresh the same grant, so that a swap either begins or saves.
            Some(next) if next.attempts.is_empty() => &self.counts.saves,
            Some(_) => &self.counts.begins,
        });
        self.inner.swap(key, expected, next).await
    }

    async fn due(
        &self,
        within: Duration,
        after: Option<&Due>,
        limit: usize,
    ) -> Result<DuePage, StoreError> {
        count(&self.counts.others);
        self.inner.due(within, after, limit).await
    }

    async fn list(&self, after: Option<&GrantKey>, limit: usize) -> Result<ListPage, StoreError> {
        count(&self.counts.others);
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
