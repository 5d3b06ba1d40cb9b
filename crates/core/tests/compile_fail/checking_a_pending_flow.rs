//! There is nothing to check before there is a token.

use countersign_core::{AuthorizationFlow, Pending};

fn check(flow: AuthorizationFlow<Pending>) {
    let _ = flow.check();
}

fn main() {}
