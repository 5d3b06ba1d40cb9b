//! A flow that was refused is in the `Failed`, and nowhere else.

use countersign_core::{AuthorizationFlow, Binding, Callback, Pending};

async fn again(flow: AuthorizationFlow<Pending>, callback: &Callback, browser: &Binding) {
    if let Err(failed) = flow.complete(callback, browser).await {
        println!("{failed}: begin at {}", flow.authorization_url());
    }
}

fn main() {}
