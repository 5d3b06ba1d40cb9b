//! Nobody else's type is a state.

use countersign_core::State;

#[derive(Debug, serde::Serialize, serde::Deserialize)]
struct Trusted;

impl State for Trusted {}

fn main() {}
