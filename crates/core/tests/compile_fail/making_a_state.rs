//! States are made by the flow.

use countersign_core::Authorized;

fn main() {
    let _ = Authorized(Box::default());
}
