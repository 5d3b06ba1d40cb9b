//! A client holds its secret, and is written nowhere.

use countersign_core::Client;
use serde::{Serialize, Serializer};

fn store<S: Serializer>(client: Client, to: S) -> Result<S::Ok, S::Error> {
    client.serialize(to)
}

fn main() {}
