//! The control routes under `/_sandbox`: neither counted nor struck by faults.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::middleware;
use axum::response::Response;
use axum::routing::{any, get, post};
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, StatusCode};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::{answer, guard};
use crate::fault::Injection;
use crate::server::Server;
use crate::state::GrantId;

type Shared = State<Arc<Server>>;
/// What is wrong with a control request's body.
type Mistake = (StatusCode, String);

/// Without `/_sandbox/trap`, which is counted like any other request.
pub(super) fn router() -> Router<Arc<Server>> {
    Router::new()
        .route("/_sandbox", get(index))
        .route("/_sandbox/clock", get(clock))
        .route("/_sandbox/clock/advance", post(advance))
        .route("/_sandbox/counts", get(counts))
        .route("/_sandbox/counts/reset", post(reset_counts))
        .route("/_sandbox/grants", get(grants))
        .route("/_sandbox/grants/{id}/revoke", post(revoke))
        .route("/_sandbox/accounts/confirm", post(confirm_account))
        .route("/_sandbox/faults", get(faults).post(inject).delete(clear_faults))
        .route("/_sandbox/faults/release", post(release))
        .route("/_sandbox/{*unknown}", any(unknown))
        .route_layer(middleware::from_fn(guard::guard))
}

async fn index(State(server): Shared) -> Response {
    let origin = server.origin();
    ok(&json!({
        "what": "Countersign sandbox: a loopback OAuth 2.0 authorization server",
        "authorization_url": format!("{origin}/oauth/authorize"),
        "token_url": format!("{origin}/oauth/token"),
        "revocation_url": server.revocation_url(),
        "api_url": format!("{origin}/v3"),
        "controls": {
            "GET /_sandbox/clock": "the sandbox's time in Unix seconds",
            "POST /_sandbox/clock/advance": "moves it on: {\"seconds\": 3600}",
            "GET /_sandbox/counts": "requests by kind and by grant",
            "POST /_sandbox/counts/reset": "counts from zero",
            "GET /_sandbox/grants": "every grant, without its tokens",
            "POST /_sandbox/grants/{id}/revoke": "revokes one",
            "POST /_sandbox/accounts/confirm": "the user of a created account confirms: {\"email_address\": \"…\"}",
            "GET /_sandbox/faults": "faults that wait, and how many requests are held",
            "POST /_sandbox/faults": "queues one: {\"on\": \"token_refresh\", \"times\": 1, \"fault\": {\"kind\": \"reset\", \"when\": \"after\"}}",
            "DELETE /_sandbox/faults": "forgets those that wait",
            "POST /_sandbox/faults/release": "lets held requests go on",
            "ANY /_sandbox/trap": "where redirect faults point; counted",
        },
        "faults": {
            "on": ["any", "authorize", "consent", "token", "token_generate", "token_refresh", "revoke", "api", "account", "account_create", "account_verify"],
            "when": ["before", "after"],
            "kinds": {
                "delay": {"milliseconds": 500, "when": "before"},
                "hold": {"when": "before"},
                "answer": {"status": 503, "headers": {"retry-after": "2"}, "body": "", "when": "before"},
                "reset": {"when": "before"},
                "truncated": {},
                "endless": {"when": "before"},
                "content_type": {"content_type": "text/plain"},
                "redirect": {"status": 307, "location": null},
            },
        },
    }))
}

async fn clock(State(server): Shared) -> Response {
    ok(&json!({"now": server.clock.now().as_secs()}))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Advance {
    seconds: u64,
}

async fn advance(State(server): Shared, headers: HeaderMap, body: Bytes) -> Response {
    match parse::<Advance>(&headers, &body) {
        Ok(Advance { seconds }) => {
            server.clock.advance(Duration::from_secs(seconds));
            clock(State(server)).await
        }
        Err((status, why)) => error(status, &why),
    }
}

async fn counts(State(server): Shared) -> Response {
    ok(&json!(server.with_state(|state, _| state.counts.clone())))
}

async fn reset_counts(State(server): Shared) -> Response {
    server.with_state(|state, _| state.counts = Default::default());
    counts(State(server)).await
}

async fn grants(State(server): Shared) -> Response {
    ok(&json!(server.with_state(|state, _| state.grants.infos(&state.counts))))
}

async fn revoke(State(server): Shared, Path(id): Path<u64>) -> Response {
    let found = server.with_state(|state, _| state.grants.revoke(GrantId::from(id)));
    done(found, "revoked", "there is no grant with this id")
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Confirm {
    email_address: String,
}

async fn confirm_account(State(server): Shared, headers: HeaderMap, body: Bytes) -> Response {
    match parse::<Confirm>(&headers, &body) {
        Ok(Confirm { email_address }) => {
            let found = server.with_state(|state, _| state.accounts.confirm(&email_address));
            done(found, "confirmed", "there is no account with this email address")
        }
        Err((status, why)) => error(status, &why),
    }
}

async fn faults(State(server): Shared) -> Response {
    let body = server
        .with_state(|state, _| json!({"waiting": state.faults.waiting(), "held": state.held}));
    ok(&body)
}

async fn inject(State(server): Shared, headers: HeaderMap, body: Bytes) -> Response {
    match parse::<Injection>(&headers, &body) {
        Ok(injection) => {
            server.with_state(|state, _| state.faults.push(injection));
            faults(State(server)).await
        }
        Err((status, why)) => error(status, &why),
    }
}

async fn clear_faults(State(server): Shared) -> Response {
    server.with_state(|state, _| state.faults.clear());
    faults(State(server)).await
}

async fn release(State(server): Shared) -> Response {
    ok(&json!({"released": server.release()}))
}

async fn unknown() -> Response {
    error(StatusCode::NOT_FOUND, "no such control; GET /_sandbox lists them")
}

/// Only `application/json`: a web page cannot send that to another origin without asking first.
fn parse<T: DeserializeOwned>(headers: &HeaderMap, body: &[u8]) -> Result<T, Mistake> {
    let is_json = headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .is_some_and(|value| value.split(';').next().map(str::trim) == Some("application/json"));
    if !is_json {
        let why = "the content type must be application/json";
        return Err((StatusCode::UNSUPPORTED_MEDIA_TYPE, why.to_owned()));
    }
    serde_json::from_slice(body).map_err(|why| (StatusCode::BAD_REQUEST, why.to_string()))
}

fn done(found: bool, what: &str, missing: &str) -> Response {
    if found { ok(&json!({what: true})) } else { error(StatusCode::NOT_FOUND, missing) }
}

fn ok(body: &Value) -> Response {
    answer::json(StatusCode::OK, body).map(Body::from)
}

fn error(status: StatusCode, why: &str) -> Response {
    answer::json(status, &json!({"error": why})).map(Body::from)
}
