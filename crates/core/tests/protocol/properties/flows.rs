use std::collections::HashSet;

use countersign_core::{AuthorizationFlow, Pending};
use serde_json::Value;

use crate::support::{World, parameter};

fn verifier(flow: &AuthorizationFlow<Pending>) -> String {
    let stored: Value = serde_json::to_value(flow.state()).expect("JSON");
    stored["state"]["pending"]["verifier"].as_str().expect("a verifier").to_owned()
}

#[test]
fn ten_thousand_flows_have_as_many_states_and_verifiers() {
    const FLOWS: usize = 10_000;
    let world = World::rfc6749();
    let mut drawn = HashSet::new();
    for _ in 0..FLOWS {
        let flow = world.begin();
        let state = parameter(flow.authorization_url(), "state").expect("a state");
        for text in [state, verifier(&flow)] {
            let base64url = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
            assert!(text.len() == 43 && text.bytes().all(base64url), "{text}");
            assert!(drawn.insert(text), "drawn before");
        }
    }
    assert_eq!(drawn.len(), 2 * FLOWS);
}

#[test]
fn every_bit_of_a_state_is_drawn() {
    use base64::Engine;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;

    let world = World::rfc6749();
    let (mut ever_set, mut ever_clear) = ([0_u8; 32], [0_u8; 32]);
    for _ in 0..100 {
        let state = parameter(world.begin().authorization_url(), "state").expect("a state");
        let bytes = URL_SAFE_NO_PAD.decode(state).expect("base64url");
        assert_eq!(bytes.len(), 32, "256 bits");
        for (index, byte) in bytes.into_iter().enumerate() {
            ever_set[index] |= byte;
            ever_clear[index] |= !byte;
        }
    }
    assert_eq!((ever_set, ever_clear), ([0xff; 32], [0xff; 32]));
}
