//! HelloSign's token endpoint, in the shapes of its published examples and as it answers live.

use std::time::Duration;

use countersign_sandbox::{Config, ExpiresIn, RateLimitHeaders, RefreshCredentials, TokenErrors};
use serde_json::json;

use crate::support::{Peer, names, send, text};

#[tokio::test]
async fn a_code_is_exchanged_as_the_published_example_shows() {
    let peer = Peer::hellosign().await;
    let request = json!({
        "state": "900e06e2",
        "code": peer.code(),
        "grant_type": "authorization_code",
        "client_id": "sandbox-client",
        "client_secret": "sandbox-secret",
    });
    let reply = send(peer.post("/oauth/token").json(&request)).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    assert_eq!(reply.header("content-type"), Some("application/json"));
    let body = reply.json();
    assert_eq!(
        names(&body),
        ["access_token", "expires_in", "refresh_token", "state", "token_type"]
    );
    assert_eq!(body["state"], "900e06e2");
    assert_eq!(body["token_type"], "Bearer");
    assert_eq!(body["expires_in"], 3600);
    assert_eq!(text(&body, "access_token").len(), 43);
    assert_ne!(body["access_token"], body["refresh_token"]);
}

#[tokio::test]
async fn state_is_not_required_and_then_not_told() {
    let peer = Peer::hellosign().await;
    assert!(peer.granted().await.get("state").is_none());
}

#[tokio::test]
async fn a_refresh_keeps_the_refresh_token() {
    let peer = Peer::hellosign().await;
    let first = peer.granted().await;
    let request = json!({
        "grant_type": "refresh_token",
        "refresh_token": first["refresh_token"],
        "client_id": "sandbox-client",
        "client_secret": "sandbox-secret",
        "state": "not told",
    });
    for path in ["/oauth/token?refresh", "/oauth/token"] {
        let reply = send(peer.post(path).json(&request)).await;
        assert_eq!(reply.status, 200, "{}", reply.text);
        let body = reply.json();
        assert_eq!(names(&body), ["access_token", "expires_in", "refresh_token", "token_type"]);
        assert_eq!(body["refresh_token"], first["refresh_token"]);
        assert_ne!(body["access_token"], first["access_token"]);
        assert_eq!(peer.account(text(&body, "access_token")).await.status, 200);
    }
    let grant = peer.sandbox.grants().remove(0);
    assert_eq!((grant.generation, grant.refreshes), (0, 2));
}

#[tokio::test]
async fn bodies_are_forms_multipart_forms_or_json() {
    let peer = Peer::hellosign().await;
    let fields = |code: String| {
        [
            ("grant_type", "authorization_code".to_owned()),
            ("code", code),
            ("client_id", Config::CLIENT_ID.to_owned()),
            ("client_secret", Config::CLIENT_SECRET.to_owned()),
        ]
    };
    let form = peer.post("/oauth/token").form(&fields(peer.code()));
    let multipart = fields(peer.code())
        .into_iter()
        .fold(reqwest::multipart::Form::new(), |form, (name, value)| form.text(name, value));
    let multipart = peer.post("/oauth/token").multipart(multipart);
    let json = std::collections::BTreeMap::from(fields(peer.code()));
    let json = peer.post("/oauth/token").json(&json);
    for request in [form, multipart, json] {
        let reply = send(request).await;
        assert_eq!(reply.status, 200, "{}", reply.text);
    }
    assert_eq!(peer.sandbox.counts().token_generate, 3);
}

#[tokio::test]
async fn unreadable_bodies_are_refused() {
    let peer = Peer::hellosign().await;
    let large = "a".repeat(1024 * 1024 + 1);
    for (content_type, body, status) in [
        ("text/plain", "grant_type=refresh_token", 400),
        ("application/json", "grant_type=refresh_token", 400),
        ("application/json", "[]", 400),
        ("multipart/form-data", "no boundary", 400),
        ("multipart/form-data; boundary=x", "not multipart", 400),
        ("application/x-www-form-urlencoded", "grant_type=password", 400),
        ("application/x-www-form-urlencoded", "", 400),
        (
            "application/x-www-form-urlencoded",
            "grant_type=refresh_token&grant_type=refresh_token",
            400,
        ),
        ("application/x-www-form-urlencoded", large.as_str(), 413),
    ] {
        let request =
            peer.post("/oauth/token").header("content-type", content_type).body(body.to_owned());
        let reply = send(request).await;
        assert_eq!(reply.status, status, "{content_type}");
        assert!(reply.json()["error"].is_string(), "{}", reply.text);
        assert!(reply.json()["error_description"].is_string(), "{}", reply.text);
    }
}

#[tokio::test]
async fn a_wrong_late_or_reused_code_is_an_invalid_request() {
    let peer = Peer::hellosign().await;
    let (used, late) = (peer.code(), peer.code());
    assert_eq!(peer.generate(&used).await.status, 200);
    peer.sandbox.advance(Duration::from_secs(3600));
    for code in ["wrong", &used, &late] {
        let reply = peer.generate(code).await;
        assert_eq!(reply.status, 400);
        assert_eq!(reply.json()["error"], "invalid_request");
    }
    assert!(peer.sandbox.grants()[0].is_alive(), "reuse does not revoke");
}

#[tokio::test]
async fn a_code_works_for_an_hour() {
    let peer = Peer::hellosign().await;
    let code = peer.code();
    peer.sandbox.advance(Duration::from_secs(3599));
    assert_eq!(peer.generate(&code).await.status, 200);
}

#[tokio::test]
async fn errors_are_live_unless_the_documented_shape_is_wanted() {
    let peer = Peer::hellosign().await;
    let reply = peer.refresh("wrong").await;
    assert_eq!(reply.status, 400);
    assert_eq!(
        reply.json(),
        json!({"error": "invalid_grant", "error_description": "Invalid grant data (refresh token)"})
    );

    let documented = Config::hellosign().token_errors(TokenErrors::Documented);
    let peer = Peer::start(documented).await;
    let reply = peer.refresh("wrong").await;
    assert_eq!(reply.status, 400);
    assert_eq!(
        reply.json(),
        json!({"error": {"error_msg": "Invalid grant data (refresh token)", "error_name": "bad_request"}})
    );
    let stranger = send(
        peer.post("/oauth/token")
            .form(&[("grant_type", "refresh_token"), ("client_id", "stranger")]),
    );
    let reply = stranger.await;
    assert_eq!(reply.status, 401);
    assert_eq!(reply.json()["error"]["error_name"], "unauthorized");
    let reply = send(peer.post("/oauth/token").body("x")).await;
    assert_eq!(reply.json()["error"]["error_name"], "bad_request");
}

#[tokio::test]
async fn credentials_are_required_on_refresh_unless_the_app_is_old() {
    for (required, status) in
        [(RefreshCredentials::Required, 401), (RefreshCredentials::Optional, 200)]
    {
        let config = Config::hellosign().refresh_credentials(required);
        let peer = Peer::start(config).await;
        let token = peer.granted().await;
        let bare =
            [("grant_type", "refresh_token"), ("refresh_token", text(&token, "refresh_token"))];
        let reply = send(peer.post("/oauth/token?refresh").form(&bare)).await;
        assert_eq!(reply.status, status, "{required:?}");
        let wrong = [("client_id", Config::CLIENT_ID), ("client_secret", "wrong")];
        let form = [&bare[..], &wrong].concat();
        let reply = send(peer.post("/oauth/token?refresh").form(&form)).await;
        assert_eq!(reply.status, 401, "sent, they are checked");
    }
}

#[tokio::test]
async fn expires_in_can_be_a_string_or_absent() {
    for (presentation, expected) in [
        (ExpiresIn::Integer, Some(json!(120))),
        (ExpiresIn::String, Some(json!("120"))),
        (ExpiresIn::Absent, None),
    ] {
        let config = Config::hellosign()
            .expires_in(presentation)
            .access_token_lifetime(Duration::from_secs(120));
        let token = Peer::start(config).await.granted().await;
        assert_eq!(token.get("expires_in"), expected.as_ref());
    }
}

#[tokio::test]
async fn rate_limit_headers_come_with_200_and_404_but_not_with_401() {
    const NAMES: [&str; 4] = [
        "x-ratelimit-limit",
        "x-ratelimit-remaining",
        "x-ratelimit-limit-remaining",
        "x-ratelimit-reset",
    ];
    for (spelling, expected) in [
        (RateLimitHeaders::Both, [true, true, true, true]),
        (RateLimitHeaders::Documented, [true, true, false, true]),
        (RateLimitHeaders::Live, [true, false, true, true]),
        (RateLimitHeaders::None, [false; 4]),
    ] {
        let peer = Peer::start(Config::hellosign().rate_limit_headers(spelling)).await;
        let code = peer.code();
        let generated = peer.generate(&code).await;
        let missing = send(peer.post("/v3/oauth/token")).await;
        let refused = peer.account("wrong").await;
        assert_eq!((generated.status.as_u16(), missing.status.as_u16()), (200, 404));
        assert_eq!(refused.status, 401);
        assert_eq!(NAMES.map(|name| generated.header(name).is_some()), expected);
        assert_eq!(NAMES.map(|name| missing.header(name).is_some()), expected);
        assert_eq!(NAMES.map(|name| refused.header(name).is_some()), [false; 4]);
        if spelling == RateLimitHeaders::Both {
            assert_eq!(
                NAMES.map(|name| missing.header(name)),
                [Some("2000"), Some("1998"), Some("1998"), Some("1800003600")]
            );
        }
    }
}

#[tokio::test]
async fn the_token_endpoint_is_not_on_the_api() {
    let peer = Peer::hellosign().await;
    for path in ["/v3/oauth/token", "/v3/nothing", "/nothing"] {
        let reply = send(peer.post(path)).await;
        assert_eq!(reply.status, 404);
        assert_eq!(
            reply.json(),
            json!({"error": {"error_msg": "Not found.", "error_name": "not_found"}})
        );
    }
    assert_eq!(peer.sandbox.counts().other, 3);
    assert_eq!(peer.sandbox.counts().token(), 0);
}
