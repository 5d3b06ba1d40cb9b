use std::sync::Arc;

use url::Url;

use crate::endpoint::Endpoint;
use crate::error::{Error, ErrorKind};
use crate::origin::Origin;
use crate::provider::{BodyFormat, Provider};
use crate::request::{Credentials, Template, basic_header};

/// What is checked and written once, so that no flow has to.
pub(super) struct Prepared {
    pub(super) authorization_prefix: String,
    pub(super) token: Template,
    pub(super) refresh: Template,
    /// None where the provider has no revocation endpoint.
    pub(super) revocation: Option<Template>,
    pub(super) origin: Arc<Origin>,
}

/// Parameters that the flow writes itself.
const RESERVED_AUTHORIZATION: [&str; 9] = [
    "response_type",
    "response_mode",
    "client_id",
    "client_secret",
    "redirect_uri",
    "state",
    "scope",
    "code_challenge",
    "code_challenge_method",
];
const RESERVED_TOKEN: [&str; 9] = [
    "grant_type",
    "code",
    "code_verifier",
    "client_id",
    "client_secret",
    "redirect_uri",
    "refresh_token",
    "state",
    "scope",
];

impl Prepared {
    pub(super) fn new(
        provider: &Provider,
        client: Credentials<'_>,
        redirect_uri: Option<&str>,
    ) -> Result<Self, Error> {
        let authorization = Endpoint::new("authorization_url", &provider.authorization_url)?.url;
        let (token, refresh) = Endpoint::of_tokens(provider)?;
        let revocation = Endpoint::of_revocation(provider, &token)?;
        check_names(&provider.token_parameters, &RESERVED_TOKEN)?;
        let authorization_names = authorization
            .query_pairs()
            .map(|(name, value)| (name.into_owned(), value.into_owned()));
        check_names(&authorization_names.collect::<Vec<_>>(), &RESERVED_AUTHORIZATION)?;
        check_authorization_parameters(&provider.authorization_parameters)?;
        let basic = basic_header(provider, client)?;
        let origin = Origin {
            client_id: client.id.to_owned(),
            provider: provider.name.clone(),
            issuer: provider.issuer.clone(),
            token_origin: token.origin,
        };
        // Whatever the format of token requests: RFC 7009 section 2.1 knows forms alone.
        let revocation =
            revocation.map(|it| Template::new(it.uri, BodyFormat::Form, basic.clone()));
        let on_refresh = basic.clone().filter(|_| provider.credentials_on_refresh);
        Ok(Self {
            authorization_prefix: authorization_prefix(
                &authorization,
                provider,
                client.id,
                redirect_uri,
            ),
            token: Template::new(token.uri, provider.body_format, basic),
            refresh: Template::new(refresh.uri, provider.body_format, on_refresh),
            revocation,
            origin: Arc::new(origin),
        })
    }
}

/// That no parameter is one that the flow writes itself.
pub(crate) fn check_authorization_parameters(parameters: &[(String, String)]) -> Result<(), Error> {
    check_names(parameters, &RESERVED_AUTHORIZATION)
}

fn check_names(parameters: &[(String, String)], reserved: &[&str]) -> Result<(), Error> {
    match parameters.iter().find(|(name, _)| reserved.contains(&name.as_str())) {
        None => Ok(()),
        Some((name, _)) => Err(Error::new(
            ErrorKind::Configuration,
            format!("the parameter `{name}` is written by the flow and cannot be added to it"),
        )),
    }
}

fn authorization_prefix(
    url: &Url,
    provider: &Provider,
    client_id: &str,
    redirect_uri: Option<&str>,
) -> String {
    let separator = if url.query().is_some() { '&' } else { '?' };
    let prefix = format!("{url}{separator}");
    let start = prefix.len();
    let mut pairs = form_urlencoded::Serializer::for_suffix(prefix, start);
    pairs.append_pair("response_type", "code").append_pair("client_id", client_id);
    if let Some(uri) = redirect_uri {
        pairs.append_pair("redirect_uri", uri);
    }
    pairs.extend_pairs(&provider.authorization_parameters);
    pairs.finish()
}
