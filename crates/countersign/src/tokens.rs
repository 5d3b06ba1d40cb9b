//! Keeps grants fresh: one refresh for all callers, and no refresh token is lost.
//!
//! [`TokenManager`] keeps any number of grants, each under a [`GrantKey`], in a [`GrantStore`]:
//! [`MemoryStore`], [`FileStore`], a store for many processes (`PostgresStore`, `SqliteStore`,
//! `RedisStore`, each behind the feature of its name), or your own.
#![cfg_attr(
    all(feature = "reqwest", feature = "tokens-tokio"),
    doc = r#"
```
use countersign::tokens::{MemoryStore, TokenManager, TokioExecutor};
use countersign::{Binding, Callback, Client, Provider, ReqwestTransport};
use countersign_sandbox::{Config, Sandbox};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let sandbox = Sandbox::start(Config::hellosign()).await?; // in place of HelloSign
    let client = Client::builder(Provider::hellosign().with_origin(sandbox.origin()), Config::CLIENT_ID)
        .secret(Config::CLIENT_SECRET)
        .redirect_uri("http://127.0.0.1:8799/callback")
        .transport(ReqwestTransport::new()?)
        .build()?;
    let me = Binding::this_process();
    let flow = client.authorize(&me).begin()?;
    let callback = Callback::from_url(sandbox.approve(flow.authorization_url())?)?;
    let flow = flow.complete(&callback, &me).await?;

    let tokens = TokenManager::builder(client, MemoryStore::new())
        .executor(TokioExecutor::current()?)
        .build()?;
    let key = tokens.key("user 42")?;
    tokens.insert(&key, flow.into_tokens()).await?;
    let token = tokens.token(&key).await?; // now, and for each request to the API
    println!("Authorization: {:?}", token.authorization_header());
    Ok(())
}
```
"#
)]

#[cfg(feature = "redis")]
pub use countersign_redis::{Connection, Durability, RedisStore, Weakness, redis};
#[cfg(feature = "postgres")]
pub use countersign_sqlx::PostgresStore;
#[cfg(feature = "sqlite")]
pub use countersign_sqlx::SqliteStore;
#[cfg(any(feature = "postgres", feature = "sqlite"))]
pub use countersign_sqlx::sqlx;
#[cfg(feature = "tokens-threads")]
pub use countersign_tokens::ThreadExecutor;
#[cfg(feature = "tokens-tokio")]
pub use countersign_tokens::TokioExecutor;
pub use countersign_tokens::{
    Attempt, AttemptId, BearerTransport, Closed, Due, DuePage, Epoch, Event, FileStore, GrantKey,
    GrantList, GrantState, GrantStatus, GrantStore, InvalidKey, KeepFresh, ListPage, Loaded,
    Maintained, MemoryStore, NotSpawned, Page, Payload, Randomness, Record, Removed, Spawner,
    StoreError, StoreErrorKind, StoreTime, Swap, Task, Timer, TokenError, TokenErrorKind,
    TokenManager, TokenManagerBuilder, TokenSource, Version,
};
#[cfg(feature = "tokens-tower")]
pub use countersign_tokens::{
    BearerLayer, BearerService, RepeatingBearerLayer, RepeatingBearerService,
};
#[cfg(feature = "tokens-sealed")]
pub use countersign_tokens::{InvalidRing, KeyRing};
