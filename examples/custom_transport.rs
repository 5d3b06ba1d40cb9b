//! A transport of your own: here over ureq, which blocks and needs no async runtime.
//!
//! `cargo run --example custom_transport` goes through an authorization against a sandbox with it.
//! The transport itself is in the guide "Bring your own transport" in the documentation of
//! `countersign`; `custom_transport/conformance.rs` tests it by the rules that every transport has
//! to keep.

#[path = "../crates/countersign/guide/custom_transport.rs"]
mod transport;

use std::error::Error;

use countersign::{Binding, Callback, Client, Provider};
use countersign_sandbox::{Config, Sandbox};

use crate::transport::UreqTransport;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let sandbox = Sandbox::start(Config::hellosign()).await?;
    let provider = Provider::hellosign().with_origin(sandbox.origin());
    let client = Client::builder(provider, Config::CLIENT_ID)
        .secret(Config::CLIENT_SECRET)
        .redirect_uri("http://127.0.0.1:8799/callback")
        .transport(UreqTransport::default())
        .build()?;

    let browser = Binding::this_process();
    let flow = client.authorize(&browser).begin()?;
    let callback = Callback::from_url(sandbox.approve(flow.authorization_url())?)?;
    let flow = flow.complete(&callback, &browser).await?;
    println!("authorized over ureq: {flow:?}");
    let flow = flow.expire().refresh().await?;
    println!("refreshed over ureq: {flow:?}");
    sandbox.stop().await;
    Ok(())
}
