use std::time::Duration;

use countersign_core::{Body, Error, ErrorKind};
use http::{HeaderName, HeaderValue, Response, StatusCode};

use crate::support::{CLIENT_SECRET, World, now, refresh_token};

const HTML: &str = "<html><head><title>502 Bad Gateway</title></head>\r\n<body>nginx</body></html>";

fn error(status: u16, body: &str) -> Error {
    World::rfc6749().refresh(status, body).expect_err("an error")
}

fn with_headers(status: u16, headers: &[(&'static str, &'static str)]) -> Error {
    let world = World::rfc6749();
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::from_u16(status).expect("a status");
    for (name, value) in headers {
        let name = HeaderName::from_static(name);
        response.headers_mut().append(name, HeaderValue::from_static(value));
    }
    world.transport.respond(response);
    now(world.client.refresh(&refresh_token("rt"))).expect_err("an error")
}

#[test]
fn the_rfcs_shape_is_read() {
    let error = error(
        400,
        r#"{"error":"invalid_scope","error_description":"Too much","error_uri":"https://e.example/1","x":1}"#,
    );
    assert_eq!(error.kind(), ErrorKind::ServerRefused);
    let server = error.server().expect("said");
    assert_eq!(server.code(), "invalid_scope");
    assert_eq!(server.description(), Some("Too much"));
    assert_eq!(server.uri(), Some("https://e.example/1"));
    assert_eq!(server.path(), None);
    assert_eq!(
        error.to_string(),
        "the provider refused the request: invalid_scope (Too much) (HTTP 400 Bad Request)"
    );
}

#[test]
fn hellosigns_shape_is_read() {
    let error = error(
        400,
        r#"{"error":{"error_msg":"This value should not be blank","error_path":"cc[0]","error_name":"bad_request"}}"#,
    );
    assert_eq!(error.kind(), ErrorKind::ServerRefused);
    let server = error.server().expect("said");
    assert_eq!(server.code(), "bad_request");
    assert_eq!(server.description(), Some("This value should not be blank"));
    assert_eq!(server.path(), Some("cc[0]"));
    assert_eq!(server.to_string(), "bad_request (This value should not be blank) at cc[0]");
}

#[test]
fn members_that_are_null_empty_or_no_text_count_as_absent() {
    for nothing in ["null", "\"\"", "7", "{}", "[]"] {
        let body = format!(
            r#"{{"error":"invalid_grant","error_description":{nothing},"error_uri":{nothing}}}"#
        );
        let error = error(400, &body);
        let server = error.server().expect("said");
        assert_eq!((server.description(), server.uri()), (None, None), "{nothing}");
    }
}

#[test]
fn a_page_of_a_proxy_is_an_unexpected_status() {
    let error = error(502, HTML);
    assert_eq!(error.kind(), ErrorKind::UnexpectedStatus);
    assert!(error.server().is_none());
    let http = error.http().expect("an answer");
    assert_eq!(http.status(), StatusCode::BAD_GATEWAY);
    let excerpt = http.excerpt().expect("text");
    assert!(excerpt.starts_with("<html><head><title>502 Bad Gateway"), "{excerpt}");
    assert!(!excerpt.contains(['\r', '\n']), "{excerpt:?}");
    assert!(!error.to_string().contains("html"), "pages are not for one line: {error}");
}

#[test]
fn bodies_in_no_known_form_say_nothing() {
    for body in ["", "null", "[]", "{}", r#"{"error":null}"#, r#"{"error":""}"#, r#"{"e":1}"#] {
        for status in [400, 401, 403, 404, 500] {
            let error = error(status, body);
            assert_eq!(error.kind(), ErrorKind::UnexpectedStatus, "{status} {body}");
            assert!(error.server().is_none());
        }
    }
}

#[test]
fn an_excerpt_is_bounded() {
    let error = error(500, &"x".repeat(100_000));
    let excerpt = error.http().and_then(|http| http.excerpt()).expect("text");
    assert_eq!(excerpt.chars().count(), 512);
    assert!(excerpt.ends_with("x…"), "{excerpt}");
    assert!(format!("{error:?}").len() < 2_000);
}

#[test]
fn an_excerpt_shows_no_part_of_a_secret_that_its_window_cuts() {
    // Long enough to be cut at the end of whatever window, and for its masks to be few.
    let token: String = (0..400).map(|number| format!("{number:05}")).collect();
    for shift in 0..16 {
        let world = World::rfc6749();
        world.transport.answer(500, format!("{}{}", "-".repeat(shift), token.repeat(40)));
        let error = now(world.client.refresh(&refresh_token(&token))).expect_err("a 500");
        let excerpt = error.http().and_then(|http| http.excerpt()).expect("text");
        assert!(!excerpt.contains(|char: char| char.is_ascii_digit()), "{excerpt}");
    }
}

#[test]
fn the_servers_words_are_bounded_and_harmless() {
    let long = "y".repeat(100_000);
    let error = error(
        400,
        &serde_json::json!({ "error": long, "error_description": "\u{1b}[31mred\r\n\u{202e}" })
            .to_string(),
    );
    let server = error.server().expect("said");
    assert!(server.code().chars().count() <= 512);
    assert_eq!(server.description(), Some("\\u{1b}[31mred\\r\\n\\u{202e}"));
}

#[test]
fn a_secret_in_the_servers_words_is_replaced_and_the_rest_kept() {
    let body = serde_json::json!({
        "error": "invalid_client",
        "error_description": format!("unknown secret '{CLIENT_SECRET}' of this client"),
    });
    let error = error(401, &body.to_string());
    let server = error.server().expect("said");
    assert_eq!(server.description(), Some("unknown secret '[redacted]' of this client"));
    let excerpt = error.http().and_then(|http| http.excerpt()).expect("text");
    assert!(excerpt.contains("unknown secret '[redacted]' of this client"), "{excerpt}");
}

#[test]
fn headers_are_kept() {
    let error = with_headers(400, &[("x-request-id", "r1"), ("set-cookie", "session=1")]);
    let headers = error.http().expect("an answer").headers();
    assert_eq!(headers.get("x-request-id").expect("kept"), "r1");
    let shown = format!("{error:?}");
    assert!(shown.contains("x-request-id"), "{shown}");
    assert!(!shown.contains("r1\"") && !shown.contains("session"), "names alone: {shown}");
}

#[test]
fn both_spellings_of_the_rate_limit_are_read() {
    for remaining in ["x-ratelimit-remaining", "x-ratelimit-limit-remaining"] {
        let headers =
            [("x-ratelimit-limit", "100"), (remaining, "0"), ("x-ratelimit-reset", "1767229200")];
        let error = with_headers(429, &headers);
        let limit = error.http().and_then(|http| http.rate_limit()).expect("told");
        assert_eq!((limit.limit, limit.remaining), (Some(100), Some(0)));
        assert_eq!(limit.reset.map(|at| at.unix_timestamp()), Some(1_767_229_200));
    }
    let error = with_headers(401, &[]);
    assert!(error.http().and_then(|http| http.rate_limit()).is_none());
}

#[test]
fn the_documented_spelling_of_the_rate_limit_comes_first() {
    let headers = [("x-ratelimit-limit-remaining", "7"), ("x-ratelimit-remaining", "9")];
    let error = with_headers(404, &headers);
    let limit = error.http().and_then(|http| http.rate_limit()).expect("told");
    assert_eq!(limit.remaining, Some(9));
}

#[test]
fn retry_after_is_seconds_or_a_date_by_the_clients_clock() {
    // The clock shows 2026-01-01T00:00:00Z.
    for (value, seconds) in [
        ("120", Some(120)),
        ("0", Some(0)),
        ("Thu, 01 Jan 2026 00:02:00 GMT", Some(120)),
        ("Wed, 31 Dec 2025 23:59:59 GMT", Some(0)),
        ("Thursday, 01-Jan-26 00:02:00 GMT", Some(120)),
        ("-1", None),
        ("soon", None),
        ("1.5", None),
        ("99999999999999999999999", None),
        ("4294967296", Some(86_400)),
        ("Fri, 31 Dec 9999 23:59:59 GMT", Some(86_400)),
        ("", None),
    ] {
        let error = with_headers(503, &[("retry-after", value)]);
        let after = error.http().and_then(|http| http.retry_after());
        assert_eq!(after, seconds.map(Duration::from_secs), "{value}");
    }
}

#[test]
fn a_limit_without_retry_after_ends_with_its_window() {
    // The clock shows 2026-01-01T00:00:00Z, which is 1767225600.
    let reset = ("x-ratelimit-reset", "1767225690");
    for (status, headers, seconds) in [
        (429, vec![reset], Some(90)),
        (429, vec![reset, ("retry-after", "5")], Some(5)),
        (429, vec![("x-ratelimit-reset", "1767225000")], Some(0)),
        (429, vec![("x-ratelimit-reset", "99999999999")], Some(86_400)),
        (429, vec![("x-ratelimit-remaining", "0")], None),
        // Not why it failed.
        (503, vec![reset], None),
    ] {
        let error = with_headers(status, &headers);
        let after = error.http().and_then(|http| http.retry_after());
        assert_eq!(after, seconds.map(Duration::from_secs), "{status} {headers:?}");
    }
}
