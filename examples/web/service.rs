//! The provider: HelloSign as the environment describes it, or a sandbox.

use std::env;
use std::sync::LazyLock;
use std::time::Duration;

use countersign::hellosign::{AccountApi, ApiCredentials};
use countersign::{AccessToken, Client, Error, Provider, ReqwestTransport};
use countersign_sandbox::{Config, Sandbox};

/// HelloSign, for the app that the environment names; none when it names none.
static LIVE: LazyLock<Result<Option<Service>, Error>> = LazyLock::new(live);

/// The client, and the way to the API.
#[derive(Clone)]
pub(crate) struct Service {
    pub(crate) client: Client,
    transport: ReqwestTransport,
    /// Where the API is, when it is not HelloSign's.
    api: Option<String>,
}

/// The service for a program at `origin`. A sandbox runs for as long as it is held.
pub(crate) async fn start(
    origin: &str,
) -> Result<(Service, Option<Sandbox>), Box<dyn std::error::Error>> {
    if let Some(live) = LIVE.clone()? {
        return Ok((live, None));
    }
    let config = Config::hellosign().access_token_lifetime(Duration::from_secs(60));
    let sandbox = Sandbox::start(config).await?;
    let transport = ReqwestTransport::new()?;
    let provider = Provider::hellosign().with_origin(sandbox.origin());
    let client = Client::builder(provider, Config::CLIENT_ID)
        .secret(Config::CLIENT_SECRET)
        .redirect_uri(format!("{origin}/callback"))
        .transport(transport.clone())
        .build()?;
    Ok((Service { client, transport, api: Some(sandbox.origin().to_owned()) }, Some(sandbox)))
}

fn live() -> Result<Option<Service>, Error> {
    let read = |name| env::var(name).ok().filter(|value| !value.is_empty());
    let (id, secret) = (read("HELLOSIGN_CLIENT_ID"), read("HELLOSIGN_CLIENT_SECRET"));
    if id.is_none() && secret.is_none() {
        return Ok(None);
    }
    let transport = ReqwestTransport::new()?;
    // Should only one of the two be set, `build` says which is not.
    let mut builder = Client::builder(Provider::hellosign(), id.unwrap_or_default())
        .secret(secret.unwrap_or_default())
        .transport(transport.clone());
    if let Some(uri) = read("HELLOSIGN_REDIRECT_URI") {
        builder = builder.redirect_uri(uri);
    }
    Ok(Some(Service { client: builder.build()?, transport, api: None }))
}

impl Service {
    /// The e-mail address of the account that `token` is for, if the API tells.
    pub(crate) async fn address(&self, token: AccessToken) -> Result<Option<String>, Error> {
        let credentials = ApiCredentials::AccessToken(token);
        let api = match &self.api {
            Some(origin) => AccountApi::with_origin(origin, self.transport.clone(), credentials)?,
            None => AccountApi::new(self.transport.clone(), credentials)?,
        };
        let answer = api.account_get(None, None).await?;
        Ok(answer.account.email_address)
    }
}
