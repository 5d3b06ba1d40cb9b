use std::time::Duration;

use time::OffsetDateTime;

use super::TokenManager;
use crate::error::{TokenError, TokenErrorKind};
use crate::key::GrantKey;
use crate::store::GrantState;

/// How a grant stands, without its secrets.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct GrantStatus {
    /// Whether it can be refreshed, by the store.
    pub state: GrantState,
    /// Counts its tokens since it was adopted.
    pub generation: u64,
    /// How much longer its access token is good, by the store. `None` when the provider did not
    /// say.
    pub expires_in: Option<Duration>,
    /// In how long it is to be refreshed.
    pub due_in: Option<Duration>,
    /// Whether a process holds a lease on it now.
    pub is_leased: bool,
    /// Whether this process holds tokens of it that could not be stored yet.
    pub is_unsaved: bool,
    /// Until when this process hands out the token that it holds.
    pub fresh_until: Option<OffsetDateTime>,
    /// The last failure, when it was not refreshed since.
    pub last_error: Option<TokenError>,
}

impl TokenManager {
    /// How a grant stands. This reads the store, and refreshes nothing.
    ///
    /// # Errors
    ///
    /// [`TokenErrorKind::UnknownGrant`] when there is none, [`TokenErrorKind::Store`] when the
    /// store failed, [`TokenErrorKind::ForeignKey`] for a key of another provider or client.
    pub async fn status(&self, key: &GrantKey) -> Result<GrantStatus, TokenError> {
        let store = &self.0.store;
        let record = store.wait(store.store.load(key)).await?;
        let Some(record) = record else {
            return Err(TokenError::new(TokenErrorKind::UnknownGrant));
        };
        let slot = self.slot(key)?;
        let work = slot.work();
        Ok(GrantStatus {
            state: record.state,
            generation: record.generation,
            expires_in: record.expires_at.map(|at| at.since(record.read_at)),
            due_in: record.due_at.map(|at| at.since(record.read_at)),
            is_leased: record.live_lease().is_some(),
            is_unsaved: work.is_unsaved,
            last_error: work.cooling.as_ref().map(|it| it.error.clone()),
            fresh_until: slot.fresh_until(),
        })
    }
}
