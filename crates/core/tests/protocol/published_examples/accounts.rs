use countersign_core::hellosign::{
    AccountApi, AccountCreateRequest, AccountVerifyRequest, ApiCredentials,
};
use countersign_core::{AccessToken, ErrorKind, ExposeSecret};
use countersign_testkit::{RecordedRequest, ScriptedTransport};
use http::Method;
use serde_json::Value;

use super::examples::{
    ACCOUNT_CREATE_OAUTH_RESPONSE, ACCOUNT_CREATE_REQUEST, ACCOUNT_CREATE_REQUEST_OAUTH,
    ACCOUNT_CREATE_RESPONSE, ACCOUNT_GET_RESPONSE, ACCOUNT_VERIFY_FOUND_RESPONSE,
    ACCOUNT_VERIFY_NOT_FOUND_RESPONSE, ACCOUNT_VERIFY_REQUEST,
};
use crate::support::{World, json, kind, now};

fn example(text: &str) -> Value {
    serde_json::from_str(text).expect("JSON")
}

/// By an API key, answered by this.
fn api(answer: &str) -> (AccountApi, ScriptedTransport) {
    let transport = ScriptedTransport::new();
    transport.answer(200, answer);
    let credentials = ApiCredentials::ApiKey("key".into());
    (AccountApi::new(transport.clone(), credentials).expect("live"), transport)
}

fn posted(request: &RecordedRequest, url: &str, body: &str) {
    assert_eq!(request.method, Method::POST);
    assert_eq!(request.uri.to_string(), url);
    assert_eq!(request.headers["content-type"], "application/json");
    assert_eq!(request.headers["accept"], "application/json");
    assert_eq!(json(request), example(body));
}

#[test]
fn account_get_asks_by_bearer_token() {
    let transport = ScriptedTransport::new();
    transport.answer(200, ACCOUNT_GET_RESPONSE);
    let credentials = ApiCredentials::AccessToken(AccessToken::new("at").expect("a token"));
    let api = AccountApi::new(transport.clone(), credentials).expect("live");
    now(api.account_get(None, None)).expect("an account");
    let request = &transport.requests()[0];
    assert_eq!(request.method, Method::GET);
    assert_eq!(request.uri.to_string(), "https://api.hellosign.com/v3/account");
    assert_eq!(request.headers["authorization"], "Bearer at");
    assert_eq!(request.headers["accept"], "application/json");
    assert!(request.headers.get("content-type").is_none() && request.body.is_empty());
}

#[test]
fn an_api_key_is_the_user_name_with_an_empty_password() {
    let (api, transport) = api(ACCOUNT_GET_RESPONSE);
    now(api.account_get(None, None)).expect("an account");
    // base64 of `key:`.
    assert_eq!(transport.requests()[0].headers["authorization"], "Basic a2V5Og==");
}

#[test]
fn account_get_may_name_the_account() {
    let url = "https://api.hellosign.com/v3/account";
    for (id, address, expected) in [
        (Some("a1"), None, format!("{url}?account_id=a1")),
        (None, Some("a+b@c.example"), format!("{url}?email_address=a%2Bb%40c.example")),
        (Some("é&"), Some("x"), format!("{url}?account_id=%C3%A9%26&email_address=x")),
    ] {
        let (api, transport) = api(ACCOUNT_GET_RESPONSE);
        now(api.account_get(id, address)).expect("an account");
        assert_eq!(transport.requests()[0].uri.to_string(), expected);
    }
}

#[test]
fn account_get_reads_the_example() {
    let (api, _) = api(ACCOUNT_GET_RESPONSE);
    let account = now(api.account_get(None, None)).expect("an account").account;
    assert_eq!(account.account_id.as_deref(), Some("5008b25c7f67153e57d5a357b1687968068fb465"));
    assert_eq!(account.email_address.as_deref(), Some("me@dropboxsign.com"));
    let flags = (account.is_locked, account.is_paid_hs, account.is_paid_hf);
    assert_eq!(flags, (Some(false), Some(true), Some(false)));
    assert_eq!(account.locale.as_deref(), Some("en-US"));
    assert_eq!((account.callback_url, account.role_code), (None, None));
    let quotas = account.quotas.expect("told");
    assert_eq!(quotas.api_signature_requests_left, Some(1250));
    assert_eq!((quotas.documents_left, quotas.templates_left), (None, None));
    assert_eq!(quotas.extra["sms_signatures_left"], 1);
    assert!(account.extra.is_empty());
}

#[test]
fn account_create_without_an_app() {
    let (api, transport) = api(ACCOUNT_CREATE_RESPONSE);
    let request = AccountCreateRequest::new("newuser@dropboxsign.com");
    let answer = now(api.account_create(&request)).expect("an account");
    let url = "https://api.hellosign.com/v3/account/create";
    posted(&transport.requests()[0], url, ACCOUNT_CREATE_REQUEST);
    let id = answer.account.account_id.as_deref();
    assert_eq!(id, Some("a2b31224f7e6fb5581d2f8cbd91cf65fa2f86aae"));
    assert_eq!(answer.account.quotas.expect("told").documents_left, Some(3));
    assert!(answer.oauth_data.is_none() && answer.warnings.is_empty());
}

#[test]
fn account_create_with_an_app_is_the_second_way_to_a_token() {
    let (api, transport) = api(ACCOUNT_CREATE_OAUTH_RESPONSE);
    let request = AccountCreateRequest::new("newuser@dropboxsign.com")
        .with_client("cc91c61d00f8bb2ece1428035716b", "1d14434088507ffa390e6f5528465");
    let answer = now(api.account_create(&request)).expect("an account");
    let url = "https://api.hellosign.com/v3/account/create";
    posted(&transport.requests()[0], url, ACCOUNT_CREATE_REQUEST_OAUTH);
    assert_eq!(answer.account.email_address.as_deref(), Some("jill@example.com"));
    let tokens = answer.oauth_data.expect("tokens");
    let expected = &example(ACCOUNT_CREATE_OAUTH_RESPONSE)["oauth_data"];
    assert_eq!(expected["access_token"], tokens.access_token().expose_secret());
    assert_eq!(tokens.expires_in(), Some(86400));
    assert_eq!(tokens.state(), None);

    // And a flow is made of it.
    let world = World::hellosign();
    let flow = world.client.adopt(tokens.into_token_set());
    assert_eq!(expected["access_token"], flow.access_token().expose_secret());
    assert!(flow.expire().can_refresh());
}

#[test]
fn account_create_may_name_a_locale() {
    let (api, transport) = api(ACCOUNT_CREATE_RESPONSE);
    let request = AccountCreateRequest::new("a@b.example").with_locale("fr-FR");
    now(api.account_create(&request)).expect("an account");
    let body = json(&transport.requests()[0]);
    assert_eq!(body, serde_json::json!({ "email_address": "a@b.example", "locale": "fr-FR" }));
}

#[test]
fn the_tokens_of_a_new_account_are_read_as_strictly_as_any() {
    for oauth_data in [
        r#"{"token_type":"Bearer"}"#,
        r#"{"access_token":"a\nb","token_type":"Bearer"}"#,
        r#"{"access_token":"at","token_type":"mac"}"#,
        r#"{"access_token":"at","access_token":"at"}"#,
        "[]",
    ] {
        let (api, _) = api(&format!(r#"{{"account":{{}},"oauth_data":{oauth_data}}}"#));
        let result = now(api.account_create(&AccountCreateRequest::new("a@b.example")));
        assert_eq!(kind(result), ErrorKind::ResponseMalformed, "{oauth_data}");
    }
    let (api, _) = api(r#"{"account":{},"oauth_data":null}"#);
    let answer = now(api.account_create(&AccountCreateRequest::new("a@b.example")));
    assert!(answer.expect("an account").oauth_data.is_none());
}

#[test]
fn account_verify_tells_whether_there_is_one() {
    let request = AccountVerifyRequest::new("some_user@dropboxsign.com");
    let (found, transport) = api(ACCOUNT_VERIFY_FOUND_RESPONSE);
    let answer = now(found.account_verify(&request)).expect("an answer");
    let url = "https://api.hellosign.com/v3/account/verify";
    posted(&transport.requests()[0], url, ACCOUNT_VERIFY_REQUEST);
    let address = answer.account.expect("found").email_address;
    assert_eq!(address.as_deref(), Some("some_user@dropboxsign.com"));

    let (not_found, _) = api(ACCOUNT_VERIFY_NOT_FOUND_RESPONSE);
    let answer = now(not_found.account_verify(&request)).expect("an answer");
    assert!(answer.account.is_none());
}

#[test]
fn warnings_are_read() {
    let warnings = r#""warnings":[{"warning_msg":"m","warning_name":"n"}]"#;
    let (get, _) = api(&format!(r#"{{"account":{{}},{warnings}}}"#));
    let got = now(get.account_get(None, None)).expect("an account").warnings;
    let (create, _) = api(&format!(r#"{{"account":{{}},{warnings}}}"#));
    let created = now(create.account_create(&AccountCreateRequest::new("a@b.example")));
    let (verify, _) = api(&format!("{{{warnings}}}"));
    let verified = now(verify.account_verify(&AccountVerifyRequest::new("a@b.example")));
    let all = [got, created.expect("read").warnings, verified.expect("read").warnings];
    for warnings in all {
        assert_eq!(warnings.len(), 1);
        assert_eq!((&*warnings[0].warning_msg, &*warnings[0].warning_name), ("m", "n"));
    }
}

#[test]
fn a_sandbox_is_asked_at_the_same_paths() {
    let transport = ScriptedTransport::new();
    transport.answer(200, ACCOUNT_GET_RESPONSE);
    let credentials = ApiCredentials::ApiKey("key".into());
    let api = AccountApi::with_origin("http://127.0.0.1:8787/", transport.clone(), credentials);
    now(api.expect("loopback").account_get(None, None)).expect("an account");
    assert_eq!(transport.requests()[0].uri.to_string(), "http://127.0.0.1:8787/v3/account");
}
