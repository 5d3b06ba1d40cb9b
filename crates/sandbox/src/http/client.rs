//! Client authentication at the token and revocation endpoints (RFC 6749 section 2.3).

use http::HeaderMap;
use http::header::AUTHORIZATION;

use super::{Params, credentials};
use crate::config::{
    ClientAuthentication, ClientRegistration, Config, Dialect, RefreshCredentials,
};
use crate::state::Refusal;

const UNKNOWN: Refusal = Refusal::Client("The client is unknown or its secret is wrong.");

/// The client that sends this request, if it proves to be it.
pub(super) fn authenticate<'a>(
    headers: &HeaderMap,
    body: &Params,
    config: &'a Config,
) -> Result<&'a ClientRegistration, Refusal> {
    match config.dialect {
        Dialect::HelloSign => in_body(body, config),
        Dialect::Rfc6749 if headers.contains_key(AUTHORIZATION) => in_header(headers, body, config),
        Dialect::Rfc6749 => {
            let client = in_body(body, config)?;
            if client.secret.is_some() && client.authentication == ClientAuthentication::Basic {
                return Err(Refusal::Client("This client is registered for HTTP Basic."));
            }
            Ok(client)
        }
    }
}

/// The client of a refresh request, which an older HelloSign app leaves out.
pub(super) fn authenticate_refresh<'a>(
    headers: &HeaderMap,
    body: &Params,
    config: &'a Config,
) -> Result<Option<&'a ClientRegistration>, Refusal> {
    let absent = body.get("client_id").is_none() && body.get("client_secret").is_none();
    let optional = config.dialect == Dialect::HelloSign
        && config.refresh_credentials == RefreshCredentials::Optional;
    if absent && optional {
        return Ok(None);
    }
    authenticate(headers, body, config).map(Some)
}

fn in_body<'a>(body: &Params, config: &'a Config) -> Result<&'a ClientRegistration, Refusal> {
    let client_id = body.get("client_id").ok_or(Refusal::Client("client_id is missing."))?;
    let client = config.registration(client_id).ok_or(UNKNOWN)?;
    if client.secret.as_deref() == body.get("client_secret") { Ok(client) } else { Err(UNKNOWN) }
}

fn in_header<'a>(
    headers: &HeaderMap,
    body: &Params,
    config: &'a Config,
) -> Result<&'a ClientRegistration, Refusal> {
    let (user, password) = credentials::basic(headers)
        .ok_or(Refusal::Client("The Authorization header is not HTTP Basic."))?;
    if body.get("client_secret").is_some() {
        return Err(Refusal::Malformed("The client authenticates in two ways at once."));
    }
    let client_id = credentials::form_decoded(&user);
    if body.get("client_id").is_some_and(|named| named != client_id) {
        return Err(Refusal::Malformed("client_id is not the client that authenticates."));
    }
    let client = config.registration(&client_id).ok_or(UNKNOWN)?;
    if client.authentication == ClientAuthentication::RequestBody {
        return Err(Refusal::Client("This client is registered for the request body."));
    }
    if client.secret == Some(credentials::form_decoded(&password)) {
        Ok(client)
    } else {
        Err(UNKNOWN)
    }
}
