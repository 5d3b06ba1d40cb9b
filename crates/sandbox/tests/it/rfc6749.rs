//! The RFC 6749 dialect.

use std::time::Duration;

use countersign_sandbox::{ClientAuthentication, ClientRegistration, Config};
use serde_json::json;

use crate::support::{CALLBACK, CHALLENGE, Peer, VERIFIER, names, parameter, send, text};

#[tokio::test]
async fn a_code_is_exchanged() {
    let peer = Peer::rfc6749().await;
    let reply = peer.generate(&peer.code()).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    assert_eq!(reply.header("cache-control"), Some("no-store"));
    assert_eq!(names(&reply.json()), ["access_token", "expires_in", "refresh_token", "token_type"]);
    assert_eq!(reply.header("x-ratelimit-limit"), None);
    let account = peer.account(text(&reply.json(), "access_token")).await;
    assert_eq!(account.json()["account"]["email_address"], Config::ACCOUNT);
}

#[tokio::test]
async fn the_callback_tells_state_and_issuer() {
    let peer = Peer::rfc6749().await;
    for callback in [
        peer.sandbox.approve(&peer.authorization_url()).expect("approves"),
        peer.sandbox.deny(&peer.authorization_url()).expect("denies"),
    ] {
        assert_eq!(parameter(&callback, "iss").as_deref(), Some(peer.sandbox.origin()));
        assert_eq!(parameter(&callback, "state").as_deref(), Some("canary-state"));
    }
    let peer = Peer::start(Config::rfc6749().issuer(false)).await;
    let callback = peer.sandbox.approve(&peer.authorization_url()).expect("approves");
    assert_eq!(parameter(&callback, "iss"), None);
}

#[tokio::test]
async fn pkce_is_required_of_everyone() {
    let peer = Peer::rfc6749().await;
    let url = peer.authorization_url();
    for wrong in [
        url.replace(&format!("&code_challenge={CHALLENGE}"), ""),
        url.replace("&code_challenge_method=S256", ""),
        url.replace("S256", "plain"),
    ] {
        let callback = peer.sandbox.approve(&wrong).expect("redirects");
        assert_eq!(parameter(&callback, "error").as_deref(), Some("invalid_request"));
        assert_eq!(parameter(&callback, "code"), None);
    }
}

#[tokio::test]
async fn a_wrong_verifier_does_not_spend_the_code() {
    let peer = Peer::rfc6749().await;
    let code = peer.code();
    for verifier in [CHALLENGE, "", "wrong"] {
        let form = [
            ("grant_type", "authorization_code"),
            ("code", &code),
            ("redirect_uri", CALLBACK),
            ("code_verifier", verifier),
        ];
        let request = peer.post("/oauth/token").form(&form);
        let reply = send(request.basic_auth(Config::CLIENT_ID, Some(Config::CLIENT_SECRET))).await;
        assert_eq!(reply.status, 400);
        assert_eq!(reply.json()["error"], "invalid_grant");
    }
    assert_eq!(peer.generate(&code).await.status, 200);
}

#[tokio::test]
async fn the_redirect_uri_must_be_told_again() {
    let peer = Peer::rfc6749().await;
    let form =
        [("grant_type", "authorization_code"), ("code", &peer.code()), ("code_verifier", VERIFIER)];
    let request = peer.post("/oauth/token").form(&form);
    let reply = send(request.basic_auth(Config::CLIENT_ID, Some(Config::CLIENT_SECRET))).await;
    assert_eq!(reply.json()["error"], "invalid_grant");
}

#[tokio::test]
async fn a_reused_code_revokes_its_tokens() {
    let peer = Peer::rfc6749().await;
    let code = peer.code();
    let token = peer.generate(&code).await.json();
    let access_token = text(&token, "access_token");
    assert_eq!(peer.account(access_token).await.status, 200);
    let reused = peer.generate(&code).await;
    assert_eq!(reused.status, 400);
    assert_eq!(reused.json()["error"], "invalid_grant");
    let revoked = peer.account(access_token).await;
    assert_eq!(revoked.status, 401);
    assert_eq!(
        revoked.header("www-authenticate"),
        Some("Bearer realm=\"countersign-sandbox\", error=\"invalid_token\"")
    );
    assert_eq!(peer.refresh(text(&token, "refresh_token")).await.status, 400);
}

#[tokio::test]
async fn a_code_lives_a_minute() {
    let peer = Peer::rfc6749().await;
    let (early, late) = (peer.code(), peer.code());
    peer.sandbox.advance(Duration::from_secs(59));
    assert_eq!(peer.generate(&early).await.status, 200);
    peer.sandbox.advance(Duration::from_secs(1));
    assert_eq!(peer.generate(&late).await.json()["error"], "invalid_grant");
}

/// The registered clients, and in which ways each of them may say who it is.
#[tokio::test]
async fn clients_authenticate_as_they_are_registered() {
    const SECRET: &str = "s3cret &+%:";
    let config = Config::rfc6749()
        .client(ClientRegistration::confidential("basic id", SECRET))
        .client(
            ClientRegistration::confidential("post", SECRET)
                .authentication(ClientAuthentication::RequestBody),
        )
        .client(ClientRegistration::public("public"));
    let peer = Peer::start(config).await;
    let encoded = "s3cret+%26%2B%25%3A";
    let refresh = |extra: &[(&str, &str)]| {
        let form = [("grant_type", "refresh_token"), ("refresh_token", "x")];
        peer.post("/oauth/token").form(&[&form[..], extra].concat())
    };
    let in_body = [("client_id", "post"), ("client_secret", SECRET)];
    // Who is known gets as far as the refresh token, which is wrong.
    for known in [
        refresh(&[]).basic_auth("basic+id", Some(encoded)),
        refresh(&[("client_id", "basic id")]).basic_auth("basic+id", Some(encoded)),
        refresh(&in_body),
        refresh(&[("client_id", "public")]),
    ] {
        let reply = send(known).await;
        assert_eq!(reply.status, 400);
        assert_eq!(reply.json()["error"], "invalid_grant");
    }
    for unknown in [
        refresh(&[]),
        refresh(&[]).basic_auth("basic+id", Some("wrong")),
        refresh(&[]).basic_auth("basic+id", Some(SECRET)),
        refresh(&[]).basic_auth("stranger", Some(encoded)),
        refresh(&[]).basic_auth("post", Some(encoded)),
        refresh(&[]).bearer_auth("basic+id"),
        refresh(&[("client_id", "basic id"), ("client_secret", SECRET)]),
        refresh(&[("client_id", "post"), ("client_secret", "wrong")]),
        refresh(&[("client_id", "post")]),
        refresh(&[("client_id", "public"), ("client_secret", "any")]),
    ] {
        let reply = send(unknown).await;
        assert_eq!(reply.status, 401, "{}", reply.text);
        assert_eq!(reply.json()["error"], "invalid_client");
        assert_eq!(reply.header("www-authenticate"), Some("Basic realm=\"countersign-sandbox\""));
    }
    let both = refresh(&[("client_secret", SECRET)]).basic_auth("basic+id", Some(encoded));
    assert_eq!(send(both).await.json()["error"], "invalid_request");
}

#[tokio::test]
async fn only_forms_are_read() {
    let peer = Peer::rfc6749().await;
    let body = json!({"grant_type": "refresh_token", "refresh_token": "x"});
    let reply = send(peer.post("/oauth/token").json(&body)).await;
    assert_eq!(reply.status, 400);
    assert_eq!(reply.json()["error"], "invalid_request");
    assert_eq!(peer.sandbox.counts().token_other, 1);
}

#[tokio::test]
async fn grant_types_are_told_apart() {
    let peer = Peer::rfc6749().await;
    let other = [("grant_type", "client_credentials")];
    let reply = send(peer.post("/oauth/token").form(&other)).await;
    assert_eq!(reply.json()["error"], "unsupported_grant_type");
}

#[tokio::test]
async fn scope_is_told_where_it_differs_from_what_was_asked() {
    let client = ClientRegistration::confidential(Config::CLIENT_ID, Config::CLIENT_SECRET)
        .any_loopback_redirect_uri()
        .scopes("read write");
    let peer = Peer::start(Config::rfc6749().client(client)).await;
    for (asked, told) in
        [("", Some("read write")), ("&scope=read+admin", Some("read")), ("&scope=read", None)]
    {
        let url = peer.authorization_url() + asked;
        let callback = peer.sandbox.approve(&url).expect("approves");
        let code = parameter(&callback, "code").expect("a code");
        let token = peer.generate(&code).await.json();
        assert_eq!(token.get("scope").and_then(|scope| scope.as_str()), told, "{asked}");
    }
}

#[tokio::test]
async fn hellosign_s_own_routes_are_absent() {
    let peer = Peer::rfc6749().await;
    let token = peer.granted().await;
    for path in ["/v3/account/create", "/v3/account/verify"] {
        let request = peer.post(path).bearer_auth(text(&token, "access_token"));
        assert_eq!(send(request).await.status, 404);
    }
    let anonymous = send(peer.http.get(format!("{}/account", peer.sandbox.api_url()))).await;
    assert_eq!(anonymous.status, 401);
    assert_eq!(anonymous.header("www-authenticate"), Some("Bearer realm=\"countersign-sandbox\""));
}
