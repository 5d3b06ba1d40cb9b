use std::fmt;
use std::sync::Arc;

use form_urlencoded::byte_serialize;
use secrecy::SecretString;

use super::pending::PendingData;
use super::{AuthorizationFlow, Pending};
use crate::binding::Binding;
use crate::client::{Client, check_authorization_parameters};
use crate::error::{Error, ErrorKind};
use crate::pkce::s256_challenge;
use crate::provider::{Names, Pkce};
use crate::random::{self, as_str};
use crate::scope::Scopes;
use crate::secret::{self, StoredSecret};

/// Describes an authorization to be begun: see [`Client::authorize`].
#[must_use = "nothing happens before `begin`"]
pub struct Authorize<'c> {
    client: &'c Client,
    browser: Binding,
    scopes: Option<Result<Scopes, Error>>,
    parameters: Vec<(String, String)>,
}

impl<'c> Authorize<'c> {
    pub(crate) fn new(client: &'c Client, browser: &Binding) -> Self {
        Self { client, browser: browser.clone(), scopes: None, parameters: Vec::new() }
    }

    /// The scopes to ask for (RFC 6749 section 3.3), in place of those named before. Without them
    /// the provider's default is asked for; HelloSign takes those of the app's settings.
    pub fn scopes<I>(mut self, scopes: I) -> Self
    where
        I: IntoIterator,
        I::Item: AsRef<str>,
    {
        self.scopes = Some(Scopes::new(scopes));
        self
    }

    /// A further parameter of the authorization URL, such as `prompt` or `login_hint`.
    pub fn parameter(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.parameters.push((name.into(), value.into()));
        self
    }

    /// Draws `state` and PKCE verifier, both of 256 random bits, and writes the authorization URL.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Configuration`] when the [`Binding`] is of an empty session id, when a scope
    /// is not one or excludes another, or when a parameter is one that the flow writes itself;
    /// [`ErrorKind::Randomness`] when the operating system gives no random bytes.
    pub fn begin(self) -> Result<AuthorizationFlow<Pending>, Error> {
        let client = self.client;
        let binding = self.browser.stored().ok_or_else(|| {
            Error::new(
                ErrorKind::Configuration,
                "the session id is empty: a flow has to be bound to one browser's session",
            )
        })?;
        let scopes = self.scopes.transpose()?;
        if let Some(scopes) = &scopes {
            check_exclusive(&client.provider().exclusive_scopes, scopes)?;
        }
        check_authorization_parameters(&self.parameters)?;

        let (state, verifier) = random::draw_two()?;
        let state = as_str(&state);
        let verifier = match client.provider().pkce {
            Pkce::S256 => Some(as_str(&verifier)),
            Pkce::Unsupported => None,
        };
        let challenge = verifier.map(s256_challenge);
        let url = Url {
            prefix: client.authorization_prefix(),
            state,
            challenge: challenge.as_ref().map(as_str),
            scopes: scopes.as_ref(),
            scope_separator: client.provider().scope_separator,
            parameters: &self.parameters,
        };
        let state = Pending(Box::new(PendingData {
            origin: Arc::clone(client.origin()),
            begun_at: client.millis(),
            state: stored(state),
            verifier: verifier.map(stored),
            authorization_url: StoredSecret(url.write()),
            redirect_uri: client.redirect_uri().map(ToOwned::to_owned),
            scopes,
            binding,
            spent: false,
        }));
        Ok(AuthorizationFlow { client: client.clone(), state })
    }
}

fn stored(text: &str) -> StoredSecret {
    StoredSecret(secret::join(&[text]))
}

impl fmt::Debug for Authorize<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Authorize")
            .field("client", self.client)
            .field("browser", &self.browser)
            .field("scopes", &self.scopes)
            .field("parameters", &Names(&self.parameters))
            .finish()
    }
}

/// The authorization URL (RFC 6749 section 4.1.1, RFC 7636 section 4.3).
struct Url<'a> {
    /// What is the same for every flow of the client.
    prefix: &'a str,
    state: &'a str,
    challenge: Option<&'a str>,
    scopes: Option<&'a Scopes>,
    scope_separator: char,
    parameters: &'a [(String, String)],
}

impl Url<'_> {
    /// Writes it into a buffer of exactly its length: see [`secret::join`].
    fn write(&self) -> SecretString {
        let mut length = 0;
        self.each_part(|part| length += part.len());
        let mut url = String::with_capacity(length);
        self.each_part(|part| url.push_str(part));
        SecretString::from(url)
    }

    fn each_part(&self, mut part: impl FnMut(&str)) {
        part(self.prefix);
        part("&state=");
        part(self.state);
        if let Some(challenge) = self.challenge {
            part("&code_challenge=");
            part(challenge);
            part("&code_challenge_method=S256");
        }
        let scopes = self.scopes.into_iter().flat_map(Scopes::iter);
        for (index, scope) in scopes.enumerate() {
            if index == 0 {
                part("&scope=");
            } else {
                let mut separator = [0; 4];
                let separator = self.scope_separator.encode_utf8(&mut separator);
                byte_serialize(separator.as_bytes()).for_each(&mut part);
            }
            byte_serialize(scope.as_bytes()).for_each(&mut part);
        }
        for (name, value) in self.parameters {
            part("&");
            byte_serialize(name.as_bytes()).for_each(&mut part);
            part("=");
            byte_serialize(value.as_bytes()).for_each(&mut part);
        }
    }
}

/// That the scopes are of one group only, where groups exclude each other.
fn check_exclusive(groups: &[Vec<String>], scopes: &Scopes) -> Result<(), Error> {
    let mut touched = groups
        .iter()
        .filter_map(|group| scopes.iter().find(|scope| group.iter().any(|one| one == scope)));
    match (touched.next(), touched.next()) {
        (Some(one), Some(other)) => Err(Error::new(
            ErrorKind::Configuration,
            format!("the scopes `{one}` and `{other}` exclude each other at this provider"),
        )),
        _ => Ok(()),
    }
}
