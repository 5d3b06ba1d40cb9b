use std::time::Duration;

use countersign_core::hellosign::{
    AccountApi, AccountCreateRequest, ApiCredentials, OAuthApi, OAuthTokenRefreshRequest,
};
use countersign_core::{
    AccessToken, Body, Delivery, Error, Outcome, Provider, Recovery, Rotation, TransportError,
    TransportErrorKind,
};
use countersign_testkit::ScriptedTransport;
use http::{HeaderValue, Response, StatusCode};

use crate::support::{World, callback, good_callback, now, refresh_token, rfc6749};

/// What became of a call.
#[derive(Debug, Clone, Copy)]
enum Script {
    Answered(u16, &'static str),
    AskedToWait(u16, &'static str),
    Failed(TransportErrorKind, Delivery),
}

const INVALID_GRANT: &str = r#"{"error":"invalid_grant"}"#;
const UNAVAILABLE: &str = r#"{"error":"temporarily_unavailable"}"#;
const RETRY: Recovery = Recovery::Retry { after: None };
const WAIT: Recovery = Recovery::Retry { after: Some(Duration::from_secs(7)) };

impl Script {
    fn play(self, transport: &ScriptedTransport) {
        match self {
            Self::Answered(status, body) => transport.answer(status, body),
            Self::AskedToWait(status, body) => {
                let mut response = Response::new(Body::from(body.as_bytes().to_vec()));
                *response.status_mut() = StatusCode::from_u16(status).expect("a status");
                response.headers_mut().insert("retry-after", HeaderValue::from_static("7"));
                transport.respond(response);
            }
            Self::Failed(kind, delivery) => transport.fail(kind, delivery),
        }
    }
}

/// Every rotation that leaves it open whether the refresh token was spent.
fn rotating() -> Vec<Rotation> {
    let window = Duration::from_secs(60);
    let grace =
        [true, false].map(|ends_when_child_used| Rotation::Grace { window, ends_when_child_used });
    [&grace[..], &[Rotation::Strict, Rotation::Unknown]].concat()
}

fn of_code(outcome: Script) -> Recovery {
    let world = World::rfc6749();
    let flow = world.begin();
    let callback = good_callback(&flow);
    outcome.play(&world.transport);
    let failed = now(flow.complete(&callback, &world.browser)).expect_err("no tokens");
    let retry = matches!(failed.error.recovery(), Recovery::Retry { .. });
    assert_eq!(failed.flow.state().is_spent(), !retry, "what can be retried is not spent");
    failed.error.recovery()
}

fn of_refresh(outcome: Script, rotation: Rotation) -> Recovery {
    let error = |provider: Provider| -> Error {
        let world = World::at(provider.with_rotation(rotation));
        outcome.play(&world.transport);
        now(world.client.refresh(&refresh_token("rt"))).expect_err("no tokens")
    };
    let recovery = error(rfc6749()).recovery();
    // HelloSign's own API agrees.
    let transport = ScriptedTransport::new();
    outcome.play(&transport);
    let provider = Provider::hellosign().with_rotation(rotation);
    let api = OAuthApi::with_provider(provider, transport).expect("live");
    let own = now(api.oauth_token_refresh(&OAuthTokenRefreshRequest::new("rt")));
    assert_eq!(own.expect_err("no tokens").recovery(), recovery);
    recovery
}

fn of_read(outcome: Script) -> Recovery {
    let transport = ScriptedTransport::new();
    outcome.play(&transport);
    let credentials = ApiCredentials::ApiKey("key".into());
    let api = AccountApi::new(transport, credentials).expect("live");
    now(api.account_get(None, None)).expect_err("no account").recovery()
}

#[test]
fn each_outcome_has_its_recovery() {
    use Delivery::{NotSent, Unknown};
    use Recovery::{Fix, OutcomeUnknown, Reauthorize};
    use Script::{Answered, AskedToWait, Failed};
    use TransportErrorKind as Kind;
    // Of a code, of a refresh where tokens do not rotate, and where they do.
    let rows = [
        (Failed(Kind::Connect, NotSent), [RETRY, RETRY, RETRY]),
        (Failed(Kind::Timeout, NotSent), [RETRY, RETRY, RETRY]),
        (Failed(Kind::Connect, Unknown), [Reauthorize, RETRY, OutcomeUnknown]),
        (Failed(Kind::Timeout, Unknown), [Reauthorize, RETRY, OutcomeUnknown]),
        (Failed(Kind::Interrupted, Unknown), [Reauthorize, RETRY, OutcomeUnknown]),
        (Failed(Kind::TooLarge, Unknown), [Reauthorize, RETRY, OutcomeUnknown]),
        (Failed(Kind::Other, Unknown), [Reauthorize, RETRY, OutcomeUnknown]),
        (Answered(429, ""), [Reauthorize, RETRY, RETRY]),
        (AskedToWait(429, ""), [Reauthorize, WAIT, WAIT]),
        (AskedToWait(503, ""), [Reauthorize, WAIT, WAIT]),
        (AskedToWait(503, UNAVAILABLE), [Reauthorize, WAIT, WAIT]),
        (Answered(503, UNAVAILABLE), [Reauthorize, RETRY, RETRY]),
        (Answered(503, ""), [Reauthorize, RETRY, OutcomeUnknown]),
        (Answered(503, "<html>"), [Reauthorize, RETRY, OutcomeUnknown]),
        (Answered(500, ""), [Reauthorize, RETRY, OutcomeUnknown]),
        (Answered(500, r#"{"error":"server_error"}"#), [Reauthorize, RETRY, OutcomeUnknown]),
        (AskedToWait(500, ""), [Reauthorize, WAIT, OutcomeUnknown]),
        (Answered(502, "<html>"), [Reauthorize, RETRY, OutcomeUnknown]),
        (Answered(504, ""), [Reauthorize, RETRY, OutcomeUnknown]),
        (Answered(408, ""), [Reauthorize, RETRY, OutcomeUnknown]),
        (
            Answered(409, r#"{"error":{"error_name":"conflict"}}"#),
            [Reauthorize, RETRY, OutcomeUnknown],
        ),
        (Answered(409, ""), [Reauthorize, RETRY, OutcomeUnknown]),
        (Answered(400, r#"{"error":"server_error"}"#), [Reauthorize, RETRY, OutcomeUnknown]),
        (Answered(200, r#"{"error":"slow_down"}"#), [Reauthorize, RETRY, OutcomeUnknown]),
        (Answered(200, r#"{"error":7}"#), [Reauthorize, RETRY, OutcomeUnknown]),
        (Answered(200, ""), [Reauthorize, RETRY, OutcomeUnknown]),
        (Answered(200, "<html>"), [Reauthorize, RETRY, OutcomeUnknown]),
        (Answered(200, INVALID_GRANT), [Reauthorize, Reauthorize, Reauthorize]),
        (Answered(400, INVALID_GRANT), [Reauthorize, Reauthorize, Reauthorize]),
        (Answered(401, INVALID_GRANT), [Reauthorize, Reauthorize, Reauthorize]),
        (Answered(401, r#"{"error":"invalid_client"}"#), [Fix, Fix, Fix]),
        (Answered(400, r#"{"error":"unauthorized_client"}"#), [Fix, Fix, Fix]),
        (Answered(400, r#"{"error":"unsupported_grant_type"}"#), [Fix, Fix, Fix]),
        // HelloSign, live 2026: so a wrong or late code is refused.
        (Answered(400, r#"{"error":"invalid_request"}"#), [Reauthorize, Fix, Fix]),
        (Answered(404, r#"{"error":{"error_name":"not_found"}}"#), [Fix, Fix, Fix]),
        (Answered(302, ""), [Fix, Fix, Fix]),
        (Answered(401, ""), [Fix, Fix, Fix]),
    ];
    for (outcome, [code, never, rotates]) in rows {
        assert_eq!(of_code(outcome), code, "a code: {outcome:?}");
        assert_eq!(of_refresh(outcome, Rotation::Never), never, "a refresh: {outcome:?}");
        for rotation in rotating() {
            assert_eq!(of_refresh(outcome, rotation), rotates, "{rotation:?}: {outcome:?}");
        }
    }
}

#[test]
fn an_account_is_not_created_twice() {
    use Delivery::{NotSent, Unknown};
    use Script::{Answered, AskedToWait, Failed};
    for (outcome, recovery) in [
        (Failed(TransportErrorKind::Connect, NotSent), RETRY),
        (Failed(TransportErrorKind::Timeout, Unknown), Recovery::OutcomeUnknown),
        (AskedToWait(429, ""), WAIT),
        (Answered(500, ""), Recovery::OutcomeUnknown),
        (Answered(200, "{}"), Recovery::OutcomeUnknown),
        (Answered(400, r#"{"error":{"error_name":"bad_request"}}"#), Recovery::Fix),
    ] {
        let transport = ScriptedTransport::new();
        outcome.play(&transport);
        let credentials = ApiCredentials::ApiKey("key".into());
        let api = AccountApi::new(transport, credentials).expect("live");
        let error = now(api.account_create(&AccountCreateRequest::new("a@b.example")));
        assert_eq!(error.expect_err("no account").recovery(), recovery, "{outcome:?}");
    }
}

#[test]
fn an_access_token_that_is_not_taken_is_to_be_refreshed() {
    let unauthorized = r#"{"error":{"error_name":"unauthorized"}}"#;
    for (status, recovery) in [(401, Recovery::Refresh), (403, Recovery::Fix)] {
        let transport = ScriptedTransport::new();
        transport.answer(status, unauthorized);
        let token = AccessToken::new("at").expect("a token");
        let credentials = ApiCredentials::AccessToken(token);
        let api = AccountApi::new(transport, credentials).expect("live");
        let error = now(api.account_get(None, None)).expect_err("no account");
        assert_eq!(error.recovery(), recovery, "{status}");
    }
}

#[test]
fn it_is_told_whether_the_server_acted() {
    use Delivery::{NotSent, Unknown};
    use Script::{Answered, AskedToWait, Failed};
    for (script, outcome) in [
        (Failed(TransportErrorKind::Connect, NotSent), Outcome::NotSent),
        (Failed(TransportErrorKind::Interrupted, Unknown), Outcome::Unknown),
        (Answered(429, ""), Outcome::Unprocessed),
        (AskedToWait(503, ""), Outcome::Unprocessed),
        (Answered(503, UNAVAILABLE), Outcome::Unprocessed),
        (Answered(503, ""), Outcome::Unknown),
        (Answered(500, ""), Outcome::Unknown),
        (Answered(408, ""), Outcome::Unknown),
        (Answered(200, ""), Outcome::Unknown),
        (Answered(200, INVALID_GRANT), Outcome::Refused),
        (Answered(400, INVALID_GRANT), Outcome::Refused),
        (Answered(302, ""), Outcome::Refused),
    ] {
        let world = World::rfc6749();
        script.play(&world.transport);
        let error = now(world.client.refresh(&refresh_token("rt"))).expect_err("no tokens");
        assert_eq!(error.outcome(), outcome, "{script:?}");
    }
    let world = World::rfc6749();
    let error = world.begin().verify(&callback(&[("code", "c")]), &world.browser);
    assert_eq!(error.expect_err("no state").outcome(), Outcome::NotSent);
}

#[test]
fn a_call_that_spends_nothing_can_be_repeated() {
    use Script::{Answered, AskedToWait, Failed};
    for (outcome, recovery) in [
        (Failed(TransportErrorKind::Timeout, Delivery::Unknown), RETRY),
        (Answered(500, ""), RETRY),
        (AskedToWait(429, ""), WAIT),
        (Answered(401, r#"{"error":{"error_name":"unauthorized"}}"#), Recovery::Fix),
    ] {
        assert_eq!(of_read(outcome), recovery, "{outcome:?}");
    }
}

#[test]
fn an_error_leads_to_what_the_transport_said() {
    let world = World::rfc6749();
    world.transport.fail(TransportErrorKind::Timeout, Delivery::Unknown);
    let error = now(world.client.refresh(&refresh_token("rt"))).expect_err("a timeout");
    assert_eq!(error.to_string(), "no complete response from the provider");
    let source = std::error::Error::source(&error).expect("the transport's error");
    let source = source.downcast_ref::<TransportError>().expect("the transport's error");
    assert_eq!(
        source.to_string(),
        "the call reached its time limit; the server may have received the request"
    );
    assert!(error.http().is_none());
}
