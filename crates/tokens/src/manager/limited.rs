//! A store whose every step ends within a limit, and whose panics are errors.

use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_lite::{FutureExt, future};

use crate::executor::Timer;
use crate::key::GrantKey;
use crate::store::{Epoch, Forget, GrantStore, Record, StoreError, StoreErrorKind, Verdict};

/// The store, and how long a step of it may take.
pub(super) struct Limited {
    pub(super) store: Arc<dyn GrantStore>,
    pub(super) timer: Arc<dyn Timer>,
    pub(super) limit: Duration,
}

impl Limited {
    /// The record of `key`, to be replaced or forgotten: one whose tokens do not open is there all
    /// the same, and comes without them.
    pub(super) async fn present(&self, key: &GrantKey) -> Result<Option<Record>, StoreError> {
        match self.wait(self.store.load(key)).await {
            Err(error) if is_sealed_for_good(&error) => {
                // Forgetting what nobody has changes nothing, and shows what is there.
                let forget = Forget { epoch: Epoch::random()?, tombstone: Epoch::random()? };
                Ok(match self.wait(self.store.forget(key, &forget)).await? {
                    Verdict::Accepted(record) => Some(record),
                    Verdict::Refused(record) => record,
                })
            }
            loaded => loaded,
        }
    }

    /// Waits until the record of `key` may have changed, at the longest for so long. A store that
    /// panics tells nothing.
    pub(super) async fn changed(&self, key: &GrantKey, at_most: Duration) {
        let told = async {
            if AssertUnwindSafe(self.store.changed(key)).catch_unwind().await.is_err() {
                future::pending::<()>().await;
            }
        };
        future::or(told, self.timer.sleep(at_most)).await;
    }

    /// Waits for a step of the store, up to the limit. A step that panics may have been done, like
    /// any that fails, and does not take the tokens in hand with it.
    pub(super) async fn wait<T>(
        &self,
        step: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        let elapsed = async {
            self.timer.sleep(self.limit).await;
            Err(StoreError::new(StoreErrorKind::Timeout))
        };
        let step = AssertUnwindSafe(step).catch_unwind();
        let step = async {
            let panicked = |_| StoreError::new(StoreErrorKind::Other).with_source("it panicked");
            step.await.unwrap_or_else(|panic| Err(panicked(panic)))
        };
        // The step first: one that is done is not late.
        future::or(step, elapsed).await
    }
}

/// Whether tokens are there that no key at hand opens.
fn is_sealed_for_good(error: &StoreError) -> bool {
    matches!(error.kind(), StoreErrorKind::UnknownKey | StoreErrorKind::Unsealable)
}
