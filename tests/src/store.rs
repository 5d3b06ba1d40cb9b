//! A store with fault injection: a test says what happens before and after each operation.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use countersign_tokens::{
    Due, DuePage, GrantKey, GrantState, GrantStore, ListPage, Loaded, Record, StoreError, Swap,
    Task, Version,
};

/// What is done with a store: a load, a page, or a swap by what it changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Step {
    /// Loads a record.
    Load,
    /// Adds an attempt.
    Begin,
    /// Raises the generation.
    Save,
    /// Removes an attempt.
    Clear,
    /// Ends the lease of an attempt.
    Leave,
    /// Marks the grant as one that cannot be refreshed.
    Mark,
    /// Replaces the payload of a generation.
    Reseal,
    /// Writes a tombstone where nothing is.
    Vacate,
    /// Writes a new grant.
    Insert,
    /// Writes a tombstone over a grant.
    Remove,
    /// Removes a record.
    Purge,
    /// Writes the record of a reserved key.
    Lead,
    /// Reads a page of due records.
    Due,
    /// Reads a page of all records.
    List,
}

/// On which side of a step a fault strikes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Fault {
    /// The step is not done.
    Before,
    /// The step is done, and its outcome is lost.
    After,
}

/// What happens on either side of each step. It may wait, fail or panic.
#[async_trait]
pub trait Injector: fmt::Debug + Send + Sync + 'static {
    /// Called on either side of each step.
    async fn at(&self, step: Step, fault: Fault) -> Result<(), StoreError>;

    /// Returns whether writes of this step travel for so long that nobody waits for them any more,
    /// and are done all the same: they are handed to [`delay`](Self::delay).
    fn delays(&self, step: Step) -> bool {
        let _ = step;
        false
    }

    /// Takes a write, to be done later.
    fn delay(&self, write: Task) {
        drop(write);
    }
}

/// A store with faults.
#[derive(Debug, Clone)]
pub struct FaultyStore {
    inner: Arc<dyn GrantStore>,
    injector: Arc<dyn Injector>,
    /// What the writes change, so that a repeated write counts as the first one.
    writes: Arc<Mutex<HashMap<Version, Step>>>,
}

impl FaultyStore {
    /// Creates a store over `inner` with the faults of `injector`.
    pub fn new(inner: impl GrantStore, injector: Arc<dyn Injector>) -> Self {
        Self::shared(Arc::new(inner), injector)
    }

    /// Creates a store over one that others use too.
    pub fn shared(inner: Arc<dyn GrantStore>, injector: Arc<dyn Injector>) -> Self {
        Self { inner, injector, writes: Arc::default() }
    }

    async fn step<T>(
        &self,
        step: Step,
        work: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        self.injector.at(step, Fault::Before).await?;
        let done = work.await;
        self.injector.at(step, Fault::After).await?;
        done
    }
}

impl Step {
    /// Returns what a swap of `present` for `next` changes.
    #[must_use]
    pub fn of_swap(key: &GrantKey, present: Option<&Record>, next: Option<&Record>) -> Self {
        let Some(next) = next else { return Self::Purge };
        if key.is_reserved() {
            return Self::Lead;
        }
        let Some(present) = present else { return Self::Vacate };
        if present.epoch != next.epoch {
            return if next.state == GrantState::Gone { Self::Remove } else { Self::Insert };
        }
        let is_mark = next.state != present.state && next.state != GrantState::Live;
        match next.attempts.len().cmp(&present.attempts.len()) {
            _ if next.generation != present.generation => Self::Save,
            _ if is_mark => Self::Mark,
            _ if next.payload != present.payload => Self::Reseal,
            std::cmp::Ordering::Greater => Self::Begin,
            std::cmp::Ordering::Less => Self::Clear,
            std::cmp::Ordering::Equal => Self::Leave,
        }
    }
}

#[async_trait]
impl GrantStore for FaultyStore {
    async fn load(&self, key: &GrantKey) -> Result<Loaded, StoreError> {
        self.step(Step::Load, self.inner.load(key)).await
    }

    async fn swap(
        &self,
        key: &GrantKey,
        expected: Option<Version>,
        next: Option<&Record>,
    ) -> Result<Swap, StoreError> {
        let present = self.inner.load(key).await?.record;
        let mut step = Step::of_swap(key, present.as_ref(), next);
        if let Some(next) = next {
            let mut writes = self.writes.lock().unwrap_or_else(PoisonError::into_inner);
            step = *writes.entry(next.version).or_insert(step);
        }
        if self.injector.delays(step) {
            let (inner, key, next) = (Arc::clone(&self.inner), key.clone(), next.cloned());
            let write = async move { drop(inner.swap(&key, expected, next.as_ref()).await) };
            self.injector.delay(Box::pin(write));
            return std::future::pending().await;
        }
        self.step(step, self.inner.swap(key, expected, next)).await
    }

    async fn due(
        &self,
        within: Duration,
        after: Option<&Due>,
        limit: usize,
    ) -> Result<DuePage, StoreError> {
        self.step(Step::Due, self.inner.due(within, after, limit)).await
    }

    async fn list(&self, after: Option<&GrantKey>, limit: usize) -> Result<ListPage, StoreError> {
        self.step(Step::List, self.inner.list(after, limit)).await
    }

    async fn changed(&self, key: &GrantKey) {
        self.inner.changed(key).await;
    }
}
