//! Records of grants, and the compare-and-swap by which processes share them.

mod boot;
mod error;
mod id;
mod page;
mod payload;
mod randomness;
mod record;
mod time;

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;

pub use self::time::StoreTime;
pub use boot::BootTime;
pub use error::{StoreError, StoreErrorKind};
pub use id::{AttemptId, Epoch, Version};
pub use page::{Due, DuePage, ListPage, Page};
pub use payload::Payload;
pub use randomness::Randomness;
pub(crate) use randomness::SystemRandomness;
pub use record::{Attempt, GrantState, Record};

use crate::key::GrantKey;

/// Stores the records of grants for any number of processes.
///
/// A store is a compare-and-swap over one record for each key. It knows no rule of the refresh
/// protocol: it keeps the key, the [`version`](Record::version) and the [`due_at`](Record::due_at)
/// of a record where it can compare and search them, and the record itself as the bytes of
/// [`Record::encode`]. The suite `grant_store_conformance!` of `countersign-testkit` tests a store.
///
/// * A [`swap`](Self::swap) is one atomic step. A swap that returned [`Swap::Done`] is durable.
/// * An error means that the swap may have been done, may be done later, or never. Only with
///   [`StoreErrorKind::Full`] and [`StoreErrorKind::ReadOnly`] it was not done and never will be. A store that repeats swaps needs
///   [`StoreError::with_unknown_outcome`] for this.
/// * Dropping a future leaves a swap done or not done, and nothing between.
/// * No error, log line or `Debug` output shows a payload.
///
/// # Examples
///
/// ```
/// use countersign_tokens::{GrantKey, GrantStore, MemoryStore, StoreError, Swap};
///
/// # async fn example(store: MemoryStore, key: GrantKey) -> Result<(), StoreError> {
/// let loaded = store.load(&key).await?;
/// if let Some(record) = loaded.record {
///     // Removes the record, unless another process has replaced it meanwhile.
///     match store.swap(&key, Some(record.version), None).await? {
///         Swap::Done(_) => println!("removed"),
///         Swap::Conflict(present) => println!("replaced: {present:?}"),
///     }
/// }
/// # Ok(())
/// # }
/// ```
#[async_trait]
pub trait GrantStore: fmt::Debug + Send + Sync + 'static {
    /// Returns the record of `key`, tombstones included, and the store's time.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the record could not be read. The error does not mean that there is none.
    async fn load(&self, key: &GrantKey) -> Result<Loaded, StoreError>;

    /// Replaces the record of `key` by `next` if its version is `expected`.
    ///
    /// `expected` is `None` if there must be no record, and `next` is `None` to remove the record.
    /// The caller draws the version of `next` at random for each write and never uses it again.
    /// The swap returns [`Swap::Done`] and writes nothing if the record already has the version of
    /// `next`, or, for `next = None`, if there is no record. So a swap can be repeated.
    ///
    /// The record of a [`Swap::Conflict`] must be read after the comparison failed.
    ///
    /// # Errors
    ///
    /// [`StoreError`]; the swap may have been done. Repeat the same swap to learn the outcome.
    async fn swap(
        &self,
        key: &GrantKey,
        expected: Option<Version>,
        next: Option<&Record>,
    ) -> Result<Swap, StoreError>;

    /// Returns the records whose [`due_at`](Record::due_at) is at most `within` from now, the
    /// earliest first: at most `limit` records, after the cursor `after`.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the store could not be searched. A single row that cannot be read is not
    /// an error: see [`Page::skipped`].
    async fn due(
        &self,
        within: Duration,
        after: Option<&Due>,
        limit: usize,
    ) -> Result<DuePage, StoreError>;

    /// Returns all records in the order of their keys, tombstones and reserved keys included: at
    /// most `limit` records, after the key `after`.
    ///
    /// [`GrantState::Gone`] marks a tombstone, and [`GrantKey::is_reserved`] a reserved key.
    ///
    /// # Errors
    ///
    /// As for [`due`](Self::due).
    async fn list(&self, after: Option<&GrantKey>, limit: usize) -> Result<ListPage, StoreError>;

    /// Completes when the record of `key` may have changed, for a store that is notified of
    /// changes. Callers also poll, so a late or missing notification only costs time. By default
    /// the future never completes.
    async fn changed(&self, key: &GrantKey) {
        let _ = key;
        std::future::pending::<()>().await;
    }
}

/// A record as a store returned it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Loaded {
    /// The record. `None` if there is none.
    pub record: Option<Record>,
    /// The store's clock when the record was read.
    pub read_at: StoreTime,
}

/// The outcome of [`GrantStore::swap`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Swap {
    /// The record is the one that the swap wrote, now or in an earlier try. Holds the store's
    /// clock.
    Done(StoreTime),
    /// The record had another version. Holds the record as it was read after the comparison.
    Conflict(Loaded),
}
