use std::time::Duration;

use countersign_core::{
    AccessToken, AnyState, ExposeSecret, Freshness, RefreshToken, Scopes, TokenSet,
};
use proptest::prelude::*;
use serde_json::{Value, json};
use time::OffsetDateTime;

use crate::support::{World, stored_and_read};

fn instants() -> impl Strategy<Value = OffsetDateTime> {
    let range = OffsetDateTime::new_utc(time::Date::MIN, time::Time::MIDNIGHT).unix_timestamp()
        ..=OffsetDateTime::new_utc(time::Date::MAX, time::Time::MIDNIGHT).unix_timestamp();
    let instant = |(seconds, nanos)| {
        let whole = OffsetDateTime::from_unix_timestamp(seconds).expect("in the calendar");
        whole.replace_nanosecond(nanos).expect("less than a second")
    };
    prop_oneof![
        (range, 0..1_000_000_000_u32).prop_map(instant),
        Just(OffsetDateTime::new_utc(time::Date::MIN, time::Time::MIDNIGHT)),
        Just(OffsetDateTime::new_utc(time::Date::MAX, time::Time::MIDNIGHT)),
        Just(OffsetDateTime::UNIX_EPOCH),
    ]
}

fn lifetimes() -> impl Strategy<Value = Option<Duration>> {
    prop_oneof![
        Just(None),
        Just(Some(Duration::ZERO)),
        Just(Some(Duration::MAX)),
        any::<Duration>().prop_map(Some),
    ]
}

fn shown(value: &impl std::fmt::Debug) {
    assert!(!format!("{value:?}").is_empty());
}

prop_compose! {
    fn token_sets()(
        access in "[!-~]{1,40}",
        refresh in proptest::option::of("[!-~]{1,40}"),
        scopes in proptest::option::of(proptest::collection::vec("[a-z:/._]{1,9}", 0..4)),
        requested_at in instants(),
        lifetime in lifetimes(),
    ) -> TokenSet {
        let mut tokens = TokenSet::new(AccessToken::new(&access).expect("a token"), requested_at);
        if let Some(refresh) = refresh {
            tokens = tokens.with_refresh_token(RefreshToken::new(&refresh).expect("a token"));
        }
        if let Some(scopes) = scopes {
            tokens = tokens.with_scopes(Scopes::new(scopes).expect("scopes"));
        }
        lifetime.into_iter().fold(tokens, TokenSet::with_lifetime)
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn a_stored_state_comes_back_the_same(tokens in token_sets()) {
        let world = World::rfc6749();
        let flow = world.client.adopt(tokens.clone());
        let text = serde_json::to_string(flow.state()).expect("JSON");
        let read: AnyState = serde_json::from_str(&text).expect("as it was written");
        prop_assert_eq!(&serde_json::to_string(&read).expect("JSON"), &text);

        let state = stored_and_read(flow.state());
        let again = world.client.resume(state).expect("its own");
        let read = again.tokens();
        prop_assert!(read.access_token().same_as(tokens.access_token()));
        let secret = |set: &TokenSet| set.refresh_token().map(|it| it.expose_secret().to_owned());
        prop_assert_eq!(secret(read), secret(&tokens));
        prop_assert_eq!(read.requested_at(), tokens.requested_at());
        prop_assert_eq!(read.expires_at(), tokens.expires_at());
        prop_assert_eq!(read.scopes(), tokens.scopes());
    }

    #[test]
    fn a_stored_expired_state_comes_back_the_same(tokens in token_sets()) {
        let world = World::rfc6749();
        let flow = world.client.adopt(tokens).expire();
        let text = serde_json::to_string(flow.state()).expect("JSON");
        prop_assert!(!text.contains("access_token"));
        let read = stored_and_read(flow.state());
        prop_assert_eq!(serde_json::to_string(&read).expect("JSON"), text);
    }

    #[test]
    fn whatever_the_instant_a_token_is_live_or_expired(
        tokens in token_sets(),
        now in instants(),
        margin in any::<Duration>(),
    ) {
        let fresh = tokens.is_fresh(now, margin);
        if let Some(end) = tokens.expires_at() {
            prop_assert!(!fresh || now <= end);
        } else {
            prop_assert!(fresh);
        }
        let world = World::rfc6749();
        let fresh = world.client.is_fresh(&tokens);
        let checked = world.client.adopt(tokens).check();
        prop_assert_eq!(matches!(checked, Freshness::Live(_)), fresh);
    }

    #[test]
    fn whatever_instants_were_stored_are_read_and_written_again(
        requested_at in any::<i64>(),
        expires_at in proptest::option::of(any::<i64>()),
    ) {
        let world = World::rfc6749();
        let mut stored: Value = serde_json::to_value(world.authorized().state()).expect("JSON");
        let tokens = &mut stored["state"]["authorized"]["tokens"];
        tokens["requested_at"] = json!(requested_at);
        tokens["expires_at"] = json!(expires_at);
        let state = serde_json::from_value::<AnyState>(stored.clone()).expect("integers");
        prop_assert_eq!(serde_json::to_value(&state).expect("JSON"), stored);
        let mut flow = world.client.resume_any(state).expect("its own");
        shown(&flow);
        let _ = crate::support::now(flow.access_token());

        let mut stored: Value = serde_json::to_value(world.begin().state()).expect("JSON");
        stored["state"]["pending"]["begun_at"] = json!(requested_at);
        let state = serde_json::from_value::<AnyState>(stored).expect("an integer");
        if let Err(refused) = world.client.resume_any(state) {
            shown(&refused);
        }
    }
}
