use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use countersign_core::AccessToken;

use super::TokenManager;
use super::slot::Slot;
use crate::error::TokenError;
use crate::executor::Task;
use crate::key::GrantKey;

/// A handle to one grant of a [`TokenManager`]: as [`TokenManager::token`], without looking the
/// grant up. Cheap to clone.
#[derive(Clone)]
pub struct TokenSource {
    manager: TokenManager,
    slot: Arc<Slot>,
}

impl TokenSource {
    pub(super) fn new(manager: TokenManager, slot: Arc<Slot>) -> Self {
        Self { manager, slot }
    }

    /// Which grant.
    #[must_use]
    pub fn key(&self) -> &GrantKey {
        &self.slot.key
    }

    /// A fresh access token: see [`TokenManager::token`].
    ///
    /// # Errors
    ///
    /// As there.
    pub async fn token(&self) -> Result<AccessToken, TokenError> {
        if let Some(token) = self.slot.quiet(self.manager.0.client.now()) {
            return Ok(token);
        }
        Box::pin(self.manager.token_of(&self.slot)).await
    }

    /// Says that the API refused `token`: see [`TokenManager::reject`].
    ///
    /// # Errors
    ///
    /// As there.
    pub async fn reject(&self, token: &AccessToken) -> Result<AccessToken, TokenError> {
        self.manager.reject(&self.slot.key, token).await
    }
}

impl TokenSource {
    /// [`reject`](Self::reject) for one who does not wait for what becomes of it.
    #[cfg(feature = "tower")]
    pub(crate) fn reject_beside(&self, token: AccessToken) {
        let source = self.clone();
        let rejected = async move { drop(source.reject(&token).await) };
        // Without an executor there is nobody to refresh it; events and callers tell.
        let _ = self.manager.0.spawner.spawn(Box::pin(rejected));
    }

    /// Waits, by the manager's timer.
    pub(crate) fn sleep(&self, duration: Duration) -> Task {
        self.manager.0.timer.sleep(duration)
    }
}

impl fmt::Debug for TokenSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TokenSource({})", self.slot.key)
    }
}
