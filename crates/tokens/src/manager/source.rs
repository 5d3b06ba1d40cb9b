use std::fmt;
use std::time::Duration;

use countersign_core::AccessToken;

use super::in_use::InUse;
use crate::error::TokenError;
use crate::executor::Task;
use crate::key::GrantKey;

/// A handle to one grant of a [`TokenManager`](super::TokenManager): as [`TokenManager::token`](super::TokenManager::token), without looking the
/// grant up. Cheap to clone. It stays the grant's while that is forgotten, and adopted anew.
#[derive(Clone)]
pub struct TokenSource {
    slot: InUse,
}

impl TokenSource {
    pub(super) fn new(slot: InUse) -> Self {
        Self { slot }
    }

    /// Which grant.
    #[must_use]
    pub fn key(&self) -> &GrantKey {
        &self.slot.key
    }

    /// A fresh access token: see [`TokenManager::token`](super::TokenManager::token).
    ///
    /// # Errors
    ///
    /// As there.
    pub async fn token(&self) -> Result<AccessToken, TokenError> {
        let manager = self.slot.manager();
        if let Some(token) = self.slot.quiet(manager.0.client.now()) {
            return Ok(token);
        }
        Box::pin(manager.token_of(&self.slot)).await
    }

    /// Says that the API refused `token`: see [`TokenManager::reject`](super::TokenManager::reject).
    ///
    /// # Errors
    ///
    /// As there.
    pub async fn reject(&self, token: &AccessToken) -> Result<AccessToken, TokenError> {
        self.slot.manager().reject_of(&self.slot, token).await
    }
}

impl TokenSource {
    /// [`reject`](Self::reject) for one who does not wait for what becomes of it.
    #[cfg(feature = "tower")]
    pub(crate) fn reject_beside(&self, token: AccessToken) {
        let source = self.clone();
        let rejected = async move { drop(source.reject(&token).await) };
        // Without an executor there is nobody to refresh it; events and callers tell.
        let _ = self.slot.manager().0.spawner.spawn(Box::pin(rejected));
    }

    /// Waits, by the manager's timer.
    pub(crate) fn sleep(&self, duration: Duration) -> Task {
        self.slot.manager().0.timer.sleep(duration)
    }
}

impl fmt::Debug for TokenSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TokenSource({})", self.slot.key)
    }
}
