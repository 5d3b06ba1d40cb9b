//! The stores of this crate: by the rules that every store has to keep, and what is theirs alone.
#![expect(clippy::expect_used, reason = "what the tests call is part of them")]

#[path = "stores/file.rs"]
mod file;
#[cfg(feature = "sealed")]
#[path = "stores/sealed.rs"]
mod sealed;
#[path = "stores/world.rs"]
mod world;

mod memory {
    countersign_testkit::grant_store_conformance!(stores: crate::world::memory());
}

mod files {
    countersign_testkit::grant_store_conformance!(stores: crate::world::files());
}

#[cfg(feature = "sealed")]
mod sealed_memory {
    countersign_testkit::grant_store_conformance!(stores: crate::world::sealed_memory());
}

#[cfg(feature = "sealed")]
mod sealed_files {
    countersign_testkit::grant_store_conformance!(stores: crate::world::sealed_files());
}
