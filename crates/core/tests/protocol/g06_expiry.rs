//! G6: expiry is counted from the moment the request left, less a margin, and within bounds.

use std::time::Duration;

use countersign_core::hellosign::{
    AccountApi, AccountCreateRequest, ApiCredentials, OAuthApi, OAuthTokenGenerateRequest,
};
use countersign_core::{
    AnyFlow, Authorized, Client, Clock, ExposeSecret, Freshness, Provider, TokenSet,
};
use countersign_testkit::{ManualClock, ScriptedTransport};
use time::OffsetDateTime;

use crate::support::{
    SetsBack, Slow, TOKENS, World, good_callback, now, refresh_token, rfc6749, stored_and_read,
};

const HOUR: Duration = Duration::from_secs(3600);
const SECOND: Duration = Duration::from_secs(1);
const MILLI: Duration = Duration::from_millis(1);

/// A world where a call takes twenty minutes.
fn slow() -> (World, ScriptedTransport) {
    let (inner, clock) = (ScriptedTransport::new(), ManualClock::default());
    let takes = Duration::from_secs(20 * 60);
    let slow = Slow { inner: inner.clone(), clock: clock.clone(), takes };
    let mut world = World::built(rfc6749(), |builder| builder.transport(slow).clock(clock.clone()));
    world.clock = clock;
    (world, inner)
}

/// Tokens that live so long, by an answer of this `expires_in`.
fn lifetime(world: &World, expires_in: &str) -> Option<i64> {
    let body = format!(r#"{{"access_token":"a","token_type":"Bearer","expires_in":{expires_in}}}"#);
    let tokens = world.refresh(200, &body).expect("tokens");
    tokens.expires_at().map(|end| (end - tokens.requested_at()).whole_seconds())
}

fn is_live(world: &World, state: &Authorized) -> bool {
    let flow = world.client.resume(stored_and_read(state)).expect("its own");
    matches!(flow.check(), Freshness::Live(_))
}

fn counted_from(tokens: &TokenSet, left: OffsetDateTime) {
    assert_eq!(tokens.requested_at(), left);
    assert_eq!(tokens.expires_at(), Some(left + HOUR));
}

#[test]
fn g06_expiry_is_counted_from_when_the_request_left() {
    let (world, answers) = slow();
    let flow = world.begin();
    let callback = good_callback(&flow);
    answers.answer(200, TOKENS);
    let left = world.clock.now();
    let authorized = now(flow.complete(&callback, &world.browser)).expect("tokens");
    counted_from(authorized.tokens(), left);

    answers.answer(200, TOKENS);
    let left = world.clock.now();
    counted_from(&now(world.client.refresh(&refresh_token("rt"))).expect("tokens"), left);

    answers.answer(200, TOKENS);
    let left = world.clock.now();
    let refreshed = now(authorized.expire().refresh()).expect("tokens");
    counted_from(refreshed.tokens(), left);
}

#[test]
fn g06_expiry_is_counted_from_when_the_request_left_in_hellosigns_api_too() {
    let (world, inner) = slow();
    let clock = world.clock.clone();
    let slow =
        || Slow { inner: inner.clone(), clock: clock.clone(), takes: Duration::from_secs(1200) };
    let api = OAuthApi::new(slow()).expect("live").with_clock(clock.clone());
    inner.answer(200, TOKENS);
    let left = clock.now();
    let request = OAuthTokenGenerateRequest::new("id", "secret", "code", "state");
    let answer = now(api.oauth_token_generate(&request)).expect("tokens");
    counted_from(&answer.into_token_set(), left);

    let credentials = ApiCredentials::ApiKey("key".into());
    let api = AccountApi::new(slow(), credentials).expect("live").with_clock(clock.clone());
    inner.answer(200, format!(r#"{{"account":{{}},"oauth_data":{TOKENS}}}"#));
    let left = clock.now();
    let answer = now(api.account_create(&AccountCreateRequest::new("a@b.example")));
    let tokens = answer.expect("an account").oauth_data.expect("tokens").into_token_set();
    counted_from(&tokens, left);
}

#[test]
fn g06_a_token_ends_a_margin_before_its_end() {
    let world = World::rfc6749();
    assert_eq!(world.client.expiry_margin(), Duration::from_secs(30));
    let state = world.authorized().into_state();
    world.clock.advance(HOUR - 30 * SECOND - MILLI);
    assert!(is_live(&world, &state));
    world.clock.advance(MILLI);
    assert!(!is_live(&world, &state));
}

#[test]
fn g06_the_margin_is_the_clients() {
    let margin = Duration::from_secs(300);
    let world = World::built(rfc6749(), |builder| builder.expiry_margin(margin));
    let state = world.authorized().into_state();
    world.clock.advance(HOUR - margin - MILLI);
    assert!(is_live(&world, &state));
    world.clock.advance(MILLI);
    assert!(!is_live(&world, &state));
}

#[test]
fn g06_the_margin_leaves_a_short_token_nine_tenths_of_its_life() {
    for margin in [Duration::from_secs(30), HOUR, Duration::MAX] {
        let world = World::built(rfc6749(), |builder| builder.expiry_margin(margin));
        let body = r#"{"access_token":"a","token_type":"Bearer","expires_in":10}"#;
        let state = world.complete(200, body).expect("tokens").into_state();
        world.clock.advance(9 * SECOND - MILLI);
        assert!(is_live(&world, &state));
        world.clock.advance(MILLI);
        assert!(!is_live(&world, &state));
    }
}

#[test]
fn g06_absurd_lifetimes_are_bounded() {
    const TEN_YEARS: i64 = 10 * 366 * 24 * 60 * 60;
    let world = World::rfc6749();
    let now = world.clock.now().unix_timestamp();
    for (expires_in, seconds) in [
        ("3600".to_owned(), Some(3600)),
        ("999999999".to_owned(), Some(TEN_YEARS)),
        ("18446744073709551615".to_owned(), Some(TEN_YEARS)),
        ("\"99999999999999999999999999\"".to_owned(), Some(TEN_YEARS)),
        ("1e300".to_owned(), Some(TEN_YEARS)),
        ("0".to_owned(), Some(0)),
        ("-1".to_owned(), Some(0)),
        ("-9223372036854775808".to_owned(), Some(0)),
        ("-1e300".to_owned(), Some(0)),
        // HelloSign: "uses epoch time".
        ((now + 3600).to_string(), Some(3600)),
        ((now - 3600).to_string(), Some(0)),
        ("null".to_owned(), None),
        ("\"soon\"".to_owned(), None),
    ] {
        assert_eq!(lifetime(&world, &expires_in), seconds, "{expires_in}");
    }
}

#[test]
fn g06_a_token_without_lifetime_left_is_never_live() {
    let world = World::rfc6749();
    for expires_in in [0, -1] {
        let body =
            format!(r#"{{"access_token":"a","token_type":"Bearer","expires_in":{expires_in}}}"#);
        let state = world.complete(200, &body).expect("tokens").into_state();
        assert!(!is_live(&world, &state));
    }
}

#[test]
fn g06_a_token_of_unknown_end_is_live_until_it_is_refused() {
    let world = World::rfc6749();
    let flow = world.complete(200, r#"{"access_token":"a","token_type":"Bearer"}"#);
    let flow = flow.expect("tokens");
    assert_eq!(flow.expires_at(), None);
    let state = flow.into_state();
    world.clock.advance(1_000_000 * HOUR);
    assert!(is_live(&world, &state));
    let flow = world.client.resume(state).expect("its own").expire();
    assert!(!flow.can_refresh());
}

#[test]
fn g06_a_clock_set_back_gives_no_more_than_the_jump() {
    for (jump, at) in [(HOUR, 10 * SECOND), (HOUR, HOUR), (5 * SECOND, HOUR - 40 * SECOND)] {
        let world = World::rfc6749();
        let state = world.authorized().into_state();
        world.clock.advance(at);
        world.clock.set_back(jump);
        // What has passed since the request, by a clock that nobody sets.
        let mut passed = at;
        while is_live(&world, &state) {
            world.clock.advance(SECOND);
            passed += SECOND;
            assert!(passed <= HOUR + jump, "{jump:?} at {at:?}: {passed:?}");
        }
    }
}

#[test]
fn g06_a_clock_set_back_during_the_request_gives_no_more_than_the_jump() {
    let (inner, clock) = (ScriptedTransport::new(), ManualClock::default());
    let jumping = SetsBack { inner: inner.clone(), clock: clock.clone(), by: HOUR };
    let mut world =
        World::built(rfc6749(), |builder| builder.transport(jumping).clock(clock.clone()));
    world.clock = clock;
    let flow = world.begin();
    let callback = good_callback(&flow);
    inner.answer(200, TOKENS);
    let left = world.clock.now();
    let authorized = now(flow.complete(&callback, &world.browser)).expect("tokens");
    assert_eq!(world.clock.now(), left - HOUR, "the clock was not set during the request");
    counted_from(authorized.tokens(), left);
    let state = authorized.into_state();
    world.clock.advance(2 * HOUR - 30 * SECOND - MILLI);
    assert!(is_live(&world, &state));
    world.clock.advance(MILLI);
    assert!(!is_live(&world, &state));
}

#[test]
fn g06_a_clock_set_forward_ends_a_token_early_and_never_late() {
    let world = World::rfc6749();
    let state = world.authorized().into_state();
    world.clock.advance(1_000 * HOUR);
    assert!(!is_live(&world, &state));
}

#[test]
fn g06_any_flow_refreshes_when_the_token_has_ended_and_not_before() {
    let world = World::rfc6749();
    let mut flow = AnyFlow::from(world.authorized());
    world.clock.advance(HOUR - 30 * SECOND - MILLI);
    assert_eq!(now(flow.access_token()).expect("live").expose_secret(), "at");
    assert_eq!(world.sent(), 1);
    world.clock.advance(MILLI);
    world.transport.answer(200, TOKENS.replace("\"at\"", "\"new\""));
    assert_eq!(now(flow.access_token()).expect("refreshed").expose_secret(), "new");
    assert_eq!(now(flow.access_token()).expect("live").expose_secret(), "new");
    assert_eq!(world.sent(), 2);
}

#[test]
fn g06_a_clock_at_the_edge_of_the_calendar_does_no_harm() {
    for edge in [time::Date::MIN, time::Date::MAX] {
        let clock = ManualClock::new(edge.midnight().assume_utc());
        let transport = ScriptedTransport::new();
        let client = Client::builder(Provider::hellosign(), "id").secret("secret");
        let client = client.transport(transport.clone()).clock(clock).build().expect("a client");
        transport.answer(200, TOKENS.replace("3600", "99999999999"));
        let tokens = now(client.refresh(&refresh_token("rt"))).expect("tokens");
        let flow = client.adopt(tokens);
        assert!(flow.expires_at().is_some());
        let _ = flow.check();
    }
}
