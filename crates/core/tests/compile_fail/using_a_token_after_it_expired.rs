//! What `check` found to be expired has no token to go on with.

use countersign_core::{AccessToken, AuthorizationFlow, Authorized, Freshness};

fn token(flow: AuthorizationFlow<Authorized>) -> AccessToken {
    match flow.check() {
        Freshness::Live(flow) => flow.access_token().clone(),
        Freshness::Expired(flow) => flow.access_token().clone(),
    }
}

fn main() {}
