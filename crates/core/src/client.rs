//! The client: one registration at one provider, and the ways out.

mod builder;
mod prepared;
mod revoke;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};

pub use builder::ClientBuilder;

use crate::binding::Binding;
use crate::channel::{Answer, Channel};
use crate::error::{Error, Operation, Redactor};
use crate::flow::{AuthorizationFlow, Authorize, Authorized, Refused, State};
use crate::instant::Millis;
use crate::origin::Origin;
use crate::provider::Provider;
use crate::request::{CodeExchange, Credentials, refresh};
use crate::response::Reader;
use crate::token::{RefreshToken, TokenSet};
use crate::transport::{Limits, Runtime};
use prepared::Prepared;

pub(crate) use prepared::check_authorization_parameters;

/// A client registered at a provider (RFC 6749 section 2).
///
/// Cheap to clone and without type parameters: keep it in a struct, a web framework's state or a
/// static. It holds the secret, and is never serialised; what is stored is the state of a flow.
///
/// ```
/// # use countersign_core as countersign;
/// use countersign::{Binding, Client, Provider};
///
/// # fn example(transport: impl countersign::Transport) -> Result<(), countersign::Error> {
/// let client = Client::builder(Provider::hellosign(), "client id")
///     .secret("client secret")
///     .redirect_uri("https://app.example/callback")
///     .transport(transport)
///     .build()?;
/// let flow = client.authorize(&Binding::session("session id")).begin()?;
/// assert!(flow.authorization_url().starts_with("https://app.hellosign.com/oauth/authorize?"));
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Client(Arc<Inner>);

struct Inner {
    provider: Provider,
    id: String,
    secret: Option<SecretString>,
    redirect_uri: Option<String>,
    channel: Channel,
    pending_lifetime: Duration,
    expiry_margin: Duration,
    prepared: Prepared,
}

impl Client {
    /// Begins to describe a client by its provider and its id there.
    pub fn builder(provider: Provider, client_id: impl Into<String>) -> ClientBuilder {
        ClientBuilder::new(provider, client_id.into())
    }

    /// Begins to describe an authorization for the browser, or process, that `browser` stands for.
    #[must_use = "nothing happens before `begin`"]
    pub fn authorize(&self, browser: &Binding) -> Authorize<'_> {
        Authorize::new(self, browser)
    }

    /// Takes up a stored state again: in this process or another, now or months later.
    ///
    /// A stored [`Pending`](crate::Pending) is to be taken out of its store, not read: what stays
    /// there could be completed twice.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::ForeignState`](crate::ErrorKind::ForeignState) when the state was stored by a
    /// client with another id, provider name, issuer or token endpoint origin;
    /// [`ErrorKind::PendingExpired`](crate::ErrorKind::PendingExpired) when it is of a flow that
    /// was to be completed long ago. The state comes back in the [`Refused`].
    pub fn resume<S: State>(&self, state: S) -> Result<AuthorizationFlow<S>, Refused<S>> {
        AuthorizationFlow::resume(self.clone(), state)
    }

    /// A flow from tokens that were had in another way: account creation at HelloSign, or another
    /// library's store.
    #[must_use]
    pub fn adopt(&self, tokens: TokenSet) -> AuthorizationFlow<Authorized> {
        AuthorizationFlow::adopt(self.clone(), tokens)
    }

    /// Sends a refresh token and returns what it bought (RFC 6749 section 6): the plain call below
    /// [`refresh`](AuthorizationFlow::refresh).
    ///
    /// When the answer brings no refresh token, the set that is returned has the one that was
    /// sent. Dropping the future may lose an answer that holds a rotated refresh token.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Transport`](crate::ErrorKind::Transport) when no complete answer was had,
    /// [`ServerRefused`](crate::ErrorKind::ServerRefused),
    /// [`UnexpectedStatus`](crate::ErrorKind::UnexpectedStatus) or
    /// [`ResponseMalformed`](crate::ErrorKind::ResponseMalformed) for one without tokens.
    /// [`Error::recovery`] tells what can be done, by the provider's
    /// [`Rotation`](crate::Rotation).
    pub async fn refresh(&self, refresh_token: &RefreshToken) -> Result<TokenSet, Error> {
        let inner = &*self.0;
        let token = refresh_token.expose_secret();
        let request = refresh(&inner.prepared.refresh, &inner.provider, self.credentials(), token);
        let operation = Operation::Refresh(inner.provider.rotation);
        let answer = inner.channel.send(request).await;
        let answer = answer.map_err(|error| Error::of_transport(error, operation))?;
        let mut tokens = self.read(answer, operation, &[token])?;
        if tokens.refresh_token.is_none() {
            tokens.refresh_token = Some(refresh_token.clone());
        }
        Ok(tokens)
    }

    /// The provider that it is registered at.
    #[must_use]
    pub fn provider(&self) -> &Provider {
        &self.0.provider
    }

    /// Its id there.
    #[must_use]
    pub fn client_id(&self) -> &str {
        &self.0.id
    }

    /// The present instant by its clock.
    #[must_use]
    #[inline]
    pub fn now(&self) -> time::OffsetDateTime {
        self.0.channel.clock.now()
    }

    /// How long before its end an access token counts as ended.
    #[must_use]
    pub fn expiry_margin(&self) -> Duration {
        self.0.expiry_margin
    }

    /// What one of its calls may take.
    #[must_use]
    pub fn limits(&self) -> Limits {
        self.0.channel.limits
    }

    /// The async runtime that its futures have to be polled in, by its transport's word.
    #[must_use]
    pub fn runtime(&self) -> Runtime {
        self.0.channel.transport.runtime()
    }

    /// Whether the access token of `tokens` is good now and for the margin.
    #[must_use]
    pub fn is_fresh(&self, tokens: &TokenSet) -> bool {
        tokens.is_fresh(self.now(), self.0.expiry_margin)
    }

    pub(crate) fn millis(&self) -> Millis {
        self.0.channel.now()
    }

    pub(crate) fn pending_lifetime(&self) -> Duration {
        self.0.pending_lifetime
    }

    pub(crate) fn origin(&self) -> &Arc<Origin> {
        &self.0.prepared.origin
    }

    pub(crate) fn redirect_uri(&self) -> Option<&str> {
        self.0.redirect_uri.as_deref()
    }

    /// The authorization URL up to where a flow's own parameters begin.
    pub(crate) fn authorization_prefix(&self) -> &str {
        &self.0.prepared.authorization_prefix
    }

    /// Sends a code. The outer error says that no complete answer was had.
    pub(crate) async fn exchange(
        &self,
        exchange: CodeExchange<'_>,
    ) -> Result<Result<TokenSet, Error>, crate::transport::TransportError> {
        let inner = &*self.0;
        let request = exchange.request(&inner.prepared.token, &inner.provider, self.credentials());
        let answer = inner.channel.send(request).await?;
        let secrets = [exchange.code, exchange.state, exchange.verifier.unwrap_or_default()];
        Ok(self.read(answer, Operation::Code, &secrets))
    }

    fn read(
        &self,
        answer: Answer,
        operation: Operation,
        secrets: &[&str],
    ) -> Result<TokenSet, Error> {
        let inner = &*self.0;
        let reader = Reader {
            operation,
            leniency: inner.provider.leniency,
            scope_separator: inner.provider.scope_separator,
            now: &|| self.millis(),
            redactor: &|| self.redactor(secrets),
        };
        reader.tokens(answer)
    }

    /// Takes these secrets and the client's own out of what others say.
    pub(crate) fn redactor(&self, secrets: &[&str]) -> Redactor {
        let own = self.0.secret.as_ref().map(ExposeSecret::expose_secret);
        let parameters = self.0.provider.token_parameters.iter().map(|(_, value)| value.as_str());
        Redactor::new(own.into_iter().chain(parameters).chain(secrets.iter().copied()))
    }

    fn credentials(&self) -> Credentials<'_> {
        Credentials { id: &self.0.id, secret: self.0.secret.as_ref() }
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("provider", &self.0.provider.name)
            .field("client_id", &self.0.id)
            .field("transport", &self.0.channel.transport)
            .finish_non_exhaustive()
    }
}
