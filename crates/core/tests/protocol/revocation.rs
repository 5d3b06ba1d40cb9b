//! Revocation (RFC 7009): what is sent, and what each answer means.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use countersign_core::{
    AccessToken, Body, BodyFormat, Client, ClientAuthentication, Delivery, Error, ErrorKind,
    Outcome, Provider, Recovery, TransportErrorKind,
};
use countersign_testkit::{RecordedRequest, ScriptedTransport};
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderValue, Method, Response, StatusCode};

use crate::support::{CLIENT_ID, CLIENT_SECRET, TOKENS, World, form, now, refresh_token, rfc6749};

const RETRY: Recovery = Recovery::Retry { after: None };
const WAIT: Recovery = Recovery::Retry { after: Some(Duration::from_secs(7)) };

fn provider() -> Provider {
    rfc6749().with_revocation_url("https://id.example/revoke?tenant=%2f")
}

fn access_token(text: &str) -> AccessToken {
    AccessToken::new(text).expect("a token")
}

/// The requests of two revocations, of a refresh token and of an access token.
fn requests(provider: Provider) -> [RecordedRequest; 2] {
    let world = World::at(provider);
    world.transport.answer(200, "");
    world.transport.answer(200, "");
    now(world.client.revoke_refresh_token(&refresh_token("r t&"))).expect("revoked");
    now(world.client.revoke_access_token(&access_token("at+/"))).expect("revoked");
    world.requests().try_into().expect("two requests")
}

/// A refresh token's revocation that was answered so.
fn answered(
    status: u16,
    headers: &[(&'static str, &'static str)],
    body: &str,
) -> Result<(), Error> {
    let world = World::at(provider());
    let mut response = Response::new(Body::from(body.as_bytes().to_vec()));
    *response.status_mut() = StatusCode::from_u16(status).expect("a status");
    for (name, value) in headers {
        response.headers_mut().insert(*name, HeaderValue::from_static(value));
    }
    world.transport.respond(response);
    // Were anything sent again, or after a redirect, it would succeed.
    world.transport.answer(200, "");
    let result = now(world.client.revoke_refresh_token(&refresh_token("rt")));
    assert_eq!(world.sent(), 1, "{status}: one request, whatever is answered");
    result
}

#[test]
fn each_client_authentication_is_sent_as_in_a_token_request() {
    let basic = format!("Basic {}", STANDARD.encode(format!("{CLIENT_ID}:{CLIENT_SECRET}")));
    let in_body = [("client_id", CLIENT_ID), ("client_secret", CLIENT_SECRET)];
    for (method, header, fields) in [
        (ClientAuthentication::Basic, Some(&basic), &in_body[..0]),
        (ClientAuthentication::BasicUnencoded, Some(&basic), &in_body[..0]),
        (ClientAuthentication::RequestBody, None, &in_body[..]),
        (ClientAuthentication::None, None, &in_body[..1]),
    ] {
        let [refresh, access] = requests(provider().with_client_authentication(method));
        for (request, token, hint) in
            [(&refresh, "r t&", "refresh_token"), (&access, "at+/", "access_token")]
        {
            let sent = form(request);
            let sent: Vec<_> = sent.iter().map(|(name, value)| (&**name, &**value)).collect();
            let token = [("token", token), ("token_type_hint", hint)];
            assert_eq!(sent, [&token, fields].concat(), "{method:?}");
            let sent = request.headers.get(AUTHORIZATION).map(|it| it.to_str().expect("ASCII"));
            assert_eq!(sent, header.map(String::as_str), "{method:?}");
        }
    }
}

#[test]
fn it_is_a_form_to_the_revocation_endpoint() {
    // Whatever else token requests are like.
    let mut provider = provider()
        .with_body_format(BodyFormat::Json)
        .with_token_parameter("audience", "https://api.example");
    provider.credentials_on_refresh = false;
    for request in requests(provider) {
        assert_eq!(request.method, Method::POST);
        assert_eq!(request.uri, "https://id.example/revoke?tenant=%2f");
        assert_eq!(request.headers[CONTENT_TYPE], "application/x-www-form-urlencoded");
        assert_eq!(request.headers[ACCEPT], "application/json");
        assert!(request.headers.contains_key(AUTHORIZATION));
        let names: Vec<_> = form(&request).into_iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["token", "token_type_hint"]);
    }
    let [refresh, access] = requests(self::provider());
    assert_eq!(refresh.body.as_bytes(), b"token=r+t%26&token_type_hint=refresh_token");
    assert_eq!(access.body.as_bytes(), b"token=at%2B%2F&token_type_hint=access_token");
}

#[test]
fn success_is_in_the_status_alone() {
    for status in [200, 204] {
        for body in ["", "}{", "<html>", "null", r#"{"error":"invalid_token"}"#, "\u{0}"] {
            answered(status, &[], body).expect(body);
        }
    }
}

#[test]
fn each_failure_has_its_recovery() {
    use ErrorKind::{ServerRefused, UnexpectedStatus};
    use Outcome::{Refused, Unknown, Unprocessed};
    const AFTER: &[(&str, &str)] = &[("retry-after", "7")];
    const TO: &[(&str, &str)] = &[("location", "https://id.example/elsewhere")];
    const UNAVAILABLE: &str = r#"{"error":"temporarily_unavailable"}"#;
    for (status, headers, body, kind, outcome, recovery) in [
        (503, AFTER, "", UnexpectedStatus, Unprocessed, WAIT),
        (503, AFTER, UNAVAILABLE, ServerRefused, Unprocessed, WAIT),
        (503, &[], "", UnexpectedStatus, Unknown, RETRY),
        (429, AFTER, "", UnexpectedStatus, Unprocessed, WAIT),
        (500, &[], "", UnexpectedStatus, Unknown, RETRY),
        (502, &[], "<html>", UnexpectedStatus, Unknown, RETRY),
        (408, &[], "", UnexpectedStatus, Unknown, RETRY),
        (400, &[], r#"{"error":"unsupported_token_type"}"#, ServerRefused, Refused, Recovery::Fix),
        (400, &[], r#"{"error":"invalid_request"}"#, ServerRefused, Refused, Recovery::Fix),
        // The consent page does not help to be rid of a token.
        (400, &[], r#"{"error":"invalid_grant"}"#, ServerRefused, Refused, Recovery::Fix),
        (401, &[], r#"{"error":"invalid_client"}"#, ServerRefused, Refused, Recovery::Fix),
        (401, &[], "", UnexpectedStatus, Refused, Recovery::Fix),
        (404, &[], "<html>", UnexpectedStatus, Refused, Recovery::Fix),
        (301, TO, "", UnexpectedStatus, Refused, Recovery::Fix),
        (302, TO, "", UnexpectedStatus, Refused, Recovery::Fix),
        (303, TO, "", UnexpectedStatus, Refused, Recovery::Fix),
        (307, TO, "", UnexpectedStatus, Refused, Recovery::Fix),
        (308, TO, "", UnexpectedStatus, Refused, Recovery::Fix),
    ] {
        let error = answered(status, headers, body).expect_err("no success");
        let told = (error.kind(), error.outcome(), error.recovery());
        assert_eq!(told, (kind, outcome, recovery), "{status} {body}");
        assert_eq!(error.http().map(|http| http.status().as_u16()), Some(status));
    }
}

#[test]
fn a_code_of_the_standard_is_shown_however_short_the_token() {
    let world = World::at(provider());
    world.transport.answer(400, r#"{"error":"unsupported_token_type"}"#);
    let error =
        now(world.client.revoke_refresh_token(&refresh_token("type"))).expect_err("refused");
    assert_eq!(error.server().map(|it| it.code()), Some("unsupported_token_type"));
}

#[test]
fn a_lost_answer_may_be_asked_for_again_however_tokens_rotate() {
    for (why, delivery, outcome) in [
        (TransportErrorKind::Connect, Delivery::NotSent, Outcome::NotSent),
        (TransportErrorKind::Timeout, Delivery::Unknown, Outcome::Unknown),
        (TransportErrorKind::Interrupted, Delivery::Unknown, Outcome::Unknown),
        (TransportErrorKind::TooLarge, Delivery::Unknown, Outcome::Unknown),
    ] {
        let world = World::at(provider());
        world.transport.fail(why, delivery);
        let error = now(world.client.revoke_refresh_token(&refresh_token("rt"))).expect_err("lost");
        let told = (error.kind(), error.outcome(), error.recovery());
        assert_eq!(told, (ErrorKind::Transport, outcome, RETRY), "{why:?}");
    }
}

#[test]
fn without_an_endpoint_nothing_is_sent() {
    for provider in [rfc6749(), Provider::hellosign()] {
        let world = World::at(provider);
        assert!(!world.client.can_revoke());
        for error in [
            now(world.client.revoke_refresh_token(&refresh_token("rt"))).expect_err("none"),
            now(world.client.revoke_access_token(&access_token("at"))).expect_err("none"),
        ] {
            let told = (error.kind(), error.outcome(), error.recovery());
            assert_eq!(told, (ErrorKind::Configuration, Outcome::NotSent, Recovery::Fix));
            assert!(error.to_string().contains("revocation"), "{error}");
        }
        assert_eq!(world.sent(), 0);
    }
    assert!(World::at(provider()).client.can_revoke());
}

#[test]
fn g04_a_revocation_endpoint_is_checked_like_the_others() {
    let build = |url: &str| {
        let provider = rfc6749().with_revocation_url(url);
        let builder = Client::builder(provider, CLIENT_ID).secret(CLIENT_SECRET);
        builder.transport(ScriptedTransport::new()).build()
    };
    for bad in [
        "http://id.example/revoke",
        "https://user:password@id.example/revoke",
        "https://id.example/revoke#fragment",
        "/revoke",
        "",
        // Tokens go to the origin that a stored state names, and to no other.
        "https://evil.example/revoke",
        "https://id.example:8443/revoke",
        "http://127.0.0.1/revoke",
    ] {
        let error = build(bad).expect_err(bad);
        assert_eq!(error.kind(), ErrorKind::Configuration, "{bad}");
        assert!(error.to_string().contains("revocation_url"), "{error}");
        assert!(!error.to_string().contains("password@"), "{error}");
    }
    assert!(build("https://ID.example:443/revoke").is_ok());
    assert!(build("https://id.example/token").is_ok());
}

#[test]
fn g05_a_revocation_shows_no_secret() {
    const CANARY: &str = "Wd7REVOKEDcanaryE5";
    let world = World::at(provider().with_client_authentication(ClientAuthentication::RequestBody));
    let echo = format!("you sent token={CANARY} and {CLIENT_SECRET}");
    let mut shown = String::new();
    for (status, body) in [
        (
            400,
            serde_json::json!({"error": "invalid_request", "error_description": echo}).to_string(),
        ),
        (400, serde_json::json!({"error": CANARY, "error_uri": echo}).to_string()),
        (500, format!("<html>{echo}")),
        (302, echo.clone()),
    ] {
        for _ in 0..2 {
            world.transport.answer(status, body.as_str());
        }
        let errors = [
            now(world.client.revoke_refresh_token(&refresh_token(CANARY))).expect_err("refused"),
            now(world.client.revoke_access_token(&access_token(CANARY))).expect_err("refused"),
        ];
        for error in errors {
            shown += &format!("{error} {error:?} {error:#?}");
            shown += &format!("{:?}", error.http().and_then(|http| http.excerpt()));
        }
    }
    for secret in [CANARY, CLIENT_SECRET] {
        assert!(!shown.contains(secret), "{shown}");
    }
    assert!(shown.contains("you sent"), "the test is blind: {shown}");
    assert!(!format!("{:?}", world.client).contains(CLIENT_SECRET));
}

#[test]
fn the_endpoint_is_part_of_a_provider_s_stored_form() {
    let text = serde_json::to_string(&provider()).expect("it serialises");
    assert_eq!(serde_json::from_str::<Provider>(&text).expect("as it was written"), provider());
    assert!(format!("{:?}", provider()).contains("https://id.example/revoke"));
    assert_eq!(Provider::hellosign().revocation_url, None);
    // A flow that was stored before the endpoint was known is resumed after.
    let stored = World::rfc6749().complete(200, TOKENS).expect("tokens").into_state();
    assert!(World::at(provider()).client.resume(stored).is_ok());
}
