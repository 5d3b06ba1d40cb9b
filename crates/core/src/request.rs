//! Token and revocation requests, built by pure functions.

mod encode;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use form_urlencoded::byte_serialize;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, Method, Request, Uri};
use secrecy::{ExposeSecret, SecretString};
use zeroize::Zeroizing;

use crate::body::Body;
use crate::error::{Error, ErrorKind};
use crate::provider::{BodyFormat, ClientAuthentication, Provider};

pub(crate) use encode::encode_fields;

/// Who asks: the client's id and secret.
#[derive(Clone, Copy)]
pub(crate) struct Credentials<'a> {
    pub(crate) id: &'a str,
    pub(crate) secret: Option<&'a SecretString>,
}

impl Credentials<'_> {
    fn secret(&self) -> Option<&str> {
        self.secret.map(ExposeSecret::expose_secret)
    }
}

/// What of a request is the same for every token request of a client.
#[derive(Debug, Clone)]
pub(crate) struct Template {
    uri: Uri,
    headers: HeaderMap,
    format: BodyFormat,
}

impl Template {
    /// Requests to `uri`, with HTTP Basic where `basic` says whose.
    pub(crate) fn new(uri: Uri, format: BodyFormat, basic: Option<HeaderValue>) -> Self {
        let mut headers = HeaderMap::with_capacity(3);
        headers.insert(CONTENT_TYPE, encode::content_type(format));
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        if let Some(basic) = basic {
            headers.insert(AUTHORIZATION, basic);
        }
        Self { uri, headers, format }
    }

    pub(crate) fn request<'a>(
        &self,
        fields: impl Iterator<Item = (&'a str, &'a str)> + Clone,
    ) -> Request<Body> {
        let mut request = Request::new(encode_fields(self.format, fields));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = self.uri.clone();
        *request.headers_mut() = self.headers.clone();
        request
    }
}

/// What a code exchange is made of (RFC 6749 section 4.1.3).
pub(crate) struct CodeExchange<'a> {
    pub(crate) code: &'a str,
    pub(crate) state: &'a str,
    pub(crate) verifier: Option<&'a str>,
    pub(crate) redirect_uri: Option<&'a str>,
}

impl CodeExchange<'_> {
    pub(crate) fn request(
        &self,
        template: &Template,
        provider: &Provider,
        client: Credentials<'_>,
    ) -> Request<Body> {
        let [id, secret] = body_credentials(provider, client);
        let echoed = provider.state_in_token_request.then_some(self.state);
        let redirect_uri = self.redirect_uri.filter(|_| provider.redirect_uri_in_token_request);
        let fields = [
            Some(("grant_type", "authorization_code")),
            Some(("code", self.code)),
            echoed.map(|state| ("state", state)),
            redirect_uri.map(|uri| ("redirect_uri", uri)),
            self.verifier.map(|verifier| ("code_verifier", verifier)),
            id,
            secret,
        ];
        template.request(fields.iter().copied().flatten().chain(extra(provider)))
    }
}

/// A refresh (RFC 6749 section 6).
pub(crate) fn refresh(
    template: &Template,
    provider: &Provider,
    client: Credentials<'_>,
    refresh_token: &str,
) -> Request<Body> {
    let [id, secret] = if provider.credentials_on_refresh {
        body_credentials(provider, client)
    } else {
        [None, None]
    };
    let fields =
        [Some(("grant_type", "refresh_token")), Some(("refresh_token", refresh_token)), id, secret];
    template.request(fields.iter().copied().flatten().chain(extra(provider)))
}

/// A revocation (RFC 7009 section 2.1). The client authenticates, whether it does when it refreshes
/// or not; the provider's further parameters are those of token requests and stay away.
pub(crate) fn revocation(
    template: &Template,
    provider: &Provider,
    client: Credentials<'_>,
    token: &str,
    hint: &str,
) -> Request<Body> {
    let [id, secret] = body_credentials(provider, client);
    let fields = [Some(("token", token)), Some(("token_type_hint", hint)), id, secret];
    template.request(fields.iter().copied().flatten())
}

/// The value of an `Authorization` header for HTTP Basic, where the provider wants it.
///
/// # Errors
///
/// When id or secret cannot be sent in this way.
pub(crate) fn basic_header(
    provider: &Provider,
    client: Credentials<'_>,
) -> Result<Option<HeaderValue>, Error> {
    let secret = client.secret().unwrap_or_default();
    let pair: Zeroizing<String> = match provider.client_authentication {
        ClientAuthentication::Basic => {
            // RFC 6749 section 2.3.1: form-encoded each, so that a colon in the id is no separator.
            let mut pair =
                Zeroizing::new(String::with_capacity(3 * (client.id.len() + secret.len()) + 1));
            pair.extend(byte_serialize(client.id.as_bytes()));
            pair.push(':');
            pair.extend(byte_serialize(secret.as_bytes()));
            pair
        }
        ClientAuthentication::BasicUnencoded if client.id.contains(':') => {
            return Err(Error::new(
                ErrorKind::Configuration,
                "a client id with a colon cannot be sent by unencoded HTTP Basic",
            ));
        }
        ClientAuthentication::BasicUnencoded => Zeroizing::new([client.id, ":", secret].concat()),
        ClientAuthentication::RequestBody | ClientAuthentication::None => return Ok(None),
    };
    Ok(Some(basic_value(&pair)))
}

/// `Basic` and base64 of `user:password`, marked sensitive.
pub(crate) fn basic_value(pair: &str) -> HeaderValue {
    const SCHEME: &str = "Basic ";
    let mut text = String::with_capacity(SCHEME.len() + pair.len().div_ceil(3) * 4);
    text.push_str(SCHEME);
    STANDARD.encode_string(pair, &mut text);
    let owner = bytes::Bytes::from_owner(crate::secret::Wiped(text.into_bytes()));
    // base64 is printable ASCII, which a header takes: there is no error to report.
    let mut value =
        HeaderValue::from_maybe_shared(owner).unwrap_or_else(|_| HeaderValue::from_static(SCHEME));
    value.set_sensitive(true);
    value
}

type Field<'a> = Option<(&'a str, &'a str)>;

/// `client_id` and `client_secret`, where they go into the body.
fn body_credentials<'a>(provider: &Provider, client: Credentials<'a>) -> [Field<'a>; 2] {
    let id = Some(("client_id", client.id));
    match provider.client_authentication {
        ClientAuthentication::Basic | ClientAuthentication::BasicUnencoded => [None, None],
        ClientAuthentication::None => [id, None],
        ClientAuthentication::RequestBody => {
            let secret = client.secret.map(|secret| ("client_secret", secret.expose_secret()));
            [id, secret]
        }
    }
}

/// The provider's further parameters.
pub(crate) fn extra(provider: &Provider) -> impl Iterator<Item = (&str, &str)> + Clone {
    provider.token_parameters.iter().map(|(name, value)| (name.as_str(), value.as_str()))
}
