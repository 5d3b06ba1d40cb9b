use std::alloc::System;

use countersign_benches::catalogue::{Name, Visitor};
use countersign_benches::operation::{Operation, measured};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// How often one run allocates, or changes the size of what it has allocated.
pub(crate) fn of(name: Name) -> u64 {
    name.visit(Count)
}

struct Count;

impl Visitor for Count {
    type Output = u64;

    fn visit<O: Operation>(self, operation: &O) -> u64 {
        // The first run may fill what is filled once.
        drop(measured(operation, operation.prepare()));
        let input = operation.prepare();
        let region = Region::new(ALLOCATOR);
        let output = measured(operation, input);
        let stats = region.change();
        drop(output);
        (stats.allocations + stats.reallocations) as u64
    }
}
