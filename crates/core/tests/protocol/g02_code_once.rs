//! G2: a code is sent once. It is retried only when the transport says that nothing was sent.

use countersign_core::{
    Delivery, ErrorKind, ExposeSecret, Limits, Recovery, TransportErrorKind as Kind,
};

use crate::support::{
    CODE, Silent, TOKENS, World, field, good_callback, kind, now, poll_and_drop, rfc6749,
    stored_and_read,
};

const KINDS: [Kind; 5] =
    [Kind::Connect, Kind::Timeout, Kind::TooLarge, Kind::Interrupted, Kind::Other];

/// Completes a flow by what the transport was told to do, which has to fail, and again.
fn complete_twice(world: &World) {
    let before = world.sent();
    let flow = world.begin();
    let callback = good_callback(&flow);
    let failed = now(flow.complete(&callback, &world.browser)).expect_err("not a token answer");
    assert_eq!(world.sent(), before + 1);
    assert!(failed.flow.state().is_spent());
    let twin = stored_and_read(failed.flow.state());

    world.transport.answer(200, TOKENS);
    let again = now(failed.flow.complete(&callback, &world.browser)).expect_err("spent");
    assert_eq!(again.error.kind(), ErrorKind::CodeSpent);
    assert_eq!(again.error.recovery(), Recovery::Reauthorize);
    let twin = world.client.resume(twin).expect("its own");
    assert_eq!(kind(now(twin.complete(&callback, &world.browser))), ErrorKind::CodeSpent);
    assert_eq!(world.sent(), before + 1, "nothing more was sent");
}

#[test]
fn g02_any_answer_spends_the_code() {
    for (status, body) in [
        (200, ""),
        (200, "null"),
        (200, "<html>"),
        (200, r#"{"error":"invalid_grant"}"#),
        (200, r#"{"token_type":"Bearer"}"#),
        (204, ""),
        (301, ""),
        (307, ""),
        (400, r#"{"error":"invalid_grant"}"#),
        (400, r#"{"error":"invalid_request"}"#),
        (401, r#"{"error":"invalid_client"}"#),
        (404, "not found"),
        (408, ""),
        (429, ""),
        (500, ""),
        (502, "<html>"),
        (503, r#"{"error":"temporarily_unavailable"}"#),
    ] {
        let world = World::rfc6749();
        world.transport.answer(status, body);
        complete_twice(&world);
    }
}

#[test]
fn g02_a_failure_that_may_have_arrived_spends_the_code() {
    for kind in KINDS {
        let world = World::rfc6749();
        world.transport.fail(kind, Delivery::Unknown);
        complete_twice(&world);
    }
}

#[test]
fn g02_an_answer_over_the_limit_spends_the_code() {
    let limits = Limits::default().with_max_body(16);
    let world = World::built(rfc6749(), |builder| builder.limits(limits));
    world.transport.answer(200, TOKENS);
    complete_twice(&world);
}

#[test]
fn g02_a_code_that_was_not_sent_may_be_sent_again() {
    for kind in KINDS {
        let world = World::rfc6749();
        let flow = world.begin();
        let callback = good_callback(&flow);
        world.transport.fail(kind, Delivery::NotSent);
        let failed = now(flow.complete(&callback, &world.browser)).expect_err("not sent");
        assert_eq!(failed.error.recovery(), Recovery::Retry { after: None });
        assert!(!failed.flow.state().is_spent());

        let stored = stored_and_read(failed.flow.state());
        world.transport.answer(200, TOKENS);
        let flow = world.client.resume(stored).expect("its own");
        let flow = now(flow.complete(&callback, &world.browser)).expect("tokens");
        assert_eq!(flow.access_token().expose_secret(), "at");
        let codes: Vec<_> = world.requests().iter().map(|it| field(it, "code")).collect();
        assert_eq!(codes, [Some(CODE.to_owned()), Some(CODE.to_owned())]);
    }
}

#[test]
fn g02_one_completion_is_one_request() {
    let world = World::rfc6749();
    world.transport.answer(200, TOKENS);
    world.authorized();
    assert_eq!(world.sent(), 1, "although there was another answer to be had");
}

#[test]
fn g02_dropping_the_future_sends_nothing_more() {
    let silent = Silent::default();
    let world = World::built(rfc6749(), |builder| builder.transport(silent.clone()));
    let flow = world.begin();
    let callback = good_callback(&flow);
    poll_and_drop(flow.complete(&callback, &world.browser));
    assert_eq!(silent.0.requests().len(), 1);
}
