use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use super::expired::Expired;
use super::state::{Live, State, sealed};
use super::{AuthorizationFlow, stored};
use crate::client::Client;
use crate::origin::Origin;
use crate::token::{AccessToken, TokenSet};

/// Tokens fresh from a code exchange.
pub struct Authorized(pub(super) Box<LiveData>);

/// Tokens fresh from a refresh.
pub struct Refreshed(pub(super) Box<RefreshedData>);

#[derive(Serialize, Deserialize)]
pub(super) struct LiveData {
    #[serde(with = "stored::shared")]
    pub(super) origin: Arc<Origin>,
    #[serde(with = "crate::token::stored")]
    pub(super) tokens: TokenSet,
}

#[derive(Serialize, Deserialize)]
pub(super) struct RefreshedData {
    pub(super) live: LiveData,
    pub(super) rotated: bool,
}

/// Whether a flow's access token is still good: see [`check`](AuthorizationFlow::check).
#[derive(Debug)]
pub enum Freshness<L: Live> {
    /// It is, now and for the margin.
    Live(AuthorizationFlow<L>),
    /// It is not, or not for long.
    Expired(AuthorizationFlow<Expired>),
}

impl AuthorizationFlow<Authorized> {
    pub(crate) fn adopt(client: Client, tokens: TokenSet) -> Self {
        let origin = Arc::clone(client.origin());
        Self { client, state: Authorized(Box::new(LiveData { origin, tokens })) }
    }
}

impl AuthorizationFlow<Refreshed> {
    /// Whether the provider replaced the refresh token. The old one is worth nothing then, and
    /// this state has to be stored in its place.
    #[must_use]
    pub fn rotated(&self) -> bool {
        self.state.0.rotated
    }
}

// In inherent impls per state rather than for every `L: Live`: the compiler then names the states
// that have the method, where it would name an unmet bound.
macro_rules! live_methods {
    ($state:ident) => {
        impl AuthorizationFlow<$state> {
            /// The access token. Whether it has ended is not looked at: that is what
            /// [`check`](Self::check) is for.
            #[must_use]
            pub fn access_token(&self) -> &AccessToken {
                &sealed::HasTokens::tokens(&self.state).access_token
            }

            /// The access token and what came with it.
            #[must_use]
            pub fn tokens(&self) -> &TokenSet {
                sealed::HasTokens::tokens(&self.state)
            }

            /// The access token and what came with it, without the flow.
            #[must_use]
            pub fn into_tokens(self) -> TokenSet {
                sealed::HasTokens::into_tokens(self.state)
            }

            /// When the access token ends, by the provider's word and without a margin. `None`
            /// when the provider did not say.
            #[must_use]
            pub fn expires_at(&self) -> Option<OffsetDateTime> {
                self.tokens().expires_at()
            }

            /// Asks the clock whether the access token is good now and for the client's margin.
            #[must_use]
            pub fn check(self) -> Freshness<$state> {
                if self.client.is_fresh(self.tokens()) {
                    Freshness::Live(self)
                } else {
                    Freshness::Expired(self.expire())
                }
            }

            /// Takes the access token for ended whatever the clock says: for a 401 of the resource
            /// server.
            #[must_use]
            pub fn expire(self) -> AuthorizationFlow<Expired> {
                let tokens = sealed::HasTokens::into_tokens(self.state);
                AuthorizationFlow::expired(self.client, tokens)
            }
        }

        impl State for $state {}

        impl Live for $state {}

        impl fmt::Debug for $state {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct(stringify!($state))
                    .field("tokens", sealed::HasTokens::tokens(self))
                    .finish_non_exhaustive()
            }
        }
    };
}

live_methods!(Authorized);
live_methods!(Refreshed);

impl sealed::Sealed for Authorized {
    fn origin(&self) -> &Arc<Origin> {
        &self.0.origin
    }

    fn origin_mut(&mut self) -> &mut Arc<Origin> {
        &mut self.0.origin
    }
}

impl sealed::Sealed for Refreshed {
    fn origin(&self) -> &Arc<Origin> {
        &self.0.live.origin
    }

    fn origin_mut(&mut self) -> &mut Arc<Origin> {
        &mut self.0.live.origin
    }
}

impl sealed::HasTokens for Authorized {
    fn tokens(&self) -> &TokenSet {
        &self.0.tokens
    }

    fn into_tokens(self) -> TokenSet {
        self.0.tokens
    }
}

impl sealed::HasTokens for Refreshed {
    fn tokens(&self) -> &TokenSet {
        &self.0.live.tokens
    }

    fn into_tokens(self) -> TokenSet {
        self.0.live.tokens
    }
}
