//! Flows are made by the client.

use countersign_core::{AuthorizationFlow, Client, Pending};

fn flow(client: Client, state: Pending) -> AuthorizationFlow<Pending> {
    AuthorizationFlow { client, state }
}

fn main() {}
