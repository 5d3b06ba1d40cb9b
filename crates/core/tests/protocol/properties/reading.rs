use countersign_core::hellosign::{AccountApi, AccountCreateRequest, ApiCredentials};
use countersign_core::{
    AccessToken, AnyState, Body, Callback, Client, Error, Provider, RateLimit, RefreshToken, Scopes,
};
use countersign_testkit::ScriptedTransport;
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode};
use proptest::prelude::*;

use crate::support::{TOKENS, World, now, query, refresh_token, state_of};

/// Looks at all that there is to an error.
fn look_at(error: &Error) {
    let shown = format!("{error} {error:?} {error:#?} {:?}", error.recovery());
    assert!(!shown.is_empty());
    if let Some(http) = error.http() {
        let _ = (http.rate_limit(), http.retry_after());
        assert!(http.excerpt().is_none_or(|excerpt| excerpt.chars().count() < 8_000));
    }
}

fn look_at_debug(value: &impl std::fmt::Debug) {
    assert!(!format!("{value:?} {value:#?}").is_empty());
}

/// JSON that begins like an answer, with anything in it.
fn json_like() -> impl Strategy<Value = String> {
    let name = prop_oneof![
        Just("access_token".to_owned()),
        Just("token_type".to_owned()),
        Just("refresh_token".to_owned()),
        Just("expires_in".to_owned()),
        Just("scope".to_owned()),
        Just("error".to_owned()),
        Just("error_description".to_owned()),
        Just("account".to_owned()),
        Just("oauth_data".to_owned()),
        any::<String>(),
    ];
    let value = prop_oneof![
        any::<String>().prop_map(serde_json::Value::from),
        any::<i64>().prop_map(serde_json::Value::from),
        any::<f64>().prop_map(serde_json::Value::from),
        Just(serde_json::json!("Bearer")),
        Just(serde_json::json!(null)),
        Just(serde_json::json!([["a"], {}])),
        Just(serde_json::json!({ "error_name": "x", "access_token": "y" })),
    ];
    proptest::collection::vec((name, value), 0..8).prop_map(|members| {
        let members = members
            .into_iter()
            .map(|(name, value)| format!("{}:{value}", serde_json::Value::from(name)));
        format!("{{{}}}", members.collect::<Vec<_>>().join(","))
    })
}

fn bodies() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        proptest::collection::vec(any::<u8>(), 0..200),
        any::<String>().prop_map(String::into_bytes),
        json_like().prop_map(String::into_bytes),
        (0..TOKENS.len()).prop_map(|end| TOKENS.as_bytes()[..end].to_vec()),
    ]
}

fn answer(status: u16, headers: &[(HeaderName, Vec<u8>)], body: Vec<u8>) -> Response<Body> {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = StatusCode::from_u16(status).expect("from 100 to 999");
    for (name, value) in headers {
        if let Ok(value) = HeaderValue::from_bytes(value) {
            response.headers_mut().append(name.clone(), value);
        }
    }
    response
}

fn headers() -> impl Strategy<Value = Vec<(HeaderName, Vec<u8>)>> {
    let name = prop_oneof![
        Just("retry-after"),
        Just("x-ratelimit-limit"),
        Just("x-ratelimit-remaining"),
        Just("x-ratelimit-limit-remaining"),
        Just("x-ratelimit-reset"),
        Just("location"),
    ];
    let value = prop_oneof![
        proptest::collection::vec(any::<u8>(), 0..40),
        any::<u64>().prop_map(|number| number.to_string().into_bytes()),
        any::<i128>().prop_map(|number| number.to_string().into_bytes()),
        "[A-Z][a-z]{2}, [0-9]{2} [A-Z][a-z]{2} [0-9]{4} [0-9]{2}:[0-9]{2}:[0-9]{2} GMT"
            .prop_map(String::into_bytes),
    ];
    proptest::collection::vec((name.prop_map(HeaderName::from_static), value), 0..6)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn any_text_is_read_as_a_callback_or_refused(text in any::<String>()) {
        for result in [Callback::from_query(&text), Callback::from_url(&text)] {
            match result {
                Ok(callback) => look_at_debug(&callback),
                Err(error) => look_at(&error),
            }
        }
    }

    #[test]
    fn any_callback_is_judged(
        code in any::<String>(),
        error in proptest::option::of(any::<String>()),
        description in any::<String>(),
        own_state in any::<bool>(),
        other_state in any::<String>(),
    ) {
        let world = World::rfc6749();
        let flow = world.begin();
        let state = if own_state { state_of(&flow) } else { other_state };
        let mut parameters = vec![("code", code.as_str()), ("state", &state)];
        parameters.extend(error.iter().map(|error| ("error", error.as_str())));
        parameters.push(("error_description", &description));
        let callback = Callback::from_query(query(&parameters)).expect("each once");
        if let Err(error) = flow.verify(&callback, &world.browser) {
            look_at(&error);
        } else {
            prop_assert!(own_state && error.is_none_or(|error| error.is_empty()));
        }
    }

    #[test]
    fn any_answer_is_read_or_refused(
        status in 100_u16..1000,
        headers in headers(),
        body in bodies(),
    ) {
        let world = World::rfc6749();
        world.transport.respond(answer(status, &headers, body.clone()));
        match now(world.client.refresh(&refresh_token("rt"))) {
            Ok(tokens) => prop_assert!(
                (200..300).contains(&status) && tokens.refresh_token().is_some()
            ),
            Err(error) => look_at(&error),
        }
        let transport = ScriptedTransport::new();
        let credentials = ApiCredentials::ApiKey("key".into());
        let api = AccountApi::new(transport.clone(), credentials).expect("live");
        transport.respond(answer(status, &headers, body.clone()));
        transport.respond(answer(status, &headers, body));
        if let Err(error) = now(api.account_create(&AccountCreateRequest::new("a@b.example"))) {
            look_at(&error);
        }
        if let Err(error) = now(api.account_get(None, None)) {
            look_at(&error);
        }
    }

    #[test]
    fn an_echo_of_a_secret_is_found_in_any_text(
        secret in "[!-~]{6,40}",
        before in any::<String>(),
        after in any::<String>(),
    ) {
        let world = World::rfc6749();
        // JSON puts a quotation mark between the secret and what surrounds it.
        let body = serde_json::json!([before, secret, after]).to_string();
        world.transport.answer(500, body);
        let error = now(world.client.refresh(&refresh_token(&secret))).expect_err("a 500");
        let shown = error.http().and_then(|http| http.excerpt()).unwrap_or_default();
        let echo = serde_json::Value::from(secret.as_str()).to_string();
        prop_assert!(!shown.contains(&echo), "{shown}");
    }

    #[test]
    fn any_text_is_read_as_a_state_or_refused(text in any::<String>(), json in json_like()) {
        let wrapped = format!(r#"{{"version":1,"state":{{"pending":{json}}}}}"#);
        for text in [text, json, wrapped] {
            prop_assert!(serde_json::from_str::<AnyState>(&text).is_err());
        }
    }

    #[test]
    fn a_state_with_a_byte_changed_is_read_or_refused(at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let world = World::rfc6749();
        let state = AnyState::from(world.begin().into_state());
        let mut text = serde_json::to_vec(&state).expect("JSON");
        let at = at.index(text.len());
        text[at] = byte;
        if let Ok(state) = serde_json::from_slice::<AnyState>(&text) {
            let _ = world.client.resume_any(state).map_err(|refused| look_at(&refused.error));
        }
    }

    #[test]
    fn any_provider_is_built_or_refused(
        urls in (any::<String>(), "(https?://[a-z@:.\\[\\]0-9/?#%]{0,20})?.{0,5}"),
        name in any::<String>(),
        origin in any::<String>(),
        json in json_like(),
    ) {
        let _ = serde_json::from_str::<Provider>(&json);
        let (one, other) = urls;
        let provider = Provider::rfc6749(&one, &other).with_name(name);
        let read: Provider = serde_json::from_value(serde_json::to_value(&provider).expect("JSON"))
            .expect("as it was written");
        prop_assert_eq!(&read, &provider);
        for provider in [provider.clone(), provider.with_origin(&origin), Provider::rfc6749(other, one)] {
            let builder = Client::builder(provider, "id").secret("secret").redirect_uri(&origin);
            if let Err(error) = builder.transport(ScriptedTransport::new()).build() {
                look_at(&error);
            }
        }
    }

    #[test]
    fn any_headers_are_read_as_a_rate_limit_or_passed_over(headers in headers()) {
        let pairs = headers.into_iter();
        let pairs = pairs.filter_map(|(name, value)| Some((name, HeaderValue::from_bytes(&value).ok()?)));
        let _ = RateLimit::from_headers(&pairs.collect::<HeaderMap>());
    }

    #[test]
    fn any_text_is_a_token_or_a_scope_or_refused(text in any::<String>()) {
        let printable = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic());
        prop_assert_eq!(AccessToken::new(&text).is_ok(), printable);
        // RFC 6749 appendix A.17: a refresh token may have spaces.
        let spaced = !text.is_empty() && text.bytes().all(|byte| matches!(byte, b' '..=b'~'));
        prop_assert_eq!(RefreshToken::new(&text).is_ok(), spaced);
        let scope = Scopes::new([&text]);
        prop_assert!(scope.is_err() || printable);
    }
}
