//! The rules that every [`GrantStore`](countersign_tokens::GrantStore) keeps, as tests.
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
//! The macro makes one `#[test]` for each rule. [`Stores`] are two handles to one store, as two
//! processes have. Use [`Stores::running`] if the store's clock runs by itself, as the clock of a
//! database does, and [`Stores::reopened_by`] if the store survives its process. A store that needs
//! an async runtime brings the runtime, and many threads use it at once:
//!
//! ```text
//! countersign_testkit::grant_store_conformance!(
//!     stores: stores(),
//!     block_on: |work| RUNTIME.block_on(work),
//! );
//! ```
//!
//! Each rule uses keys of its own, so all rules can run at once on one database. The suite needs
//! room for about 5 MB.

mod judged;
mod macros;
pub mod rules;
mod stores;

pub use judged::Judged;
pub use macros::{RULES, Rule};
pub use stores::{Stores, Work};
