use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use countersign_core::{Body, Limits, Transport, TransportError};

/// A transport that takes requests and never answers, nor fails, nor minds the time limit.
///
/// For tests of what goes on while an answer is awaited, and of what is left when the one who
/// awaits it gives up. Clones share the count.
///
/// ```
/// use countersign_core::{Client, Provider};
/// use countersign_testkit::NeverTransport;
///
/// let transport = NeverTransport::new();
/// let client = Client::builder(Provider::hellosign(), "id")
///     .secret("secret")
///     .transport(transport.clone())
///     .build()?;
/// assert_eq!(transport.calls(), 0);
/// # let _ = client;
/// # Ok::<(), countersign_core::Error>(())
/// ```
#[derive(Debug, Clone, Default)]
pub struct NeverTransport(Arc<AtomicUsize>);

impl NeverTransport {
    /// A transport that has not been called.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// How many calls have begun, those that were given up included.
    #[must_use]
    pub fn calls(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }
}

#[async_trait]
impl Transport for NeverTransport {
    async fn send(
        &self,
        _request: http::Request<Body>,
        _limits: Limits,
    ) -> Result<http::Response<Body>, TransportError> {
        self.0.fetch_add(1, Ordering::SeqCst);
        std::future::pending().await
    }
}
