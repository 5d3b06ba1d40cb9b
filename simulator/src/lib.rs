//! Fleets in virtual time, and everything that can go wrong drawn from a seed.
//!
//! [`run`] runs the token manager of `countersign-tokens` itself: its driver, machines, rules and
//! scheduler, in two to eight processes over a simulated store, provider, network and clock, in one
//! thread. The same seed gives the same run.

mod caller;
mod executor;
mod fault;
mod fleet;
mod network;
mod oracle;
mod provider;
mod report;
mod run;
mod settings;
mod store;
mod trace;
mod world;

pub use fault::Fault;
pub use report::Report;
pub use run::run;
