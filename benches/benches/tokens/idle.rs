//! What grants weigh that nobody asks for, the store not counted.

use std::time::Duration;

use countersign_benches::report::goal;
use countersign_core::SystemClock;
use stats_alloc::Region;

use crate::ALLOCATOR;
use crate::world::{Far, canned, client, key, manager};

const GRANTS: usize = 1_000_000;

/// Three times a token of 200 bytes.
const MOST: f64 = 600.0;

pub(crate) fn print() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let bytes = runtime.expect("a runtime").block_on(async {
        let client = client(Far(Duration::ZERO), SystemClock);
        let store = canned(&client).await;
        let tokens = manager(client, store);
        tokens.token(&key(&tokens, 0)).await.expect("a token");
        let region = Region::new(ALLOCATOR);
        for index in 1..=GRANTS {
            tokens.token(&key(&tokens, index)).await.expect("a token");
        }
        let change = region.change();
        // What was reallocated is in neither of the other two.
        change.bytes_allocated as f64 - change.bytes_deallocated as f64
            + change.bytes_reallocated as f64
    });
    let each = bytes / GRANTS as f64;
    println!(
        "  {:<60}{each:>7.0} bytes",
        "each of 1,000,000 idle grants, with a token of 200 bytes"
    );
    goal(each <= MOST, "at most three times the bytes of its token");
}
