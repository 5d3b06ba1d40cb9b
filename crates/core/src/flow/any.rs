use serde::Serialize;

use super::AuthorizationFlow;
use super::expired::Expired;
use super::given_back::Refused;
use super::live::{Authorized, Refreshed};
use super::pending::Pending;
use super::refreshed::renew;
use crate::client::Client;
use crate::error::{Error, ErrorKind};
use crate::scope::Scopes;
use crate::token::{AccessToken, RefreshToken, TokenSet};

/// A flow in whatever state it is: the twin of [`AuthorizationFlow`] that is checked at run time.
///
/// It has no type parameter, so that a struct can hold it.
#[derive(Debug)]
pub enum AnyFlow {
    /// Waiting for the callback.
    Pending(AuthorizationFlow<Pending>),
    /// With tokens from a code exchange.
    Authorized(AuthorizationFlow<Authorized>),
    /// Without an access token.
    Expired(AuthorizationFlow<Expired>),
    /// With tokens from a refresh.
    Refreshed(AuthorizationFlow<Refreshed>),
}

/// A state, whichever it is: what [`AnyFlow`] is stored as. A single state is stored in the same
/// form, so that either can be read as the other.
#[derive(Debug)]
pub enum AnyState {
    /// Waiting for the callback.
    Pending(Pending),
    /// With tokens from a code exchange.
    Authorized(Authorized),
    /// Without an access token.
    Expired(Expired),
    /// With tokens from a refresh.
    Refreshed(Refreshed),
}

impl AnyFlow {
    /// The access token, refreshed in place when it has ended.
    ///
    /// The flow is replaced only when new tokens are there: an error, or a future that is dropped,
    /// leaves it as it was. An answer that was under way when the future was dropped is lost, and
    /// with it, on a provider that rotates refresh tokens, perhaps the grant.
    ///
    /// A refresh replaces the refresh token too, on a provider that rotates them: where the flow is
    /// stored, use [`refresh_if_expired`](Self::refresh_if_expired), which tells when to store it.
    ///
    /// # Errors
    ///
    /// [`NotAuthorized`](ErrorKind::NotAuthorized) while it is pending,
    /// [`NoRefreshToken`](ErrorKind::NoRefreshToken), and those of [`Client::refresh`].
    pub async fn access_token(&mut self) -> Result<AccessToken, Error> {
        self.refresh_if_expired().await?;
        let tokens = self.held()?.live;
        let token = tokens.map(|tokens| tokens.access_token().clone());
        token.ok_or_else(|| Error::new(ErrorKind::NotAuthorized, "the flow has no access token"))
    }

    /// Refreshes in place when the access token has ended. `true` says that the state is another
    /// one now, and is to be stored: [`state`](Self::state).
    ///
    /// Take the token from [`tokens`](Self::tokens) afterwards: [`access_token`](Self::access_token)
    /// asks the clock again, and may refresh again, unseen.
    ///
    /// # Errors
    ///
    /// As [`access_token`](Self::access_token).
    pub async fn refresh_if_expired(&mut self) -> Result<bool, Error> {
        let Held { client, live, refresh_token, scopes } = self.held()?;
        if live.is_some_and(|tokens| client.is_fresh(tokens)) {
            return Ok(false);
        }
        *self = Self::Refreshed(renew(client, refresh_token, scopes).await?);
        Ok(true)
    }

    /// Takes `token` for ended whatever the clock says: for a 401 of the resource server. Nothing
    /// happens when the flow holds another one by now. `true` says that the state is another one.
    pub fn reject(&mut self, token: &AccessToken) -> bool {
        let Ok(Held { client, live: Some(tokens), .. }) = self.held() else { return false };
        if !tokens.access_token().same_as(token) {
            return false;
        }
        let flow = AuthorizationFlow::expired(client.clone(), tokens.clone());
        *self = Self::Expired(flow);
        true
    }

    /// The tokens, while there is an access token; whether it has ended is not looked at.
    #[must_use]
    pub fn tokens(&self) -> Option<&TokenSet> {
        self.held().ok()?.live
    }

    /// The client that the flow belongs to.
    #[must_use]
    pub fn client(&self) -> &Client {
        match self {
            Self::Pending(flow) => flow.client(),
            Self::Authorized(flow) => flow.client(),
            Self::Expired(flow) => flow.client(),
            Self::Refreshed(flow) => flow.client(),
        }
    }

    /// The state as it is to be stored, secrets included, while the flow goes on: what is written
    /// is what [`into_state`](Self::into_state) would be.
    #[must_use]
    pub fn state(&self) -> impl Serialize + '_ {
        StateRef::of(self)
    }

    /// The state, to be stored.
    #[must_use]
    pub fn into_state(self) -> AnyState {
        match self {
            Self::Pending(flow) => AnyState::Pending(flow.state),
            Self::Authorized(flow) => AnyState::Authorized(flow.state),
            Self::Expired(flow) => AnyState::Expired(flow.state),
            Self::Refreshed(flow) => AnyState::Refreshed(flow.state),
        }
    }

    fn held(&self) -> Result<Held<'_>, Error> {
        match self {
            Self::Pending(_) => Err(Error::new(
                ErrorKind::NotAuthorized,
                "the flow is still waiting for its callback: there is no access token yet",
            )),
            Self::Authorized(flow) => Ok(Held::of(&flow.client, flow.tokens())),
            Self::Refreshed(flow) => Ok(Held::of(&flow.client, flow.tokens())),
            Self::Expired(flow) => Ok(Held {
                client: &flow.client,
                live: None,
                refresh_token: flow.state.0.refresh_token.as_ref(),
                scopes: flow.state.0.scopes.as_ref(),
            }),
        }
    }
}

/// The states by reference, written as their own types write them.
#[derive(Serialize)]
#[serde(untagged)]
enum StateRef<'a> {
    Pending(&'a Pending),
    Authorized(&'a Authorized),
    Expired(&'a Expired),
    Refreshed(&'a Refreshed),
}

impl<'a> StateRef<'a> {
    fn of(flow: &'a AnyFlow) -> Self {
        match flow {
            AnyFlow::Pending(flow) => Self::Pending(&flow.state),
            AnyFlow::Authorized(flow) => Self::Authorized(&flow.state),
            AnyFlow::Expired(flow) => Self::Expired(&flow.state),
            AnyFlow::Refreshed(flow) => Self::Refreshed(&flow.state),
        }
    }
}

/// What a flow that has been authorized holds.
struct Held<'a> {
    client: &'a Client,
    live: Option<&'a TokenSet>,
    refresh_token: Option<&'a RefreshToken>,
    scopes: Option<&'a Scopes>,
}

impl<'a> Held<'a> {
    fn of(client: &'a Client, tokens: &'a TokenSet) -> Self {
        let (refresh_token, scopes) = (tokens.refresh_token(), tokens.scopes());
        Self { client, live: Some(tokens), refresh_token, scopes }
    }
}

impl AnyState {
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Pending(_) => "Pending",
            Self::Authorized(_) => "Authorized",
            Self::Expired(_) => "Expired",
            Self::Refreshed(_) => "Refreshed",
        }
    }
}

impl Client {
    /// Takes up a stored state again, whichever it is: as [`resume`](Self::resume) does.
    ///
    /// # Errors
    ///
    /// As [`resume`](Self::resume).
    pub fn resume_any(&self, state: AnyState) -> Result<AnyFlow, Refused<AnyState>> {
        match state {
            AnyState::Pending(state) => self.resume(state).map(Into::into).map_err(Into::into),
            AnyState::Authorized(state) => self.resume(state).map(Into::into).map_err(Into::into),
            AnyState::Expired(state) => self.resume(state).map(Into::into).map_err(Into::into),
            AnyState::Refreshed(state) => self.resume(state).map(Into::into).map_err(Into::into),
        }
    }
}

macro_rules! any_of {
    ($state:ident) => {
        impl From<AuthorizationFlow<$state>> for AnyFlow {
            fn from(flow: AuthorizationFlow<$state>) -> Self {
                Self::$state(flow)
            }
        }

        impl From<$state> for AnyState {
            fn from(state: $state) -> Self {
                Self::$state(state)
            }
        }

        impl From<Refused<$state>> for Refused<AnyState> {
            fn from(refused: Refused<$state>) -> Self {
                Self { state: refused.state.into(), error: refused.error }
            }
        }
    };
}

any_of!(Pending);
any_of!(Authorized);
any_of!(Expired);
any_of!(Refreshed);
