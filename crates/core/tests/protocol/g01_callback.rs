//! G1: the callback is judged before anything is sent, in a fixed order, and a flow completes once.

use countersign_core::{
    AuthorizationFlow, Binding, Callback, ErrorKind, ExposeSecret, Pending, Provider,
};
use countersign_testkit::ScriptedTransport;

use crate::support::{
    CODE, TOKENS, World, callback, good_callback, kind, now, query, rfc6749, state_of,
    stored_and_read,
};

const ISSUER: &str = "https://id.example";

/// What can be wrong with a callback that could be read, in the order in which it is judged.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Fault {
    Issuer,
    State,
    Binding,
    Error,
    Code,
}

const ORDER: [(Fault, ErrorKind); 5] = [
    (Fault::Issuer, ErrorKind::IssuerMismatch),
    (Fault::State, ErrorKind::StateMismatch),
    (Fault::Binding, ErrorKind::BindingMismatch),
    (Fault::Error, ErrorKind::AuthorizationRefused),
    (Fault::Code, ErrorKind::CallbackMalformed),
];

/// Every set of faults.
fn sets() -> impl Iterator<Item = Vec<Fault>> {
    (0_u32..1 << ORDER.len()).map(|bits| {
        let has = |index: &usize| bits & (1 << index) != 0;
        (0..ORDER.len()).filter(has).map(|index| ORDER[index].0).collect()
    })
}

fn callback_query(flow: &AuthorizationFlow<Pending>, faults: &[Fault]) -> String {
    let has = |fault| faults.contains(&fault);
    let state = state_of(flow);
    let issuer = if has(Fault::Issuer) { "https://attacker.example" } else { ISSUER };
    let state = if has(Fault::State) { "another state" } else { &state };
    let mut parameters = vec![("iss", issuer), ("state", state)];
    if has(Fault::Error) {
        parameters.push(("error", "access_denied"));
    }
    if !has(Fault::Code) {
        parameters.push(("code", CODE));
    }
    query(&parameters)
}

fn browser(world: &World, faults: &[Fault]) -> Binding {
    if faults.contains(&Fault::Binding) {
        Binding::session("mallory's session")
    } else {
        world.browser.clone()
    }
}

fn with_issuer() -> Provider {
    rfc6749().with_issuer(ISSUER, true)
}

#[test]
fn g01_each_earlier_fault_wins_over_each_later_one_and_nothing_is_sent() {
    let world = World::at(with_issuer());
    for faults in sets().filter(|faults| !faults.is_empty()) {
        let flow = world.begin();
        let callback = Callback::from_query(callback_query(&flow, &faults)).expect("readable");
        let browser = browser(&world, &faults);
        let expected = ORDER.iter().find(|(fault, _)| faults.contains(fault)).expect("some").1;

        assert_eq!(kind(flow.verify(&callback, &browser)), expected, "{faults:?}");
        let failed = now(flow.complete(&callback, &browser)).expect_err("a fault");
        assert_eq!(failed.error.kind(), expected, "{faults:?}");
        let believed = failed.error.server().is_some();
        assert_eq!(believed, expected == ErrorKind::AuthorizationRefused, "{faults:?}");
    }
    assert_eq!(world.sent(), 0);
}

#[test]
fn g01_a_callback_without_fault_completes() {
    let world = World::at(with_issuer());
    let flow = world.begin();
    let callback = Callback::from_query(callback_query(&flow, &[])).expect("readable");
    flow.verify(&callback, &world.browser).expect("no fault");
    assert_eq!(world.sent(), 0, "verify sends nothing");
    world.transport.answer(200, TOKENS);
    let flow = now(flow.complete(&callback, &world.browser)).expect("no fault");
    assert_eq!(flow.access_token().expose_secret(), "at");
    assert_eq!(world.sent(), 1);
}

#[test]
fn g01_a_parameter_twice_is_refused_whatever_else_is_wrong() {
    let world = World::at(with_issuer());
    for faults in sets() {
        let flow = world.begin();
        let query = callback_query(&flow, &faults);
        for (name, value) in [("code", CODE), ("state", &state_of(&flow)), ("iss", ISSUER)] {
            let twice = format!("{query}&{name}=x&{name}={value}");
            assert_eq!(kind(Callback::from_query(&twice)), ErrorKind::CallbackMalformed);
            let url = format!("https://app.example/cb?{twice}");
            assert_eq!(kind(Callback::from_url(url)), ErrorKind::CallbackMalformed);
        }
        let twice = format!("{query}&error=a&error=b");
        assert_eq!(kind(Callback::from_query(twice)), ErrorKind::CallbackMalformed);
    }
}

#[test]
fn g01_the_issuer_is_compared_to_the_letter() {
    let world = World::at(with_issuer());
    for issuer in [
        "https://id.example/",
        "https://ID.example",
        "http://id.example",
        "https://id.example:443",
        " https://id.example",
        "https%3A%2F%2Fid.example",
    ] {
        let flow = world.begin();
        let state = state_of(&flow);
        let callback = callback(&[("code", CODE), ("state", &state), ("iss", issuer)]);
        let result = now(flow.complete(&callback, &world.browser));
        assert_eq!(kind(result), ErrorKind::IssuerMismatch, "{issuer}");
    }
    assert_eq!(world.sent(), 0);
}

#[test]
fn g01_a_missing_issuer_is_refused_where_the_provider_announces_it() {
    for (provider, complete) in
        [(with_issuer(), false), (rfc6749().with_issuer(ISSUER, false), true), (rfc6749(), true)]
    {
        let world = World::at(provider);
        for empty in [false, true] {
            let flow = world.begin();
            let state = state_of(&flow);
            let mut parameters = vec![("code", CODE), ("state", state.as_str())];
            if empty {
                parameters.push(("iss", ""));
            }
            let result = flow.verify(&callback(&parameters), &world.browser);
            assert_eq!(result.is_ok(), complete);
            if !complete {
                assert_eq!(kind(result), ErrorKind::IssuerMismatch);
            }
        }
    }
}

#[test]
fn g01_a_present_issuer_counts_even_where_it_is_not_required() {
    let world = World::at(rfc6749().with_issuer(ISSUER, false));
    let flow = world.begin();
    let state = state_of(&flow);
    let foreign = [("code", CODE), ("state", &state), ("iss", "https://attacker.example")];
    let result = flow.verify(&callback(&foreign), &world.browser);
    assert_eq!(kind(result), ErrorKind::IssuerMismatch);
}

#[test]
fn g01_only_the_flows_own_state_is_taken() {
    let world = World::rfc6749();
    let other = state_of(&world.begin());
    let flow = world.begin();
    let own = state_of(&flow);
    let longer = format!("{own}A");
    let cases = [None, Some(""), Some(&own[..42]), Some(&longer), Some(&other), Some("%00")];
    for state in cases {
        let mut parameters = vec![("code", CODE)];
        parameters.extend(state.map(|state| ("state", state)));
        let result = flow.verify(&callback(&parameters), &world.browser);
        assert_eq!(kind(result), ErrorKind::StateMismatch, "{state:?}");
    }
    let swapped: String = own
        .chars()
        .map(|it| if it.is_uppercase() { it.to_ascii_lowercase() } else { it.to_ascii_uppercase() })
        .collect();
    let result = flow.verify(&callback(&[("code", CODE), ("state", &swapped)]), &world.browser);
    assert_eq!(kind(result), ErrorKind::StateMismatch);
    assert!(flow.verify(&good_callback(&flow), &world.browser).is_ok());
}

#[test]
fn g01_only_the_browser_that_began_completes() {
    let world = World::rfc6749();
    let makers: [fn() -> Binding; 4] = [
        || Binding::session("alice's session"),
        || Binding::session("bob's session"),
        Binding::this_process,
        Binding::danger_unbound,
    ];
    for (began, begins) in makers.iter().enumerate() {
        let flow = world.client.authorize(&begins()).begin().expect("a flow");
        let flow = world.client.resume(stored_and_read(flow.state())).expect("its own");
        let callback = good_callback(&flow);
        for (completes, browser) in makers.iter().enumerate() {
            let result = flow.verify(&callback, &browser());
            assert_eq!(result.is_ok(), began == completes);
            if began != completes {
                assert_eq!(kind(result), ErrorKind::BindingMismatch);
            }
        }
        let nobody = flow.verify(&callback, &Binding::session(""));
        assert_eq!(kind(nobody), ErrorKind::BindingMismatch);
    }
    assert_eq!(world.sent(), 0);
}

#[test]
fn g01_a_flow_that_is_bound_to_nobody_does_not_begin() {
    let world = World::rfc6749();
    let result = world.client.authorize(&Binding::session("")).begin();
    assert_eq!(kind(result), ErrorKind::Configuration);
}

#[test]
fn g01_a_code_with_characters_that_no_code_may_have_is_not_sent() {
    let world = World::rfc6749();
    for code in ["a\0b", "a\r\nb", "é", "\u{7f}"] {
        let flow = world.begin();
        let callback = callback(&[("code", code), ("state", &state_of(&flow))]);
        let result = now(flow.complete(&callback, &world.browser));
        assert_eq!(kind(result), ErrorKind::CallbackMalformed, "{code:?}");
    }
    assert_eq!(world.sent(), 0);
}

#[test]
fn g01_a_spent_flow_is_refused_before_all_else_in_its_stored_form_too() {
    let world = World::at(with_issuer());
    let flow = world.begin();
    let good = Callback::from_query(callback_query(&flow, &[])).expect("readable");
    let bad = Callback::from_query(callback_query(&flow, &[Fault::Issuer, Fault::State]));
    let bad = bad.expect("readable");
    world.transport.answer(500, "");
    let failed = now(flow.complete(&good, &world.browser)).expect_err("a 500");
    assert!(failed.flow.state().is_spent());

    world.transport.answer(200, TOKENS);
    assert_eq!(kind(failed.flow.verify(&good, &world.browser)), ErrorKind::CodeSpent);
    let stored = stored_and_read(failed.flow.state());
    assert!(stored.is_spent());
    let failed = now(failed.flow.complete(&good, &world.browser)).expect_err("spent");
    assert_eq!(failed.error.kind(), ErrorKind::CodeSpent);

    let resumed = world.client.resume(stored).expect("its own");
    assert_eq!(kind(resumed.verify(&bad, &world.browser)), ErrorKind::CodeSpent);
    assert_eq!(kind(now(resumed.complete(&good, &world.browser))), ErrorKind::CodeSpent);
    assert_eq!(world.sent(), 1, "the code was sent once");
}

#[test]
fn g01_a_refused_callback_leaves_the_flow_to_the_right_one() {
    let world = World::at(with_issuer());
    for (fault, _) in ORDER {
        let flow = world.begin();
        let bad = Callback::from_query(callback_query(&flow, &[fault])).expect("readable");
        let failed = now(flow.complete(&bad, &browser(&world, &[fault]))).expect_err("refused");
        assert!(!failed.flow.state().is_spent(), "{fault:?}");
        let good = Callback::from_query(callback_query(&failed.flow, &[])).expect("readable");
        world.transport.answer(200, TOKENS);
        now(failed.flow.complete(&good, &world.browser)).expect("the right callback");
    }
}

#[test]
fn g01_an_error_callback_tells_what_the_provider_said() {
    let world = World::hellosign();
    let flow = world.begin();
    let callback = callback(&[
        ("error", "access_denied"),
        ("error_description", "The user said no"),
        ("error_uri", "https://id.example/errors/7"),
        ("state", &state_of(&flow)),
    ]);
    let failed = now(flow.complete(&callback, &world.browser)).expect_err("refused");
    let server = failed.error.server().expect("said");
    assert_eq!(server.code(), "access_denied");
    assert_eq!(server.description(), Some("The user said no"));
    assert_eq!(server.uri(), Some("https://id.example/errors/7"));
    assert_eq!(
        failed.to_string(),
        "the authorization was refused: access_denied (The user said no)"
    );
}

#[test]
fn g01_what_was_verified_in_one_process_is_judged_again_in_another() {
    let world = World::rfc6749();
    let flow = world.begin();
    let callback = good_callback(&flow);
    flow.verify(&callback, &world.browser).expect("good");
    let elsewhere = ScriptedTransport::new();
    let twin = World::built(rfc6749(), |builder| builder.transport(elsewhere.clone()));
    let resumed = twin.client.resume(stored_and_read(flow.state())).expect("the same client");
    let result = now(resumed.complete(&callback, &Binding::session("mallory's session")));
    assert_eq!(kind(result), ErrorKind::BindingMismatch);
    assert!(elsewhere.requests().is_empty());
}
