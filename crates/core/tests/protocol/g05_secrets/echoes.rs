//! A server that repeats what it was sent, in every way that servers do.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use countersign_core::hellosign::{
    AccountApi, AccountCreateRequest, ApiCredentials, OAuthApi, OAuthTokenGenerateRequest,
    OAuthTokenRefreshRequest,
};
use countersign_core::{Body, ClientAuthentication, Error, Provider};
use countersign_testkit::ScriptedTransport;
use form_urlencoded::byte_serialize;
use http::{HeaderMap, HeaderValue, Response, StatusCode};

use super::canaries::{API_KEY, CLIENT_SECRET, CODE, REFRESH, Search, drawn, world};
use crate::support::{callback, now, refresh_token, rfc6749, state_of};

/// `secret` as servers repeat it.
fn encodings(secret: &str) -> Vec<String> {
    let form: String = byte_serialize(secret.as_bytes()).collect();
    let percent = form.replace('+', "%20");
    let json = serde_json::Value::from(secret).to_string();
    let unicode = json.replace('é', "\\u00e9").replace('&', "\\u0026").replace('<', "\\u003C");
    let html = secret.replace('&', "&amp;").replace('<', "&lt;").replace('"', "&quot;");
    let every_byte = secret.bytes().fold(String::new(), |text, byte| format!("{text}%{byte:02X}"));
    vec![
        secret.to_owned(),
        json.replace('/', "\\/"),
        unicode.replace('/', "\\/"),
        serde_json::Value::from(json.clone()).to_string(),
        json,
        html.replace('\'', "&#39;"),
        html.replace('\'', "&#x27;"),
        // As JavaScript's encodeURIComponent and PHP's rawurlencode have it.
        percent.replace("%7E", "~").replace("%21", "!").replace("%27", "'"),
        percent.replace("%7E", "~"),
        lower_digits(&percent),
        byte_serialize(form.as_bytes()).collect(),
        STANDARD.encode(secret),
        STANDARD.encode(format!("an id:{secret}")),
        STANDARD.encode(format!("id:{form}")),
        STANDARD.encode(format!("id:{percent}")),
        URL_SAFE_NO_PAD.encode(format!("{{\"secret\":\"{secret}\"}}")),
        form,
        percent,
        every_byte,
    ]
}

/// Percent-encoded text with its hexadecimal digits in lower case.
fn lower_digits(percent: &str) -> String {
    let mut parts = percent.split('%');
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |text, part| format!("{text}%{}{}", part[..2].to_lowercase(), &part[2..]))
}

/// Answers that repeat `echo`.
fn answers(echo: &str) -> Vec<Response<Body>> {
    let rfc = |member: &str| {
        let mut body = serde_json::json!({ "error": "invalid_grant" });
        body[member] = format!("you sent {echo} to us").into();
        body.to_string()
    };
    let hellosign = |member: &str| {
        let mut error = serde_json::json!({ "error_name": "bad_request", "error_msg": "no" });
        error[member] = format!("you sent {echo} to us").into();
        serde_json::json!({ "error": error }).to_string()
    };
    let mut answers: Vec<_> = [
        (500, format!("<html>you sent {echo} to us")),
        (400, echo.to_owned()),
        (400, format!("{}{echo}", "x".repeat(500))),
        (400, rfc("error")),
        (400, rfc("error_description")),
        (429, rfc("error_uri")),
        (200, rfc("error_description")),
        (400, hellosign("error_name")),
        (403, hellosign("error_msg")),
        (503, hellosign("error_path")),
        (200, format!("you sent {echo} to us")),
        (200, format!("{{\"account\":\"{echo}\",\"access_token\":[\"{echo}\"]}}")),
        (302, String::new()),
    ]
    .into_iter()
    .map(|(status, body)| {
        let mut response = Response::new(Body::from(body.into_bytes()));
        *response.status_mut() = StatusCode::from_u16(status).expect("a status");
        response
    })
    .collect();
    if let Ok(value) = HeaderValue::from_bytes(format!("you sent {echo}").as_bytes()) {
        for response in &mut answers {
            headers(response.headers_mut(), &value);
        }
    }
    answers
}

fn headers(headers: &mut HeaderMap, value: &HeaderValue) {
    for name in ["x-echo", "set-cookie", "www-authenticate", "location", "retry-after"] {
        headers.insert(name, value.clone());
    }
}

/// Has `call` answered by every echo of `secret`, and looks through its errors.
fn drive(
    search: &mut Search,
    secrets: &[&str],
    mut call: impl FnMut(&mut Search, Response<Body>) -> Option<Error>,
) {
    let mut errors = 0;
    for secret in secrets {
        for echo in encodings(secret) {
            for answer in answers(&echo) {
                let error = call(search, answer).expect("an error");
                search.own_error(&error);
                errors += 1;
            }
        }
    }
    assert_eq!(errors, secrets.len() * 19 * 13);
}

#[test]
fn g05_a_code_exchange_shows_nothing_that_the_server_repeats() {
    let mut provider = rfc6749();
    provider.state_in_token_request = true;
    let world = world(provider);
    let flow = world.begin();
    let own = drawn(&flow);
    let mut search = Search::of(&flow);
    let state = flow.into_state();
    let text = serde_json::to_string(&state).expect("JSON");
    let secrets = [CLIENT_SECRET, CODE, own[0].as_str(), own[1].as_str()];
    drive(&mut search, &secrets, |search, answer| {
        let state = serde_json::from_str(&text).expect("as it was written");
        let flow = world.client.resume(state).expect("its own");
        let callback = callback(&[("code", CODE), ("state", &state_of(&flow))]);
        world.transport.respond(answer);
        let failed = now(flow.complete(&callback, &world.browser)).err()?;
        search.error(&failed);
        Some(failed.into())
    });
}

#[test]
fn g05_a_refresh_shows_nothing_that_the_server_repeats() {
    let body = ClientAuthentication::RequestBody;
    let world = world(rfc6749().with_client_authentication(body));
    drive(&mut Search::new(), &[CLIENT_SECRET, REFRESH], |_, answer| {
        world.transport.respond(answer);
        now(world.client.refresh(&refresh_token(REFRESH))).err()
    });
}

#[test]
fn g05_the_oauth_api_shows_nothing_that_the_server_repeats() {
    let transport = ScriptedTransport::new();
    let api = OAuthApi::new(transport.clone()).expect("live");
    let state = "Xe4STATEcanaryP9";
    let generate = OAuthTokenGenerateRequest::new("id", CLIENT_SECRET, CODE, state);
    drive(&mut Search::new(), &[CLIENT_SECRET, CODE], |search, answer| {
        transport.respond(answer);
        let error = now(api.oauth_token_generate(&generate)).err()?;
        assert!(!format!("{error:?}").contains(state));
        search.error(&error);
        Some(error)
    });
    let refresh = OAuthTokenRefreshRequest::new(REFRESH).with_client("id", CLIENT_SECRET);
    drive(&mut Search::new(), &[CLIENT_SECRET, REFRESH], |_, answer| {
        transport.respond(answer);
        now(api.oauth_token_refresh(&refresh)).err()
    });
}

#[test]
fn g05_the_account_api_shows_nothing_that_the_server_repeats() {
    let transport = ScriptedTransport::new();
    let credentials = ApiCredentials::ApiKey(API_KEY.into());
    let api = AccountApi::new(transport.clone(), credentials).expect("live");
    let create = AccountCreateRequest::new("a@b.example").with_client("id", CLIENT_SECRET);
    drive(&mut Search::new(), &[CLIENT_SECRET, API_KEY], |_, answer| {
        transport.respond(answer);
        now(api.account_create(&create)).err()
    });
    drive(&mut Search::new(), &[API_KEY], |_, mut answer| {
        if answer.status() == 200 {
            // An account may be answered with whatever members: only errors are looked at here.
            *answer.body_mut() = Body::from(format!("[\"{API_KEY}\"]").into_bytes());
        }
        transport.respond(answer);
        now(api.account_get(None, None)).err()
    });
}

#[test]
fn g05_a_callback_shows_nothing_that_the_provider_repeats() {
    let world = world(rfc6749());
    let flow = world.begin();
    let own = drawn(&flow);
    let mut search = Search::of(&flow);
    let mut flow = Some(flow);
    for secret in [CODE, CLIENT_SECRET, own[0].as_str(), own[1].as_str()] {
        for echo in encodings(secret) {
            let callback = callback(&[
                ("error", &format!("error {echo}")),
                ("error_description", &format!("you sent {echo} to us")),
                ("error_uri", &format!("https://id.example/?{echo}")),
                ("state", &own[0]),
                ("code", CODE),
                ("iss", &echo),
            ]);
            search.debug(&callback);
            let given = flow.take().expect("given back");
            let failed = now(given.complete(&callback, &world.browser)).expect_err("refused");
            search.error(&failed);
            search.own_error(&failed.error);
            flow = Some(failed.flow);
        }
    }
}

#[test]
fn g05_secrets_that_look_like_escapes_are_found() {
    let world = world(rfc6749());
    for secret in [
        r"!\bb!a",
        r"a\nb\\c",
        r"%41%2541",
        r"&amp;lt;",
        r"\u0041\x41",
        "Xyz%4",
        r"tail\",
        "100%",
        "25abc",
    ] {
        for echo in encodings(secret) {
            let body = format!("100 you sent [{echo}] to us");
            world.transport.answer(500, body);
            let error = now(world.client.refresh(&refresh_token(secret))).expect_err("a 500");
            let shown = error.http().and_then(|http| http.excerpt()).expect("text");
            assert!(shown.contains("[redacted]"), "{secret} as {echo}: {shown}");
        }
    }
}

#[test]
fn g05_a_successful_answer_shows_nothing_that_the_server_repeats() {
    let transport = ScriptedTransport::new();
    let api = OAuthApi::with_provider(Provider::hellosign(), transport.clone()).expect("live");
    let generate = OAuthTokenGenerateRequest::new("id", CLIENT_SECRET, CODE, "state");
    let mut search = Search::new();
    for secret in [CLIENT_SECRET, CODE, super::canaries::ACCESS, REFRESH] {
        for echo in encodings(secret) {
            let Ok(value) = HeaderValue::from_bytes(echo.as_bytes()) else { continue };
            let mut response = Response::new(Body::from(super::canaries::tokens().into_bytes()));
            headers(response.headers_mut(), &value);
            transport.respond(response);
            let answer = now(api.oauth_token_generate_with_http_info(&generate)).expect("tokens");
            search.debug(&answer);
        }
    }
}
