//! For testing programs that use Countersign, without a server and without waiting.
//!
//! * [`ManualClock`] is a clock that stands still until it is told to move: use it wherever a test
//!   is about the time.
//! * [`ScriptedTransport`] answers with what it was given, in order, and keeps the requests: use
//!   it where a test is about what is sent, or about one certain answer.
//! * [`RecordingTransport`] hands everything on to another transport and keeps the requests: use
//!   it where a real server answers and the test is about what it was sent.
//! * [`NeverTransport`] never answers: use it where a test is about waiting, or about giving up.
#![cfg_attr(
    feature = "conformance",
    doc = "* [`transport_conformance!`] tests a transport of your own by the rules that every transport \
    has to keep: see [`conformance`]."
)]
#![cfg_attr(
    not(feature = "conformance"),
    doc = "* With the feature `conformance`, `transport_conformance!` tests a transport of your own by the \
    rules that every transport has to keep."
)]
#![cfg_attr(
    feature = "tokens",
    doc = "* [`VirtualExecutor`] runs a `TokenManager` through days in a moment.\n\
    * [`SeededRandomness`] gives it the same random bytes in each run.\n\
    * [`grant_store_conformance!`] tests a store of your own by the rules that every store of grants \
    has to keep: see [`store_conformance`]."
)]
//!
//! ```
//! use countersign_core::{Binding, Client, Provider};
//! use countersign_testkit::{ManualClock, ScriptedTransport};
//!
//! let clock = ManualClock::default();
//! let transport = ScriptedTransport::new();
//! transport.answer(200, r#"{"access_token":"at","token_type":"Bearer","expires_in":3600}"#);
//! let client = Client::builder(Provider::hellosign(), "id")
//!     .secret("secret")
//!     .transport(transport.clone())
//!     .clock(clock.clone())
//!     .build()?;
//! let flow = client.authorize(&Binding::this_process()).begin()?;
//! assert_eq!(transport.requests().len(), 0);
//! # let _ = flow;
//! # Ok::<(), countersign_core::Error>(())
//! ```

#[cfg(any(feature = "conformance", feature = "tokens"))]
mod block_on;
mod clock;
#[cfg(feature = "conformance")]
pub mod conformance;
#[cfg(feature = "tokens")]
mod executor;
mod never;
mod recording;
mod scripted;
#[cfg(feature = "tokens")]
mod seeded;
#[cfg(feature = "tokens")]
pub mod steps;
#[cfg(feature = "tokens")]
pub mod store_conformance;
#[cfg(any(feature = "conformance", feature = "tokens"))]
mod verdict;

#[cfg(any(feature = "conformance", feature = "tokens"))]
pub use block_on::block_on;
pub use clock::ManualClock;
#[cfg(feature = "tokens")]
pub use executor::VirtualExecutor;
pub use never::NeverTransport;
pub use recording::RecordingTransport;
pub use scripted::{RecordedRequest, ScriptedTransport};
#[cfg(feature = "tokens")]
pub use seeded::SeededRandomness;
#[cfg(any(feature = "conformance", feature = "tokens"))]
pub use verdict::{Broken, Verdict};

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
