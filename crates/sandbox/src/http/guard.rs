//! Keeps web pages away from the control routes.

use axum::extract::Request;
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use http::header::{HOST, ORIGIN};
use http::{HeaderMap, StatusCode};

use crate::redirect_uri;

/// Refuses a `Host` that is not loopback (DNS rebinding) and an `Origin` other than our own.
pub(super) async fn guard(request: Request, next: Next) -> Response {
    if is_trusted(request.headers()) {
        next.run(request).await
    } else {
        let why = "control requests come from this machine: foreign Host or Origin header\n";
        (StatusCode::FORBIDDEN, why).into_response()
    }
}

fn is_trusted(headers: &HeaderMap) -> bool {
    let Some(host) = headers.get(HOST).and_then(|host| host.to_str().ok()) else {
        return false;
    };
    let own_origin = format!("http://{host}");
    redirect_uri::is_usable(&own_origin)
        && redirect_uri::is_loopback(&own_origin)
        && headers.get_all(HOST).iter().count() == 1
        && headers.get_all(ORIGIN).iter().all(|origin| origin == own_origin.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trusted(host: &str, origin: Option<&str>) -> bool {
        let mut headers = HeaderMap::new();
        headers.insert(HOST, host.parse().expect("a header value"));
        if let Some(origin) = origin {
            headers.insert(ORIGIN, origin.parse().expect("a header value"));
        }
        is_trusted(&headers)
    }

    #[test]
    fn hosts_must_be_loopback() {
        for host in ["127.0.0.1:8787", "localhost:1", "[::1]:8787", "127.0.0.1"] {
            assert!(trusted(host, None), "{host}");
        }
        for host in ["evil.example", "127.0.0.1.evil.example:8787", "a@127.0.0.1", "10.0.0.1", ""] {
            assert!(!trusted(host, None), "{host}");
        }
        assert!(!is_trusted(&HeaderMap::new()));
    }

    #[test]
    fn an_origin_must_be_our_own() {
        assert!(trusted("127.0.0.1:1", Some("http://127.0.0.1:1")));
        for origin in ["http://evil.example", "null", "http://127.0.0.1:2", "https://127.0.0.1:1"] {
            assert!(!trusted("127.0.0.1:1", Some(origin)), "{origin}");
        }
    }
}
