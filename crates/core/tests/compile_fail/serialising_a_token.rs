//! A token is not written by accident: what is stored is the state of a flow.

use countersign_core::AccessToken;
use serde::{Serialize, Serializer};

fn store<S: Serializer>(token: AccessToken, to: S) -> Result<S::Ok, S::Error> {
    token.serialize(to)
}

fn main() {}
