//! How a sandbox is set up.

mod dialect;
mod registration;

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

pub use dialect::{
    ClientAuthentication, Dialect, ExpiresIn, RateLimitHeaders, RefreshCredentials, Rotation,
    TokenErrors,
};
pub use registration::ClientRegistration;

use crate::redirect_uri;

/// The settings of a [`Sandbox`](crate::Sandbox), made by [`Config::hellosign`] or
/// [`Config::rfc6749`] and changed by the methods that follow.
///
/// Every configuration begins with one client: id [`Config::CLIENT_ID`], secret
/// [`Config::CLIENT_SECRET`], any loopback redirect URI. Registering a client with the same id
/// replaces it.
#[derive(Clone, Debug)]
pub struct Config {
    pub(crate) dialect: Dialect,
    pub(crate) address: SocketAddr,
    pub(crate) clients: Vec<ClientRegistration>,
    pub(crate) access_token_lifetime: Duration,
    pub(crate) code_lifetime: Duration,
    pub(crate) expires_in: ExpiresIn,
    pub(crate) rotation: Rotation,
    pub(crate) issuer: bool,
    pub(crate) refresh_credentials: RefreshCredentials,
    pub(crate) token_errors: TokenErrors,
    pub(crate) rate_limit_headers: RateLimitHeaders,
    pub(crate) frozen_at: Option<u64>,
}

impl Config {
    /// The id of the client that is there from the start.
    pub const CLIENT_ID: &str = "sandbox-client";
    /// The secret of the client that is there from the start.
    pub const CLIENT_SECRET: &str = "sandbox-secret";
    /// The API key of [`Config::ACCOUNT`], for HTTP Basic on HelloSign's API.
    pub const API_KEY: &str = "sandbox-api-key";
    /// The e-mail address of the account that approves unless another one is named.
    pub const ACCOUNT: &str = "me@sandbox.example";

    /// HelloSign as it answers live: access tokens and codes of one hour, refresh tokens that stay,
    /// credentials required on refresh, both spellings of the rate limit headers.
    #[must_use]
    pub fn hellosign() -> Self {
        Self {
            dialect: Dialect::HelloSign,
            address: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            clients: vec![
                ClientRegistration::confidential(Self::CLIENT_ID, Self::CLIENT_SECRET)
                    .any_loopback_redirect_uri(),
            ],
            access_token_lifetime: Duration::from_secs(3600),
            code_lifetime: Duration::from_secs(3600),
            expires_in: ExpiresIn::Integer,
            rotation: Rotation::Never,
            issuer: false,
            refresh_credentials: RefreshCredentials::Required,
            token_errors: TokenErrors::Live,
            rate_limit_headers: RateLimitHeaders::Both,
            frozen_at: None,
        }
    }

    /// A strict RFC 6749 server: PKCE required, `iss` in the callback, codes of one minute, strict
    /// rotation.
    #[must_use]
    pub fn rfc6749() -> Self {
        Self {
            dialect: Dialect::Rfc6749,
            code_lifetime: Duration::from_secs(60),
            rotation: Rotation::Strict,
            issuer: true,
            rate_limit_headers: RateLimitHeaders::None,
            ..Self::hellosign()
        }
    }

    /// Registers a client, in place of one with the same id.
    #[must_use]
    pub fn client(mut self, client: ClientRegistration) -> Self {
        self.clients.retain(|known| known.client_id != client.client_id);
        self.clients.push(client);
        self
    }

    /// Registers this client and no other.
    #[must_use]
    pub fn only_client(mut self, client: ClientRegistration) -> Self {
        self.clients = vec![client];
        self
    }

    /// How long an access token lives. Default: 3600 s.
    #[must_use]
    pub fn access_token_lifetime(mut self, lifetime: Duration) -> Self {
        self.access_token_lifetime = lifetime;
        self
    }

    /// How long an authorization code lives. Default: one hour (HelloSign), one minute (RFC 6749,
    /// whose section 4.1.2 recommends ten at most).
    #[must_use]
    pub fn code_lifetime(mut self, lifetime: Duration) -> Self {
        self.code_lifetime = lifetime;
        self
    }

    /// How `expires_in` is written. Default: as an integer.
    #[must_use]
    pub fn expires_in(mut self, expires_in: ExpiresIn) -> Self {
        self.expires_in = expires_in;
        self
    }

    /// What happens to a refresh token that is used. Default: `Never` (HelloSign), `Strict` (RFC 6749).
    #[must_use]
    pub fn rotation(mut self, rotation: Rotation) -> Self {
        self.rotation = rotation;
        self
    }

    /// Whether the callback carries `iss` (RFC 9207), which is the origin. Default: only in the
    /// RFC 6749 dialect.
    #[must_use]
    pub fn issuer(mut self, issuer: bool) -> Self {
        self.issuer = issuer;
        self
    }

    /// Whether HelloSign's refresh needs the client's credentials. Default: required.
    #[must_use]
    pub fn refresh_credentials(mut self, refresh_credentials: RefreshCredentials) -> Self {
        self.refresh_credentials = refresh_credentials;
        self
    }

    /// The shape of an error at HelloSign's token endpoint. Default: as live.
    #[must_use]
    pub fn token_errors(mut self, token_errors: TokenErrors) -> Self {
        self.token_errors = token_errors;
        self
    }

    /// The spelling of HelloSign's rate limit headers. Default: both.
    #[must_use]
    pub fn rate_limit_headers(mut self, rate_limit_headers: RateLimitHeaders) -> Self {
        self.rate_limit_headers = rate_limit_headers;
        self
    }

    /// The address to listen on, which must be a loopback one. Default: 127.0.0.1.
    #[must_use]
    pub fn address(mut self, address: IpAddr) -> Self {
        self.address.set_ip(address);
        self
    }

    /// The port to listen on. Default: 0, which lets the system choose a free one.
    #[must_use]
    pub fn port(mut self, port: u16) -> Self {
        self.address.set_port(port);
        self
    }

    /// Stops the sandbox's clock at this Unix time, in seconds: it moves only by
    /// [`Sandbox::advance`](crate::Sandbox::advance). Default: it runs with the system's clock.
    #[must_use]
    pub fn frozen_at(mut self, unix_seconds: u64) -> Self {
        self.frozen_at = Some(unix_seconds);
        self
    }

    pub(crate) fn unusable_redirect_uri(&self) -> Option<&str> {
        self.clients
            .iter()
            .flat_map(|client| &client.redirect_uris)
            .map(String::as_str)
            .find(|uri| !redirect_uri::is_usable(uri))
    }

    pub(crate) fn registration(&self, client_id: &str) -> Option<&ClientRegistration> {
        self.clients.iter().find(|client| client.client_id == client_id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_replaces_its_namesake() {
        let config = Config::hellosign().client(ClientRegistration::public(Config::CLIENT_ID));
        assert_eq!(config.clients.len(), 1);
        assert!(config.registration(Config::CLIENT_ID).is_some_and(|c| c.secret.is_none()));
    }
}
