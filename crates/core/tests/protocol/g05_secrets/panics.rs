//! What a panic says when a user unwraps what was refused.

use std::fmt::Debug;
use std::panic::{AssertUnwindSafe, catch_unwind};

use countersign_core::{AnyState, Client};
use countersign_testkit::ScriptedTransport;

use super::canaries::{CLIENT_SECRET, CODE, REFRESH, Search, tokens, world};
use crate::support::{callback, now, rfc6749, state_of};

/// The message of the panic that unwrapping `result` is.
fn message<T, E: Debug>(result: Result<T, E>) -> String {
    let panic = catch_unwind(AssertUnwindSafe(|| drop(result.unwrap()))).expect_err("an error");
    *panic.downcast::<String>().expect("a formatted message")
}

#[test]
fn g05_a_panic_shows_no_secret() {
    let world = world(rfc6749());
    let flow = world.begin();
    let search = Search::of(&flow);
    let callback = callback(&[("code", CODE), ("state", &state_of(&flow))]);
    let stored = serde_json::to_string(flow.state()).expect("JSON");
    let echo = format!("you sent {CLIENT_SECRET}, {CODE} and {}", state_of(&flow));
    world.transport.answer(400, echo);
    let text = message(now(flow.complete(&callback, &world.browser)));
    assert!(text.contains("UnexpectedStatus"), "{text}");
    search.text("a failed completion", &text);

    let expired = world.complete(200, &tokens()).expect("tokens").expire();
    let state: AnyState = expired.into_state().into();
    world.transport.answer(400, format!("you sent {REFRESH}"));
    let flow = world.client.resume_any(state).expect("its own");
    let AnyState::Expired(state) = flow.into_state() else { panic!("an expired flow") };
    let flow = world.client.resume(state).expect("its own");
    search.text("a failed refresh", &message(now(flow.refresh())));

    let stranger = Client::builder(rfc6749(), "another").secret("another secret");
    let stranger = stranger.transport(ScriptedTransport::new()).build().expect("a client");
    let state = || serde_json::from_str::<AnyState>(&stored).expect("as it was written");
    search.text("a refused state", &message(stranger.resume_any(state())));
}
