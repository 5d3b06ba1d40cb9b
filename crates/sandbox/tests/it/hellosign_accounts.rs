//! HelloSign's accounts.

use std::time::Duration;

use countersign_sandbox::Config;
use serde_json::json;

use crate::support::{NOW, Peer, Reply, names, send, text};

impl Peer {
    async fn api(&self, path: &str, body: serde_json::Value) -> Reply {
        let request = self.post(path).basic_auth(Config::API_KEY, Some(""));
        send(request.json(&body)).await
    }
}

#[tokio::test]
async fn the_account_is_as_the_published_example_shows() {
    let peer = Peer::hellosign().await;
    let token = peer.granted().await;
    let reply = peer.account(text(&token, "access_token")).await;
    assert_eq!(reply.status, 200);
    let body = reply.json();
    assert_eq!(names(&body), ["account"]);
    let account = &body["account"];
    assert_eq!(
        names(account),
        [
            "account_id",
            "callback_url",
            "email_address",
            "is_locked",
            "is_paid_hf",
            "is_paid_hs",
            "locale",
            "quotas",
            "role_code"
        ]
    );
    assert_eq!(text(account, "account_id").len(), 40);
    assert_eq!(account["email_address"], Config::ACCOUNT);
    assert_eq!(account["callback_url"], json!(null));
    assert_eq!(account["quotas"]["documents_left"], json!(null));
}

#[tokio::test]
async fn an_api_key_is_a_user_name_with_an_empty_password() {
    let peer = Peer::hellosign().await;
    let account = |key: &'static str, password: &'static str| {
        let url = format!("{}/account", peer.sandbox.api_url());
        send(peer.http.get(url).basic_auth(key, Some(password)))
    };
    assert_eq!(account(Config::API_KEY, "").await.status, 200);
    assert_eq!(account(Config::API_KEY, "x").await.status, 401);
    assert_eq!(account("wrong", "").await.status, 401);
}

#[tokio::test]
async fn without_a_live_token_it_is_401() {
    let peer = Peer::hellosign().await;
    let token = peer.granted().await;
    let access_token = text(&token, "access_token");
    let bare = send(peer.http.get(format!("{}/account", peer.sandbox.api_url()))).await;
    assert_eq!(bare.status, 401);
    assert_eq!(
        bare.json(),
        json!({"error": {"error_msg": "Unauthorized user. No credentials supplied.", "error_name": "unauthorized"}})
    );
    peer.sandbox.advance(Duration::from_secs(3599));
    assert_eq!(peer.account(access_token).await.status, 200);
    peer.sandbox.advance(Duration::from_secs(1));
    let expired = peer.account(access_token).await;
    assert_eq!(expired.status, 401);
    assert_eq!(expired.json()["error"]["error_name"], "unauthorized");
    assert_eq!(peer.sandbox.grants()[0].expires_at, Some(NOW + 3600));
}

#[tokio::test]
async fn a_created_account_s_token_works_once_the_user_has_confirmed() {
    let peer = Peer::hellosign().await;
    let reply = peer
        .api(
            "/v3/account/create",
            json!({
                "email_address": "jill@sandbox.example",
                "client_id": "sandbox-client",
                "client_secret": "sandbox-secret",
            }),
        )
        .await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    let body = reply.json();
    assert_eq!(names(&body), ["account", "oauth_data"]);
    assert_eq!(
        names(&body["account"]),
        ["account_id", "callback_url", "email_address", "role_code"]
    );
    assert_eq!(
        names(&body["oauth_data"]),
        ["access_token", "expires_in", "refresh_token", "token_type"]
    );
    let access_token = text(&body["oauth_data"], "access_token");
    assert_eq!(peer.account(access_token).await.status, 401);
    assert!(!peer.sandbox.confirm_account("jack@sandbox.example"));
    assert!(peer.sandbox.confirm_account("jill@sandbox.example"));
    let confirmed = peer.account(access_token).await;
    assert_eq!(confirmed.json()["account"]["email_address"], "jill@sandbox.example");
    let refresh = peer.refresh(text(&body["oauth_data"], "refresh_token")).await;
    assert_eq!(refresh.status, 200);
}

#[tokio::test]
async fn an_account_is_created_once_and_without_a_client_has_no_token() {
    let peer = Peer::hellosign().await;
    let jill = json!({"email_address": "jill@sandbox.example"});
    let reply = peer.api("/v3/account/create", jill.clone()).await;
    assert_eq!(names(&reply.json()), ["account"]);
    assert_eq!(reply.json()["account"]["quotas"]["documents_left"], 3);
    let again = peer.api("/v3/account/create", jill).await;
    assert_eq!(again.status, 400);
    assert_eq!(again.json()["error"]["error_path"], "email_address");
}

#[tokio::test]
async fn creation_checks_what_it_is_given() {
    let peer = Peer::hellosign().await;
    for body in [
        json!({}),
        json!({"email_address": "no address"}),
        json!({"email_address": "a@b.example", "client_id": "sandbox-client"}),
        json!({"email_address": "a@b.example", "client_id": "sandbox-client", "client_secret": "x"}),
    ] {
        let reply = peer.api("/v3/account/create", body).await;
        assert_eq!(reply.status, 400, "{}", reply.text);
        assert_eq!(reply.json()["error"]["error_name"], "bad_request");
    }
    let verified = peer.api("/v3/account/verify", json!({"email_address": "a@b.example"})).await;
    assert_eq!(verified.json(), json!({}), "none of them created it");
}

#[tokio::test]
async fn verification_tells_whether_an_account_exists() {
    let peer = Peer::hellosign().await;
    let found = peer.api("/v3/account/verify", json!({"email_address": Config::ACCOUNT})).await;
    assert_eq!(found.status, 200);
    assert_eq!(found.json(), json!({"account": {"email_address": Config::ACCOUNT}}));
    let absent =
        peer.api("/v3/account/verify", json!({"email_address": "no@sandbox.example"})).await;
    assert_eq!(absent.json(), json!({}));
    let anonymous =
        peer.post("/v3/account/verify").json(&json!({"email_address": Config::ACCOUNT}));
    assert_eq!(send(anonymous).await.status, 401);
}
