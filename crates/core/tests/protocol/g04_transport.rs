//! G4: no redirect is followed, endpoints are `https` or loopback, and calls keep to their limits.

use std::time::Duration;

use countersign_core::hellosign::{
    AccountApi, AccountCreateRequest, AccountVerifyRequest, ApiCredentials, OAuthApi,
    OAuthTokenGenerateRequest, OAuthTokenRefreshRequest,
};
use countersign_core::{Body, Client, Error, ErrorKind, Limits, Provider, TransportErrorKind};
use countersign_testkit::{ManualClock, ScriptedTransport};

use crate::support::{
    Limiting, Slow, TOKENS, World, good_callback, kind, now, refresh_token, rfc6749,
};

const BAD_ENDPOINTS: [&str; 14] = [
    "http://id.example/token",
    "http://127.0.0.1.attacker.example/token",
    "http://localhost.attacker.example/token",
    "http://localhost:80@attacker.example/token",
    "http://128.0.0.1/token",
    "http://[::2]/token",
    "http://0.0.0.0/token",
    "https://user:password@id.example/token",
    "https://id.example/token#fragment",
    "ftp://id.example/token",
    "file:///etc/passwd",
    "//id.example/token",
    "/token",
    "",
];

const GOOD_ENDPOINTS: [&str; 5] = [
    "https://id.example/token",
    "http://127.0.0.1:8080/token",
    "http://127.9.9.9/token",
    "http://[::1]:8080/token",
    "http://localhost:8080/token",
];

fn build(provider: Provider) -> Result<Client, Error> {
    let builder = Client::builder(provider, "id").secret("secret");
    builder.transport(ScriptedTransport::new()).build()
}

fn key() -> ApiCredentials {
    ApiCredentials::ApiKey("key".into())
}

#[test]
fn g04_endpoints_are_https_or_loopback() {
    let authorize = "https://id.example/authorize";
    let with_refresh = |url: &str| rfc6749().with_refresh_url(url);
    for bad in BAD_ENDPOINTS {
        for provider in [
            Provider::rfc6749(bad, "https://id.example/token"),
            Provider::rfc6749(authorize, bad),
            with_refresh(bad),
        ] {
            assert_eq!(kind(build(provider)), ErrorKind::Configuration, "{bad}");
        }
        let api = OAuthApi::with_provider(with_refresh(bad), ScriptedTransport::new());
        assert_eq!(kind(api), ErrorKind::Configuration, "{bad}");
        let provider = Provider::rfc6749(authorize, bad);
        let api = OAuthApi::with_provider(provider, ScriptedTransport::new());
        assert_eq!(kind(api), ErrorKind::Configuration, "{bad}");
        let api = AccountApi::with_origin(bad, ScriptedTransport::new(), key());
        assert_eq!(kind(api), ErrorKind::Configuration, "{bad}");
    }
    for good in GOOD_ENDPOINTS {
        assert!(build(Provider::rfc6749(good, good)).is_ok(), "{good}");
        let api = |origin| AccountApi::with_origin(origin, ScriptedTransport::new(), key());
        assert!(api(good.trim_end_matches("/token")).is_ok(), "{good}");
        assert_eq!(kind(api(good)), ErrorKind::Configuration, "an origin has no path");
    }
}

#[test]
fn g04_two_readers_of_a_url_find_one_host_in_it() {
    for url in ["http://2130706433/token", "http://0x7f.1/token", "https:\\\\id.example\\token"] {
        let provider = Provider::rfc6749("https://id.example/authorize", url);
        assert_eq!(kind(build(provider)), ErrorKind::Configuration, "{url}");
    }
}

#[test]
fn g04_refresh_tokens_go_to_the_origin_of_the_token_endpoint() {
    for url in ["https://id.example:444/token", "https://other.example/token"] {
        let provider = rfc6749().with_refresh_url(url);
        assert_eq!(kind(build(provider)), ErrorKind::Configuration, "{url}");
    }
    assert!(build(rfc6749().with_refresh_url("https://ID.example:443/refresh")).is_ok());
}

#[test]
fn g04_a_redirect_is_an_error_and_is_not_followed() {
    for status in [301, 302, 303, 307, 308] {
        // Even with tokens in it.
        for body in ["", TOKENS] {
            each_call(
                |transport| {
                    let mut response = http::Response::new(Body::from(body.as_bytes().to_vec()));
                    *response.status_mut() = http::StatusCode::from_u16(status).expect("one");
                    let target = http::HeaderValue::from_static("https://attacker.example/");
                    response.headers_mut().insert(http::header::LOCATION, target);
                    transport.respond(response);
                    transport.answer(200, TOKENS);
                },
                |what, error, transport| {
                    assert_eq!(error.kind(), ErrorKind::UnexpectedStatus, "{what} {status}");
                    let http = error.http().expect("an answer");
                    assert_eq!(http.status(), status);
                    assert!(error.to_string().contains("redirect"), "{error}");
                    let hosts: Vec<_> = transport.requests().into_iter().map(|it| it.uri).collect();
                    assert_eq!(hosts.len(), 1, "{what} {status}: {hosts:?}");
                },
            );
        }
    }
}

#[test]
fn g04_a_body_over_the_limit_is_refused_although_the_transport_took_it() {
    let over = format!("{TOKENS}{}", " ".repeat(1024 * 1024 + 1 - TOKENS.len()));
    each_call(
        |transport| transport.answer(200, over.as_str()),
        |what, error, _| {
            assert_eq!(error.kind(), ErrorKind::Transport, "{what}");
            let kind = error.transport().expect("its word").kind();
            assert_eq!(kind, TransportErrorKind::TooLarge, "{what}");
        },
    );
    let world = World::rfc6749();
    assert!(world.complete(200, &over[..1024 * 1024]).is_ok(), "1 MiB is not over it");
}

#[test]
fn g04_the_limit_is_the_clients() {
    for (max, fits) in [(TOKENS.len(), true), (TOKENS.len() - 1, false)] {
        let limits = Limits::default().with_max_body(max);
        let world = World::built(rfc6749(), |builder| builder.limits(limits));
        assert_eq!(world.complete(200, TOKENS).is_ok(), fits);
    }
}

#[test]
fn g04_the_limits_are_handed_to_the_transport() {
    assert_eq!(Limits::default().max_body, 1024 * 1024);
    assert_eq!(Limits::default().timeout, Duration::from_secs(30));
    let own = Limits::default().with_max_body(4096).with_timeout(Duration::from_secs(5));
    for limits in [Limits::default(), own] {
        let transport = Limiting::default();
        transport.inner.answer(500, "");
        transport.inner.answer(500, "");
        let world = World::built(rfc6749(), |builder| {
            let builder = builder.transport(transport.clone());
            if limits == own { builder.limits(own) } else { builder }
        });
        let flow = world.begin();
        let callback = good_callback(&flow);
        now(flow.complete(&callback, &world.browser)).expect_err("a 500");
        now(world.client.refresh(&refresh_token("rt"))).expect_err("a 500");

        let api = OAuthApi::new(transport.clone()).expect("live");
        let api = if limits == own { api.with_limits(own) } else { api };
        now(api.oauth_token_refresh(&OAuthTokenRefreshRequest::new("rt"))).expect_err("no answer");
        let api = AccountApi::new(transport.clone(), key()).expect("live");
        let api = if limits == own { api.with_limits(own) } else { api };
        now(api.account_get(None, None)).expect_err("no answer");
        assert_eq!(*transport.limits.lock().expect("nobody panicked"), [limits; 4]);
    }
}

#[test]
fn g04_a_complete_answer_is_not_thrown_away_for_being_late() {
    let (inner, clock) = (ScriptedTransport::new(), ManualClock::default());
    inner.answer(200, TOKENS);
    let slow = Slow { inner, clock: clock.clone(), takes: Duration::from_secs(3000) };
    let world = World::built(rfc6749(), |builder| builder.transport(slow).clock(clock));
    let flow = world.begin();
    let callback = good_callback(&flow);
    assert!(now(flow.complete(&callback, &world.browser)).is_ok());
}

/// Makes every call there is, after `prepare`, and has `judge` look at its error.
fn each_call(
    prepare: impl Fn(&ScriptedTransport),
    judge: impl Fn(&str, &Error, &ScriptedTransport),
) {
    let made = |what: &str, call: &dyn Fn(&ScriptedTransport) -> Option<Error>| {
        let transport = ScriptedTransport::new();
        prepare(&transport);
        judge(what, &call(&transport).expect(what), &transport);
    };
    made("complete", &|transport| {
        let world = World::built(rfc6749(), |builder| builder.transport(transport.clone()));
        let flow = world.begin();
        let callback = good_callback(&flow);
        now(flow.complete(&callback, &world.browser)).err().map(Into::into)
    });
    made("refresh", &|transport| {
        let world = World::built(rfc6749(), |builder| builder.transport(transport.clone()));
        now(world.client.refresh(&refresh_token("rt"))).err()
    });
    let oauth = |transport: &ScriptedTransport| OAuthApi::new(transport.clone()).expect("live");
    made("generate", &|transport| {
        let request = OAuthTokenGenerateRequest::new("id", "secret", "code", "state");
        now(oauth(transport).oauth_token_generate(&request)).err()
    });
    made("oauth refresh", &|transport| {
        let request = OAuthTokenRefreshRequest::new("rt");
        now(oauth(transport).oauth_token_refresh(&request)).err()
    });
    let account =
        |transport: &ScriptedTransport| AccountApi::new(transport.clone(), key()).expect("live");
    made("account get", &|transport| now(account(transport).account_get(None, None)).err());
    made("account create", &|transport| {
        now(account(transport).account_create(&AccountCreateRequest::new("a@b.example"))).err()
    });
    made("account verify", &|transport| {
        now(account(transport).account_verify(&AccountVerifyRequest::new("a@b.example"))).err()
    });
}
