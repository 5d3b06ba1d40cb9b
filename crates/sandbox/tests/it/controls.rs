//! The control routes.

use serde_json::{Value, json};

use crate::support::{NOW, Peer, Reply, send, text, within};

impl Peer {
    async fn control(&self, path: &str, body: Value) -> Reply {
        send(self.post(path).json(&body)).await
    }

    async fn look(&self, path: &str) -> Reply {
        send(self.http.get(format!("{}{path}", self.sandbox.origin()))).await
    }
}

#[tokio::test]
async fn the_clock_moves_and_tokens_age() {
    let peer = Peer::hellosign().await;
    let token = peer.granted().await;
    assert_eq!(peer.look("/_sandbox/clock").await.json(), json!({"now": NOW}));
    let moved = peer.control("/_sandbox/clock/advance", json!({"seconds": 3600})).await;
    assert_eq!(moved.json(), json!({"now": NOW + 3600}));
    assert_eq!(peer.sandbox.now().as_secs(), NOW + 3600);
    assert_eq!(peer.account(text(&token, "access_token")).await.status, 401);
}

#[tokio::test]
async fn grants_are_shown_without_tokens_and_revoked() {
    let peer = Peer::rfc6749().await;
    let token = peer.granted().await;
    let reply = peer.look("/_sandbox/grants").await;
    for name in ["access_token", "refresh_token"] {
        assert!(!reply.text.contains(text(&token, name)));
    }
    assert_eq!(
        reply.json(),
        json!([{
            "id": 1, "account": "me@sandbox.example", "client_id": "sandbox-client", "scope": null,
            "status": "active", "issued_at": NOW, "expires_at": NOW + 3600, "generation": 0,
            "refreshes": 0, "replays": 0, "reuses": 0,
            "counts": {"token_generate": 1, "token_refresh": 0, "revoke": 0, "api": 0},
        }])
    );
    assert_eq!(send(peer.post("/_sandbox/grants/1/revoke")).await.status, 200);
    assert_eq!(peer.look("/_sandbox/grants").await.json()[0]["status"], "revoked");
    assert_eq!(peer.account(text(&token, "access_token")).await.status, 401);
    assert_eq!(send(peer.post("/_sandbox/grants/2/revoke")).await.status, 404);
    assert_eq!(send(peer.post("/_sandbox/grants/x/revoke")).await.status, 400);
}

#[tokio::test]
async fn counts_are_shown_and_reset() {
    let peer = Peer::hellosign().await;
    peer.granted().await;
    let counts = peer.look("/_sandbox/counts").await.json();
    assert_eq!(counts["token_generate"], 1);
    assert_eq!(counts["grants"]["1"]["token_generate"], 1);
    let reset = send(peer.post("/_sandbox/counts/reset")).await.json();
    assert_eq!(reset["token_generate"], 0);
    assert_eq!(reset["grants"], json!({}));
    assert_eq!(reset["other"], 0, "control requests are not counted");
}

#[tokio::test]
async fn faults_are_queued_released_and_forgotten() {
    let peer = Peer::hellosign().await;
    let token = peer.granted().await;
    let fault =
        json!({"on": "token_refresh", "times": 2, "fault": {"kind": "answer", "status": 503}});
    let queued = peer.control("/_sandbox/faults", fault).await;
    assert_eq!(queued.status, 200, "{}", queued.text);
    assert_eq!(queued.json()["waiting"][0]["times"], 2);
    assert_eq!(peer.refresh(text(&token, "refresh_token")).await.status, 503);
    assert_eq!(peer.look("/_sandbox/faults").await.json()["waiting"][0]["times"], 1);
    let cleared =
        send(peer.http.delete(format!("{}/_sandbox/faults", peer.sandbox.origin()))).await;
    assert_eq!(cleared.json(), json!({"waiting": [], "held": 0}));
    assert_eq!(peer.refresh(text(&token, "refresh_token")).await.status, 200);

    peer.control("/_sandbox/faults", json!({"fault": {"kind": "hold"}})).await;
    let held = tokio::spawn(peer.refresh_request(text(&token, "refresh_token")).send());
    within(peer.sandbox.wait_for_held(1)).await;
    assert_eq!(peer.look("/_sandbox/faults").await.json()["held"], 1);
    let released = send(peer.post("/_sandbox/faults/release")).await;
    assert_eq!(released.json(), json!({"released": 1}));
    assert_eq!(held.await.expect("joins").expect("answers").status(), 200);
}

#[tokio::test]
async fn an_account_is_confirmed() {
    let peer = Peer::hellosign().await;
    let nobody = json!({"email_address": "nobody@sandbox.example"});
    assert_eq!(peer.control("/_sandbox/accounts/confirm", nobody).await.status, 404);
    let me = json!({"email_address": "me@sandbox.example"});
    let confirmed = peer.control("/_sandbox/accounts/confirm", me).await;
    assert_eq!(confirmed.json(), json!({"confirmed": true}));
}

#[tokio::test]
async fn mistakes_are_told() {
    let peer = Peer::hellosign().await;
    for (path, body) in [
        ("/_sandbox/clock/advance", json!({"seconds": -1})),
        ("/_sandbox/clock/advance", json!({"second": 1})),
        ("/_sandbox/faults", json!({"fault": {"kind": "nonsense"}})),
        ("/_sandbox/faults", json!([])),
    ] {
        let reply = peer.control(path, body).await;
        assert_eq!(reply.status, 400);
        assert!(reply.json()["error"].is_string());
    }
    let form = peer.post("/_sandbox/clock/advance").form(&[("seconds", "1")]);
    assert_eq!(send(form).await.status, 415);
    assert_eq!(peer.look("/_sandbox/nothing").await.status, 404);
    assert_eq!(
        peer.look("/_sandbox").await.json()["controls"]["GET /_sandbox/clock"],
        "the sandbox's time in Unix seconds"
    );
}

#[tokio::test]
async fn a_foreign_page_has_no_control() {
    let peer = Peer::hellosign().await;
    let release = || peer.post("/_sandbox/faults/release");
    for foreign in [
        release().header("host", "rebound.example"),
        release().header("origin", "https://evil.example"),
        release().header("origin", "null"),
        peer.http
            .get(peer.sandbox.origin().to_owned() + "/_sandbox/grants")
            .header("host", "rebound.example"),
        peer.post("/_sandbox/nothing").header("host", "rebound.example"),
    ] {
        assert_eq!(send(foreign).await.status, 403);
    }
    let own = release().header("origin", peer.sandbox.origin());
    assert_eq!(send(own).await.status, 200);
}
