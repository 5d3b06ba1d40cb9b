use countersign_core::{AnyState, Authorized, Expired, Pending, Refreshed};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::support::{TOKENS, World, now, rfc6749, stored_and_read};

/// One of each state, as text, with its name.
fn stored() -> [(&'static str, String); 4] {
    let world = World::rfc6749();
    let (authorized, expired, other) = (world.authorized(), world.expired(), world.expired());
    world.transport.answer(200, TOKENS);
    let refreshed = now(other.refresh()).expect("tokens");
    let text = |state: &dyn erased::Stored| state.text();
    [
        ("pending", text(world.begin().state())),
        ("authorized", text(authorized.state())),
        ("expired", text(expired.state())),
        ("refreshed", text(refreshed.state())),
    ]
}

mod erased {
    /// What can be written as JSON, whichever it is.
    pub(super) trait Stored {
        fn text(&self) -> String;
    }

    impl<T: serde::Serialize> Stored for T {
        fn text(&self) -> String {
            serde_json::to_string(self).expect("states serialise")
        }
    }
}

/// What reading says, as the state of this name.
fn read_as(name: &str, text: &str) -> Result<String, String> {
    fn read<S: DeserializeOwned + serde::Serialize>(text: &str) -> Result<String, String> {
        let state: S = serde_json::from_str(text).map_err(|error| error.to_string())?;
        serde_json::to_string(&state).map_err(|error| error.to_string())
    }
    match name {
        "pending" => read::<Pending>(text),
        "authorized" => read::<Authorized>(text),
        "expired" => read::<Expired>(text),
        "refreshed" => read::<Refreshed>(text),
        _ => read::<AnyState>(text),
    }
}

#[test]
fn every_state_comes_back_as_it_was_written() {
    for (name, text) in stored() {
        assert_eq!(read_as(name, &text).as_deref(), Ok(text.as_str()));
        assert_eq!(read_as("any", &text).as_deref(), Ok(text.as_str()));
        let any: AnyState = serde_json::from_str(&text).expect("a state");
        assert_eq!(serde_json::to_string(&stored_and_read(&any)).expect("JSON"), text);
    }
}

#[test]
fn another_state_than_the_one_asked_for_is_told() {
    for (name, text) in stored() {
        for (other, _) in stored().iter().filter(|(other, _)| *other != name) {
            let message = read_as(other, &text).expect_err("another state");
            let (other, name) = (capitalised(other), capitalised(name));
            let expected = format!("the stored state is {name}, not {other}");
            assert!(message.starts_with(&expected), "{message}");
            assert!(message.contains("AnyState"), "{message}");
        }
    }
}

fn capitalised(name: &str) -> String {
    name[..1].to_uppercase() + &name[1..]
}

#[test]
fn a_later_version_is_told() {
    for (name, text) in stored() {
        let later = text.replacen("\"version\":1", "\"version\":2", 1);
        for as_name in [name, "any"] {
            let message = read_as(as_name, &later).expect_err("version 2");
            let expected = "the stored state is of version 2, and this Countersign reads version 1";
            assert!(message.starts_with(expected), "{message}");
        }
    }
    // Whatever that version makes of the rest.
    let message = read_as("any", r#"{"version":2,"flow":{}}"#).expect_err("version 2");
    assert!(message.contains("version 2"), "{message}");
}

#[test]
fn the_version_stands_first() {
    for (_, text) in stored() {
        assert!(text.starts_with(r#"{"version":1,"state":{"#), "{text}");
    }
}

#[test]
fn text_that_was_tampered_with_is_refused() {
    for (name, text) in stored() {
        let value: Value = serde_json::from_str(&text).expect("JSON");
        for (path, bad) in [
            ("/version", json!("1")),
            ("/version", json!(-1)),
            ("/version", json!(null)),
            ("/state", json!({})),
            ("/state", json!("pending")),
            ("/state", json!({ "admin": {} })),
            ("/state", json!(null)),
        ] {
            let mut tampered = value.clone();
            *tampered.pointer_mut(path).expect("there") = bad.clone();
            let result = read_as(name, &tampered.to_string());
            assert!(result.is_err(), "{name}: {path} as {bad}");
        }
        let cut = (1..text.len()).map(|end| &text[..end]);
        for text in cut.chain(["", "null", "[]", "{}", "7"]) {
            assert!(read_as(name, text).is_err(), "{name}: {text}");
        }
    }
}

#[test]
fn every_member_of_a_stored_state_counts() {
    for (name, text) in stored() {
        let value: Value = serde_json::from_str(&text).expect("JSON");
        let data = value["state"][name].as_object().expect("an object");
        for member in data.keys() {
            let mut tampered = value.clone();
            tampered["state"][name][member] = json!([[7]]);
            let message = read_as(name, &tampered.to_string()).expect_err(member);
            assert!(message.starts_with("the stored state is damaged"), "{message}");
            let mut without = value.clone();
            let kept = without["state"][name].as_object_mut().expect("an object");
            kept.remove(member);
            let optional = ["redirect_uri", "scopes", "verifier"].contains(&member.as_str());
            let result = read_as(name, &without.to_string());
            assert_eq!(result.is_ok(), optional, "{name} without {member}");
        }
    }
}

#[test]
fn tokens_that_could_not_have_been_given_are_refused() {
    let (name, text) = &stored()[1];
    for bad in ["", "a b", "a\nb", "é"] {
        let mut value: Value = serde_json::from_str(text).expect("JSON");
        value["state"]["authorized"]["tokens"]["access_token"] = bad.into();
        assert!(read_as(name, &value.to_string()).is_err(), "{bad:?}");
    }
}

#[test]
fn what_was_serialised_twice_is_told() {
    for (name, text) in stored() {
        let twice = Value::from(text).to_string();
        let message = read_as(name, &twice).expect_err("text");
        assert!(message.contains("serialised twice"), "{message}");
    }
}

#[test]
fn members_of_a_later_minor_change_are_passed_over() {
    for (name, text) in stored() {
        let longer = text.replacen("\"version\":1", "\"version\":1,\"note\":[1]", 1);
        assert_eq!(read_as(name, &longer).as_deref(), Ok(text.as_str()));
        let twice = text.replacen("\"version\":1", "\"version\":1,\"version\":1", 1);
        assert!(read_as(name, &twice).is_err());
    }
}

#[test]
fn the_stored_form_of_today_is_read_for_ever() {
    // Written by 0.1.0. Do not change: add another when the version goes up.
    let origin = r#""origin":{"client_id":"cc91c61d00f8bb2ece1428035716b","provider":"rfc6749","issuer":null,"token_origin":"https://id.example"}"#;
    let tokens = r#""tokens":{"access_token":"at","refresh_token":"rt","scopes":"a b","requested_at":1767225600000,"expires_at":1767229200000,"extra":{"account_id":"a1"}}"#;
    let states = [
        format!(r#"{{"version":1,"state":{{"authorized":{{{origin},{tokens}}}}}}}"#),
        format!(
            r#"{{"version":1,"state":{{"refreshed":{{"live":{{{origin},{tokens}}},"rotated":true}}}}}}"#
        ),
        format!(
            r#"{{"version":1,"state":{{"expired":{{{origin},"refresh_token":"rt","scopes":null}}}}}}"#
        ),
        format!(
            r#"{{"version":1,"state":{{"pending":{{{origin},"begun_at":1767225600000,"state":"s","verifier":"v","authorization_url":"https://id.example/authorize?state=s","redirect_uri":null,"scopes":null,"binding":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA","spent":false}}}}}}"#
        ),
    ];
    let world = World::at(rfc6749());
    for text in states {
        let state: AnyState = serde_json::from_str(&text).expect("version 1");
        assert_eq!(serde_json::to_string(&state).expect("JSON"), text);
        world.client.resume_any(state).expect("this client's");
    }
}
