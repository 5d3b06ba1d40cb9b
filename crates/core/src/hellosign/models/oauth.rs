use std::fmt;

use secrecy::{ExposeSecret, SecretString};

use crate::error::Error;
use crate::instant::Millis;
use crate::response::TokenAnswer;
use crate::token::{AccessToken, Extra, RefreshToken, TokenSet};

/// The body of `POST /oauth/token`.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct OAuthTokenGenerateRequest {
    /// The client id of the app that asks.
    pub client_id: String,
    /// The secret of the app.
    pub client_secret: SecretString,
    /// The code that the callback brought.
    pub code: SecretString,
    /// The `state` of the authorization URL. Documented as required; the live service does without.
    pub state: SecretString,
    /// `authorization_code`.
    pub grant_type: String,
}

/// The body of `POST /oauth/token?refresh`.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct OAuthTokenRefreshRequest {
    /// `refresh_token`.
    pub grant_type: String,
    /// The refresh token.
    pub refresh_token: SecretString,
    /// The client id of the app. Required for new apps.
    pub client_id: Option<String>,
    /// The secret of the app. Required for new apps.
    pub client_secret: Option<SecretString>,
}

/// The answer to both.
#[derive(Clone)]
pub struct OAuthTokenResponse {
    tokens: TokenSet,
    token_type: Option<String>,
    expires_in: Option<i64>,
    state: Option<String>,
}

impl OAuthTokenGenerateRequest {
    /// A request with the default `grant_type`.
    pub fn new(
        client_id: impl Into<String>,
        client_secret: impl Into<SecretString>,
        code: impl Into<SecretString>,
        state: impl Into<SecretString>,
    ) -> Self {
        Self {
            client_id: client_id.into(),
            client_secret: client_secret.into(),
            code: code.into(),
            state: state.into(),
            grant_type: "authorization_code".to_owned(),
        }
    }

    pub(in crate::hellosign) fn fields(&self) -> impl Iterator<Item = (&str, &str)> + Clone {
        [
            ("state", self.state.expose_secret()),
            ("code", self.code.expose_secret()),
            ("grant_type", self.grant_type.as_str()),
            ("client_id", self.client_id.as_str()),
            ("client_secret", self.client_secret.expose_secret()),
        ]
        .into_iter()
    }
}

impl OAuthTokenRefreshRequest {
    /// A request with the default `grant_type` and without client credentials.
    pub fn new(refresh_token: impl Into<SecretString>) -> Self {
        Self {
            grant_type: "refresh_token".to_owned(),
            refresh_token: refresh_token.into(),
            client_id: None,
            client_secret: None,
        }
    }

    /// The same with the app's credentials, which new apps have to send.
    #[must_use]
    pub fn with_client(
        mut self,
        client_id: impl Into<String>,
        client_secret: impl Into<SecretString>,
    ) -> Self {
        self.client_id = Some(client_id.into());
        self.client_secret = Some(client_secret.into());
        self
    }

    pub(in crate::hellosign) fn fields(&self) -> impl Iterator<Item = (&str, &str)> + Clone {
        let client_secret = self.client_secret.as_ref().map(ExposeSecret::expose_secret);
        [
            Some(("grant_type", self.grant_type.as_str())),
            Some(("refresh_token", self.refresh_token.expose_secret())),
            self.client_id.as_deref().map(|id| ("client_id", id)),
            client_secret.map(|secret| ("client_secret", secret)),
        ]
        .into_iter()
        .flatten()
    }
}

impl OAuthTokenResponse {
    /// The access token.
    #[must_use]
    pub fn access_token(&self) -> &AccessToken {
        self.tokens.access_token()
    }

    /// `Bearer`, as the server spelt it. The schema does not require it.
    #[must_use]
    pub fn token_type(&self) -> Option<&str> {
        self.token_type.as_deref()
    }

    /// The refresh token.
    #[must_use]
    pub fn refresh_token(&self) -> Option<&RefreshToken> {
        self.tokens.refresh_token()
    }

    /// Seconds until the access token ends, as the server sent it. "Uses epoch time", says the
    /// documentation; [`into_token_set`](Self::into_token_set) knows either.
    #[must_use]
    pub fn expires_in(&self) -> Option<i64> {
        self.expires_in
    }

    /// The `state` of the request, repeated. Absent on refresh.
    #[must_use]
    pub fn state(&self) -> Option<&str> {
        self.state.as_deref()
    }

    /// Members without a documented name, such as `account_id`.
    #[must_use]
    pub fn extra(&self) -> &Extra {
        self.tokens.extra()
    }

    /// The tokens, with their end reckoned from when they were asked for: what
    /// [`Client::adopt`](crate::Client::adopt) makes a flow of. An answer without a refresh token
    /// leaves the one that was sent good: add it, or it is lost with the old flow.
    #[must_use]
    pub fn into_token_set(self) -> TokenSet {
        self.tokens
    }

    pub(in crate::hellosign) fn read(
        answer: TokenAnswer<'_>,
        requested_at: Millis,
    ) -> Result<Self, Error> {
        Ok(Self {
            token_type: answer.token_type().map(ToOwned::to_owned),
            expires_in: answer.expires_in(),
            state: answer.state().map(ToOwned::to_owned),
            tokens: answer.into_set(requested_at)?,
        })
    }
}

impl fmt::Debug for OAuthTokenResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OAuthTokenResponse")
            .field("tokens", &self.tokens)
            .field("expires_in", &self.expires_in)
            .finish_non_exhaustive()
    }
}
