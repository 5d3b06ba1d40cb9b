//! Whole flows against both dialects of the sandbox.

use std::time::Duration;

use countersign::hellosign::{
    AccountApi, AccountCreateRequest, AccountVerifyRequest, ApiCredentials, OAuthApi,
    OAuthTokenGenerateRequest, OAuthTokenRefreshRequest,
};
use countersign::{
    AnyFlow, AnyState, Binding, ErrorKind, ExposeSecret, Freshness, Provider, Recovery,
    ReqwestTransport, Rotation,
};
use countersign_sandbox::{Config, RefreshCredentials, Rotation as ServerRotation, TokenErrors};
use countersign_tests::{Fixture, TestResult};

const HOUR: Duration = Duration::from_secs(3600);

#[tokio::test]
async fn hellosign_from_pending_to_refreshed() -> TestResult {
    let at = Fixture::start(Config::hellosign()).await?;
    let flow = at.authorized().await?;
    let first = flow.access_token().clone();
    let Freshness::Live(flow) = flow.check() else { panic!("fresh") };
    at.advance(HOUR);
    let Freshness::Expired(flow) = flow.check() else { panic!("ended") };
    let flow = flow.refresh().await?;
    assert!(!flow.access_token().same_as(&first));
    assert!(!flow.rotated(), "HelloSign does not rotate");
    assert!(flow.tokens().refresh_token().is_some());
    let counts = at.sandbox.counts();
    assert_eq!((counts.token_generate, counts.token_refresh), (1, 1));
    Ok(())
}

#[tokio::test]
async fn rfc6749_from_pending_to_refreshed() -> TestResult {
    let at = Fixture::start(Config::rfc6749().rotation(ServerRotation::Strict)).await?;
    let flow = at.authorized().await?.expire().refresh().await?;
    assert!(flow.rotated());
    let old = flow.into_state();
    let stored = serde_json::to_string(&old)?;
    let flow = at.client.resume(old)?.expire().refresh().await?;
    assert!(flow.rotated());

    // The copy holds a refresh token that was used: sending it ends the whole grant.
    let copy: countersign::Refreshed = serde_json::from_str(&stored)?;
    let failed = at.client.resume(copy)?.expire().refresh().await.expect_err("used before");
    assert_eq!(failed.error.recovery(), Recovery::Reauthorize);
    let failed = flow.expire().refresh().await.expect_err("the family is dead");
    assert_eq!(failed.error.server().map(|it| it.code()), Some("invalid_grant"));
    Ok(())
}

#[tokio::test]
async fn any_flow_refreshes_in_place() -> TestResult {
    let at = Fixture::start(Config::hellosign()).await?;
    let mut flow = AnyFlow::from(at.authorized().await?);
    let first = flow.access_token().await?;
    assert!(flow.access_token().await?.same_as(&first));
    at.advance(HOUR);
    let second = flow.access_token().await?;
    assert!(!second.same_as(&first));
    assert!(matches!(flow, AnyFlow::Refreshed(_)));

    let stored = serde_json::to_string(&flow.into_state())?;
    let state: AnyState = serde_json::from_str(&stored)?;
    let mut flow = at.client.resume_any(state)?;
    assert!(flow.access_token().await?.same_as(&second));
    assert_eq!(at.sandbox.counts().token_refresh, 1);
    Ok(())
}

/// With tokens that end at once, whoever asks the clock twice refreshes twice.
#[tokio::test]
async fn what_any_flow_lends_to_be_stored_is_what_it_holds() -> TestResult {
    let config = Config::rfc6749().access_token_lifetime(Duration::ZERO);
    let at = Fixture::start(config.rotation(ServerRotation::Strict)).await?;
    let mut flow = AnyFlow::from(at.authorized().await?);
    assert!(flow.refresh_if_expired().await?);
    let stored = serde_json::to_string(&flow.state())?;
    let token = flow.tokens().ok_or("no tokens")?.access_token().clone();
    assert_eq!(at.sandbox.counts().token_refresh, 1);

    let state: AnyState = serde_json::from_str(&stored)?;
    let mut later = at.client.resume_any(state)?;
    assert!(later.tokens().is_some_and(|tokens| tokens.access_token().same_as(&token)));
    assert!(later.refresh_if_expired().await?, "the stored refresh token is the newest");
    Ok(())
}

#[tokio::test]
async fn any_flow_takes_a_401() -> TestResult {
    let at = Fixture::start(Config::hellosign()).await?;
    let mut flow = AnyFlow::from(at.authorized().await?);
    let first = flow.access_token().await?;
    assert!(flow.reject(&first));
    assert!(matches!(flow, AnyFlow::Expired(_)) && flow.tokens().is_none());
    let second = flow.access_token().await?;
    assert!(!second.same_as(&first));
    assert!(!flow.reject(&first), "another caller's 401 comes late");
    assert!(flow.access_token().await?.same_as(&second));
    Ok(())
}

#[tokio::test]
async fn any_flow_keeps_what_it_had_when_a_refresh_fails() -> TestResult {
    let at = Fixture::start(Config::hellosign()).await?;
    let mut flow = AnyFlow::from(at.authorized().await?);
    at.advance(HOUR);
    at.sandbox.fail_next(countersign_sandbox::Fault::garbage());
    let error = flow.access_token().await.expect_err("garbage");
    assert_eq!(error.kind(), ErrorKind::ResponseMalformed);
    assert!(flow.access_token().await.is_ok(), "the refresh token is still there");

    let pending = at.client.authorize(&at.browser).begin()?;
    let mut pending = AnyFlow::from(pending);
    let error = pending.access_token().await.expect_err("pending");
    assert_eq!(error.kind(), ErrorKind::NotAuthorized);
    Ok(())
}

#[tokio::test]
async fn the_documented_error_shape_is_read_too() -> TestResult {
    let at = Fixture::start(Config::hellosign().token_errors(TokenErrors::Documented)).await?;
    let flow = at.authorized().await?.expire();
    for grant in at.sandbox.grants() {
        at.sandbox.revoke(grant.id);
    }
    let failed = flow.refresh().await.expect_err("revoked");
    assert_eq!(failed.error.kind(), ErrorKind::ServerRefused);
    assert!(failed.error.server().is_some_and(|it| it.description().is_some()));
    Ok(())
}

#[tokio::test]
async fn an_old_app_refreshes_without_credentials() -> TestResult {
    let config = Config::hellosign().refresh_credentials(RefreshCredentials::Optional);
    let at = Fixture::start(config).await?;
    let state = at.authorized().await?.into_state();
    let mut provider: Provider = at.client.provider().clone();
    provider.credentials_on_refresh = false;
    let old_app = countersign::Client::builder(provider, Config::CLIENT_ID)
        .secret(Config::CLIENT_SECRET)
        .transport(ReqwestTransport::new()?)
        .clock(at.clock.clone())
        .build()?;
    assert!(old_app.resume(state)?.expire().refresh().await.is_ok());
    Ok(())
}

#[tokio::test]
async fn the_operations_by_their_published_names() -> TestResult {
    let at = Fixture::start(Config::hellosign()).await?;
    let api = OAuthApi::with_provider(at.client.provider().clone(), ReqwestTransport::new()?)?
        .with_clock(at.clock.clone());
    let url = format!(
        "{}?response_type=code&client_id={}&redirect_uri=http://127.0.0.1:9/cb&state=900e06e2",
        at.sandbox.authorization_url(),
        Config::CLIENT_ID,
    );
    let callback = at.sandbox.approve(&url)?;
    let code = callback.split(['=', '&']).nth(1).unwrap_or_default().to_owned();
    let request =
        OAuthTokenGenerateRequest::new(Config::CLIENT_ID, Config::CLIENT_SECRET, code, "900e06e2");
    let answer = api.oauth_token_generate_with_http_info(&request).await?;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.data.state(), Some("900e06e2"));
    assert_eq!(answer.data.expires_in(), Some(3600));
    let limit = answer.rate_limit.ok_or("no rate limit")?;
    assert!(limit.limit.is_some() && limit.remaining.is_some() && limit.reset.is_some());

    let refresh_token = answer.data.refresh_token().ok_or("no refresh token")?.expose_secret();
    let request = OAuthTokenRefreshRequest::new(refresh_token)
        .with_client(Config::CLIENT_ID, Config::CLIENT_SECRET);
    let refreshed = api.oauth_token_refresh(&request).await?;
    assert_eq!(refreshed.state(), None);

    let wrong = OAuthTokenGenerateRequest::new(Config::CLIENT_ID, Config::CLIENT_SECRET, "no", "s");
    let error = api.oauth_token_generate(&wrong).await.expect_err("no such code");
    assert_eq!(error.server().map(|it| it.code()), Some("invalid_request"));
    assert_eq!(error.recovery(), Recovery::Reauthorize);
    Ok(())
}

#[tokio::test]
async fn an_account_that_is_created_has_tokens_once_it_is_confirmed() -> TestResult {
    let at = Fixture::start(Config::hellosign()).await?;
    let transport = ReqwestTransport::new()?;
    let key = ApiCredentials::ApiKey(Config::API_KEY.into());
    let api = AccountApi::with_origin(at.sandbox.origin(), transport.clone(), key)?;
    let address = "jill@example.com";
    let request =
        AccountCreateRequest::new(address).with_client(Config::CLIENT_ID, Config::CLIENT_SECRET);
    let created = api.account_create(&request).await?;
    assert_eq!(created.account.email_address.as_deref(), Some(address));
    let tokens = created.oauth_data.ok_or("no tokens")?.into_token_set();
    let flow = at.client.adopt(tokens);

    let bearer = ApiCredentials::AccessToken(flow.access_token().clone());
    let own = AccountApi::with_origin(at.sandbox.origin(), transport, bearer)?;
    let early = own.account_get(None, None).await.expect_err("not confirmed");
    assert_eq!(early.http().map(|it| it.status().as_u16()), Some(401));
    assert!(at.sandbox.confirm_account(address));
    let account = own.account_get(None, None).await?.account;
    assert_eq!(account.email_address.as_deref(), Some(address));

    let found = api.account_verify(&AccountVerifyRequest::new(address)).await?;
    assert!(found.account.is_some());
    let none = api.account_verify(&AccountVerifyRequest::new("nobody@example.com")).await?;
    assert!(none.account.is_none());
    Ok(())
}

#[tokio::test]
async fn a_grace_window_answers_a_repeated_refresh() -> TestResult {
    let window = Duration::from_secs(60);
    let config = Config::rfc6749().rotation(ServerRotation::Grace { window });
    let at = Fixture::start(config).await?;
    let provider = at
        .client
        .provider()
        .clone()
        .with_rotation(Rotation::Grace { window, ends_when_child_used: false });
    let client = countersign::Client::builder(provider, Config::CLIENT_ID)
        .secret(Config::CLIENT_SECRET)
        .transport(ReqwestTransport::new()?)
        .clock(at.clock.clone())
        .build()?;
    let flow = client.resume(at.authorized().await?.into_state())?.expire();
    let lost = countersign_sandbox::Fault::Reset { when: countersign_sandbox::When::After };
    at.sandbox.fail_next(lost);
    let failed = flow.refresh().await.expect_err("lost");
    assert_eq!(failed.error.recovery(), Recovery::OutcomeUnknown);
    assert!(failed.flow.refresh().await.is_ok(), "within the window");
    Ok(())
}

#[tokio::test]
async fn a_flow_resumed_too_late_is_given_back() -> TestResult {
    let at = Fixture::start(Config::hellosign()).await?;
    let (flow, callback) = at.approved()?;
    let state = flow.into_state();
    at.advance(Duration::from_secs(601));
    let refused = at.client.resume(state).expect_err("11 minutes later");
    assert_eq!(refused.error.kind(), ErrorKind::PendingExpired);
    let _state = refused.state;

    let (flow, _) = at.approved()?;
    at.advance(Duration::from_secs(601));
    let failed = flow.complete(&callback, &Binding::session("a session id")).await;
    assert_eq!(failed.expect_err("late").error.kind(), ErrorKind::PendingExpired);
    assert_eq!(at.sandbox.counts().token(), 0);
    Ok(())
}
