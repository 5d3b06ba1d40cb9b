//! HelloSign's billing models exclude each other.

use countersign_core::hellosign::{AppOwnerScope, UserScope};

fn main() {
    let _ = [AppOwnerScope::REQUEST_SIGNATURE, UserScope::ACCOUNT_ACCESS];
}
