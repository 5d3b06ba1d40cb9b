//! A provider, as data.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// How to speak with an authorization server: data, which can be kept in a configuration file.
///
/// Begin with a profile and change what differs:
///
/// ```
/// # use countersign_core as countersign;
/// use countersign::{Provider, Rotation};
///
/// let provider = Provider::rfc6749("https://id.example/authorize", "https://id.example/token")
///     .with_issuer("https://id.example", true)
///     .with_rotation(Rotation::Strict);
/// let text = serde_json::to_string(&provider)?;
/// assert_eq!(serde_json::from_str::<Provider>(&text)?, provider);
/// # Ok::<(), serde_json::Error>(())
/// ```
///
/// Nothing is checked until [`ClientBuilder::build`](crate::ClientBuilder::build), which tells
/// what is wrong.
/// `Debug` prints the names of the further parameters and not their values, which may be secrets.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Provider {
    /// What it is called. Part of every stored state, and what tells providers on one host apart:
    /// give each of them a name.
    pub name: String,
    /// The authorization endpoint (RFC 6749 section 3.1): where users give their consent.
    pub authorization_url: String,
    /// The token endpoint (RFC 6749 section 3.2).
    pub token_url: String,
    /// The endpoint for refreshing, where it is another than `token_url`.
    #[serde(default)]
    pub refresh_url: Option<String>,
    /// The revocation endpoint (RFC 7009 section 2), of the same origin as `token_url`. `None` when
    /// there is none, as at HelloSign.
    #[serde(default)]
    pub revocation_url: Option<String>,
    /// The issuer identifier (RFC 8414 section 2). When set, a callback's `iss` has to be equal to
    /// it to the letter (RFC 9207); when not, `iss` cannot be judged and is passed over.
    #[serde(default)]
    pub issuer: Option<String>,
    /// Whether the provider announces that every callback has an `iss`
    /// (`authorization_response_iss_parameter_supported`): one without it is then refused.
    #[serde(default)]
    pub issuer_required: bool,
    /// How the body of a token request is written.
    #[serde(default)]
    pub body_format: BodyFormat,
    /// How the client proves who it is.
    #[serde(default)]
    pub client_authentication: ClientAuthentication,
    /// Whether the provider does Proof Key for Code Exchange.
    #[serde(default)]
    pub pkce: Pkce,
    /// Whether the token request repeats `redirect_uri` (RFC 6749 section 4.1.3 requires it;
    /// HelloSign's has no such field). `true` by default.
    #[serde(default = "yes")]
    pub redirect_uri_in_token_request: bool,
    /// Whether the token request repeats `state` (HelloSign's documentation requires it; RFC 6749
    /// knows no such thing). `false` by default.
    #[serde(default)]
    pub state_in_token_request: bool,
    /// Whether the client authenticates when it refreshes. `true` by default.
    #[serde(default = "yes")]
    pub credentials_on_refresh: bool,
    /// What stands between two scopes. A space by default (RFC 6749 section 3.3).
    #[serde(default = "space")]
    pub scope_separator: char,
    /// Groups of scopes that exclude each other: a flow asks for scopes of one group only. None by
    /// default.
    #[serde(default)]
    pub exclusive_scopes: Vec<Vec<String>>,
    /// What becomes of a refresh token when it is used.
    #[serde(default)]
    pub rotation: Rotation,
    /// Further parameters of every authorization URL.
    #[serde(default)]
    pub authorization_parameters: Vec<(String, String)>,
    /// Further parameters of every token request.
    #[serde(default)]
    pub token_parameters: Vec<(String, String)>,
    /// What is forgiven in answers.
    #[serde(default)]
    pub leniency: Leniency,
}

impl Provider {
    /// A provider that follows RFC 6749: form bodies, HTTP Basic, PKCE with S256, and rotation
    /// [`Unknown`](Rotation::Unknown).
    pub fn rfc6749(authorization_url: impl Into<String>, token_url: impl Into<String>) -> Self {
        Self {
            name: "rfc6749".to_owned(),
            authorization_url: authorization_url.into(),
            token_url: token_url.into(),
            refresh_url: None,
            revocation_url: None,
            issuer: None,
            issuer_required: false,
            body_format: BodyFormat::Form,
            client_authentication: ClientAuthentication::Basic,
            pkce: Pkce::S256,
            redirect_uri_in_token_request: true,
            state_in_token_request: false,
            credentials_on_refresh: true,
            scope_separator: ' ',
            exclusive_scopes: Vec::new(),
            rotation: Rotation::Unknown,
            authorization_parameters: Vec::new(),
            token_parameters: Vec::new(),
            leniency: Leniency::default(),
        }
    }

    /// The same under another name.
    #[must_use]
    pub fn with_name(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }

    /// The same with all endpoints moved to another origin, such as that of a sandbox. Paths and
    /// queries stay. An origin is `scheme://host:port`, without a path.
    #[must_use]
    pub fn with_origin(mut self, origin: &str) -> Self {
        let origin = origin.trim_end_matches('/');
        let always = [&mut self.authorization_url, &mut self.token_url];
        let others = [self.refresh_url.as_mut(), self.revocation_url.as_mut()];
        for url in always.into_iter().chain(others.into_iter().flatten()) {
            *url = format!("{origin}{}", after_origin(url));
        }
        self
    }

    /// The same with a refresh endpoint of its own.
    #[must_use]
    pub fn with_refresh_url(mut self, url: impl Into<String>) -> Self {
        self.refresh_url = Some(url.into());
        self
    }

    /// The same with a [`revocation_url`](Self::revocation_url).
    #[must_use]
    pub fn with_revocation_url(mut self, url: impl Into<String>) -> Self {
        self.revocation_url = Some(url.into());
        self
    }

    /// The same with this [`issuer`](Self::issuer), `required` in every callback or not.
    #[must_use]
    pub fn with_issuer(mut self, issuer: impl Into<String>, required: bool) -> Self {
        self.issuer = Some(issuer.into());
        self.issuer_required = required;
        self
    }

    /// The same with this [`body_format`](Self::body_format).
    #[must_use]
    pub fn with_body_format(mut self, format: BodyFormat) -> Self {
        self.body_format = format;
        self
    }

    /// The same with this [`client_authentication`](Self::client_authentication).
    #[must_use]
    pub fn with_client_authentication(mut self, method: ClientAuthentication) -> Self {
        self.client_authentication = method;
        self
    }

    /// The same with this [`pkce`](Self::pkce).
    #[must_use]
    pub fn with_pkce(mut self, pkce: Pkce) -> Self {
        self.pkce = pkce;
        self
    }

    /// The same with this [`rotation`](Self::rotation).
    #[must_use]
    pub fn with_rotation(mut self, rotation: Rotation) -> Self {
        self.rotation = rotation;
        self
    }

    /// The same with this [`leniency`](Self::leniency).
    #[must_use]
    pub fn with_leniency(mut self, leniency: Leniency) -> Self {
        self.leniency = leniency;
        self
    }

    /// The same with one more parameter in every authorization URL.
    #[must_use]
    pub fn with_authorization_parameter(
        mut self,
        name: impl Into<String>,
        value: impl Into<String>,
    ) -> Self {
        self.authorization_parameters.push((name.into(), value.into()));
        self
    }

    /// The same with one more parameter in every token request.
    #[must_use]
    pub fn with_token_parameter(
        mut self,
        name: impl Into<String>,
        value: impl Into<String>,
    ) -> Self {
        self.token_parameters.push((name.into(), value.into()));
        self
    }

    /// Where refresh requests go.
    pub(crate) fn effective_refresh_url(&self) -> &str {
        self.refresh_url.as_deref().unwrap_or(&self.token_url)
    }
}

impl fmt::Debug for Provider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Provider")
            .field("name", &self.name)
            .field("authorization_url", &self.authorization_url)
            .field("token_url", &self.token_url)
            .field("refresh_url", &self.refresh_url)
            .field("revocation_url", &self.revocation_url)
            .field("issuer", &self.issuer)
            .field("issuer_required", &self.issuer_required)
            .field("body_format", &self.body_format)
            .field("client_authentication", &self.client_authentication)
            .field("pkce", &self.pkce)
            .field("redirect_uri_in_token_request", &self.redirect_uri_in_token_request)
            .field("state_in_token_request", &self.state_in_token_request)
            .field("credentials_on_refresh", &self.credentials_on_refresh)
            .field("scope_separator", &self.scope_separator)
            .field("exclusive_scopes", &self.exclusive_scopes)
            .field("rotation", &self.rotation)
            .field("authorization_parameters", &Names(&self.authorization_parameters))
            .field("token_parameters", &Names(&self.token_parameters))
            .field("leniency", &self.leniency)
            .finish()
    }
}

/// Prints the names of parameters, whose values may be secrets.
pub(crate) struct Names<'a>(pub(crate) &'a [(String, String)]);

impl fmt::Debug for Names<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.iter().map(|(name, _)| name)).finish()
    }
}

/// How the body of a token request is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum BodyFormat {
    /// `application/x-www-form-urlencoded` (RFC 6749 section 4.1.3), the default.
    #[default]
    Form,
    /// `application/json`, as HelloSign documents it.
    Json,
}

/// How the client proves who it is at the token endpoint (RFC 6749 section 2.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ClientAuthentication {
    /// HTTP Basic, id and secret form-encoded before base64 (RFC 6749 section 2.3.1), the default.
    #[default]
    Basic,
    /// HTTP Basic without the form-encoding: some servers accept nothing else. The two differ only
    /// for ids and secrets with other than letters, digits, `*`, `-`, `.` and `_`.
    BasicUnencoded,
    /// `client_id` and `client_secret` in the body.
    RequestBody,
    /// A public client: `client_id` in the body, and no secret.
    None,
}

/// Whether a provider does Proof Key for Code Exchange (RFC 7636).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Pkce {
    /// With SHA-256, the default. There is no falling back from it.
    #[default]
    S256,
    /// It does not, and may choke on the parameters.
    Unsupported,
}

/// What becomes of a refresh token when it is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Rotation {
    /// It stays good: a refresh may be sent again whatever came of it. HelloSign does so.
    Never,
    /// It is replaced, and the old one is still taken for a while.
    Grace {
        /// How long, from its first use; written in whole seconds.
        #[serde(with = "seconds")]
        window: Duration,
        /// Whether the first use of the new one ends it sooner.
        ends_when_child_used: bool,
    },
    /// It is replaced, and using the old one again may end the whole grant (RFC 9700 section
    /// 4.14.2).
    Strict,
    /// Not known, and so treated as [`Strict`](Self::Strict). The default.
    #[default]
    Unknown,
}

/// What is forgiven in a provider's answers. Nothing by default.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct Leniency {
    /// Take an answer without `token_type`, which RFC 6749 section 5.1 requires, for one with
    /// `Bearer`.
    pub missing_token_type: bool,
}

impl Leniency {
    /// The same with this [`missing_token_type`](Self::missing_token_type).
    #[must_use]
    pub fn with_missing_token_type(mut self, forgiven: bool) -> Self {
        self.missing_token_type = forgiven;
        self
    }
}

/// Path and query of a URL, as they were written.
fn after_origin(url: &str) -> &str {
    let authority = url.find("://").map_or(0, |at| at + 3);
    url[authority..].find(['/', '?']).map_or("", |at| &url[authority + at..])
}

/// A duration as whole seconds.
mod seconds {
    use std::time::Duration;

    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(it: &Duration, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_u64(it.as_secs())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Duration, D::Error> {
        u64::deserialize(from).map(Duration::from_secs)
    }
}

fn yes() -> bool {
    true
}

fn space() -> char {
    ' '
}

#[cfg(test)]
mod tests {
    use super::Provider;

    #[test]
    fn with_origin_keeps_paths_and_queries() {
        let provider = Provider::rfc6749("https://a.example/x/authorize?y=1", "https://b.example")
            .with_refresh_url("https://b.example/token?refresh")
            .with_revocation_url("https://b.example/revoke?x")
            .with_origin("http://127.0.0.1:8080/");
        assert_eq!(provider.authorization_url, "http://127.0.0.1:8080/x/authorize?y=1");
        assert_eq!(provider.token_url, "http://127.0.0.1:8080");
        assert_eq!(provider.refresh_url.as_deref(), Some("http://127.0.0.1:8080/token?refresh"));
        assert_eq!(provider.revocation_url.as_deref(), Some("http://127.0.0.1:8080/revoke?x"));
    }

    #[test]
    fn a_short_configuration_has_the_rfcs_defaults() {
        let written = r#"{
            "name": "rfc6749",
            "authorization_url": "https://id.example/authorize",
            "token_url": "https://id.example/token"
        }"#;
        let read: Provider = serde_json::from_str(written).expect("complete");
        let built = Provider::rfc6749("https://id.example/authorize", "https://id.example/token");
        assert_eq!(read, built);
    }
}
