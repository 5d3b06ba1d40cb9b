//! A flow holds its client: what is stored is its state.

use countersign_core::{Authorized, AuthorizationFlow};
use serde::{Serialize, Serializer};

fn store<S: Serializer>(flow: AuthorizationFlow<Authorized>, to: S) -> Result<S::Ok, S::Error> {
    flow.serialize(to)
}

fn main() {}
