//! What is authorized is not completed again.

use countersign_core::{AuthorizationFlow, Authorized, Binding, Callback};

async fn complete(flow: AuthorizationFlow<Authorized>, callback: &Callback, browser: &Binding) {
    let _ = flow.complete(callback, browser).await;
}

fn main() {}
