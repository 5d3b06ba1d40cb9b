//! The API's account part, which is also the protected resource of the RFC 6749 dialect.

use http::StatusCode;
use serde_json::{Value, json};

use super::answer::{self, Answer};
use super::arrival::Arrival;
use super::{Params, client, credentials, token};
use crate::config::{Config, Dialect};
use crate::count::RequestKind;
use crate::random;
use crate::server::Server;
use crate::state::{Account, Approval, FreshTokens, Refusal};

/// Why the API refuses.
enum Refused {
    /// No live access token and no API key, though perhaps a token that was live once.
    Unauthorized {
        with_token: bool,
    },
    BadRequest {
        message: &'static str,
        path: Option<&'static str>,
    },
    NotFound,
    Randomness,
}

pub(super) fn answer(server: &Server, arrival: &Arrival) -> Answer {
    let answered = match arrival.kind {
        RequestKind::Account => get(server, arrival),
        RequestKind::AccountCreate if server.is(Dialect::HelloSign) => create(server, arrival),
        RequestKind::AccountVerify if server.is(Dialect::HelloSign) => verify(server, arrival),
        _ => Err(Refused::NotFound),
    };
    match answered {
        Ok(body) => answer::json(StatusCode::OK, &body),
        Err(Refused::Unauthorized { with_token }) => {
            unauthorized(server.config.dialect, with_token)
        }
        Err(Refused::BadRequest { message, path }) => {
            answer::error_response(StatusCode::BAD_REQUEST, message, path)
        }
        Err(Refused::NotFound) => answer::not_found(server.config.dialect),
        Err(Refused::Randomness) => answer::empty(StatusCode::INTERNAL_SERVER_ERROR),
    }
}

/// `GET /v3/account`.
fn get(server: &Server, arrival: &Arrival) -> Result<Value, Refused> {
    let (email, account) = signed_in(server, arrival)?;
    Ok(json!({"account": full(&email, &account, true)}))
}

/// `POST /v3/account/verify`.
fn verify(server: &Server, arrival: &Arrival) -> Result<Value, Refused> {
    let (_, email) = asked_email(server, arrival)?;
    let exists = server.with_state(|state, _| state.accounts.get(email).is_some());
    Ok(if exists { json!({"account": {"email_address": email}}) } else { json!({}) })
}

/// `POST /v3/account/create`. With a client's credentials the answer carries tokens, which work once
/// the user has confirmed.
fn create(server: &Server, arrival: &Arrival) -> Result<Value, Refused> {
    let (body, email) = asked_email(server, arrival)?;
    let wants_tokens = body.get("client_id").is_some() || body.get("client_secret").is_some();
    let client = wants_tokens
        .then(|| client::authenticate(&arrival.headers, body, &server.config))
        .transpose()
        .map_err(|refusal| Refused::from(refusal).at("client_id"))?;
    let account_id = random::account_id().map_err(|_| Refused::Randomness)?;
    let fresh = FreshTokens::draw().map_err(|_| Refused::Randomness)?;
    let created = server.with_state(|state, now| {
        let account = state.accounts.create(email, account_id)?.clone();
        let issued = client.map(|client| {
            let approval = Approval {
                account: email.to_owned(),
                client_id: client.client_id.clone(),
                asked_scope: None,
                scope: client.scopes.clone(),
                redirect_uri: None,
                code_challenge: None,
            };
            state.grants.issue(approval, &server.config, now, fresh)
        });
        Some((account, issued))
    });
    match created {
        Some((account, None)) => Ok(json!({"account": full(email, &account, false)})),
        Some((account, Some(issued))) => Ok(json!({
            "account": short(email, &account),
            "oauth_data": token::token_response(issued, &server.config),
        })),
        None => Err(Refused::BadRequest {
            message: "There is an account with this email address.",
            path: Some("email_address"),
        }),
    }
}

/// The account whose live access token or API key the request carries.
fn signed_in(server: &Server, arrival: &Arrival) -> Result<(String, Account), Refused> {
    let bearer = credentials::bearer(&arrival.headers);
    let api_key = credentials::basic(&arrival.headers)
        .filter(|pair| server.is(Dialect::HelloSign) && is_api_key(pair));
    let account = server.with_state(|state, now| {
        let email = match (bearer, api_key) {
            (Some(token), _) => state.grants.bearer(token, now)?,
            (None, Some(_)) => Config::ACCOUNT,
            (None, None) => return None,
        };
        let account = state.accounts.get(email).filter(|account| account.confirmed)?;
        Some((email.to_owned(), account.clone()))
    });
    let with_token = bearer.is_some();
    account.ok_or(Refused::Unauthorized { with_token })
}

/// An API key is the user name; the password is empty and the colon stays.
fn is_api_key((user, password): &(String, String)) -> bool {
    user == Config::API_KEY && password.is_empty()
}

/// The body of an authorized request, and the `email_address` in it.
fn asked_email<'a>(
    server: &Server,
    arrival: &'a Arrival,
) -> Result<(&'a Params, &'a str), Refused> {
    signed_in(server, arrival)?;
    let body = arrival.body.as_ref().map_err(|refusal| *refusal)?;
    let email = body.get("email_address").filter(|email| email.contains('@')).ok_or(
        Refused::BadRequest {
            message: "This value is missing or not an email address",
            path: Some("email_address"),
        },
    )?;
    Ok((body, email))
}

fn unauthorized(dialect: Dialect, with_token: bool) -> Answer {
    const STATUS: StatusCode = StatusCode::UNAUTHORIZED;
    match (dialect, with_token) {
        (Dialect::HelloSign, true) => {
            let message = "Unauthorized user. The access token is not valid.";
            answer::error_response(STATUS, message, None)
        }
        (Dialect::HelloSign, false) => {
            let message = "Unauthorized user. No credentials supplied.";
            answer::error_response(STATUS, message, None)
        }
        (Dialect::Rfc6749, true) => {
            let mut answer =
                answer::oauth_error(STATUS, "invalid_token", "The access token is not valid.");
            answer::challenge(
                &mut answer,
                "Bearer realm=\"countersign-sandbox\", error=\"invalid_token\"",
            );
            answer
        }
        // RFC 6750 section 3.1: no error code for a request without credentials.
        (Dialect::Rfc6749, false) => {
            let mut answer = answer::empty(STATUS);
            answer::challenge(&mut answer, "Bearer realm=\"countersign-sandbox\"");
            answer
        }
    }
}

impl From<Refusal> for Refused {
    fn from(refusal: Refusal) -> Self {
        let message = match refusal {
            Refusal::Malformed(why) | Refusal::Client(why) => why,
            Refusal::ContentType => "The content type is missing or not supported.",
            _ => "The request cannot be read.",
        };
        Self::BadRequest { message, path: None }
    }
}

impl Refused {
    /// Names the field that is at fault.
    fn at(self, field: &'static str) -> Self {
        match self {
            Self::BadRequest { message, .. } => Self::BadRequest { message, path: Some(field) },
            other => other,
        }
    }
}

fn short(email: &str, account: &Account) -> Value {
    json!({
        "account_id": account.account_id,
        "email_address": email,
        "callback_url": null,
        "role_code": null,
    })
}

fn full(email: &str, account: &Account, is_paid: bool) -> Value {
    let quotas = if is_paid {
        json!({
            "api_signature_requests_left": 1250,
            "documents_left": null,
            "templates_left": null,
            "sms_signatures_left": 1,
        })
    } else {
        json!({
            "api_signature_requests_left": 0,
            "documents_left": 3,
            "templates_left": 0,
            "sms_signatures_left": 5,
        })
    };
    json!({
        "account_id": account.account_id,
        "email_address": email,
        "is_locked": false,
        "is_paid_hs": is_paid,
        "is_paid_hf": false,
        "quotas": quotas,
        "callback_url": null,
        "role_code": null,
        "locale": "en-US",
    })
}
