//! HelloSign's published contract, checked by a mock server that nobody here wrote.

use countersign::hellosign::{
    AccountApi, AccountCreateRequest, AccountVerifyRequest, ApiCredentials, OAuthApi,
    OAuthTokenGenerateRequest, OAuthTokenRefreshRequest,
};
use countersign::{
    AccessToken, Binding, Callback, Client, ErrorKind, ExposeSecret, Provider, ReqwestTransport,
};
use countersign_tests::{TestResult, peer};

const PRISM: &str = "COUNTERSIGN_PRISM_URL";

#[tokio::test]
async fn the_flow_passes_the_contract_check() -> TestResult {
    let Some(url) = peer(PRISM) else { return Ok(()) };
    // The mock has `/oauth/token?refresh` folded into `/oauth/token`, which is where it goes.
    let client = Client::builder(Provider::hellosign().with_origin(&url), "cc91c61d00f8bb2ece14")
        .secret("1d14434088507ffa390e6f55")
        .redirect_uri("http://127.0.0.1:8799/callback")
        .transport(ReqwestTransport::new()?)
        .build()?;
    let browser = Binding::this_process();
    let flow = client.authorize(&browser).begin()?;
    let state = flow
        .authorization_url()
        .split('&')
        .find_map(|parameter| parameter.strip_prefix("state="))
        .ok_or("no state")?;
    let callback = Callback::from_query(format!("code=1b0d28d90c86c141&state={state}"))?;
    let flow = flow.complete(&callback, &browser).await?;
    assert!(flow.access_token().expose_secret().starts_with("NWNiOTMxOGFk"));
    let flow = flow.expire().refresh().await?;
    assert!(!flow.rotated() || flow.tokens().refresh_token().is_some());
    Ok(())
}

#[tokio::test]
async fn the_operations_pass_the_contract_check() -> TestResult {
    let Some(url) = peer(PRISM) else { return Ok(()) };
    let provider = Provider::hellosign().with_origin(&url);
    let api = OAuthApi::with_provider(provider, ReqwestTransport::new()?)?;
    let request = OAuthTokenGenerateRequest::new("id", "secret", "code", "900e06e2");
    let answer = api.oauth_token_generate_with_http_info(&request).await?;
    assert_eq!((answer.status.as_u16(), answer.data.state()), (200, Some("900e06e2")));
    assert_eq!(answer.data.expires_in(), Some(86400));
    let request = OAuthTokenRefreshRequest::new("refresh token").with_client("id", "secret");
    assert_eq!(api.oauth_token_refresh(&request).await?.token_type(), Some("Bearer"));
    Ok(())
}

/// What is wrong is found: a mock that took anything would prove nothing.
#[tokio::test]
async fn a_body_against_the_contract_is_refused() -> TestResult {
    let Some(url) = peer(PRISM) else { return Ok(()) };
    let mut provider = Provider::hellosign().with_origin(&url);
    provider.state_in_token_request = false;
    let client = Client::builder(provider, "id")
        .secret("secret")
        .transport(ReqwestTransport::new()?)
        .build()?;
    let browser = Binding::this_process();
    let flow = client.authorize(&browser).begin()?;
    let state = flow.authorization_url().rsplit("state=").next().unwrap_or_default();
    let callback = Callback::from_query(format!("code=1b0d28d90c86c141&state={state}"))?;
    let failed = flow.complete(&callback, &browser).await.expect_err("`state` is required");
    let status = failed.error.http().map(|it| it.status().as_u16());
    assert_eq!(status, Some(422), "{}", failed.error);
    assert_eq!(failed.error.kind(), ErrorKind::ServerRefused);
    Ok(())
}

#[tokio::test]
async fn the_account_operations_pass_the_contract_check() -> TestResult {
    let Some(url) = peer(PRISM) else { return Ok(()) };
    let credentials = ApiCredentials::AccessToken(AccessToken::new("token")?);
    // The document's paths begin below `/v3`; this server has them at its root.
    let transport = WithoutV3(ReqwestTransport::new()?);
    let api = AccountApi::with_origin(&url, transport, credentials)?;
    assert!(api.account_get(None, None).await?.account.account_id.is_some());
    let request = AccountCreateRequest::new("newuser@dropboxsign.com").with_client("id", "secret");
    assert!(api.account_create(&request).await?.account.account_id.is_some());
    let request = AccountVerifyRequest::new("some_user@dropboxsign.com");
    assert!(api.account_verify(&request).await?.account.is_some());
    Ok(())
}

#[derive(Debug)]
struct WithoutV3(ReqwestTransport);

#[async_trait::async_trait]
impl countersign::Transport for WithoutV3 {
    async fn send(
        &self,
        mut request: http::Request<countersign::Body>,
        limits: countersign::Limits,
    ) -> Result<http::Response<countersign::Body>, countersign::TransportError> {
        let uri = request.uri().to_string().replacen("/v3/", "/", 1);
        if let Ok(uri) = uri.parse() {
            *request.uri_mut() = uri;
        }
        self.0.send(request, limits).await
    }
}
