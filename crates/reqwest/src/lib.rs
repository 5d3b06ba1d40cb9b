//! Countersign over reqwest.
//!
//! ```
//! use countersign_core::{Client, Provider};
//! use countersign_reqwest::ReqwestTransport;
//!
//! let client = Client::builder(Provider::hellosign(), "client id")
//!     .secret("client secret")
//!     .transport(ReqwestTransport::new()?)
//!     .build()?;
//! # Ok::<(), countersign_core::Error>(())
//! ```
//!
//! It needs a tokio runtime to be polled in, and says so rather than panics where there is none.
//!
//! # Features
//!
//! | feature | what it is for |
//! |---|---|
//! | `rustls` (default) | TLS by rustls with ring, and the machine's certificate authorities |
//! | `aws-lc-rs` | rustls with aws-lc instead, such as for FIPS; needs a C compiler and takes longer to build |
//! | `webpki-roots` | Mozilla's list of authorities, for machines that have none of their own |
//! | `native-tls` | TLS by the platform; on Linux that is OpenSSL, with its headers and pkg-config |
//! | `gzip` | compressed bodies; the size limit counts what comes out |
//!
//! They add up: with several on, [`ReqwestTransport::new`] takes rustls with ring, then rustls
//! with aws-lc, then the platform's TLS. Without any of them only servers on this machine can be
//! spoken to. No process-wide setting of rustls is made or needed.

mod body;
mod error;
#[cfg(feature = "_rustls")]
mod tls;
mod transport;

#[cfg(feature = "_rustls")]
pub use tls::{Roots, rustls_config};
pub use transport::ReqwestTransport;

/// The reqwest that this crate is for: its `ClientBuilder` is what
/// [`ReqwestTransport::from_builder`] takes.
pub use reqwest;
#[cfg(feature = "_rustls")]
/// The rustls that this crate is for.
pub use rustls;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
