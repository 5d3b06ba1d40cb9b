use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use countersign_core::{BodyFormat, Client, ClientAuthentication, ErrorKind};
use countersign_testkit::{RecordedRequest, ScriptedTransport};
use http::header::AUTHORIZATION;

use crate::support::{
    CLIENT_ID, CLIENT_SECRET, TOKENS, World, callback, field, json, kind, now, refresh_token,
    rfc6749, state_of,
};

const METHODS: [ClientAuthentication; 4] = [
    ClientAuthentication::Basic,
    ClientAuthentication::BasicUnencoded,
    ClientAuthentication::RequestBody,
    ClientAuthentication::None,
];

/// A code exchange and a refresh.
fn requests(world: &World) -> Vec<RecordedRequest> {
    world.complete(200, TOKENS).expect("tokens");
    world.refresh(200, TOKENS).expect("tokens");
    world.requests()
}

/// The credentials in an `Authorization` header of HTTP Basic.
fn basic(request: &RecordedRequest) -> String {
    let header = request.headers[AUTHORIZATION].to_str().expect("ASCII");
    let pair = STANDARD.decode(header.strip_prefix("Basic ").expect("Basic")).expect("base64");
    String::from_utf8(pair).expect("UTF-8")
}

/// The `Authorization` header of a client of this id and secret.
fn basic_of(method: ClientAuthentication, id: &str, secret: &str) -> String {
    let transport = ScriptedTransport::new();
    transport.answer(200, TOKENS);
    let client = Client::builder(rfc6749().with_client_authentication(method), id).secret(secret);
    let client = client.transport(transport.clone()).build().expect("a client");
    now(client.refresh(&refresh_token("rt"))).expect("tokens");
    basic(&transport.requests()[0])
}

#[test]
fn basic_is_form_encoded_before_base64() {
    let encoded = basic_of(ClientAuthentication::Basic, "id:é", "s e+c/r:é%t~");
    assert_eq!(encoded, "id%3A%C3%A9:s+e%2Bc%2Fr%3A%C3%A9%25t%7E");
    // RFC 6749 section 2.3.1's example.
    assert_eq!(
        basic_of(ClientAuthentication::Basic, "s6BhdRkqt3", "7Fjfp0ZBr1KtDRbnfVdmIw"),
        "s6BhdRkqt3:7Fjfp0ZBr1KtDRbnfVdmIw"
    );
}

#[test]
fn basic_unencoded_is_as_it_is() {
    let raw = basic_of(ClientAuthentication::BasicUnencoded, "an id", "s e+c/r:é%t~");
    assert_eq!(raw, "an id:s e+c/r:é%t~");
}

#[test]
fn an_id_with_a_colon_cannot_be_sent_unencoded() {
    let provider = rfc6749().with_client_authentication(ClientAuthentication::BasicUnencoded);
    let builder = Client::builder(provider, "a:b").secret("secret");
    let result = builder.transport(ScriptedTransport::new()).build();
    assert_eq!(kind(result), ErrorKind::Configuration);
}

#[test]
fn credentials_go_into_the_header_or_the_body_and_never_both() {
    for method in METHODS {
        for format in [BodyFormat::Form, BodyFormat::Json] {
            let provider = rfc6749().with_client_authentication(method).with_body_format(format);
            for request in requests(&World::at(provider)) {
                let [id, secret] = ["client_id", "client_secret"].map(|name| match format {
                    BodyFormat::Json => json(&request)[name].as_str().map(ToOwned::to_owned),
                    _ => field(&request, name),
                });
                let header = request.headers.contains_key(AUTHORIZATION);
                let in_header = matches!(
                    method,
                    ClientAuthentication::Basic | ClientAuthentication::BasicUnencoded
                );
                assert_eq!(header, in_header, "{method:?}");
                assert_eq!(id.as_deref(), (!in_header).then_some(CLIENT_ID), "{method:?}");
                let in_body = method == ClientAuthentication::RequestBody;
                assert_eq!(secret.as_deref(), in_body.then_some(CLIENT_SECRET), "{method:?}");
            }
        }
    }
}

#[test]
fn nothing_else_is_tried_after_a_refusal() {
    for method in METHODS {
        let world = World::at(rfc6749().with_client_authentication(method));
        let flow = world.begin();
        let callback = callback(&[("code", "c"), ("state", &state_of(&flow))]);
        world.transport.answer(401, r#"{"error":"invalid_client"}"#);
        world.transport.answer(200, TOKENS);
        now(flow.complete(&callback, &world.browser)).expect_err("refused");
        assert_eq!(world.sent(), 1, "{method:?}");
    }
}

#[test]
fn credentials_on_refresh_may_be_left_out() {
    for method in METHODS {
        let mut provider = rfc6749().with_client_authentication(method);
        provider.credentials_on_refresh = false;
        let requests = requests(&World::at(provider));
        let has = |request: &RecordedRequest| {
            request.headers.contains_key(AUTHORIZATION)
                || field(request, "client_id").is_some()
                || field(request, "client_secret").is_some()
        };
        assert!(has(&requests[0]), "{method:?}: the code exchange has them");
        assert!(!has(&requests[1]), "{method:?}: the refresh has not");
    }
}

#[test]
fn a_secret_is_given_when_it_is_needed_and_only_then() {
    for method in METHODS {
        let public = method == ClientAuthentication::None;
        for (secret, good) in [(None, public), (Some(""), public), (Some("secret"), !public)] {
            let provider = rfc6749().with_client_authentication(method);
            let builder = Client::builder(provider, "id").transport(ScriptedTransport::new());
            let builder = match secret {
                Some(secret) => builder.secret(secret),
                None => builder,
            };
            assert_eq!(builder.build().is_ok(), good, "{method:?} {secret:?}");
        }
    }
}
