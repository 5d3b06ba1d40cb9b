//! One grant and a thousand tasks, for hours: `cargo run --example long_lived`.
//!
//! A sandbox in this process is the provider. All clocks are set by the program.

#[path = "quickstart/transport.rs"]
mod transport;

use std::error::Error;
use std::time::Duration;

use countersign::{Binding, Callback, Client, Provider};
use countersign_sandbox::{Config, Sandbox};
use countersign_testkit::ManualClock;
use countersign_tokens::{Event, GrantKey, MemoryStore, TokenManager, TokioExecutor};

/// 2026-01-01T00:00:00Z, the instant at which the clocks begin.
const NEW_YEAR: u64 = 1_767_225_600;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let sandbox = Sandbox::start(Config::hellosign().frozen_at(NEW_YEAR)).await?;
    let clock = ManualClock::default();
    let provider = Provider::hellosign().with_origin(sandbox.origin());
    let client = Client::builder(provider, Config::CLIENT_ID)
        .secret(Config::CLIENT_SECRET)
        .redirect_uri("http://127.0.0.1:8799/callback")
        .transport(transport::transport()?)
        .clock(clock.clone())
        .build()?;

    // A user signs in once.
    let browser = Binding::this_process();
    let flow = client.authorize(&browser).begin()?;
    let callback = Callback::from_url(sandbox.approve(flow.authorization_url())?)?;
    let flow = flow.complete(&callback, &browser).await?;

    // The manager keeps the grant fresh.
    let tokens = TokenManager::builder(client, MemoryStore::with_clock(clock.clone()))
        .executor(TokioExecutor::current()?)
        .on_event(print)
        .build()?;
    let key = tokens.key("user 42")?;
    tokens.insert(&key, flow.into_tokens()).await?;

    for hour in 0..6 {
        println!("hour {hour}: {} of 1000 tasks have a token", ask(&tokens, &key).await?);
        clock.advance(Duration::from_secs(3600));
        sandbox.advance(Duration::from_secs(3600));
    }
    println!("the server saw {} refreshes", sandbox.counts().token_refresh);

    // The user revokes the grant at the provider.
    for grant in sandbox.grants() {
        sandbox.revoke(grant.id);
    }
    println!("revoked: {} of 1000 tasks have a token", ask(&tokens, &key).await?);
    println!("the server saw {} refreshes", sandbox.counts().token_refresh);
    println!("the state of the grant: {:?}", tokens.status(&key).await?.state);
    println!("removed here, and at the provider: {:?}", tokens.remove(&key).await?);
    sandbox.stop().await;
    Ok(())
}

/// Returns how many of a thousand tasks get a token.
async fn ask(tokens: &TokenManager, key: &GrantKey) -> Result<usize, Box<dyn Error>> {
    let tasks: Vec<_> = (0..1000)
        .map(|_| {
            let (tokens, key) = (tokens.clone(), key.clone());
            tokio::spawn(async move { tokens.token(&key).await.is_ok() })
        })
        .collect();
    let mut served = 0;
    for task in tasks {
        served += usize::from(task.await?);
    }
    Ok(served)
}

/// Prints what a program would log, or alert on.
fn print(event: &Event) {
    match event {
        Event::Refreshed { generation, .. } => println!("  refreshed, generation {generation}"),
        Event::NeedsReauthorization { error, .. } => println!("  ask the user again: {error}"),
        other => println!("  {other:?}"),
    }
}
