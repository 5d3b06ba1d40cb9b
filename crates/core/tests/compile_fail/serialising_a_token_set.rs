//! A set of tokens is not written by accident: what is stored is the state of a flow.

use countersign_core::TokenSet;
use serde::{Serialize, Serializer};

fn store<S: Serializer>(tokens: TokenSet, to: S) -> Result<S::Ok, S::Error> {
    tokens.serialize(to)
}

fn main() {}
