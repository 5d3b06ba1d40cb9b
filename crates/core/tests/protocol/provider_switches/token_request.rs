use countersign_core::{BodyFormat, Client, ErrorKind, Pkce};
use countersign_testkit::ScriptedTransport;
use serde_json::Value;

use crate::support::{
    CODE, REDIRECT_URI, TOKENS, World, field, form, good_callback, json, kind, now, parameter,
    refresh_token, rfc6749, state_of, stored_and_read,
};

const RESERVED: [&str; 9] = [
    "grant_type",
    "code",
    "code_verifier",
    "client_id",
    "client_secret",
    "redirect_uri",
    "refresh_token",
    "state",
    "scope",
];

#[test]
fn a_form_is_sent_by_default() {
    let world = World::rfc6749();
    world.authorized();
    let request = world.last();
    assert_eq!(request.method, http::Method::POST);
    assert_eq!(request.uri.to_string(), "https://id.example/token");
    assert_eq!(request.headers["content-type"], "application/x-www-form-urlencoded");
    assert_eq!(request.headers["accept"], "application/json");
    let names: Vec<_> = form(&request).into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["grant_type", "code", "redirect_uri", "code_verifier"]);
    assert_eq!(field(&request, "grant_type").as_deref(), Some("authorization_code"));
    assert_eq!(field(&request, "code").as_deref(), Some(CODE));

    world.refresh(200, TOKENS).expect("tokens");
    let fields = form(&world.last());
    let expected = [("grant_type", "refresh_token"), ("refresh_token", "rt")];
    assert_eq!(fields, expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
}

#[test]
fn json_is_sent_where_the_provider_wants_it() {
    let world = World::at(rfc6749().with_body_format(BodyFormat::Json));
    world.refresh(200, TOKENS).expect("tokens");
    assert_eq!(world.last().headers["content-type"], "application/json");
    let expected = serde_json::json!({ "grant_type": "refresh_token", "refresh_token": "rt" });
    assert_eq!(json(&world.last()), expected);
}

#[test]
fn the_verifier_fits_the_challenge() {
    use base64::Engine;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    use sha2::{Digest, Sha256};

    let world = World::rfc6749();
    let flow = world.begin();
    let url = flow.authorization_url().to_owned();
    assert_eq!(parameter(&url, "code_challenge_method").as_deref(), Some("S256"));
    let challenge = parameter(&url, "code_challenge").expect("a challenge");
    world.transport.answer(200, TOKENS);
    let callback = good_callback(&flow);
    now(flow.complete(&callback, &world.browser)).expect("tokens");
    let verifier = field(&world.last(), "code_verifier").expect("a verifier");
    assert_eq!(URL_SAFE_NO_PAD.encode(Sha256::digest(verifier.as_bytes())), challenge);
}

#[test]
fn without_pkce_there_is_neither_challenge_nor_verifier() {
    let world = World::at(rfc6749().with_pkce(Pkce::Unsupported));
    let flow = world.begin();
    assert!(!flow.authorization_url().contains("code_challenge"));
    let state: Value = serde_json::to_value(stored_and_read(flow.state())).expect("JSON");
    assert_eq!(state["state"]["pending"]["verifier"], Value::Null);
    world.transport.answer(200, TOKENS);
    let callback = good_callback(&flow);
    now(flow.complete(&callback, &world.browser)).expect("tokens");
    assert_eq!(field(&world.last(), "code_verifier"), None);
}

#[test]
fn the_verifier_stays_even_when_the_server_refuses_it() {
    let world = World::rfc6749();
    world.transport.answer(400, r#"{"error":"invalid_request"}"#);
    let flow = world.begin();
    let callback = good_callback(&flow);
    now(flow.complete(&callback, &world.browser)).expect_err("refused");
    assert_eq!(world.sent(), 1, "no falling back");
}

#[test]
fn state_is_repeated_where_the_provider_wants_it() {
    for repeated in [true, false] {
        let mut provider = rfc6749();
        provider.state_in_token_request = repeated;
        let world = World::at(provider);
        let flow = world.begin();
        let state = state_of(&flow);
        let callback = good_callback(&flow);
        world.transport.answer(200, TOKENS);
        now(flow.complete(&callback, &world.browser)).expect("tokens");
        assert_eq!(field(&world.last(), "state"), repeated.then_some(state));
    }
}

#[test]
fn the_redirect_uri_is_repeated_where_the_provider_wants_it() {
    for repeated in [true, false] {
        let mut provider = rfc6749();
        provider.redirect_uri_in_token_request = repeated;
        let world = World::at(provider);
        world.authorized();
        let sent = field(&world.last(), "redirect_uri");
        assert_eq!(sent.as_deref(), repeated.then_some(REDIRECT_URI));
    }
}

#[test]
fn without_a_redirect_uri_none_is_sent() {
    let transport = ScriptedTransport::new();
    let client = Client::builder(rfc6749(), "id").secret("secret").transport(transport.clone());
    let client = client.build().expect("a client");
    let browser = countersign_core::Binding::this_process();
    let flow = client.authorize(&browser).begin().expect("a flow");
    assert_eq!(parameter(flow.authorization_url(), "redirect_uri"), None);
    transport.answer(200, TOKENS);
    let callback = good_callback(&flow);
    now(flow.complete(&callback, &browser)).expect("tokens");
    assert_eq!(field(&transport.requests()[0], "redirect_uri"), None);
}

#[test]
fn refreshing_may_have_an_endpoint_of_its_own() {
    let world = World::at(rfc6749().with_refresh_url("https://id.example/renew?refresh&x=%2f"));
    world.refresh(200, TOKENS).expect("tokens");
    assert_eq!(world.last().uri.to_string(), "https://id.example/renew?refresh&x=%2f");
}

#[test]
fn further_parameters_go_with_every_token_request() {
    let provider = rfc6749()
        .with_token_parameter("audience", "https://api.example/?a&b")
        .with_token_parameter("resource", "r");
    let world = World::at(provider);
    world.authorized();
    world.refresh(200, TOKENS).expect("tokens");
    for request in world.requests() {
        let audience = field(&request, "audience");
        assert_eq!(audience.as_deref(), Some("https://api.example/?a&b"));
        assert_eq!(field(&request, "resource").as_deref(), Some("r"));
    }
}

#[test]
fn parameters_that_the_flow_writes_cannot_be_added() {
    for name in RESERVED {
        let provider = rfc6749().with_token_parameter(name, "x");
        let builder = Client::builder(provider, "id").secret("secret");
        let result = builder.transport(ScriptedTransport::new()).build();
        assert_eq!(kind(result), ErrorKind::Configuration, "{name}");
    }
}

#[test]
fn values_are_escaped() {
    for format in [BodyFormat::Form, BodyFormat::Json] {
        let world = World::at(rfc6749().with_body_format(format));
        let odd = r#"a+b&c="d"\%/é"#.replace('é', "~");
        world.transport.answer(200, TOKENS);
        now(world.client.refresh(&refresh_token(&odd))).expect("tokens");
        let sent = match format {
            BodyFormat::Json => json(&world.last())["refresh_token"].as_str().map(str::to_owned),
            _ => field(&world.last(), "refresh_token"),
        };
        assert_eq!(sent.as_deref(), Some(odd.as_str()));
    }
}
