//! A command line that works until Ctrl-C or SIGTERM, and ends without losing a grant:
//! `cargo run --example worker`.
//!
//! A sandbox in this process is the provider. Its access tokens live for ten seconds.

#[path = "shutdown/signals.rs"]
mod signals;
#[path = "shutdown/start.rs"]
mod start;

use std::error::Error;
use std::time::Duration;

use countersign_tokens::{GrantKey, TokenManager};

/// The time limit of a request to the provider, that of a store operation, and some more.
const CLOSE_WITHIN: Duration = Duration::from_secs(40);

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let (tokens, key, sandbox) = start::start().await?;
    println!("working; end it with Ctrl-C");
    let worked = tokio::select! {
        worked = work(&tokens, &key) => worked,
        () = signals::end() => Ok(()),
    };
    // Whatever the work was doing: a refresh under way is finished and stored.
    let closed = tokens.close(CLOSE_WITHIN).await;
    println!("not stored: {:?}, not finished: {:?}", closed.unsaved, closed.unfinished);
    sandbox.stop().await;
    worked
}

/// Calls an API every few seconds.
async fn work(tokens: &TokenManager, key: &GrantKey) -> Result<(), Box<dyn Error>> {
    let mut pause = tokio::time::interval(Duration::from_secs(3));
    loop {
        pause.tick().await;
        println!("the API is called with {:?}", tokens.token(key).await?);
    }
}
