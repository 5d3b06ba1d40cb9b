//! Grants kept fresh: refreshed once however many ask, and never lost.
//!
//! [`TokenManager`] hands out access tokens that are fresh, and refreshes them by tasks of its
//! own. [`GrantStore`] is what it keeps them in: records with an epoch and a generation, and steps
//! that compare them, so that whatever comes late, twice or from a process that was thought dead
//! never replaces something newer. [`MemoryStore`] keeps them for as long as the program runs,
//! [`FileStore`] in a folder, for the processes of one machine; with the feature `sealed` a
//! `SealedStore` encrypts what another store keeps.

mod bearer;
mod error;
mod event;
mod executor;
mod file;
mod key;
mod manager;
mod memory;
#[cfg(feature = "sealed")]
mod sealed;
mod store;

pub use bearer::BearerTransport;
#[cfg(feature = "tower")]
pub use bearer::{BearerLayer, BearerService, RepeatingBearerLayer, RepeatingBearerService};
pub use error::{TokenError, TokenErrorKind};
pub use event::Event;
#[cfg(feature = "threads")]
pub use executor::ThreadExecutor;
#[cfg(feature = "tokio")]
pub use executor::TokioExecutor;
pub use executor::{NotSpawned, Spawner, Task, Timer};
pub use file::FileStore;
pub use key::{GrantKey, InvalidKey};
pub use manager::{
    Forgotten, GrantStatus, KeepFresh, TokenManager, TokenManagerBuilder, TokenSource,
};
pub use memory::MemoryStore;
#[cfg(feature = "sealed")]
pub use sealed::{InvalidRing, KeyRing, SealedStore};
pub use store::{
    Adopt, Attempt, AttemptId, Begin, BootTime, Clear, Due, DuePage, Epoch, Forget, GrantState,
    GrantStore, Lease, Mark, Material, Negative, Payload, Record, Renew, Reseal, Rules, Save,
    StoreError, StoreErrorKind, StoreTime, Takeover, Verdict,
};

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
