use std::time::Duration;

use time::OffsetDateTime;

use super::{AccessToken, Extra, RefreshToken};
use crate::instant::Millis;
use crate::scope::Scopes;

/// An access token and what came with it (RFC 6749 section 5.1).
///
/// Not serialisable by itself, lest tokens be written somewhere by accident: what is stored is the
/// state of a flow, such as [`Authorized`](crate::Authorized).
#[derive(Debug, Clone)]
pub struct TokenSet {
    pub(crate) access_token: AccessToken,
    pub(crate) refresh_token: Option<RefreshToken>,
    pub(crate) scopes: Option<Scopes>,
    pub(crate) requested_at: Millis,
    pub(crate) expires_at: Option<Millis>,
    pub(crate) extra: Extra,
}

impl TokenSet {
    /// A set of tokens that were had in another way, such as from another library's store.
    ///
    /// `requested_at` is when they were asked for. The access token is taken to be good until it
    /// is refused, unless [`with_lifetime`](Self::with_lifetime) says otherwise.
    #[must_use]
    pub fn new(access_token: AccessToken, requested_at: OffsetDateTime) -> Self {
        Self {
            access_token,
            refresh_token: None,
            scopes: None,
            requested_at: requested_at.into(),
            expires_at: None,
            extra: Extra::default(),
        }
    }

    /// The same with this refresh token.
    #[must_use]
    pub fn with_refresh_token(mut self, token: RefreshToken) -> Self {
        self.refresh_token = Some(token);
        self
    }

    /// The same with an access token that is good for so long from when it was asked for.
    #[must_use]
    pub fn with_lifetime(mut self, lifetime: Duration) -> Self {
        self.expires_at = Some(self.requested_at.plus(lifetime));
        self
    }

    /// The same with an access token that is good until this instant.
    #[must_use]
    pub fn with_expires_at(mut self, instant: OffsetDateTime) -> Self {
        self.expires_at = Some(instant.into());
        self
    }

    /// The same with these granted scopes.
    #[must_use]
    pub fn with_scopes(mut self, scopes: Scopes) -> Self {
        self.scopes = Some(scopes);
        self
    }

    /// The access token.
    #[must_use]
    pub fn access_token(&self) -> &AccessToken {
        &self.access_token
    }

    /// The refresh token, when the provider gave one, now or before.
    #[must_use]
    pub fn refresh_token(&self) -> Option<&RefreshToken> {
        self.refresh_token.as_ref()
    }

    /// The scopes granted. `None` when the provider did not say, which means those asked for (RFC
    /// 6749 section 5.1), or for HelloSign those of the app's settings.
    #[must_use]
    pub fn scopes(&self) -> Option<&Scopes> {
        self.scopes.as_ref()
    }

    /// When the request for these tokens left: their lifetime is counted from here, so that the
    /// time an answer takes does not make a token look fresher than it is.
    #[must_use]
    pub fn requested_at(&self) -> OffsetDateTime {
        self.requested_at.to_datetime()
    }

    /// When the access token ends, by the provider's word and without a margin. `None` when the
    /// provider did not say.
    #[must_use]
    pub fn expires_at(&self) -> Option<OffsetDateTime> {
        self.expires_at.map(Millis::to_datetime)
    }

    /// The members of the answer that have no name here. They are of this answer alone: a refresh
    /// brings its own.
    #[must_use]
    pub fn extra(&self) -> &Extra {
        &self.extra
    }

    /// Whether the access token is good at `now` and for `margin` longer. The margin is at most a
    /// tenth of the token's lifetime, so that a short-lived token is of use at all. A token whose
    /// end the provider did not tell is good until the provider refuses it.
    #[must_use]
    pub fn is_fresh(&self, now: OffsetDateTime, margin: Duration) -> bool {
        let Some(expires_at) = self.expires_at else {
            return true;
        };
        let margin = margin.min(expires_at.since(self.requested_at) / 10);
        Millis::from(now) < expires_at.minus(margin)
    }
}
