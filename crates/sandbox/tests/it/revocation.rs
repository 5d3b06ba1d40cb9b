//! Revocation (RFC 7009).

use countersign_sandbox::{Answer, ClientRegistration, Config, Fault, GrantStatus, Target, When};
use reqwest::StatusCode;
use reqwest::header::{HeaderValue, RETRY_AFTER};

use crate::support::{Peer, Reply, send, text, within};

impl Peer {
    async fn revoke(&self, token: &str, hint: Option<&str>) -> Reply {
        let form = [Some(("token", token)), hint.map(|hint| ("token_type_hint", hint))];
        let form: Vec<_> = form.into_iter().flatten().collect();
        let request = self.post("/oauth/revoke").form(&form);
        send(request.basic_auth(Config::CLIENT_ID, Some(Config::CLIENT_SECRET))).await
    }

    fn status(&self) -> GrantStatus {
        self.sandbox.grants()[0].status
    }
}

/// What may be said of a token, true or not.
const HINTS: [Option<&str>; 4] =
    [None, Some("refresh_token"), Some("access_token"), Some("pigeon")];

#[tokio::test]
async fn a_refresh_token_ends_its_grant() {
    for hint in HINTS {
        let peer = Peer::rfc6749().await;
        let (token, other) = (peer.granted().await, peer.granted().await);
        let reply = peer.revoke(text(&token, "refresh_token"), hint).await;
        assert_eq!((reply.status, &*reply.text), (StatusCode::OK, ""), "{hint:?}");
        assert_eq!(peer.status(), GrantStatus::Revoked);
        let refreshed = peer.refresh(text(&token, "refresh_token")).await;
        assert_eq!(refreshed.json()["error"], "invalid_grant");
        assert_eq!(peer.account(text(&token, "access_token")).await.status, 401);
        assert_eq!(peer.account(text(&other, "access_token")).await.status, 200);
    }
}

#[tokio::test]
async fn an_old_refresh_token_ends_its_grant_too() {
    let peer = Peer::rfc6749().await;
    let first = peer.granted().await;
    let second = peer.refresh(text(&first, "refresh_token")).await.json();
    assert_eq!(peer.revoke(text(&first, "refresh_token"), None).await.status, 200);
    assert_eq!(peer.refresh(text(&second, "refresh_token")).await.status, 400);
    assert_eq!(peer.account(text(&second, "access_token")).await.status, 401);
}

#[tokio::test]
async fn an_access_token_ends_by_itself() {
    for hint in HINTS {
        let peer = Peer::rfc6749().await;
        let first = peer.granted().await;
        let second = peer.refresh(text(&first, "refresh_token")).await.json();
        assert_eq!(peer.revoke(text(&first, "access_token"), hint).await.status, 200);
        assert_eq!(peer.account(text(&first, "access_token")).await.status, 401);
        assert_eq!(peer.account(text(&second, "access_token")).await.status, 200);
        assert_eq!(peer.status(), GrantStatus::Active);
        assert_eq!(peer.refresh(text(&second, "refresh_token")).await.status, 200);
    }
}

#[tokio::test]
async fn what_is_not_known_counts_as_revoked() {
    let peer = Peer::rfc6749().await;
    let token = peer.granted().await;
    assert_eq!(peer.revoke("nobody's", None).await.status, 200);
    for _ in 0..2 {
        assert_eq!(peer.revoke(text(&token, "refresh_token"), None).await.status, 200);
    }
}

#[tokio::test]
async fn the_client_has_to_be_the_token_s() {
    let config = Config::rfc6749()
        .client(ClientRegistration::public("public"))
        .client(ClientRegistration::confidential("other", "other-secret"));
    let peer = Peer::start(config).await;
    let token = peer.granted().await;
    let form = [("token", text(&token, "refresh_token"))];
    let request = || peer.post("/oauth/revoke").form(&form);
    for (stranger, status, error) in [
        (request(), 401, "invalid_client"),
        (request().basic_auth(Config::CLIENT_ID, Some("wrong")), 401, "invalid_client"),
        (request().basic_auth("other", Some("other-secret")), 400, "invalid_grant"),
        (
            peer.post("/oauth/revoke").form(&[form[0], ("client_id", "public")]),
            400,
            "invalid_grant",
        ),
    ] {
        let reply = send(stranger).await;
        assert_eq!((reply.status.as_u16(), text(&reply.json(), "error")), (status, error));
    }
    assert_eq!(peer.status(), GrantStatus::Active);
    let public = [("token", "nobody's"), ("client_id", "public")];
    assert_eq!(send(peer.post("/oauth/revoke").form(&public)).await.status, 200);
}

#[tokio::test]
async fn a_request_that_cannot_be_read_is_refused() {
    let peer = Peer::rfc6749().await;
    let token = peer.granted().await;
    let token = text(&token, "refresh_token");
    let post = || {
        let request = peer.post("/oauth/revoke");
        request.basic_auth(Config::CLIENT_ID, Some(Config::CLIENT_SECRET))
    };
    for wrong in [
        post(),
        post().form(&[("token_type_hint", "refresh_token")]),
        post().form(&[("token", token), ("token", token)]),
        post().json(&serde_json::json!({ "token": token })),
    ] {
        let reply = send(wrong).await;
        assert_eq!(reply.status, 400);
        assert_eq!(reply.json()["error"], "invalid_request");
    }
    let url = format!("{}/oauth/revoke?token={token}", peer.sandbox.origin());
    assert_eq!(send(peer.http.get(url)).await.status, 404);
    assert_eq!(peer.status(), GrantStatus::Active);
}

#[tokio::test]
async fn it_is_counted_and_fails_on_demand() {
    let peer = Peer::rfc6749().await;
    let token = peer.granted().await;
    let unavailable = Answer::new(StatusCode::SERVICE_UNAVAILABLE)
        .header(RETRY_AFTER, HeaderValue::from_static("2"));
    peer.sandbox.fail_next(Fault::Answer(unavailable).on(Target::Revoke));
    assert_eq!(peer.refresh("nobody's").await.status, 400, "the fault is not for it");
    let reply = peer.revoke(text(&token, "access_token"), None).await;
    assert_eq!((reply.status.as_u16(), reply.header("retry-after")), (503, Some("2")));
    assert_eq!(peer.account(text(&token, "access_token")).await.status, 200, "live still");
    peer.revoke(text(&token, "refresh_token"), None).await;
    peer.revoke("nobody's", None).await;
    assert_eq!(peer.sandbox.counts().revoke, 3);
    assert_eq!(peer.sandbox.grants()[0].counts.revoke, 2);

    let token = peer.granted().await;
    peer.sandbox.fail_next(Fault::Hold { when: When::After }.on(Target::Revoke));
    let form = [("token", text(&token, "refresh_token"))];
    let request = peer.post("/oauth/revoke").form(&form);
    let request = request.basic_auth(Config::CLIENT_ID, Some(Config::CLIENT_SECRET));
    let sent = tokio::spawn(request.send());
    within(peer.sandbox.wait_for_held(1)).await;
    assert_eq!(peer.account(text(&token, "access_token")).await.status, 401, "carried out");
    peer.sandbox.release();
    assert_eq!(sent.await.expect("joins").expect("answers").status(), 200);
}

#[tokio::test]
async fn hellosign_has_no_way_to_revoke() {
    let peer = Peer::hellosign().await;
    assert_eq!(peer.sandbox.revocation_url(), None);
    let token = peer.granted().await;
    let reply = peer.revoke(text(&token, "refresh_token"), None).await;
    assert_eq!(reply.status, 404);
    assert_eq!(reply.json()["error"]["error_name"], "not_found");
    assert_eq!(peer.sandbox.counts().revoke, 1);
    assert_eq!(peer.status(), GrantStatus::Active);
    let index = send(peer.http.get(format!("{}/_sandbox", peer.sandbox.origin()))).await.json();
    assert!(index["revocation_url"].is_null());
}

#[tokio::test]
async fn the_endpoint_is_told() {
    let peer = Peer::rfc6749().await;
    let url = format!("{}/oauth/revoke", peer.sandbox.origin());
    assert_eq!(peer.sandbox.revocation_url(), Some(&*url));
    let index = send(peer.http.get(format!("{}/_sandbox", peer.sandbox.origin()))).await.json();
    assert_eq!(index["revocation_url"], *url);
}
