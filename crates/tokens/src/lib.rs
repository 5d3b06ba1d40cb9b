//! Grants kept fresh: refreshed once however many ask, and never lost.
//!
//! [`TokenManager`] hands out fresh access tokens and refreshes them by tasks of its own. A
//! [`GrantStore`] keeps the grants: it is a compare-and-swap, so that a late write never replaces a
//! newer one. [`MemoryStore`] keeps grants as long as the program runs, [`FileStore`] in a folder,
//! for the processes of one machine. With the feature `sealed` a manager encrypts what it stores.

mod bearer;
mod error;
mod event;
mod executor;
mod file;
mod key;
mod manager;
mod memory;
mod rules;
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
    Closed, GrantList, GrantStatus, KeepFresh, Maintained, Removed, TokenManager,
    TokenManagerBuilder, TokenSource,
};
pub use memory::MemoryStore;
#[cfg(feature = "sealed")]
pub use sealed::{InvalidRing, KeyRing};
pub use store::{
    Attempt, AttemptId, BootTime, Due, DuePage, Epoch, GrantState, GrantStore, ListPage, Loaded,
    Page, Payload, Randomness, Record, StoreError, StoreErrorKind, StoreTime, Swap, Version,
};

/// The rules and the machines of the protocol, for the model checker. Not part of the public API.
#[doc(hidden)]
pub mod protocol {
    pub use crate::manager::insert::{Insert, InsertAction, InsertEvent, InsertInput, Inserted};
    pub use crate::manager::refresh::machine::{
        Action, After, Attempted, Config, Event, Failure, Found, Input, Refresh, Step, Swapping,
        Tokens,
    };
    pub use crate::manager::remove::{Remove, RemoveAction, RemoveEvent, RemoveInput};
    pub use crate::rules::{Contents, Judged, Now, Obstacle, Origin, Refused, Rules, Spending};
}

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
