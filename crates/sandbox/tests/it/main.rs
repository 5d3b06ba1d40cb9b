//! The sandbox over real sockets.

#![allow(clippy::expect_used, clippy::panic, reason = "a helper that panics is a test that fails")]

mod consent;
mod controls;
mod counts;
mod faults;
mod hellosign;
mod hellosign_accounts;
#[cfg(feature = "cli")]
mod program;
mod revocation;
mod rfc6749;
mod rotation;
mod stop;
mod support;
