//! Times judging a callback: from its query, and the part of it that `complete()` does.

mod timing;

use countersign_benches::countersign::{Judge, Verify};

fn main() {
    timing::time("judge", |group| {
        group.operation("judge", &Judge::new()).operation("verify", &Verify::new());
    });
}
