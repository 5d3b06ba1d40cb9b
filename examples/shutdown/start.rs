//! A manager with the grant of a user who has signed in at a sandbox.

use std::error::Error;
use std::time::Duration;

use countersign::{Binding, Callback, Client, Provider};
use countersign_sandbox::{Config, Sandbox};
use countersign_tokens::{GrantKey, MemoryStore, TokenManager, TokioExecutor};

#[path = "../quickstart/transport.rs"]
mod transport;

pub(crate) async fn start() -> Result<(TokenManager, GrantKey, Sandbox), Box<dyn Error>> {
    let config = Config::hellosign().access_token_lifetime(Duration::from_secs(10));
    let sandbox = Sandbox::start(config).await?;
    let client =
        Client::builder(Provider::hellosign().with_origin(sandbox.origin()), Config::CLIENT_ID)
            .secret(Config::CLIENT_SECRET)
            .redirect_uri("http://127.0.0.1:8799/callback")
            .transport(transport::transport()?)
            .build()?;

    let browser = Binding::this_process();
    let flow = client.authorize(&browser).begin()?;
    let callback = Callback::from_url(sandbox.approve(flow.authorization_url())?)?;
    let flow = flow.complete(&callback, &browser).await?;

    let tokens = TokenManager::builder(client, MemoryStore::new())
        .executor(TokioExecutor::current()?)
        .build()?;
    let key = tokens.key("user 42")?;
    tokens.insert(&key, flow.into_tokens()).await?;
    Ok((tokens, key, sandbox))
}
