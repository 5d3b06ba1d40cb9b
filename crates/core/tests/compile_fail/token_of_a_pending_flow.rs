//! There is no token before the flow is completed.

use countersign_core::{AccessToken, AuthorizationFlow, Pending};

fn token(flow: AuthorizationFlow<Pending>) -> AccessToken {
    flow.access_token().clone()
}

fn main() {}
