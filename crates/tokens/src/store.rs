//! What a grant looks like in a store, and the steps by which processes share it.

mod boot;
mod error;
mod id;
mod payload;
mod record;
mod rules;
mod step;
mod time;

use std::fmt;

use async_trait::async_trait;

pub use self::time::StoreTime;
pub use boot::BootTime;
pub use error::{StoreError, StoreErrorKind};
pub use id::{AttemptId, Epoch};
pub use payload::Payload;
pub use record::{Attempt, GrantState, Lease, Record};
pub use rules::Rules;
pub use step::{
    Adopt, Begin, Clear, Due, DuePage, Forget, Mark, Material, Negative, Renew, Reseal, Save,
    Takeover, Verdict,
};

use crate::key::GrantKey;

/// Keeps grants for any number of processes.
///
/// The contract: **each step is one atomic change of one record**, compared with what the step
/// expects, and judged by the store's own clock. What each step demands and does is written once,
/// as pure functions, in [`Rules`]; a store that keeps records whole applies those, one that works
/// in another language (SQL, a script) does the same. `grant_store_conformance!` of
/// `countersign-testkit` says whether it does.
///
/// * A step that is refused changes nothing, and answers with the record as it is. (A begin may
///   shorten a lease that ends too far away: see [`Rules::begin`].)
/// * A step that is repeated, because its answer was lost, is accepted again and changes nothing.
/// * A step that was accepted is durable when it returns.
/// * An error means that the step may or may not have been done.
/// * Dropping a step's future may leave the step done or not done, and nothing between.
/// * No error, log line or `Debug` shows a payload.
#[async_trait]
pub trait GrantStore: fmt::Debug + Send + Sync + 'static {
    /// The record of `key`, a tombstone included. `None` when there is none.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when it could not be read, which does not mean that there is none.
    async fn load(&self, key: &GrantKey) -> Result<Option<Record>, StoreError>;

    /// Takes the lease, looks again and writes the intent to refresh, all at once.
    ///
    /// # Errors
    ///
    /// [`StoreError`]; the intent may have been written: clear it before anything else.
    async fn begin(&self, key: &GrantKey, begin: &Begin) -> Result<Verdict, StoreError>;

    /// Stores what a refresh brought, and releases the lease of its attempt.
    ///
    /// # Errors
    ///
    /// [`StoreError`]; it may have been stored: repeat it.
    async fn save(&self, key: &GrantKey, save: &Save) -> Result<Verdict, StoreError>;

    /// Takes an attempt's intent back, which never led to a request or has its answer, and
    /// releases its lease.
    ///
    /// # Errors
    ///
    /// [`StoreError`]; it may have been cleared: repeat it.
    async fn clear(&self, key: &GrantKey, clear: &Clear) -> Result<Verdict, StoreError>;

    /// Extends a lease that its attempt still holds.
    ///
    /// # Errors
    ///
    /// [`StoreError`]; it may have been extended.
    async fn renew(&self, key: &GrantKey, renew: &Renew) -> Result<Verdict, StoreError>;

    /// Marks a grant as one that cannot be refreshed.
    ///
    /// # Errors
    ///
    /// [`StoreError`]; it may have been marked: repeat it.
    async fn mark(&self, key: &GrantKey, mark: &Mark) -> Result<Verdict, StoreError>;

    /// Replaces the payload by another form of the same material: sealed by another key, or with
    /// an alternate beside it. The generation does not move.
    ///
    /// # Errors
    ///
    /// [`StoreError`]; it may have been replaced.
    async fn reseal(&self, key: &GrantKey, reseal: &Reseal) -> Result<Verdict, StoreError>;

    /// Stores a new grant in the place of whatever there was.
    ///
    /// # Errors
    ///
    /// [`StoreError`]; it may have been stored: repeat it with the same epoch.
    async fn adopt(&self, key: &GrantKey, adopt: &Adopt) -> Result<Verdict, StoreError>;

    /// Leaves a tombstone in the place of a grant, so that nothing late brings it back.
    ///
    /// # Errors
    ///
    /// [`StoreError`]; it may have been done: repeat it with the same epoch.
    async fn forget(&self, key: &GrantKey, forget: &Forget) -> Result<Verdict, StoreError>;

    /// Removes the tombstone of this epoch. Without one nothing happens.
    ///
    /// # Errors
    ///
    /// [`StoreError`]; it may have been removed: repeat it.
    async fn purge(&self, key: &GrantKey, tombstone: Epoch) -> Result<(), StoreError>;

    /// The live grants that are due within `within` of now, the earliest first: at most `limit`,
    /// those after `after`. A page that is not full is the last.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when they could not be listed.
    async fn due(
        &self,
        within: std::time::Duration,
        after: Option<&Due>,
        limit: usize,
    ) -> Result<DuePage, StoreError>;

    /// Ends when the record of `key` may have changed, for a store that is told of changes. Waiters
    /// look again by themselves before long, so that being told late or never only costs time; by
    /// default they never are.
    async fn changed(&self, key: &GrantKey) {
        let _ = key;
        std::future::pending::<()>().await;
    }
}
