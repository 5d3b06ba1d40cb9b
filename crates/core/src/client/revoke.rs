use secrecy::ExposeSecret;

use super::Client;
use crate::error::{Error, ErrorKind, Operation};
use crate::request::revocation;
use crate::response::Reader;
use crate::token::{AccessToken, RefreshToken};

impl Client {
    /// Whether the provider has a revocation endpoint
    /// ([`revocation_url`](crate::Provider::revocation_url)). HelloSign has none.
    #[must_use]
    pub fn can_revoke(&self) -> bool {
        self.0.prepared.revocation.is_some()
    }

    /// Tells the provider that this refresh token is needed no more (RFC 7009): it is to buy
    /// nothing from now on, and the access tokens of the same grant should end with it.
    ///
    /// Any answer of success is one, whatever its body: a token that the provider does not know, or
    /// has revoked before, is one that buys nothing (RFC 7009 section 2.2). So it may be repeated.
    ///
    /// ```
    /// # use countersign_core as countersign;
    /// use countersign::{Client, Error, Recovery, RefreshToken};
    ///
    /// # async fn example(client: Client, token: RefreshToken) -> Result<(), Error> {
    /// match client.revoke_refresh_token(&token).await {
    ///     Err(error) if matches!(error.recovery(), Recovery::Retry { .. }) => {
    ///         // It is live still, or the answer was lost: keep the token, and try again later.
    ///         Err(error)
    ///     }
    ///     done => done,
    /// }
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Configuration`] when the provider has no revocation endpoint, and nothing was
    /// sent; [`Transport`](ErrorKind::Transport) when no complete answer was had;
    /// [`ServerRefused`](ErrorKind::ServerRefused) or
    /// [`UnexpectedStatus`](ErrorKind::UnexpectedStatus) for any other than success. After a 503
    /// the token is live still (RFC 7009 section 2.2.1), and [`Error::recovery`] says when to try
    /// again.
    pub async fn revoke_refresh_token(&self, token: &RefreshToken) -> Result<(), Error> {
        self.revoke(token.expose_secret(), "refresh_token").await
    }

    /// Tells the provider that this access token is needed no more (RFC 7009). Its refresh token
    /// may end with it, or go on buying others: to end a grant, revoke the refresh token.
    ///
    /// # Errors
    ///
    /// As [`revoke_refresh_token`](Self::revoke_refresh_token), and
    /// [`ServerRefused`](ErrorKind::ServerRefused) with `unsupported_token_type` by providers that
    /// revoke no access tokens (RFC 7009 section 2.2.1).
    pub async fn revoke_access_token(&self, token: &AccessToken) -> Result<(), Error> {
        self.revoke(token.expose_secret(), "access_token").await
    }

    async fn revoke(&self, token: &str, hint: &str) -> Result<(), Error> {
        let inner = &*self.0;
        let Some(template) = &inner.prepared.revocation else {
            return Err(Error::new(
                ErrorKind::Configuration,
                "the provider has no revocation endpoint: its `revocation_url` is not set",
            ));
        };
        let request = revocation(template, &inner.provider, self.credentials(), token, hint);
        let operation = Operation::Revoke;
        let answer = inner.channel.send(request).await;
        let answer = answer.map_err(|error| Error::of_transport(error, operation))?;
        let reader = Reader {
            operation,
            leniency: inner.provider.leniency,
            scope_separator: inner.provider.scope_separator,
            now: &|| self.millis(),
            redactor: &|| self.redactor(&[token]),
        };
        reader.revoked(answer)
    }
}
