//! What cannot be read is not quoted.

use countersign_core::{AnyState, Authorized, Callback, Client, Pending, Provider};
use countersign_testkit::ScriptedTransport;

use super::canaries::{ACCESS, CLIENT_SECRET, CODE, REFRESH, Search, drawn, tokens, world};
use crate::support::{callback, rfc6749};

#[test]
fn g05_an_answer_that_cannot_be_read_is_not_quoted() {
    let world = world(rfc6749());
    let mut search = Search::new();
    let json = serde_json::json!({
        "access_token": format!("{ACCESS}\n"), "token_type": "Bearer", "refresh_token": REFRESH,
    });
    let bodies = [
        json.to_string(),
        tokens().replace("\"Bearer\"", &serde_json::Value::from(ACCESS).to_string()),
        tokens().replace("\"Bearer\"", "7"),
        tokens().replace("3600", "3600,\"access_token\":\"x\""),
        tokens().replace("3600", "3600,"),
        serde_json::Value::from(tokens()).to_string(),
        format!("[{}]", tokens()),
        format!("{}{{}}", tokens()),
        tokens()[..tokens().len() - 3].to_owned(),
        tokens().replace(':', " "),
        serde_json::json!({ "access_token": [ACCESS], "token_type": "Bearer" }).to_string(),
        serde_json::json!({ "access_token": { ACCESS: REFRESH } }).to_string(),
        format!("access_token={ACCESS}&refresh_token={REFRESH}"),
    ];
    for body in bodies {
        // A token endpoint that has given tokens and says that it failed shows them neither.
        for status in [200, 400, 500] {
            let error = world.complete(status, &body).expect_err("not a token answer");
            search.own_error(&error);
            let error = world.refresh(status, &body).expect_err("not a token answer");
            search.own_error(&error);
        }
    }
}

#[test]
fn g05_a_stored_state_that_cannot_be_read_is_not_quoted() {
    let world = world(rfc6749());
    let flow = world.begin();
    let mut search = Search::of(&flow);
    let pending = serde_json::to_string(flow.state()).expect("JSON");
    let authorized = world.complete(200, &tokens()).expect("tokens");
    let authorized = serde_json::to_string(authorized.state()).expect("JSON");
    for text in [pending, authorized] {
        let twice = serde_json::Value::from(text.as_str()).to_string();
        let in_an_array = format!("[{text}]");
        let nested = text.replace("\"version\":1", "\"version\":\"1\"");
        let cut = text[..text.len() - 1].to_owned();
        let as_version = format!("{{\"version\":{twice},\"state\":{{}}}}");
        let as_state = format!("{{\"version\":1,\"state\":{twice}}}");
        let as_variant = format!("{{\"version\":1,\"state\":{{\"pending\":{twice}}}}}");
        let as_other = format!("{{\"version\":1,\"state\":{{\"authorized\":{twice}}}}}");
        let as_origin = text.replace("\"origin\":{", "\"origin\":[],\"x\":{");
        for text in
            [twice, in_an_array, nested, cut, as_version, as_state, as_variant, as_other, as_origin]
        {
            search.error(&serde_json::from_str::<Pending>(&text).expect_err("not a state"));
            search.error(&serde_json::from_str::<Authorized>(&text).expect_err("not a state"));
            search.error(&serde_json::from_str::<AnyState>(&text).expect_err("not a state"));
        }
    }
}

#[test]
fn g05_a_callback_that_is_refused_is_not_quoted() {
    let world = world(rfc6749().with_issuer("https://id.example", true));
    let flow = world.begin();
    let mut search = Search::of(&flow);
    let state = &drawn(&flow)[0];
    for query in [
        format!("code={CODE}&code={CODE}&state={state}"),
        format!("id_token={CODE}&state={state}"),
        format!("code={CODE}&{state}={}", "x".repeat(65 * 1024)),
    ] {
        search.own_error(&Callback::from_query(&query).expect_err("refused"));
        search.own_error(&Callback::from_url(format!("/#{query}")).expect_err("no query"));
    }
    let code = format!("{CODE}\r\n");
    for parameters in [
        [("code", CODE), ("state", state), ("iss", CODE)],
        [("code", &code), ("state", state), ("iss", "https://id.example")],
        [("code", CODE), ("state", CODE), ("iss", "https://id.example")],
    ] {
        let error = flow.verify(&callback(&parameters), &world.browser).expect_err("refused");
        search.own_error(&error);
    }
}

#[test]
fn g05_a_configuration_that_is_refused_is_not_quoted() {
    let mut search = Search::new();
    let userinfo = format!("https://Qz7CLIENTxK4m:{CODE}@id.example/token");
    let query = "http://id.example/token?key=Qz7CLIENTxK4m";
    for url in
        [userinfo.as_str(), "http:Qz7CLIENTxK4m@x", query, "https://id.example/#Qz7CLIENTxK4m"]
    {
        for provider in [Provider::rfc6749(url, "https://x.example"), Provider::rfc6749(url, url)] {
            let builder = Client::builder(provider, "id").secret(CLIENT_SECRET).redirect_uri(url);
            let error = builder.transport(ScriptedTransport::new()).build().expect_err("refused");
            search.own_error(&error);
        }
    }
    let public = rfc6749().with_client_authentication(countersign_core::ClientAuthentication::None);
    let builder = Client::builder(public, "id").secret(CLIENT_SECRET);
    let error = builder.transport(ScriptedTransport::new()).build().expect_err("never sent");
    search.own_error(&error);
}
