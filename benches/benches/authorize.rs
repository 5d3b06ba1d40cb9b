//! Times writing an authorization URL with PKCE.

mod timing;

use countersign_benches::{countersign, oauth2};

fn main() {
    timing::time("authorize", |group| {
        group
            .operation("countersign", &countersign::Authorize::new())
            .operation("oauth2", &oauth2::Authorize::new());
    });
}
