//! What can be sent between threads, and is: a future that is not `Send` works in no web server.

use countersign_core::hellosign::{
    AccountApi, AccountCreateRequest, AccountVerifyRequest, ApiCredentials, OAuthApi,
    OAuthTokenGenerateRequest, OAuthTokenRefreshRequest,
};
use countersign_core::{
    AnyFlow, AnyState, AuthorizationFlow, Authorized, Binding, Callback, Client, Error, Expired,
    Failed, Freshness, Pending, RefreshToken, Refreshed, Refused, State, TokenSet,
};

fn is_send(_: &impl Send) {}

fn is_shareable<T: Send + Sync + 'static>() {}

#[test]
fn everything_that_is_stored_is_shareable() {
    is_shareable::<Client>();
    is_shareable::<Error>();
    is_shareable::<Callback>();
    is_shareable::<Binding>();
    is_shareable::<TokenSet>();
    is_shareable::<AnyFlow>();
    is_shareable::<AnyState>();
    is_shareable::<AuthorizationFlow<Pending>>();
    is_shareable::<Freshness<Authorized>>();
    is_shareable::<Failed<Expired>>();
    is_shareable::<Refused<Refreshed>>();
    is_shareable::<OAuthApi>();
    is_shareable::<AccountApi>();
    is_shareable::<ApiCredentials>();
}

/// Compiled, and never run.
#[expect(dead_code, reason = "that it compiles is the test")]
fn every_future_is_send(
    client: &Client,
    (pending, expired): (AuthorizationFlow<Pending>, AuthorizationFlow<Expired>),
    any: &mut AnyFlow,
    token: &RefreshToken,
    (callback, browser): (&Callback, &Binding),
) {
    is_send(&pending.complete(callback, browser));
    is_send(&expired.refresh());
    is_send(&any.access_token());
    is_send(&any.refresh_if_expired());
    is_send(&client.refresh(token));
}

#[expect(dead_code, reason = "that it compiles is the test")]
fn every_operation_is_send(
    oauth: &OAuthApi,
    accounts: &AccountApi,
    generate: &OAuthTokenGenerateRequest,
    refresh: &OAuthTokenRefreshRequest,
    create: &AccountCreateRequest,
    verify: &AccountVerifyRequest,
) {
    is_send(&oauth.oauth_token_generate(generate));
    is_send(&oauth.oauth_token_refresh_with_http_info(refresh));
    is_send(&accounts.account_get(None, None));
    is_send(&accounts.account_create(create));
    is_send(&accounts.account_verify(verify));
}

#[expect(dead_code, reason = "that it compiles is the test")]
fn a_generic_handler_is_send<S: State>(client: &Client, state: S) {
    let resume = async move { client.resume(state).map(|flow| flow.into_state()) };
    is_send(&resume);
}
