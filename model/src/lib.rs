//! A model checker for the refresh protocol of a fleet.
//!
//! A [`Fleet`] is a few processes that share one grant. The checker (stateright) explores every
//! order in which things can happen to a fleet, and [`property`] says what has to be true in every
//! state. The processes run the machines and the rules of `countersign-tokens`: the model has only
//! their environment. The README describes the environment, what is not modelled, and why states
//! are merged.
//!
//! # Examples
//!
//! ```
//! use countersign_model::{Fleet, state::Budget};
//!
//! // Two processes with one attempt each, one of which dies.
//! let budget = Budget { crashes: 1, ..Budget::default() };
//! let findings = Fleet { budget, ..Fleet::new(1) }.check();
//! assert!(findings.failures.is_empty(), "{findings:#?}");
//! ```

mod check;
mod fleet;
mod names;
mod process;
pub mod property;
mod provider;
pub mod runs;
pub mod state;

pub use check::Findings;
pub use fleet::{Action, Fleet};
