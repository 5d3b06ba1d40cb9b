//! A token that has ended is gone.

use countersign_core::{AccessToken, AuthorizationFlow, Expired};

fn token(flow: AuthorizationFlow<Expired>) -> AccessToken {
    flow.access_token().clone()
}

fn main() {}
