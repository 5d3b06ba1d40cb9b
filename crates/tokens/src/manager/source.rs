use std::fmt;
use std::time::Duration;

use countersign_core::AccessToken;

use super::engine::GrantInUse;
use super::refresh::callers;
use crate::error::TokenError;
use crate::executor::Task;
use crate::key::GrantKey;

/// A handle to one grant of a [`TokenManager`](crate::TokenManager), for callers that ask for its
/// token often: it does not look the grant up. Cheap to clone. It stays the handle of its key when
/// the grant is removed and inserted anew.
///
/// # Examples
///
/// ```
/// use countersign_tokens::{TokenError, TokenSource};
///
/// # async fn example(source: TokenSource) -> Result<(), TokenError> {
/// let token = source.token().await?;
/// let header = token.authorization_header();
/// # let _ = header;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct TokenSource {
    grant: GrantInUse,
}

impl TokenSource {
    pub(super) fn new(grant: GrantInUse) -> Self {
        Self { grant }
    }

    /// Returns the key of the grant.
    #[must_use]
    pub fn key(&self) -> &GrantKey {
        &self.grant.key
    }

    /// Returns a fresh access token: see [`TokenManager::token`](crate::TokenManager::token).
    ///
    /// # Errors
    ///
    /// Those of [`TokenManager::token`](crate::TokenManager::token).
    ///
    /// # Cancel safety
    ///
    /// Dropping the future loses nothing: a refresh goes on.
    pub async fn token(&self) -> Result<AccessToken, TokenError> {
        if let Some(token) = self.grant.quiet(self.grant.engine.now()) {
            return Ok(token);
        }
        Box::pin(callers::token_of(&self.grant)).await
    }

    /// Returns a replacement for a token that the API refused: see
    /// [`TokenManager::reject`](crate::TokenManager::reject).
    ///
    /// # Errors
    ///
    /// Those of [`TokenManager::reject`](crate::TokenManager::reject).
    ///
    /// # Cancel safety
    ///
    /// Dropping the future loses nothing: a refresh goes on.
    pub async fn reject(&self, token: &AccessToken) -> Result<AccessToken, TokenError> {
        callers::reject(&self.grant, token).await
    }

    /// Rejects a token without waiting for its replacement.
    #[cfg(feature = "tower")]
    pub(crate) fn reject_in_background(&self, token: AccessToken) {
        let source = self.clone();
        // Events report the outcome.
        self.grant.engine.spawn(async move { drop(source.reject(&token).await) });
    }

    /// Waits, by the manager's timer.
    pub(crate) fn sleep(&self, duration: Duration) -> Task {
        self.grant.engine.sleep(duration)
    }
}

impl fmt::Debug for TokenSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TokenSource({})", self.grant.key)
    }
}
