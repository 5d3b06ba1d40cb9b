use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::given_back::Failed;
use super::live::Refreshed;
use super::refreshed::renew;
use super::state::{State, sealed};
use super::{AuthorizationFlow, stored};
use crate::client::Client;
use crate::origin::Origin;
use crate::scope::Scopes;
use crate::token::{RefreshToken, TokenSet};

/// The access token has ended and is gone; there may be a refresh token.
pub struct Expired(pub(super) Box<ExpiredData>);

#[derive(Serialize, Deserialize)]
pub(super) struct ExpiredData {
    #[serde(with = "stored::shared")]
    pub(super) origin: Arc<Origin>,
    #[serde(with = "crate::token::stored::refresh_token")]
    pub(super) refresh_token: Option<RefreshToken>,
    pub(super) scopes: Option<Scopes>,
}

impl AuthorizationFlow<Expired> {
    pub(super) fn expired(client: Client, tokens: TokenSet) -> Self {
        let origin = Arc::clone(client.origin());
        let TokenSet { refresh_token, scopes, .. } = tokens;
        Self { client, state: Expired(Box::new(ExpiredData { origin, refresh_token, scopes })) }
    }

    /// Whether there is a refresh token. Without one the user has to be asked again.
    #[must_use]
    pub fn can_refresh(&self) -> bool {
        self.state.0.refresh_token.is_some()
    }

    /// Buys a new access token with the refresh token (RFC 6749 section 6).
    ///
    /// Store the state that comes of it before anything else is done: on a provider that rotates
    /// refresh tokens it holds the only one that is worth anything.
    ///
    /// Dropping the future drops the flow. Where that can happen, leave the stored state where it
    /// is until there is a new one (states are not cloned, lest two copies be used), or use
    /// [`AnyFlow::access_token`](crate::AnyFlow::access_token), which holds on to the old tokens
    /// until there are new ones; an answer that was under way is lost in either case.
    ///
    /// # Errors
    ///
    /// [`NoRefreshToken`](crate::ErrorKind::NoRefreshToken) with nothing sent; otherwise those of
    /// [`Client::refresh`]. The flow comes back in the [`Failed`].
    pub async fn refresh(self) -> Result<AuthorizationFlow<Refreshed>, Failed<Expired>> {
        let expired = &*self.state.0;
        match renew(&self.client, expired.refresh_token.as_ref(), expired.scopes.as_ref()).await {
            Ok(flow) => Ok(flow),
            Err(error) => Err(Failed { flow: self, error }),
        }
    }
}

impl State for Expired {}

impl sealed::Sealed for Expired {
    fn origin(&self) -> &Arc<Origin> {
        &self.0.origin
    }

    fn origin_mut(&mut self) -> &mut Arc<Origin> {
        &mut self.0.origin
    }
}

impl fmt::Debug for Expired {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Expired")
            .field("can_refresh", &self.0.refresh_token.is_some())
            .field("scopes", &self.0.scopes)
            .finish_non_exhaustive()
    }
}
