//! The rules that every [`Transport`](countersign_core::Transport) has to keep, each with a server that tempts it to break it.
//!
//! ```text
//! // tests/conformance.rs
//! countersign_testkit::transport_conformance!(transport: MyTransport::new());
//! ```
//!
//! That is one `#[test]` for each rule. A transport that needs an async runtime brings it:
//!
//! ```text
//! static RUNTIME: LazyLock<tokio::runtime::Runtime> = LazyLock::new(|| Runtime::new().unwrap());
//!
//! countersign_testkit::transport_conformance!(
//!     transport: MyTransport::new(),
//!     block_on: |work| RUNTIME.block_on(work),
//! );
//! ```
//!
//! Let the runtime have a thread of its own (tokio's `multi_thread`): connections that live in its
//! tasks have to be seen to close after a call was dropped.
//!
//! The servers are plain sockets on loopback, served by threads: they share no code with any HTTP
//! client, count what arrives, and say what no well-behaved server would. Nothing sleeps, and
//! nothing measures time: a server waits until the client hangs up, at most ten seconds, and tells
//! afterwards which it was. Proxies that the environment names are the transport's affair; unset
//! them for loopback, or the rules judge the proxy.

mod client;
mod conversation;
mod gzip;
mod macros;
mod rule;
pub mod rules;
mod seen;
mod server;
mod signal;
mod subject;
mod tls;

pub use macros::RULES;
pub use rule::Rule;
pub use subject::{Subject, Work};
