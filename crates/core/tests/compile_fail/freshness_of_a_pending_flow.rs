//! Only states with a token can be fresh.

use countersign_core::{Freshness, Pending};

fn fresh(_: Freshness<Pending>) {}

fn main() {}
