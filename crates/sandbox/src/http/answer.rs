//! Answers: JSON, HTML, redirects, errors in each shape, and the headers that go with them.

use bytes::Bytes;
use http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, LOCATION, REFERRER_POLICY,
    WWW_AUTHENTICATE, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use http::{HeaderName, HeaderValue, Response, StatusCode};
use serde_json::{Value, json};

use crate::config::{Dialect, RateLimitHeaders};
use crate::consent;
use crate::state::Allowance;

pub(super) type Answer = Response<Bytes>;

pub(super) fn empty(status: StatusCode) -> Answer {
    let mut answer = Response::new(Bytes::new());
    *answer.status_mut() = status;
    answer
}

/// JSON that no cache keeps (RFC 6749 section 5.1).
pub(super) fn json(status: StatusCode, body: &Value) -> Answer {
    typed(status, "application/json", body.to_string())
}

pub(super) fn html(status: StatusCode, body: String) -> Answer {
    let mut answer = typed(status, "text/html; charset=utf-8", body);
    let headers = answer.headers_mut();
    if let Ok(policy) = HeaderValue::try_from(consent::POLICY.as_str()) {
        headers.insert(CONTENT_SECURITY_POLICY, policy);
    }
    headers.insert(X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    answer
}

/// 303: the browser asks for the location with GET, whatever it sent here.
pub(super) fn see_other(location: String) -> Answer {
    let Ok(location) = HeaderValue::try_from(location) else {
        return empty(StatusCode::INTERNAL_SERVER_ERROR);
    };
    let mut answer = empty(StatusCode::SEE_OTHER);
    answer.headers_mut().insert(LOCATION, location);
    answer.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    answer
}

/// HelloSign's `ErrorResponse`, the name by the status.
pub(super) fn error_response(status: StatusCode, message: &str, path: Option<&str>) -> Answer {
    let name = match status {
        StatusCode::UNAUTHORIZED => "unauthorized",
        StatusCode::NOT_FOUND => "not_found",
        _ => "bad_request",
    };
    let mut error = json!({"error_msg": message, "error_name": name});
    if let Some(path) = path {
        error["error_path"] = path.into();
    }
    json(status, &json!({"error": error}))
}

/// The error response of RFC 6749 section 5.2.
pub(super) fn oauth_error(status: StatusCode, error: &str, description: &str) -> Answer {
    json(status, &json!({"error": error, "error_description": description}))
}

pub(super) fn challenge(answer: &mut Answer, challenge: &'static str) {
    answer.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
}

pub(super) fn not_found(dialect: Dialect) -> Answer {
    match dialect {
        Dialect::HelloSign => error_response(StatusCode::NOT_FOUND, "Not found.", None),
        Dialect::Rfc6749 => oauth_error(StatusCode::NOT_FOUND, "not_found", "Not found."),
    }
}

/// On 200 and 404 only, as the live service does.
pub(super) fn tell_rate_limit(answer: &mut Answer, spelling: RateLimitHeaders, told: Allowance) {
    if !matches!(answer.status(), StatusCode::OK | StatusCode::NOT_FOUND) {
        return;
    }
    let documented = matches!(spelling, RateLimitHeaders::Documented | RateLimitHeaders::Both);
    let live = matches!(spelling, RateLimitHeaders::Live | RateLimitHeaders::Both);
    let headers = [
        ("x-ratelimit-limit", told.limit, documented || live),
        ("x-ratelimit-remaining", told.remaining, documented),
        ("x-ratelimit-limit-remaining", told.remaining, live),
        ("x-ratelimit-reset", told.resets_at, documented || live),
    ];
    for (name, value, said) in headers {
        if said {
            answer.headers_mut().insert(HeaderName::from_static(name), HeaderValue::from(value));
        }
    }
}

fn typed(status: StatusCode, content_type: &'static str, body: String) -> Answer {
    let mut answer = Response::new(Bytes::from(body));
    *answer.status_mut() = status;
    let headers = answer.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    answer
}
