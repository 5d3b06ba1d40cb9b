use countersign_core::hellosign::{OAuthApi, OAuthTokenGenerateRequest, OAuthTokenRefreshRequest};
use countersign_core::{Body, Client, ExposeSecret, Provider};
use countersign_testkit::{RecordedRequest, ScriptedTransport};
use http::{HeaderValue, Method, Response};
use serde_json::Value;

use super::examples::{
    OAUTH_TOKEN_GENERATE_REQUEST, OAUTH_TOKEN_GENERATE_RESPONSE, OAUTH_TOKEN_REFRESH_REQUEST,
    OAUTH_TOKEN_REFRESH_RESPONSE,
};
use crate::support::{World, callback, json, now, refresh_token, state_of};

const ID: &str = "cc91c61d00f8bb2ece1428035716b";
const SECRET: &str = "1d14434088507ffa390e6f5528465";
const CODE: &str = "1b0d28d90c86c141";
const STATE: &str = "900e06e2";
const REFRESH_TOKEN: &str = "hNTI2MTFmM2VmZDQxZTZjOWRmZmFjZmVmMGMyNGFjMzI2MGI5YzgzNmE3";

fn example(text: &str) -> Value {
    serde_json::from_str(text).expect("JSON")
}

fn api() -> (OAuthApi, ScriptedTransport) {
    let transport = ScriptedTransport::new();
    (OAuthApi::new(transport.clone()).expect("live"), transport)
}

fn generate_request() -> OAuthTokenGenerateRequest {
    OAuthTokenGenerateRequest::new(ID, SECRET, CODE, STATE)
}

/// Method, address and headers, which both operations have in common.
fn posted_json(request: &RecordedRequest, url: &str) {
    assert_eq!(request.method, Method::POST);
    assert_eq!(request.uri.to_string(), url);
    assert_eq!(request.headers.len(), 2, "no authorization is sent: {:?}", request.headers);
    assert_eq!(request.headers["content-type"], "application/json");
    assert_eq!(request.headers["accept"], "application/json");
}

#[test]
fn oauth_token_generate_sends_the_example() {
    let (api, transport) = api();
    transport.answer(200, OAUTH_TOKEN_GENERATE_RESPONSE);
    now(api.oauth_token_generate(&generate_request())).expect("tokens");
    let requests = transport.requests();
    posted_json(&requests[0], "https://app.hellosign.com/oauth/token");
    assert_eq!(json(&requests[0]), example(OAUTH_TOKEN_GENERATE_REQUEST));
}

#[test]
fn oauth_token_generate_reads_the_example() {
    let (api, transport) = api();
    transport.answer(200, OAUTH_TOKEN_GENERATE_RESPONSE);
    let answer = now(api.oauth_token_generate(&generate_request())).expect("tokens");
    let expected = example(OAUTH_TOKEN_GENERATE_RESPONSE);
    assert_eq!(expected["access_token"], answer.access_token().expose_secret());
    let refresh_token = answer.refresh_token().expect("given").expose_secret();
    assert_eq!(expected["refresh_token"], refresh_token);
    assert_eq!(answer.token_type(), Some("Bearer"));
    assert_eq!(answer.expires_in(), Some(86400));
    assert_eq!(answer.state(), Some(STATE));
    assert!(answer.extra().is_empty());
}

#[test]
fn oauth_token_refresh_sends_the_example() {
    let (api, transport) = api();
    transport.answer(200, OAUTH_TOKEN_REFRESH_RESPONSE);
    let request = OAuthTokenRefreshRequest::new(REFRESH_TOKEN);
    now(api.oauth_token_refresh(&request)).expect("tokens");
    let requests = transport.requests();
    posted_json(&requests[0], "https://app.hellosign.com/oauth/token?refresh");
    assert_eq!(json(&requests[0]), example(OAUTH_TOKEN_REFRESH_REQUEST));
}

#[test]
fn oauth_token_refresh_sends_the_credentials_that_new_apps_need() {
    let (api, transport) = api();
    transport.answer(200, OAUTH_TOKEN_REFRESH_RESPONSE);
    let request = OAuthTokenRefreshRequest::new(REFRESH_TOKEN).with_client(ID, SECRET);
    now(api.oauth_token_refresh(&request)).expect("tokens");
    let mut expected = example(OAUTH_TOKEN_REFRESH_REQUEST);
    expected["client_id"] = ID.into();
    expected["client_secret"] = SECRET.into();
    assert_eq!(json(&transport.requests()[0]), expected);
}

#[test]
fn oauth_token_refresh_reads_the_example() {
    let (api, transport) = api();
    transport.answer(200, OAUTH_TOKEN_REFRESH_RESPONSE);
    let request = OAuthTokenRefreshRequest::new(REFRESH_TOKEN);
    let answer = now(api.oauth_token_refresh(&request)).expect("tokens");
    let expected = example(OAUTH_TOKEN_REFRESH_RESPONSE);
    assert_eq!(expected["access_token"], answer.access_token().expose_secret());
    assert_eq!(answer.refresh_token().expect("given").expose_secret(), REFRESH_TOKEN);
    assert_eq!(answer.expires_in(), Some(86400));
    assert_eq!(answer.state(), None, "absent on refresh");
}

#[test]
fn with_http_info_tells_status_headers_and_rate_limit() {
    let (api, transport) = api();
    for body in [OAUTH_TOKEN_GENERATE_RESPONSE, OAUTH_TOKEN_REFRESH_RESPONSE] {
        let mut response = Response::new(Body::from(body.as_bytes().to_vec()));
        for (name, value) in [
            ("x-ratelimit-limit", "100"),
            ("x-ratelimit-remaining", "99"),
            ("x-ratelimit-reset", "1430905200"),
        ] {
            response.headers_mut().insert(name, HeaderValue::from_static(value));
        }
        transport.respond(response);
    }
    let generated = now(api.oauth_token_generate_with_http_info(&generate_request()));
    let refresh = OAuthTokenRefreshRequest::new(REFRESH_TOKEN);
    let refreshed = now(api.oauth_token_refresh_with_http_info(&refresh));
    for answer in [generated.expect("tokens"), refreshed.expect("tokens")] {
        assert_eq!(answer.status, 200);
        assert_eq!(answer.headers["x-ratelimit-limit"], "100");
        let limit = answer.rate_limit.expect("told");
        assert_eq!((limit.limit, limit.remaining), (Some(100), Some(99)));
        assert_eq!(limit.reset.map(|at| at.unix_timestamp()), Some(1_430_905_200));
        assert_eq!(answer.data.expires_in(), Some(86400));
    }
}

#[test]
fn the_account_id_that_some_integrators_see_is_kept() {
    let (api, transport) = api();
    let mut body = example(OAUTH_TOKEN_GENERATE_RESPONSE);
    body["account_id"] = "5008b25c7f67153e57d5a357b1687968068fb465".into();
    transport.answer(200, body.to_string());
    let answer = now(api.oauth_token_generate(&generate_request())).expect("tokens");
    assert_eq!(answer.extra().get("account_id"), Some(&body["account_id"]));
}

#[test]
fn the_flow_sends_and_reads_the_same() {
    let world = World::hellosign();
    let flow = world.begin();
    let state = state_of(&flow);
    let url = flow.authorization_url();
    assert!(url.starts_with("https://app.hellosign.com/oauth/authorize?response_type=code&"));
    assert!(!url.contains("code_challenge"), "no PKCE at this provider");
    world.transport.answer(200, OAUTH_TOKEN_GENERATE_RESPONSE);
    let callback = callback(&[("code", CODE), ("state", &state)]);
    let flow = now(flow.complete(&callback, &world.browser)).expect("tokens");
    posted_json(&world.last(), "https://app.hellosign.com/oauth/token");
    let mut expected = example(OAUTH_TOKEN_GENERATE_REQUEST);
    expected["state"] = state.into();
    assert_eq!(json(&world.last()), expected);
    let generated = example(OAUTH_TOKEN_GENERATE_RESPONSE);
    assert_eq!(generated["access_token"], flow.access_token().expose_secret());

    world.transport.answer(200, OAUTH_TOKEN_REFRESH_RESPONSE);
    let flow = now(flow.expire().refresh()).expect("tokens");
    posted_json(&world.last(), "https://app.hellosign.com/oauth/token?refresh");
    let mut expected = example(OAUTH_TOKEN_REFRESH_REQUEST);
    expected["client_id"] = ID.into();
    expected["client_secret"] = SECRET.into();
    assert_eq!(json(&world.last()), expected);
    assert!(!flow.rotated(), "this server does not rotate");
    let refreshed = example(OAUTH_TOKEN_REFRESH_RESPONSE);
    assert_eq!(refreshed["access_token"], flow.access_token().expose_secret());
}

#[test]
fn an_old_app_refreshes_by_the_flow_to_the_letter_of_the_example() {
    let mut provider = Provider::hellosign();
    provider.credentials_on_refresh = false;
    let transport = ScriptedTransport::new();
    let client = Client::builder(provider, ID).secret(SECRET).transport(transport.clone());
    let client = client.build().expect("a client");
    transport.answer(200, OAUTH_TOKEN_REFRESH_RESPONSE);
    now(client.refresh(&refresh_token(REFRESH_TOKEN))).expect("tokens");
    assert_eq!(json(&transport.requests()[0]), example(OAUTH_TOKEN_REFRESH_REQUEST));
}

#[test]
fn a_sandbox_is_asked_at_the_same_paths() {
    let provider = Provider::hellosign().with_origin("http://127.0.0.1:8787");
    let transport = ScriptedTransport::new();
    transport.answer(200, OAUTH_TOKEN_GENERATE_RESPONSE);
    transport.answer(200, OAUTH_TOKEN_REFRESH_RESPONSE);
    let api = OAuthApi::with_provider(provider, transport.clone()).expect("loopback");
    now(api.oauth_token_generate(&generate_request())).expect("tokens");
    now(api.oauth_token_refresh(&OAuthTokenRefreshRequest::new("rt"))).expect("tokens");
    let urls: Vec<_> = transport.requests().iter().map(|it| it.uri.to_string()).collect();
    let base = "http://127.0.0.1:8787/oauth/token";
    assert_eq!(urls, [base.to_owned(), format!("{base}?refresh")]);
}
