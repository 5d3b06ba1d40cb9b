//! The rules that every [`GrantStore`](countersign_tokens::GrantStore) has to keep.
//!
//! ```text
//! // tests/conformance.rs
//! use countersign_testkit::{ManualClock, store_conformance::Stores};
//!
//! fn stores() -> Stores {
//!     let clock = ManualClock::default();
//!     let store = MyStore::with_clock(clock.clone());
//!     Stores::new(store.clone(), store, move |by| clock.advance(by))
//! }
//!
//! countersign_testkit::grant_store_conformance!(stores: stores());
//! ```
//!
//! That is one `#[test]` for each rule. [`Stores`] are two handles to one store, as two processes
//! have, and a way to have the store's clock move on: where that clock is a database's own, set
//! back the instants in its rows instead. A store that needs an async runtime brings it, to be used
//! by many threads at once:
//!
//! ```text
//! countersign_testkit::grant_store_conformance!(
//!     stores: stores(),
//!     block_on: |work| RUNTIME.block_on(work),
//! );
//! ```
//!
//! Each rule uses keys of its own, so that all may run at once on one database. Nothing sleeps, and
//! nothing measures time.

mod crowd;
mod macros;
mod rule;
pub mod rules;
mod steps;
mod stores;

pub use macros::RULES;
pub use rule::{Judged, Rule};
pub use stores::{Stores, Work};
