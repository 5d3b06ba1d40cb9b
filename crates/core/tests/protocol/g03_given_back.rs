//! G3: a refused transition gives the flow back, fit for use.

use countersign_core::{
    AnyFlow, AnyState, Client, Delivery, Error, ErrorKind, ExposeSecret, Failed, Pending, Refused,
    Transport, TransportErrorKind,
};
use countersign_testkit::ScriptedTransport;

use crate::support::{
    CODE, Silent, TOKENS, World, callback, field, good_callback, kind, now, poll_and_drop, rfc6749,
};

const NEW: &str = r#"{"access_token":"new","token_type":"Bearer","expires_in":60}"#;

/// A client with another id than that of a [`World`].
fn stranger(transport: impl Transport) -> Client {
    let builder = Client::builder(rfc6749(), "another client").secret("another secret");
    builder.transport(transport).build().expect("a good configuration")
}

#[test]
fn g03_complete_gives_the_flow_back() {
    let world = World::rfc6749();
    let flow = world.begin();
    let url = flow.authorization_url().to_owned();
    let good = good_callback(&flow);
    let foreign = callback(&[("code", CODE), ("state", "another")]);
    let failed = now(flow.complete(&foreign, &world.browser)).expect_err("refused");
    assert_eq!(failed.flow.authorization_url(), url);

    world.transport.fail(TransportErrorKind::Connect, Delivery::NotSent);
    let failed = now(failed.flow.complete(&good, &world.browser)).expect_err("not sent");
    assert_eq!(failed.flow.authorization_url(), url);

    world.transport.answer(200, TOKENS);
    let flow = now(failed.flow.complete(&good, &world.browser)).expect("tokens");
    assert_eq!(flow.access_token().expose_secret(), "at");
}

#[test]
fn g03_refresh_gives_the_flow_back_whatever_went_wrong() {
    let world = World::rfc6749();
    let mut flow = world.expired();
    for (status, body) in [
        (200, ""),
        (200, r#"{"error":"x"}"#),
        (400, r#"{"error":"invalid_grant"}"#),
        (401, ""),
        (429, ""),
        (500, ""),
        (302, ""),
    ] {
        world.transport.answer(status, body);
        flow = now(flow.refresh()).expect_err("no tokens").flow;
        assert!(flow.can_refresh());
    }
    for delivery in [Delivery::NotSent, Delivery::Unknown] {
        world.transport.fail(TransportErrorKind::Timeout, delivery);
        flow = now(flow.refresh()).expect_err("no answer").flow;
    }
    world.transport.answer(200, NEW);
    let flow = now(flow.refresh()).expect("tokens");
    assert_eq!(flow.access_token().expose_secret(), "new");
    assert_eq!(field(&world.last(), "refresh_token").as_deref(), Some("rt"));
}

#[test]
fn g03_without_a_refresh_token_the_flow_comes_back_and_nothing_is_sent() {
    let world = World::rfc6749();
    let flow = world.complete(200, r#"{"access_token":"at","token_type":"bearer"}"#);
    let flow = flow.expect("tokens").expire();
    assert!(!flow.can_refresh());
    let before = world.sent();
    let failed = now(flow.refresh()).expect_err("nothing to refresh with");
    assert_eq!(failed.error.kind(), ErrorKind::NoRefreshToken);
    assert!(!failed.flow.can_refresh());
    assert_eq!(world.sent(), before);
}

#[test]
fn g03_resume_gives_every_state_back() {
    let world = World::rfc6749();
    let stranger = stranger(ScriptedTransport::new());

    let pending = world.begin();
    let callback = good_callback(&pending);
    let refused = stranger.resume(pending.into_state()).expect_err("foreign");
    assert_eq!(refused.error.kind(), ErrorKind::ForeignState);
    let pending = world.client.resume(refused.state).expect("its own");
    world.transport.answer(200, TOKENS);
    let authorized = now(pending.complete(&callback, &world.browser)).expect("tokens");

    let refused = stranger.resume(authorized.into_state()).expect_err("foreign");
    let authorized = world.client.resume(refused.state).expect("its own");
    assert_eq!(authorized.access_token().expose_secret(), "at");

    let refused = stranger.resume(authorized.expire().into_state()).expect_err("foreign");
    let expired = world.client.resume(refused.state).expect("its own");
    world.transport.answer(200, NEW);
    let refreshed = now(expired.refresh()).expect("tokens");

    let refused = stranger.resume(refreshed.into_state()).expect_err("foreign");
    let refreshed = world.client.resume(refused.state).expect("its own");
    assert_eq!(refreshed.access_token().expose_secret(), "new");
}

#[test]
fn g03_resume_any_gives_every_state_back() {
    let world = World::rfc6749();
    let stranger = stranger(ScriptedTransport::new());
    let (expired, other) = (world.expired(), world.expired());
    world.transport.answer(200, NEW);
    let refreshed = now(other.refresh()).expect("tokens");
    let states: [AnyState; 4] = [
        world.begin().into_state().into(),
        world.authorized().into_state().into(),
        expired.into_state().into(),
        refreshed.into_state().into(),
    ];
    for state in states {
        let name = format!("{state:?}");
        let refused: Refused<AnyState> = stranger.resume_any(state).expect_err("foreign");
        assert_eq!(refused.error.kind(), ErrorKind::ForeignState);
        assert_eq!(format!("{:?}", refused.state), name);
        let flow = world.client.resume_any(refused.state).expect("its own");
        assert_eq!(format!("{:?}", flow.into_state()), name);
    }
}

#[test]
fn g03_any_flow_is_left_as_it_was_by_a_failure() {
    let world = World::rfc6749();
    let mut flow = AnyFlow::from(world.authorized());
    world.clock.advance(std::time::Duration::from_secs(3600));
    world.transport.answer(500, "");
    assert_eq!(kind(now(flow.access_token())), ErrorKind::UnexpectedStatus);
    assert!(matches!(&flow, AnyFlow::Authorized(flow) if
        flow.access_token().expose_secret() == "at"));

    world.transport.answer(200, NEW);
    let token = now(flow.access_token()).expect("tokens");
    assert_eq!(token.expose_secret(), "new");
    assert!(matches!(&flow, AnyFlow::Refreshed(_)));
}

#[test]
fn g03_any_flow_is_left_as_it_was_by_a_dropped_future() {
    let world = World::rfc6749();
    let silent = Silent::default();
    let twin = World::built(rfc6749(), |builder| builder.transport(silent.clone()));
    let mut flow = AnyFlow::from(twin.client.resume(world.expired().into_state()).expect("same"));
    poll_and_drop(flow.access_token());
    poll_and_drop(flow.access_token());
    let tokens: Vec<_> = silent.0.requests().iter().map(|it| field(it, "refresh_token")).collect();
    assert_eq!(tokens, [Some("rt".to_owned()), Some("rt".to_owned())]);
    assert!(matches!(&flow, AnyFlow::Expired(flow) if flow.can_refresh()));
}

#[test]
fn g03_any_flow_tells_when_its_state_is_another_one() {
    let world = World::rfc6749();
    let mut flow = AnyFlow::from(world.authorized());
    assert!(!now(flow.refresh_if_expired()).expect("live"));
    let held = flow.tokens().expect("there").access_token().clone();
    let another = countersign_core::AccessToken::new("another").expect("a token");
    assert!(!flow.reject(&another), "it holds a newer one");
    assert!(flow.reject(&held));
    assert!(matches!(&flow, AnyFlow::Expired(flow) if flow.can_refresh()));
    assert!(flow.tokens().is_none() && !flow.reject(&held));

    world.transport.fail(TransportErrorKind::Connect, Delivery::NotSent);
    assert_eq!(kind(now(flow.refresh_if_expired())), ErrorKind::Transport);
    assert!(matches!(&flow, AnyFlow::Expired(flow) if flow.can_refresh()));
    world.transport.answer(200, NEW);
    assert!(now(flow.refresh_if_expired()).expect("refreshed"));
    assert_eq!(flow.tokens().expect("there").access_token().expose_secret(), "new");
}

#[test]
fn g03_any_flow_is_stored_while_it_goes_on() {
    let world = World::rfc6749();
    let flows: [AnyFlow; 3] =
        [world.begin().into(), world.authorized().into(), world.expired().into()];
    for flow in flows {
        let stored = serde_json::to_string(&flow.state()).expect("JSON");
        assert_eq!(serde_json::to_string(&flow.into_state()).expect("JSON"), stored);
    }
}

#[test]
fn g03_any_flow_pending_is_told_apart_and_kept() {
    let world = World::rfc6749();
    let mut flow = AnyFlow::from(world.begin());
    assert_eq!(kind(now(flow.access_token())), ErrorKind::NotAuthorized);
    assert!(matches!(flow, AnyFlow::Pending(_)));
}

#[test]
fn g03_what_gives_back_is_an_error_and_becomes_one_by_a_question_mark() {
    fn failed(world: &World) -> Result<(), Error> {
        let flow = world.begin();
        now(flow.complete(&callback(&[("code", CODE)]), &world.browser))?;
        Ok(())
    }
    fn refused(world: &World) -> Result<(), Error> {
        stranger(ScriptedTransport::new()).resume(world.begin().into_state())?;
        Ok(())
    }
    fn is_error<E: std::error::Error + Send + 'static>() {}
    is_error::<Failed<Pending>>();
    is_error::<Refused<Pending>>();
    is_error::<Refused<AnyState>>();

    let world = World::rfc6749();
    assert_eq!(kind(failed(&world)), ErrorKind::StateMismatch);
    assert_eq!(kind(refused(&world)), ErrorKind::ForeignState);
}
