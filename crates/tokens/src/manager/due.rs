//! Refreshing ahead of time, whether somebody asks or not.

use std::fmt;
use std::sync::{Arc, Weak};
use std::time::Duration;

use super::{Inner, TokenManager, refresh};
use crate::error::{TokenError, TokenErrorKind};
use crate::store::{Due, StoreTime};

/// Keeps the grants of a manager fresh until it is dropped: see [`TokenManager::keep_fresh`].
#[must_use = "dropping it ends the refreshing"]
pub struct KeepFresh {
    _alive: Arc<()>,
}

/// How many due grants are read from the store at once.
const PAGE: usize = 256;

impl TokenManager {
    /// Refreshes grants ahead of time by a task of its own: those that the store says are due,
    /// each at its time. It ends some time after the guard or the last clone of the manager is
    /// dropped.
    ///
    /// # Errors
    ///
    /// [`TokenErrorKind::Interrupted`] when no task can be begun.
    pub fn keep_fresh(&self) -> Result<KeepFresh, TokenError> {
        let alive = Arc::new(());
        let task = keep(Arc::downgrade(&self.0), Arc::downgrade(&alive));
        let spawned = self.0.spawner.spawn(Box::pin(task));
        spawned.map_err(|_| TokenError::new(TokenErrorKind::Interrupted))?;
        Ok(KeepFresh { _alive: alive })
    }
}

/// Holds the manager only while it is at work, so that the waits do not keep it.
async fn keep(manager: Weak<Inner>, alive: Weak<()>) {
    let manager = || manager.upgrade().filter(|_| alive.strong_count() > 0).map(TokenManager);
    let mut waited = Duration::ZERO;
    let mut page: Vec<Due> = Vec::new();
    loop {
        let Some(tokens) = manager() else { return };
        let period = tokens.0.timing.scan_period;
        let store = &tokens.0.store;
        // An error is the store's, which everybody else will tell of too: the next scan may do.
        let after = page.last().cloned().filter(|_| page.len() == PAGE);
        let listed = store.wait(store.store.due(period, after.as_ref(), PAGE)).await;
        let (listed, mut at) = match listed {
            Ok(page) => (page.grants, page.read_at),
            Err(_) => (Vec::new(), StoreTime::default()),
        };
        page = listed;
        let timer = Arc::clone(&tokens.0.timer);
        drop(tokens);
        for due in &page {
            let wait = due.due_at.since(at);
            if !wait.is_zero() {
                timer.sleep(wait).await;
                waited += wait;
                at = due.due_at;
            }
            let Some(tokens) = manager() else { return };
            if let Ok(slot) = tokens.slot(&due.key) {
                // What becomes of it is told by events.
                let _ = refresh::begin(&tokens, &slot, None);
            }
        }
        if page.len() < PAGE {
            timer.sleep(period.saturating_sub(waited)).await;
            waited = Duration::ZERO;
        }
    }
}

impl fmt::Debug for KeepFresh {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeepFresh")
    }
}
