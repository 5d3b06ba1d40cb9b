//! The seam between the protocol and whatever speaks HTTP.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use crate::body::Body;

/// Sends one HTTP request and returns its response.
///
/// The contract, which an implementation has to keep for Countersign's guarantees to hold:
///
/// * The request is sent as it is, **at most once**, and the response returned as it is. Any
///   status is `Ok`, those of redirects and errors too.
/// * **No redirect is followed**: a token request that is sent on hands its secrets to the target.
/// * A response body longer than [`Limits::max_body`], after decompression, ends the call with
///   [`TransportErrorKind::TooLarge`], while reading rather than after it.
/// * The whole call ends within [`Limits::timeout`].
/// * [`Delivery::NotSent`] is said only when the server cannot have received the request.
/// * No error shows a URL, a header value or a body.
/// * Dropping the future ends the call.
///
/// The attribute `async_trait` stands on the implementation, and the types of requests and
/// responses are those of `http` 1.x; both crates are re-exported here.
///
/// ```
/// # use countersign_core as countersign;
/// use countersign::{Body, Limits, Transport, TransportError, async_trait, http};
///
/// #[derive(Debug)]
/// struct Canned;
///
/// #[async_trait]
/// impl Transport for Canned {
///     async fn send(
///         &self,
///         _request: http::Request<Body>,
///         _limits: Limits,
///     ) -> Result<http::Response<Body>, TransportError> {
///         Ok(http::Response::new(Body::from(b"{}".to_vec())))
///     }
/// }
/// ```
#[async_trait]
pub trait Transport: fmt::Debug + Send + Sync + 'static {
    /// Sends `request` and reads the response whole.
    ///
    /// # Errors
    ///
    /// A [`TransportError`] when no complete response was had within `limits`.
    async fn send(
        &self,
        request: http::Request<Body>,
        limits: Limits,
    ) -> Result<http::Response<Body>, TransportError>;

    /// The async runtime that [`send`](Self::send) has to be polled in. None by default.
    fn runtime(&self) -> Runtime {
        Runtime::Any
    }
}

/// The runtime that a [`Transport`] has to be polled in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Runtime {
    /// Any executor will do, a plain thread's `block_on` too.
    #[default]
    Any,
    /// A tokio runtime with its I/O and time drivers on.
    Tokio,
}

/// What one call may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// The most bytes that a response body may have, counted after decompression. 1 MiB by
    /// default.
    pub max_body: usize,
    /// The longest that a call may take, from its beginning to the last byte of the body. 30 s by
    /// default.
    pub timeout: Duration,
}

impl Limits {
    /// These limits with another [`max_body`](Self::max_body), in bytes.
    #[must_use]
    pub fn with_max_body(mut self, bytes: usize) -> Self {
        self.max_body = bytes;
        self
    }

    /// These limits with another [`timeout`](Self::timeout).
    #[must_use]
    pub fn with_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self { max_body: 1024 * 1024, timeout: Duration::from_secs(30) }
    }
}

/// Why there is no response.
///
/// Cheap to clone. `Display` says what happened, `source()` what the HTTP client said of it.
#[derive(Debug, Clone)]
pub struct TransportError {
    kind: TransportErrorKind,
    delivery: Delivery,
    source: Option<Arc<dyn std::error::Error + Send + Sync>>,
}

impl TransportError {
    /// An error of this kind; `delivery` tells whether the server may have received the request.
    #[must_use]
    pub fn new(kind: TransportErrorKind, delivery: Delivery) -> Self {
        Self { kind, delivery, source: None }
    }

    /// The same with what the HTTP client said. That must not show a URL or a secret.
    #[must_use]
    pub fn with_source(
        mut self,
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        self.source = Some(Arc::from(source.into()));
        self
    }

    /// What happened.
    #[must_use]
    pub fn kind(&self) -> TransportErrorKind {
        self.kind
    }

    /// Whether the server may have received the request.
    #[must_use]
    pub fn delivery(&self) -> Delivery {
        self.delivery
    }
}

impl fmt::Display for TransportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.kind {
            TransportErrorKind::Connect => "no connection to the server",
            TransportErrorKind::Timeout => "the call reached its time limit",
            TransportErrorKind::TooLarge => "the response is larger than the limit",
            TransportErrorKind::Interrupted => "the connection ended before the response did",
            TransportErrorKind::NoRuntime => {
                "there is no async runtime, and the transport needs one"
            }
            TransportErrorKind::Other => "the HTTP client failed",
        })?;
        f.write_str(match self.delivery {
            Delivery::NotSent => "; the request was not sent",
            Delivery::Unknown => "; the server may have received the request",
        })
    }
}

impl std::error::Error for TransportError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_ref().map(|source| source.as_ref() as _)
    }
}

/// What kept a response from coming.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TransportErrorKind {
    /// No connection: name look-up, refused port, TLS handshake.
    Connect,
    /// The time limit.
    Timeout,
    /// The body is over its limit.
    TooLarge,
    /// The connection ended before the response did.
    Interrupted,
    /// There is no async runtime, and the transport needs one: see [`Transport::runtime`].
    NoRuntime,
    /// Anything else.
    Other,
}

/// Whether a request that failed may have reached the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Delivery {
    /// It cannot have arrived: sending it again is safe.
    NotSent,
    /// It may have arrived, and been acted on.
    Unknown,
}
