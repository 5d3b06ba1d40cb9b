use std::sync::Arc;

use secrecy::SecretString;

use super::pending::PendingData;
use super::{AuthorizationFlow, Pending};
use crate::binding::Binding;
use crate::client::{Client, check_authorization_parameters};
use crate::error::{Error, ErrorKind};
use crate::pkce::s256_challenge;
use crate::provider::Pkce;
use crate::random::{self, RandomText, as_str};
use crate::scope::Scopes;
use crate::secret::{self, StoredSecret};

/// Describes an authorization to be begun: see [`Client::authorize`].
#[derive(Debug)]
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
        let verifier = match client.provider().pkce {
            Pkce::S256 => Some(verifier),
            Pkce::Unsupported => None,
        };
        let url = url(client, &state, verifier.as_ref(), scopes.as_ref(), &self.parameters);
        let state = Pending(Box::new(PendingData {
            origin: Arc::clone(client.origin()),
            begun_at: client.millis(),
            state: stored(&state),
            verifier: verifier.as_ref().map(stored),
            authorization_url: StoredSecret(url),
            redirect_uri: client.redirect_uri().map(ToOwned::to_owned),
            scopes,
            binding,
            spent: false,
        }));
        Ok(AuthorizationFlow { client: client.clone(), state })
    }
}

fn stored(text: &RandomText) -> StoredSecret {
    StoredSecret(secret::join(&[as_str(text)]))
}

/// RFC 6749 section 4.1.1 and RFC 7636 section 4.3.
fn url(
    client: &Client,
    state: &RandomText,
    verifier: Option<&RandomText>,
    scopes: Option<&Scopes>,
    parameters: &[(String, String)],
) -> SecretString {
    const ROOM: usize = 192;
    let prefix = client.authorization_prefix();
    let mut longest = prefix.len() + ROOM + scopes.map_or(0, |it| 3 * it.as_str().len());
    longest +=
        parameters.iter().map(|(name, value)| 3 * (name.len() + value.len()) + 2).sum::<usize>();

    let mut url = String::with_capacity(longest);
    url.push_str(prefix);
    url.push_str("&state=");
    url.push_str(as_str(state));
    if let Some(verifier) = verifier {
        url.push_str("&code_challenge=");
        url.push_str(as_str(&s256_challenge(as_str(verifier))));
        url.push_str("&code_challenge_method=S256");
    }
    if let Some(scopes) = scopes.filter(|scopes| !scopes.is_empty()) {
        let mut separator = [0; 4];
        let separator = client.provider().scope_separator.encode_utf8(&mut separator).as_bytes();
        url.push_str("&scope=");
        for (index, scope) in scopes.iter().enumerate() {
            if index > 0 {
                url.extend(form_urlencoded::byte_serialize(separator));
            }
            url.extend(form_urlencoded::byte_serialize(scope.as_bytes()));
        }
    }
    let start = url.len();
    let mut pairs = form_urlencoded::Serializer::for_suffix(url, start.min(prefix.len()));
    pairs.extend_pairs(parameters);
    SecretString::from(pairs.finish())
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
