//! What Countersign costs, beside the `oauth2` crate and a client written by hand.
//!
//! `cargo xtask bench` runs everything in here in one go. Nothing is a test: times differ between
//! machines and hours, so they are told and never judged. What is counted (allocations,
//! instructions) says more than what is timed, and is the same on every run.
//!
//! Three [operations](operation::Operation) are measured: the exchange of a code, with three
//! answers; judging a callback; writing an authorization URL with PKCE. All subjects have the same
//! transport, [`stub`], which answers at once with fresh bytes, and its cost is part of each.
//! Making ready what an operation consumes, and dropping what it returns, is never part of it.
#![expect(clippy::expect_used, reason = "where setting up fails there is nothing to measure")]

pub mod catalogue;
pub mod countersign;
pub mod cpu;
pub mod minimum;
pub mod oauth2;
pub mod operation;
pub mod registration;
pub mod report;
pub mod stub;
