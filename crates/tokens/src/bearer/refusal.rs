//! Whether an answer says that the token is not good.

use countersign_core::http::header::WWW_AUTHENTICATE;
use countersign_core::http::{Response, StatusCode};

/// gRPC's `UNAUTHENTICATED`, which comes with a status of 200.
const UNAUTHENTICATED: &str = "16";

/// A 401, unless it names another error than `invalid_token` (RFC 6750 section 3.1): many an API
/// names none.
pub(super) fn is_refused<B>(answer: &Response<B>) -> bool {
    let headers = answer.headers();
    if headers.get("grpc-status").is_some_and(|status| status == UNAUTHENTICATED) {
        return true;
    }
    if answer.status() != StatusCode::UNAUTHORIZED {
        return false;
    }
    let challenges = headers.get_all(WWW_AUTHENTICATE).iter();
    let errors: Vec<_> = challenges.filter_map(|it| error_of(it.to_str().ok()?)).collect();
    errors.is_empty() || errors.contains(&"invalid_token")
}

/// The `error` of a challenge.
fn error_of(challenge: &str) -> Option<&str> {
    let parameters = challenge.split([',', ' ']).filter_map(|part| part.split_once('='));
    let mut errors = parameters.filter(|(name, _)| name.eq_ignore_ascii_case("error"));
    errors.next().map(|(_, value)| value.trim_matches('"'))
}

#[cfg(test)]
mod tests {
    use super::is_refused;
    use countersign_core::http::Response;

    #[test]
    fn a_401_is_a_refusal_of_the_token_unless_it_says_otherwise() {
        for (status, challenge, expected) in [
            (401, None, true),
            (401, Some(r#"Bearer realm="api""#), true),
            (401, Some(r#"Bearer realm="api", error="invalid_token""#), true),
            (401, Some(r#"Bearer error="invalid_token",error_description="expired""#), true),
            (401, Some("Bearer Error=invalid_token"), true),
            (401, Some(r#"Bearer error="insufficient_scope""#), false),
            (401, Some(r#"Bearer error="invalid_request""#), false),
            (403, Some(r#"Bearer error="invalid_token""#), false),
            (403, None, false),
            (200, None, false),
        ] {
            let mut answer = Response::builder().status(status);
            if let Some(challenge) = challenge {
                answer = answer.header("www-authenticate", challenge);
            }
            let answer = answer.body(()).expect("an answer");
            assert_eq!(is_refused(&answer), expected, "{status} {challenge:?}");
        }
        let grpc = |status: &str| Response::builder().header("grpc-status", status).body(());
        assert!(is_refused(&grpc("16").expect("an answer")));
        assert!(!is_refused(&grpc("7").expect("an answer")));
    }
}
