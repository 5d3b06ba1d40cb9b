use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};

use super::prepared::Prepared;
use super::{Client, Inner};
use crate::channel::Channel;
use crate::clock::{Clock, SystemClock};
use crate::endpoint;
use crate::error::{Error, ErrorKind};
use crate::provider::{ClientAuthentication, Provider};
use crate::request::Credentials;
use crate::transport::{Limits, Transport};

/// Describes a [`Client`]. Only the transport has to be given, and the secret unless the client is
/// a public one.
#[must_use = "nothing is made before `build`"]
pub struct ClientBuilder {
    provider: Provider,
    id: String,
    secret: Option<SecretString>,
    redirect_uri: Option<String>,
    transport: Option<Arc<dyn Transport>>,
    clock: Arc<dyn Clock>,
    limits: Limits,
    pending_lifetime: Duration,
    expiry_margin: Duration,
}

impl ClientBuilder {
    pub(super) fn new(provider: Provider, id: String) -> Self {
        Self {
            provider,
            id,
            secret: None,
            redirect_uri: None,
            transport: None,
            clock: Arc::new(SystemClock),
            limits: Limits::default(),
            pending_lifetime: Duration::from_secs(10 * 60),
            expiry_margin: Duration::from_secs(30),
        }
    }

    /// The client secret.
    pub fn secret(mut self, secret: impl Into<SecretString>) -> Self {
        self.secret = Some(secret.into());
        self
    }

    /// Where the provider sends the browser back to. It is sent as it is given, to the letter.
    /// HelloSign uses the app's default callback URL without it.
    pub fn redirect_uri(mut self, uri: impl Into<String>) -> Self {
        self.redirect_uri = Some(uri.into());
        self
    }

    /// What speaks HTTP.
    pub fn transport(self, transport: impl Transport) -> Self {
        self.shared_transport(Arc::new(transport))
    }

    /// What speaks HTTP, shared with others.
    pub fn shared_transport(mut self, transport: Arc<dyn Transport>) -> Self {
        self.transport = Some(transport);
        self
    }

    /// What tells the time. The system's clock by default.
    pub fn clock(self, clock: impl Clock) -> Self {
        self.shared_clock(Arc::new(clock))
    }

    /// What tells the time, shared with others.
    pub fn shared_clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// What one call may take: 1 MiB of body and 30 s by default.
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// How long a flow may stay pending: 10 minutes by default.
    pub fn pending_lifetime(mut self, lifetime: Duration) -> Self {
        self.pending_lifetime = lifetime;
        self
    }

    /// How long before its end an access token counts as ended: 30 s by default, and never more
    /// than a tenth of its lifetime.
    pub fn expiry_margin(mut self, margin: Duration) -> Self {
        self.expiry_margin = margin;
        self
    }

    /// Checks everything and makes the client.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Configuration`] when the transport or the client id is missing; when an
    /// endpoint is not an `https` URL (or `http` on this machine), or has user info or a fragment;
    /// when the redirect URI cannot be one; when the provider authenticates clients by a secret
    /// and there is none, or the other way round; when a parameter of the provider's is one that
    /// the flow writes itself.
    pub fn build(self) -> Result<Client, Error> {
        let transport = self.transport.clone().ok_or_else(|| {
            refused("there is no transport: give the builder one, such as a ReqwestTransport")
        })?;
        if self.id.is_empty() {
            return Err(refused("the client id is empty"));
        }
        self.check_secret()?;
        if let Some(uri) = &self.redirect_uri {
            endpoint::check_redirect_uri(uri)?;
        }
        let credentials = Credentials { id: &self.id, secret: self.secret.as_ref() };
        let prepared = Prepared::new(&self.provider, credentials, self.redirect_uri.as_deref())?;
        Ok(Client(Arc::new(Inner {
            provider: self.provider,
            id: self.id,
            secret: self.secret,
            redirect_uri: self.redirect_uri,
            channel: Channel { transport, clock: self.clock, limits: self.limits },
            pending_lifetime: self.pending_lifetime,
            expiry_margin: self.expiry_margin,
            prepared,
        })))
    }

    fn check_secret(&self) -> Result<(), Error> {
        let has_secret = self.secret.as_ref().is_some_and(|it| !it.expose_secret().is_empty());
        match (self.provider.client_authentication, has_secret) {
            (ClientAuthentication::None, true) => Err(refused(
                "a client secret was given, and the provider's `client_authentication` is `None`, \
                 by which it would never be sent",
            )),
            (ClientAuthentication::None, false) | (_, true) => Ok(()),
            (_, false) => Err(refused(
                "there is no client secret; for a public client set the provider's \
                 `client_authentication` to `None`",
            )),
        }
    }
}

impl fmt::Debug for ClientBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientBuilder")
            .field("provider", &self.provider.name)
            .field("client_id", &self.id)
            .finish_non_exhaustive()
    }
}

fn refused(why: &'static str) -> Error {
    Error::new(ErrorKind::Configuration, why)
}
