//! A store that is watched: what a test says happens before and after its steps.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use countersign_tokens::{
    Adopt, Begin, Clear, Due, DuePage, Epoch, Forget, GrantKey, GrantStore, Mark, Record, Renew,
    Reseal, Save, StoreError, Task, Verdict,
};

/// The steps of a store.
#[expect(missing_docs, reason = "named for the steps of `GrantStore`")]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Step {
    Load,
    Begin,
    Save,
    Clear,
    Renew,
    Mark,
    Reseal,
    Adopt,
    Forget,
    Purge,
    Due,
}

/// On which side of a step.
#[expect(missing_docs, reason = "they say it")]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Side {
    Before,
    After,
}

/// What is done on either side of each step. It may wait, fail or panic; what fails before a step
/// keeps it from being done, what fails after one hides that it was.
#[async_trait]
pub trait Watch: fmt::Debug + Send + Sync + 'static {
    /// Called on either side of each step.
    async fn at(&self, step: Step, side: Side) -> Result<(), StoreError>;

    /// Whether begins are on their way for so long that nobody waits for them any more, and are
    /// done all the same: then they are handed over.
    fn takes_late_begins(&self) -> bool {
        false
    }

    /// A begin, to be done at some time.
    fn take_late_begin(&self, begin: Task) {
        drop(begin);
    }
}

/// A store that is watched.
#[derive(Debug, Clone)]
pub struct Watched {
    inner: Arc<dyn GrantStore>,
    watch: Arc<dyn Watch>,
}

impl Watched {
    /// This store, watched so.
    pub fn new(inner: impl GrantStore, watch: Arc<dyn Watch>) -> Self {
        Self::shared(Arc::new(inner), watch)
    }

    /// This store, which others may watch too.
    pub fn shared(inner: Arc<dyn GrantStore>, watch: Arc<dyn Watch>) -> Self {
        Self { inner, watch }
    }

    async fn step<T>(
        &self,
        step: Step,
        work: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        self.watch.at(step, Side::Before).await?;
        let done = work.await;
        self.watch.at(step, Side::After).await?;
        done
    }
}

#[async_trait]
impl GrantStore for Watched {
    async fn load(&self, key: &GrantKey) -> Result<Option<Record>, StoreError> {
        self.step(Step::Load, self.inner.load(key)).await
    }
    async fn begin(&self, key: &GrantKey, step: &Begin) -> Result<Verdict, StoreError> {
        if self.watch.takes_late_begins() {
            let (inner, key, step) = (Arc::clone(&self.inner), key.clone(), *step);
            let begin = async move { drop(inner.begin(&key, &step).await) };
            self.watch.take_late_begin(Box::pin(begin));
            return std::future::pending().await;
        }
        self.step(Step::Begin, self.inner.begin(key, step)).await
    }
    async fn save(&self, key: &GrantKey, step: &Save) -> Result<Verdict, StoreError> {
        self.step(Step::Save, self.inner.save(key, step)).await
    }
    async fn clear(&self, key: &GrantKey, step: &Clear) -> Result<Verdict, StoreError> {
        self.step(Step::Clear, self.inner.clear(key, step)).await
    }
    async fn renew(&self, key: &GrantKey, step: &Renew) -> Result<Verdict, StoreError> {
        self.step(Step::Renew, self.inner.renew(key, step)).await
    }
    async fn mark(&self, key: &GrantKey, step: &Mark) -> Result<Verdict, StoreError> {
        self.step(Step::Mark, self.inner.mark(key, step)).await
    }
    async fn reseal(&self, key: &GrantKey, step: &Reseal) -> Result<Verdict, StoreError> {
        self.step(Step::Reseal, self.inner.reseal(key, step)).await
    }
    async fn adopt(&self, key: &GrantKey, step: &Adopt) -> Result<Verdict, StoreError> {
        self.step(Step::Adopt, self.inner.adopt(key, step)).await
    }
    async fn forget(&self, key: &GrantKey, step: &Forget) -> Result<Verdict, StoreError> {
        self.step(Step::Forget, self.inner.forget(key, step)).await
    }
    async fn purge(&self, key: &GrantKey, tombstone: Epoch) -> Result<(), StoreError> {
        self.step(Step::Purge, self.inner.purge(key, tombstone)).await
    }
    async fn due(
        &self,
        within: Duration,
        after: Option<&Due>,
        limit: usize,
    ) -> Result<DuePage, StoreError> {
        self.step(Step::Due, self.inner.due(within, after, limit)).await
    }
    async fn changed(&self, key: &GrantKey) {
        self.inner.changed(key).await;
    }
}
