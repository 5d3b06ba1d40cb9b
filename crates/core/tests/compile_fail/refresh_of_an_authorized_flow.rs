//! A token that is good is not refreshed: `check` or `expire` it first.

use countersign_core::{AuthorizationFlow, Authorized};

async fn refresh(flow: AuthorizationFlow<Authorized>) {
    let _ = flow.refresh().await;
}

fn main() {}
