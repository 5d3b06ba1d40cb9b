//! A client as it is registered at the authorization server.

use std::fmt;

use super::ClientAuthentication;
use crate::redirect_uri;

/// A registered client (RFC 6749 section 2).
#[derive(Clone, PartialEq, Eq)]
pub struct ClientRegistration {
    pub(crate) client_id: String,
    pub(crate) secret: Option<String>,
    pub(crate) authentication: ClientAuthentication,
    pub(crate) redirect_uris: Vec<String>,
    pub(crate) any_loopback: bool,
    pub(crate) scopes: Option<String>,
}

impl ClientRegistration {
    /// A client with a secret, which uses HTTP Basic in the RFC 6749 dialect.
    pub fn confidential(client_id: impl Into<String>, client_secret: impl Into<String>) -> Self {
        Self { secret: Some(client_secret.into()), ..Self::public(client_id) }
    }

    /// A client without a secret (RFC 6749 section 2.1).
    pub fn public(client_id: impl Into<String>) -> Self {
        Self {
            client_id: client_id.into(),
            secret: None,
            authentication: ClientAuthentication::Basic,
            redirect_uris: Vec::new(),
            any_loopback: false,
            scopes: None,
        }
    }

    /// How this client authenticates in the RFC 6749 dialect. Default: [`ClientAuthentication::Basic`].
    #[must_use]
    pub fn authentication(mut self, authentication: ClientAuthentication) -> Self {
        self.authentication = authentication;
        self
    }

    /// Registers a redirect URI, compared to the letter. The first one is the default callback,
    /// which is used when the authorization request names none.
    #[must_use]
    pub fn redirect_uri(mut self, redirect_uri: impl Into<String>) -> Self {
        self.redirect_uris.push(redirect_uri.into());
        self
    }

    /// Also accepts every `http` or `https` redirect URI on `127.0.0.1`, `[::1]` or `localhost`,
    /// at any port and path.
    #[must_use]
    pub fn any_loopback_redirect_uri(mut self) -> Self {
        self.any_loopback = true;
        self
    }

    /// The scopes this client may have, separated by spaces. What else it asks for is left out, and
    /// when it asks for none it gets all of them. Default: it gets what it asks for.
    #[must_use]
    pub fn scopes(mut self, scopes: impl Into<String>) -> Self {
        self.scopes = Some(scopes.into());
        self
    }

    pub(crate) fn accepts(&self, redirect_uri: &str) -> bool {
        redirect_uri::is_usable(redirect_uri)
            && (self.redirect_uris.iter().any(|known| known == redirect_uri)
                || (self.any_loopback && redirect_uri::is_loopback(redirect_uri)))
    }
}

/// The secret is left out.
impl fmt::Debug for ClientRegistration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientRegistration")
            .field("client_id", &self.client_id)
            .field("confidential", &self.secret.is_some())
            .field("authentication", &self.authentication)
            .field("redirect_uris", &self.redirect_uris)
            .field("any_loopback", &self.any_loopback)
            .field("scopes", &self.scopes)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_leaves_the_secret_out() {
        let shown = format!("{:?}", ClientRegistration::confidential("id", "canary-secret"));
        assert!(!shown.contains("canary"), "{shown}");
    }

    #[test]
    fn a_registered_uri_is_compared_to_the_letter() {
        let client = ClientRegistration::public("id").redirect_uri("https://app.example/cb");
        assert!(client.accepts("https://app.example/cb"));
        assert!(!client.accepts("https://app.example/cb/"));
        assert!(!client.accepts("http://127.0.0.1:9/cb"));
        assert!(client.any_loopback_redirect_uri().accepts("http://127.0.0.1:9/cb"));
    }
}
