//! A web server that calls an API with fresh tokens, and ends without losing a grant:
//! `cargo run --example server`, open the address that it prints, and end it with Ctrl-C.
//!
//! A sandbox in this process is the provider. Its access tokens live for ten seconds.

#[path = "shutdown/signals.rs"]
mod signals;
#[path = "shutdown/start.rs"]
mod start;

use std::error::Error;
use std::net::Ipv4Addr;
use std::time::Duration;

use axum::extract::State;
use axum::http::StatusCode;
use axum::{Router, routing::get};
use countersign_tokens::TokenSource;
use tokio::net::TcpListener;

/// The time limit of a request to the provider, that of a store operation, and some more.
const CLOSE_WITHIN: Duration = Duration::from_secs(40);

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let (tokens, key, sandbox) = start::start().await?;
    let _keeping = tokens.keep_fresh()?;
    let router = Router::new().route("/", get(call_the_api)).with_state(tokens.source(&key)?);

    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    println!("open http://{}", listener.local_addr()?);
    // axum ends the requests under way first. The manager serves them until then.
    axum::serve(listener, router).with_graceful_shutdown(signals::end()).await?;
    let closed = tokens.close(CLOSE_WITHIN).await;
    println!("not stored: {:?}, not finished: {:?}", closed.unsaved, closed.unfinished);
    sandbox.stop().await;
    Ok(())
}

async fn call_the_api(State(source): State<TokenSource>) -> Result<String, (StatusCode, String)> {
    match source.token().await {
        Ok(token) => Ok(format!("the API is called with {token:?}\n")),
        Err(error) => Err((StatusCode::SERVICE_UNAVAILABLE, error.to_string())),
    }
}
