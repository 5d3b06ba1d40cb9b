//! A certified OpenID provider that nobody here wrote: PKCE and `iss` required, refresh tokens
//! rotated strictly.

use countersign::{
    AuthorizationFlow, Authorized, Binding, Callback, Client, ClientAuthentication, Provider,
    Recovery, ReqwestTransport, Rotation,
};
use countersign_tests::{TestResult, peer};

const OIDC_PROVIDER: &str = "COUNTERSIGN_OIDC_PROVIDER_URL";
const REDIRECT_URI: &str = "http://127.0.0.1:8799/cb";

fn provider(url: &str, authentication: ClientAuthentication) -> Provider {
    Provider::rfc6749(format!("{url}/auth"), format!("{url}/token"))
        .with_issuer(url, true)
        .with_client_authentication(authentication)
        .with_rotation(Rotation::Strict)
        .with_authorization_parameter("prompt", "consent")
}

/// Follows the provider's redirects, as a browser does, up to the one to the redirect URI.
async fn browse(url: &str) -> Result<String, Box<dyn std::error::Error>> {
    let browser = reqwest::Client::builder()
        .no_proxy()
        .cookie_store(true)
        // reqwest would panic without a provider of cryptography, which plain http has no use for.
        .tls_backend_preconfigured(countersign_reqwest::rustls_config(
            &std::sync::Arc::new(countersign_reqwest::rustls::crypto::ring::default_provider()),
            countersign_reqwest::Roots::Platform,
        )?)
        .redirect(reqwest::redirect::Policy::none())
        .build()?;
    let mut url = reqwest::Url::parse(url)?;
    for _ in 0..20 {
        let answer = browser.get(url.clone()).send().await?;
        let location = answer.headers().get("location").ok_or("no redirect")?.to_str()?;
        if location.starts_with(REDIRECT_URI) {
            return Ok(location.to_owned());
        }
        url = url.join(location)?;
    }
    Err("too many redirects".into())
}

async fn authorize(
    client: &Client,
) -> Result<AuthorizationFlow<Authorized>, Box<dyn std::error::Error>> {
    let browser = Binding::this_process();
    let flow = client.authorize(&browser).scopes(["openid", "offline_access"]).begin()?;
    let callback = Callback::from_url(browse(flow.authorization_url()).await?)?;
    Ok(flow.complete(&callback, &browser).await?)
}

#[tokio::test]
async fn every_way_of_client_authentication() -> TestResult {
    let Some(url) = peer(OIDC_PROVIDER) else { return Ok(()) };
    for (id, secret, authentication) in [
        ("conf", Some("conf-secret &+%"), ClientAuthentication::Basic),
        ("conf-post", Some("conf-post-secret"), ClientAuthentication::RequestBody),
        ("pub", None, ClientAuthentication::None),
    ] {
        let mut builder = Client::builder(provider(&url, authentication), id)
            .redirect_uri(REDIRECT_URI)
            .transport(ReqwestTransport::new()?);
        if let Some(secret) = secret {
            builder = builder.secret(secret);
        }
        let flow = authorize(&builder.build()?).await?;
        assert!(flow.tokens().extra().get("id_token").is_some(), "{id}");
        assert!(flow.tokens().scopes().is_some_and(|it| it.contains("openid")), "{id}");
    }
    Ok(())
}

#[tokio::test]
async fn strict_rotation_is_seen_and_reuse_ends_the_grant() -> TestResult {
    let Some(url) = peer(OIDC_PROVIDER) else { return Ok(()) };
    let client = Client::builder(provider(&url, ClientAuthentication::Basic), "conf")
        .secret("conf-secret &+%")
        .redirect_uri(REDIRECT_URI)
        .transport(ReqwestTransport::new()?)
        .build()?;
    let flow = authorize(&client).await?;
    let refresh_token = flow.tokens().refresh_token().cloned().ok_or("no refresh token")?;
    let flow = flow.expire().refresh().await?;
    assert!(flow.rotated());
    let error = client.refresh(&refresh_token).await.expect_err("used before");
    assert_eq!(error.server().map(|it| it.code()), Some("invalid_grant"));
    assert_eq!(error.recovery(), Recovery::Reauthorize);
    let failed = flow.expire().refresh().await.expect_err("the family is dead");
    assert_eq!(failed.error.recovery(), Recovery::Reauthorize);
    Ok(())
}
