//! What a fresh token costs, what a million idle grants weigh, and how long ten thousand callers
//! wait for one refresh.
//!
//! The rival of a token that is at hand is what anybody would write: arc-swap's `load_full`, and a
//! look at the same clock. Both take turns, so that a noisy machine is noisy for both.
#![expect(clippy::expect_used, reason = "where setting up fails there is nothing to measure")]

mod callers;
mod canned;
#[path = "../common/mod.rs"]
mod common;
mod hot;
mod idle;
mod world;

use std::alloc::System;
use std::env;

use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

fn main() {
    // `cargo test --benches` asks for a test, and this is none; a filter asks for another benchmark.
    if !env::args().any(|arg| arg == "--bench") {
        return;
    }
    println!("\n{:<62}{:>10}{:>9}", "a fresh token", "median", "ratio");
    hot::print();
    println!("\ngrants");
    idle::print();
    callers::print();
}
