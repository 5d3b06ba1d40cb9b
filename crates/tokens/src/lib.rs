//! Grants that outlive a process, and the steps by which processes share them.
//!
//! [`GrantStore`] is the contract: a grant's record with its epoch and generation, and steps that
//! compare them, so that whatever comes late, twice or from a process that was thought dead never
//! replaces something newer. [`MemoryStore`] keeps grants for as long as the program runs.

mod key;
mod memory;
mod store;

pub use key::{GrantKey, InvalidKey};
pub use memory::MemoryStore;
pub use store::{
    Adopt, Attempt, AttemptId, Begin, Clear, Due, Epoch, Forget, GrantState, GrantStore, Lease,
    Mark, Material, Negative, Payload, Record, Renew, Reseal, Rules, Save, StoreError,
    StoreErrorKind, StoreTime, Takeover, Verdict,
};

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
