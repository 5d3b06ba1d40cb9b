//! An authorization from pending to authorized to expired to refreshed, against a real server.
//!
//! `cargo run --example quickstart` starts a sandbox in this process, plays the user, and tells
//! what happens. With `HELLOSIGN_CLIENT_ID`, `HELLOSIGN_CLIENT_SECRET` and, where it differs from
//! the app's default, `HELLOSIGN_REDIRECT_URI` set, it does the same with HelloSign itself and you.
//! With `--no-default-features --features isahc` the same goes over isahc in place of reqwest.

#[path = "quickstart/live.rs"]
mod live;
#[path = "quickstart/sandbox.rs"]
mod sandbox;
#[path = "quickstart/tell.rs"]
mod tell;
#[path = "quickstart/transport.rs"]
mod transport;

use std::error::Error;
use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tell::failure(&*error);
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Result<(), Box<dyn Error>> {
    let transport = transport::transport()?;
    match live::App::from_environment()? {
        Some(app) => live::run(app, transport).await,
        None => sandbox::run(transport).await,
    }
}
