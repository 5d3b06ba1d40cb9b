use std::time::Duration;

use countersign_core::{Client, ErrorKind, Pending, Provider, Recovery};
use countersign_testkit::{ManualClock, ScriptedTransport};

use crate::support::{CLIENT_ID, TOKENS, World, kind, now, rfc6749, stored_and_read};

const TEN_MINUTES: Duration = Duration::from_secs(600);
const MILLI: Duration = Duration::from_millis(1);

fn client(provider: Provider, id: &str) -> Client {
    let builder = Client::builder(provider, id).secret("secret");
    let builder = builder.transport(ScriptedTransport::new()).clock(ManualClock::default());
    builder.build().expect("a client")
}

/// Every client that is another than the one of [`World::rfc6749`], and in what.
fn others() -> [(&'static str, Client); 5] {
    let moved = Provider::rfc6749("https://id.example/authorize", "https://id.example:444/token");
    [
        ("client id", client(rfc6749(), "another")),
        ("provider", client(rfc6749().with_name("another"), CLIENT_ID)),
        ("issuer", client(rfc6749().with_issuer("https://id.example", false), CLIENT_ID)),
        ("token endpoint origin", client(moved, CLIENT_ID)),
        ("token endpoint origin", client(rfc6749().with_origin("http://127.0.0.1:1"), CLIENT_ID)),
    ]
}

#[test]
fn any_process_with_the_same_settings_resumes() {
    let world = World::rfc6749();
    // Other paths, another secret and other switches make no other client.
    let twin = Provider::rfc6749("https://elsewhere.example/a", "https://ID.example:443/t");
    let twin = client(twin, CLIENT_ID);
    assert!(twin.resume(stored_and_read(world.begin().state())).is_ok());
    assert!(twin.resume(stored_and_read(world.authorized().state())).is_ok());
}

#[test]
fn a_foreign_state_is_refused_and_given_back() {
    let world = World::rfc6749();
    for (what, other) in others() {
        let refused = other.resume(world.authorized().into_state()).expect_err(what);
        assert_eq!(refused.error.kind(), ErrorKind::ForeignState);
        assert_eq!(refused.error.recovery(), Recovery::Fix);
        let expected = format!("the stored state belongs to another {what} than this client's");
        assert_eq!(refused.to_string(), expected);
        assert!(world.client.resume(refused.state).is_ok(), "{what}");

        let refused = other.resume(world.begin().into_state()).expect_err(what);
        assert!(world.client.resume(refused.state).is_ok(), "{what}");
        assert_eq!(kind(other.resume(world.expired().into_state())), ErrorKind::ForeignState);
        let expired = world.expired();
        world.transport.answer(200, TOKENS);
        let refreshed = now(expired.refresh()).expect("tokens");
        assert_eq!(kind(other.resume(refreshed.into_state())), ErrorKind::ForeignState);
    }
}

#[test]
fn a_foreign_state_is_told_before_its_age() {
    let world = World::rfc6749();
    let state = world.begin().into_state();
    let (_, other) = others().into_iter().next().expect("one");
    world.clock.advance(2 * TEN_MINUTES);
    assert_eq!(kind(other.resume(state)), ErrorKind::ForeignState);
}

#[test]
fn a_pending_flow_lives_ten_minutes() {
    let world = World::rfc6749();
    let flow = world.begin();
    assert_eq!(flow.state().begun_at(), world.client.now());
    let text = serde_json::to_string(flow.state()).expect("JSON");
    let stored = || serde_json::from_str::<Pending>(&text).expect("a state");
    world.clock.advance(TEN_MINUTES);
    let in_time = world.client.resume(stored()).expect("in time");
    world.clock.advance(MILLI);
    let refused = world.client.resume(stored()).expect_err("too late");
    assert_eq!(refused.error.kind(), ErrorKind::PendingExpired);
    assert_eq!(refused.error.recovery(), Recovery::Reauthorize);
    assert_eq!(refused.state.begun_at(), in_time.state().begun_at());
    assert_eq!(kind(world.client.resume_any(stored().into())), ErrorKind::PendingExpired);
}

#[test]
fn a_pending_flow_ends_in_memory_too_with_nothing_sent() {
    let world = World::rfc6749();
    let flow = world.begin();
    let callback = crate::support::good_callback(&flow);
    world.clock.advance(TEN_MINUTES + MILLI);
    assert_eq!(kind(flow.verify(&callback, &world.browser)), ErrorKind::PendingExpired);
    let failed = now(flow.complete(&callback, &world.browser)).expect_err("too late");
    assert_eq!(failed.error.kind(), ErrorKind::PendingExpired);
    assert!(!failed.flow.state().is_spent());
    assert_eq!(world.sent(), 0);
}

#[test]
fn how_long_a_pending_flow_lives_can_be_set() {
    let day = Duration::from_secs(86_400);
    let world = World::built(rfc6749(), |builder| builder.pending_lifetime(day));
    let flow = world.begin();
    world.clock.advance(day);
    let flow = world.client.resume(flow.into_state()).expect("in time");
    world.clock.advance(MILLI);
    assert_eq!(kind(world.client.resume(flow.into_state())), ErrorKind::PendingExpired);
}

#[test]
fn a_clock_set_back_does_not_make_a_pending_flow_immortal() {
    let world = World::rfc6749();
    let flow = world.begin();
    world.clock.set_back(TEN_MINUTES);
    let flow = world.client.resume(flow.into_state()).expect("a small jump is forgiven");
    world.clock.set_back(MILLI);
    assert_eq!(kind(world.client.resume(flow.into_state())), ErrorKind::PendingExpired);
}

#[test]
fn tokens_are_resumed_however_old() {
    let world = World::rfc6749();
    let authorized = world.authorized().into_state();
    let expired = world.expired().into_state();
    world.clock.advance(100_000 * TEN_MINUTES);
    assert!(world.client.resume(authorized).is_ok());
    assert!(world.client.resume(expired).is_ok());
}
