//! Countersign over isahc, which is libcurl: no async runtime is needed.
//!
//! ```
//! use countersign_core::{Client, Provider};
//! use countersign_isahc::IsahcTransport;
//!
//! let client = Client::builder(Provider::hellosign(), "client id")
//!     .secret("client secret")
//!     .transport(IsahcTransport::new()?)
//!     .build()?;
//! # Ok::<(), countersign_core::Error>(())
//! ```
//!
//! Any executor will do, a plain thread's `block_on` too. See [`IsahcTransport`] for what it does
//! beside isahc, and what it costs.
//!
//! # Features
//!
//! | feature | what it is for |
//! |---|---|
//! | `rustls` (default) | TLS by rustls with aws-lc, and the machine's certificate authorities; brings a libcurl of its own, built with a C compiler and nothing else |
//! | `static-curl` | a libcurl of its own without TLS; for servers on this machine |
//! | `webpki-roots` | `rustls`, and [`IsahcTransport::webpki_roots`], which believes Mozilla's list of authorities: for machines that have none of their own |
//!
//! With each of them libcurl and its TLS are part of the program: neither libcurl nor OpenSSL has to be
//! installed, to build it or to run it. zlib is the system's where its headers are installed, and built
//! along where they are not or `LIBZ_SYS_STATIC=1` is set.
//!
//! Without any of them the system's libcurl is used, and isahc has no TLS. HTTP/2, cookies, text
//! decoding and logging through `log` are left out: a token request needs none, and each costs build
//! time.
//!
//! isahc can have one TLS library, and does not compile with two. So there is no feature for the
//! platform's: a program that wants it turns this crate's default features off and `native-tls` of
//! isahc on, in its own manifest.

mod answer;
mod body;
mod deadline;
mod error;
mod hush;
mod lease;
mod pool;
mod request;
mod silence;
mod transport;

pub use transport::IsahcTransport;

/// The isahc that this crate is for: its `HttpClientBuilder` is what
/// [`IsahcTransport::from_builder`] takes.
pub use isahc;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
