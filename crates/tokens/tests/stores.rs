//! The stores of this crate: by the rules that every store keeps, and by their own.
#![expect(clippy::expect_used, reason = "what the tests call is part of them")]

#[cfg(target_os = "linux")]
#[path = "stores/file.rs"]
mod file;
#[path = "stores/world.rs"]
mod world;

mod memory {
    countersign_testkit::grant_store_conformance!(stores: crate::world::memory());
}

mod memory_with_the_systems_clock {
    countersign_testkit::grant_store_conformance!(stores: crate::world::running_memory());
}

mod files {
    countersign_testkit::grant_store_conformance!(stores: crate::world::files());
}
