//! A client does not tell its secret.

use countersign_core::{Client, SecretString};

fn secret(client: &Client) -> &SecretString {
    client.secret()
}

fn main() {}
