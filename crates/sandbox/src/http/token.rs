//! The token endpoint.

use http::StatusCode;
use serde_json::{Value, json};

use super::answer::{self, Answer};
use super::arrival::Arrival;
use super::{Params, client};
use crate::config::{Config, Dialect, ExpiresIn, TokenErrors};
use crate::server::Server;
use crate::state::{CodeRequest, FreshTokens, Issued, RefreshRequest, Refusal};

pub(super) fn answer(server: &Server, arrival: &Arrival) -> Answer {
    let Ok(fresh) = FreshTokens::draw() else {
        return answer::empty(StatusCode::INTERNAL_SERVER_ERROR);
    };
    let answered = match &arrival.body {
        Ok(body) => answer_body(server, arrival, body, fresh),
        Err(refusal) => Err(*refusal),
    };
    match answered {
        Ok(body) => answer::json(StatusCode::OK, &body),
        Err(refusal) => refuse(refusal, &server.config),
    }
}

fn answer_body(
    server: &Server,
    arrival: &Arrival,
    body: &Params,
    fresh: FreshTokens,
) -> Result<Value, Refusal> {
    if body.any_repeated() {
        return Err(Refusal::Malformed("A parameter is repeated."));
    }
    match body.get("grant_type") {
        Some("authorization_code") => generate(server, arrival, body, fresh),
        Some("refresh_token") => refresh(server, arrival, body, fresh),
        Some(_) => Err(Refusal::GrantType),
        None => Err(Refusal::Malformed("grant_type is missing.")),
    }
}

fn generate(
    server: &Server,
    arrival: &Arrival,
    body: &Params,
    fresh: FreshTokens,
) -> Result<Value, Refusal> {
    let config = &server.config;
    let client = client::authenticate(&arrival.headers, body, config)?;
    let request = CodeRequest {
        client_id: &client.client_id,
        code: required(body, "code", "code is missing.")?,
        redirect_uri: body.get("redirect_uri"),
        code_verifier: body.get("code_verifier"),
    };
    let issued =
        server.with_state(|state, now| state.grants.exchange(&request, config, now, fresh))?;
    let mut response = token_response(issued, config);
    // HelloSign tells the client its state again.
    if let (Dialect::HelloSign, Some(state)) = (config.dialect, body.get("state")) {
        response["state"] = state.into();
    }
    Ok(response)
}

fn refresh(
    server: &Server,
    arrival: &Arrival,
    body: &Params,
    fresh: FreshTokens,
) -> Result<Value, Refusal> {
    let config = &server.config;
    let client = client::authenticate_refresh(&arrival.headers, body, config)?;
    let request = RefreshRequest {
        client_id: client.map(|client| client.client_id.as_str()),
        refresh_token: required(body, "refresh_token", "refresh_token is missing.")?,
        // HelloSign's scopes are the app's; a parameter is tolerated.
        scope: body.get("scope").filter(|_| server.is(Dialect::Rfc6749)),
    };
    let issued =
        server.with_state(|state, now| state.grants.refresh(&request, config, now, fresh))?;
    Ok(token_response(issued, config))
}

/// The successful response of RFC 6749 section 5.1.
pub(super) fn token_response(issued: Issued, config: &Config) -> Value {
    let mut response = json!({
        "access_token": issued.access_token,
        "token_type": "Bearer",
        "refresh_token": issued.refresh_token,
    });
    let seconds = config.access_token_lifetime.as_secs();
    match config.expires_in {
        ExpiresIn::Integer => response["expires_in"] = seconds.into(),
        ExpiresIn::String => response["expires_in"] = seconds.to_string().into(),
        ExpiresIn::Absent => {}
    }
    if let (Dialect::Rfc6749, Some(scope)) = (config.dialect, issued.scope) {
        response["scope"] = scope.into();
    }
    response
}

pub(super) fn required<'a>(
    body: &'a Params,
    name: &str,
    missing: &'static str,
) -> Result<&'a str, Refusal> {
    body.get(name).ok_or(Refusal::Malformed(missing))
}

pub(super) fn refuse(refusal: Refusal, config: &Config) -> Answer {
    let status = status(refusal);
    let (error, description) = wording(refusal, config.dialect);
    match (config.dialect, config.token_errors) {
        (Dialect::HelloSign, TokenErrors::Documented) => {
            answer::error_response(status, description, None)
        }
        (Dialect::HelloSign, TokenErrors::Live) => answer::oauth_error(status, error, description),
        (Dialect::Rfc6749, _) => {
            let mut answer = answer::oauth_error(status, error, description);
            if status == StatusCode::UNAUTHORIZED {
                answer::challenge(&mut answer, "Basic realm=\"countersign-sandbox\"");
            }
            answer
        }
    }
}

fn status(refusal: Refusal) -> StatusCode {
    match refusal {
        Refusal::Client(_) => StatusCode::UNAUTHORIZED,
        Refusal::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        _ => StatusCode::BAD_REQUEST,
    }
}

/// The error code of RFC 6749 section 5.2, and a description.
fn wording(refusal: Refusal, dialect: Dialect) -> (&'static str, &'static str) {
    match refusal {
        Refusal::Malformed(why) => ("invalid_request", why),
        Refusal::ContentType => {
            ("invalid_request", "The content type is missing or not supported.")
        }
        Refusal::TooLarge => ("invalid_request", "The body is too large or incomplete."),
        Refusal::GrantType => ("unsupported_grant_type", "The grant_type is not supported."),
        Refusal::Client(why) => ("invalid_client", why),
        // HelloSign, live: a wrong, late or used code is an invalid request.
        Refusal::Code(why) if dialect == Dialect::HelloSign => ("invalid_request", why),
        Refusal::Code(why) => ("invalid_grant", why),
        // HelloSign's words, live.
        Refusal::RefreshToken => ("invalid_grant", "Invalid grant data (refresh token)"),
        Refusal::ForeignToken => ("invalid_grant", "The token was issued to another client."),
        Refusal::Scope => ("invalid_scope", "The scope exceeds what was granted."),
    }
}
