use countersign_core::hellosign::{AppOwnerScope, UserScope};
use countersign_core::{Client, ErrorKind, Provider};
use countersign_testkit::ScriptedTransport;

use crate::support::{CLIENT_ID, REDIRECT_URI, World, kind, parameter, rfc6749};

const RESERVED: [&str; 9] = [
    "response_type",
    "response_mode",
    "client_id",
    "client_secret",
    "redirect_uri",
    "state",
    "scope",
    "code_challenge",
    "code_challenge_method",
];

fn scope(provider: Provider, scopes: &[&str]) -> Option<String> {
    let world = World::at(provider);
    let flow = world.client.authorize(&world.browser).scopes(scopes).begin().expect("a flow");
    parameter(flow.authorization_url(), "scope")
}

#[test]
fn it_has_what_rfc_6749_requires() {
    let world = World::rfc6749();
    let flow = world.begin();
    let url = flow.authorization_url();
    assert!(url.starts_with("https://id.example/authorize?response_type=code&"), "{url}");
    assert_eq!(parameter(url, "client_id").as_deref(), Some(CLIENT_ID));
    assert_eq!(parameter(url, "redirect_uri").as_deref(), Some(REDIRECT_URI));
    assert_eq!(parameter(url, "scope"), None);
    let parsed = url::Url::parse(url).expect("a URL");
    assert_eq!(parsed.as_str(), url, "as it would be written anyway");
}

#[test]
fn a_query_of_the_endpoints_own_stays() {
    let provider = Provider::rfc6749("https://id.example/auth?tenant=1", "https://id.example/t");
    let world = World::at(provider);
    let flow = world.begin();
    let start = "https://id.example/auth?tenant=1&response_type=code&client_id=";
    assert!(flow.authorization_url().starts_with(start));
}

#[test]
fn scopes_are_separated_as_the_provider_wants_it() {
    for (separator, expected) in [(' ', "a b:c"), (',', "a,b:c"), ('é', "aéb:c")] {
        let mut provider = rfc6749();
        provider.scope_separator = separator;
        assert_eq!(scope(provider, &["a", "b:c"]).as_deref(), Some(expected));
    }
    assert_eq!(scope(rfc6749(), &[]), None);
}

#[test]
fn what_is_no_scope_is_refused() {
    let world = World::rfc6749();
    for bad in ["", "a b", "quote\"", "back\\slash", "é", "line\n"] {
        let result = world.client.authorize(&world.browser).scopes([bad]).begin();
        assert_eq!(kind(result), ErrorKind::Configuration, "{bad:?}");
    }
}

#[test]
fn hellosigns_billing_models_exclude_each_other_as_text_too() {
    let world = World::hellosign();
    for owner in AppOwnerScope::ALL {
        for user in UserScope::ALL {
            let mixed = [owner.as_str(), user.as_str()];
            let result = world.client.authorize(&world.browser).scopes(mixed).begin();
            let error = result.expect_err("they exclude each other");
            assert_eq!(error.kind(), ErrorKind::Configuration);
            let message = error.to_string();
            assert!(mixed.iter().all(|scope| message.contains(scope)), "{message}");
        }
    }
    for one_model in [
        world.client.authorize(&world.browser).scopes(AppOwnerScope::ALL),
        world.client.authorize(&world.browser).scopes(UserScope::ALL),
        world.client.authorize(&world.browser).scopes(["something_new", "team_access"]),
    ] {
        assert!(one_model.begin().is_ok());
    }
}

#[test]
fn scopes_named_last_replace_those_before() {
    let world = World::rfc6749();
    let authorize = world.client.authorize(&world.browser).scopes(["a b"]).scopes(["c"]);
    let flow = authorize.begin().expect("a flow");
    assert_eq!(parameter(flow.authorization_url(), "scope").as_deref(), Some("c"));
}

#[test]
fn further_parameters_are_the_providers_and_the_flows() {
    let world = World::at(rfc6749().with_authorization_parameter("audience", "a&b"));
    let flow = world.client.authorize(&world.browser).parameter("login_hint", "a+b@c.example");
    let flow = flow.begin().expect("a flow");
    let url = flow.authorization_url();
    assert_eq!(parameter(url, "audience").as_deref(), Some("a&b"));
    assert_eq!(parameter(url, "login_hint").as_deref(), Some("a+b@c.example"));
    assert!(!world.begin().authorization_url().contains("login_hint"));
}

#[test]
fn parameters_that_the_flow_writes_cannot_be_added() {
    let world = World::rfc6749();
    for name in RESERVED {
        let result = world.client.authorize(&world.browser).parameter(name, "x").begin();
        assert_eq!(kind(result), ErrorKind::Configuration, "{name}");
        let in_query = format!("https://id.example/authorize?{name}=x");
        for provider in [
            rfc6749().with_authorization_parameter(name, "x"),
            Provider::rfc6749(in_query, "https://id.example/token"),
        ] {
            let builder = Client::builder(provider, "id").secret("secret");
            let result = builder.transport(ScriptedTransport::new()).build();
            assert_eq!(kind(result), ErrorKind::Configuration, "{name}");
        }
    }
}
