//! A flow is consumed by being completed.

use countersign_core::{AuthorizationFlow, Binding, Callback, Pending};

async fn twice(flow: AuthorizationFlow<Pending>, callback: &Callback, browser: &Binding) {
    let _ = flow.complete(callback, browser).await;
    let _ = flow.complete(callback, browser).await;
}

fn main() {}
