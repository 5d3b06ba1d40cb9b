//! There is one of each flow.

use countersign_core::{AuthorizationFlow, Pending};

fn copy(flow: &AuthorizationFlow<Pending>) -> AuthorizationFlow<Pending> {
    flow.clone()
}

fn main() {}
