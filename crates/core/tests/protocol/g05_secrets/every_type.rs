//! Every public type, with secrets in it wherever it can hold any.

use countersign_core::hellosign::{
    AccountApi, AccountCreateRequest, AccountVerifyRequest, ApiCredentials, AppOwnerScope,
    OAuthApi, OAuthTokenGenerateRequest, OAuthTokenRefreshRequest, UserScope,
};
use countersign_core::{
    AccessToken, AnyFlow, ApiOrigin, Binding, Body, BodyCollector, Client, Delivery, ErrorKind,
    Extra, Freshness, Limits, Provider, RateLimit, RefreshToken, Runtime, Scopes, SecretString,
    SystemClock, TokenSet, TransportError, TransportErrorKind,
};
use countersign_testkit::ScriptedTransport;

use super::canaries::{
    ACCESS, API_KEY, CLIENT_SECRET, CODE, REFRESH, SESSION, Search, tokens, world,
};
use crate::support::{World, callback, now, rfc6749, state_of};

/// Traits have no values to show.
const TRAITS: [&str; 5] = ["Clock", "ExposeSecret", "Live", "State", "Transport"];

/// The names that a module makes public.
fn public_names(source: &str) -> Vec<&str> {
    let uses = source.split("\npub use ").skip(1).map(|rest| rest.split(';').next());
    let names = uses.flatten().flat_map(|list| {
        let list = list.rsplit("::").next().unwrap_or(list);
        list.trim_matches(['{', '}']).split([',', '{', '}', '\n']).map(str::trim)
    });
    names.filter(|name| !name.is_empty()).collect()
}

#[test]
fn g05_no_public_type_shows_a_secret() {
    let world = world(rfc6749());
    let flow = world.begin();
    let mut search = Search::of(&flow);
    flow_types(&mut search, &world, flow);
    description_types(&mut search, &world);
    token_types(&mut search);
    transport_types(&mut search);
    hellosign_types(&mut search);
    // `SecretString` is another name of it.
    search.debug(&SecretString::from(CLIENT_SECRET));
    assert!(search.has_seen("SecretBox"));

    let sources = [include_str!("../../../src/lib.rs"), include_str!("../../../src/hellosign.rs")];
    let names: Vec<_> = sources.iter().flat_map(|source| public_names(source)).collect();
    assert!(names.len() > 50, "{names:?}");
    for name in names {
        // `SecretString` is another name, the last two are an attribute and a module.
        let exempt =
            TRAITS.contains(&name) || ["SecretString", "async_trait", "http"].contains(&name);
        assert!(exempt || search.has_seen(name), "{name} is not in this test");
    }
}

fn flow_types(
    search: &mut Search,
    world: &World,
    flow: countersign_core::AuthorizationFlow<countersign_core::Pending>,
) {
    let stranger = Client::builder(rfc6749(), "another").secret("another secret");
    let stranger = stranger.transport(ScriptedTransport::new()).build().expect("a client");

    search.debug(&flow);
    search.debug(flow.state());
    let callback = callback(&[("code", CODE), ("state", &state_of(&flow))]);
    search.debug(&callback);
    world.transport.fail(TransportErrorKind::Connect, Delivery::NotSent);
    let failed = now(flow.complete(&callback, &world.browser)).expect_err("not sent");
    search.error(&failed);
    search.own_error(&failed.error);
    let refused = stranger.resume(failed.flow.into_state()).expect_err("foreign");
    search.error(&refused);
    let pending = AnyFlow::from(world.client.resume(refused.state).expect("its own"));
    search.debug(&pending);
    let any = pending.into_state();
    search.debug(&any);
    let refused = stranger.resume_any(any).expect_err("foreign");
    search.error(&refused);

    let AnyFlow::Pending(flow) = world.client.resume_any(refused.state).expect("its own") else {
        panic!("a pending flow");
    };
    world.transport.answer(200, tokens());
    let flow = now(flow.complete(&callback, &world.browser)).expect("tokens");
    search.debug(&flow);
    search.debug(flow.state());
    search.debug(flow.tokens());
    search.debug(flow.tokens().extra());
    let freshness = flow.check();
    search.debug(&freshness);
    let Freshness::Live(flow) = freshness else { panic!("fresh tokens") };
    let expired = flow.expire();
    search.debug(&expired);
    search.debug(expired.state());
    world.transport.answer(400, r#"{"error":"invalid_grant"}"#);
    let failed = now(expired.refresh()).expect_err("refused");
    search.error(&failed);
    search.own_error(&failed.error);
    world.transport.answer(200, tokens());
    let refreshed = now(failed.flow.refresh()).expect("tokens");
    search.debug(&refreshed);
    search.debug(refreshed.state());
    search.debug(&refreshed.check());
}

fn description_types(search: &mut Search, world: &World) {
    let builder = Client::builder(Provider::hellosign(), "id").secret(CLIENT_SECRET);
    search.debug(&builder);
    search.debug(&world.client);
    search.debug(&world.client.authorize(&Binding::session(SESSION)));
    search.debug(&Binding::session(SESSION));
    search.debug(&ApiOrigin::new("https://api.example").expect("an origin"));
    let provider = world.client.provider();
    search.debug(provider);
    search.debug(&provider.body_format);
    search.debug(&provider.client_authentication);
    search.debug(&provider.pkce);
    search.debug(&provider.rotation);
    search.debug(&provider.leniency);
    search.debug(&Limits::default());
    search.debug(&SystemClock);
    search.debug(&Scopes::default());
    search.debug(&ErrorKind::Transport);
}

fn token_types(search: &mut Search) {
    let access = AccessToken::new(ACCESS).expect("a token");
    let refresh = RefreshToken::new(REFRESH).expect("a token");
    search.debug(&access);
    search.debug(&access.authorization_header());
    search.debug(&refresh);
    let set = TokenSet::new(access, time::OffsetDateTime::UNIX_EPOCH);
    search.debug(&set.with_refresh_token(refresh));
    search.debug(&Extra::default());
    for text in [format!("{ACCESS}\n"), format!("{ACCESS} é")] {
        search.own_error(&AccessToken::new(&text).expect_err("not a token"));
        search.own_error(&RefreshToken::new(&text).expect_err("not a token"));
    }
}

fn transport_types(search: &mut Search) {
    search.debug(&Body::from(CLIENT_SECRET.as_bytes().to_vec()));
    let mut collector = BodyCollector::new(Limits::default());
    for chunk in [CLIENT_SECRET, CODE] {
        collector.push(chunk.as_bytes().to_vec()).expect("under the limit");
        search.debug(&collector);
    }
    search.debug(&collector.finish());
    search.debug(&Runtime::Any);
    search.debug(&Delivery::Unknown);
    search.debug(&TransportErrorKind::Timeout);
    let error = TransportError::new(TransportErrorKind::Timeout, Delivery::Unknown);
    search.error(&error.with_source("the HTTP client's word"));
    let world = world(rfc6749());
    world.transport.answer(429, "");
    let error = now(world.client.refresh(&crate::support::refresh_token(REFRESH)));
    let error = error.expect_err("a 429");
    search.debug(&error.recovery());
    search.debug(&error.outcome());
    search.own_error(&error);
    search.debug(&RateLimit::default());
}

fn hellosign_types(search: &mut Search) {
    let generate = OAuthTokenGenerateRequest::new("id", CLIENT_SECRET, CODE, SESSION);
    let refresh = OAuthTokenRefreshRequest::new(REFRESH).with_client("id", CLIENT_SECRET);
    let create = AccountCreateRequest::new("a@b.example").with_client("id", CLIENT_SECRET);
    let verify = AccountVerifyRequest::new("a@b.example");
    search.debug(&generate);
    search.debug(&refresh);
    search.debug(&create);
    search.debug(&verify);
    search.debug(&AppOwnerScope::ALL[0]);
    search.debug(&UserScope::ALL[0]);
    search.debug(&ApiCredentials::AccessToken(AccessToken::new(ACCESS).expect("a token")));
    let credentials = ApiCredentials::ApiKey(API_KEY.into());
    search.debug(&credentials);

    let transport = ScriptedTransport::new();
    let oauth = OAuthApi::new(transport.clone()).expect("live");
    search.debug(&oauth);
    transport.answer(200, tokens());
    let answer = now(oauth.oauth_token_generate_with_http_info(&generate)).expect("tokens");
    search.debug(&answer);
    search.debug(&answer.data);
    search.debug(&answer.data.into_token_set());

    let accounts = AccountApi::new(transport.clone(), credentials).expect("live");
    search.debug(&accounts);
    let account = r#"{"account_id":"a","quotas":{},"usage":{},"settings":{}}"#;
    let warnings = r#"[{"warning_msg":"m","warning_name":"n"}]"#;
    let oauth_data = tokens();
    transport.answer(
        200,
        format!(r#"{{"account":{account},"oauth_data":{oauth_data},"warnings":{warnings}}}"#),
    );
    let answer = now(accounts.account_create(&create)).expect("an account");
    search.debug(&answer);
    search.debug(&answer.warnings[0]);
    search.debug(&answer.account);
    search.debug(answer.account.quotas.as_ref().expect("there"));
    search.debug(answer.account.usage.as_ref().expect("there"));
    search.debug(answer.account.settings.as_ref().expect("there"));
    transport.answer(200, format!(r#"{{"account":{account}}}"#));
    search.debug(&now(accounts.account_get(None, None)).expect("an account"));
    transport.answer(200, r#"{"account":{"email_address":"a@b.example"}}"#);
    let answer = now(accounts.account_verify(&verify)).expect("an account");
    search.debug(&answer);
    search.debug(answer.account.as_ref().expect("there"));
    transport.answer(401, r#"{"error":{"error_msg":"m","error_name":"unauthorized"}}"#);
    let error = now(accounts.account_get(None, None)).expect_err("a 401");
    search.own_error(&error);
    let error = countersign_core::hellosign::ErrorResponse::from(error.server().expect("said"));
    search.debug(&error.error);
}
