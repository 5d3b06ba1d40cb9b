//! Guides: documentation, and no code.

pub mod bring_your_own_store;
pub mod bring_your_own_transport;
