//! There is no completing without saying in which browser.

use countersign_core::{AuthorizationFlow, Callback, Pending};

async fn complete(flow: AuthorizationFlow<Pending>, callback: &Callback) {
    let _ = flow.complete(callback).await;
}

fn main() {}
