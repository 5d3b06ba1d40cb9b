//! A flow is consumed by being refreshed: on many a provider its refresh token is spent.

use countersign_core::{AuthorizationFlow, Expired};

async fn twice(flow: AuthorizationFlow<Expired>) {
    let _ = flow.refresh().await;
    let _ = flow.refresh().await;
}

fn main() {}
