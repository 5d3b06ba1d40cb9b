use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use countersign_core::{Body, Limits, Runtime, Transport, TransportError};

use crate::scripted::RecordedRequest;

/// A transport that hands everything on to another one and keeps the requests.
///
/// For tests that go through a real server and are about what was sent all the same. Clones share
/// both. The requests that it keeps hold secrets.
///
/// ```
/// use countersign_testkit::{RecordingTransport, ScriptedTransport};
///
/// let transport = RecordingTransport::new(ScriptedTransport::new()); // or one over HTTP
/// assert_eq!(transport.requests().len(), 0);
/// ```
#[derive(Clone)]
pub struct RecordingTransport {
    inner: Arc<dyn Transport>,
    requests: Arc<Mutex<Vec<RecordedRequest>>>,
}

impl RecordingTransport {
    /// Records what `inner` is asked to send.
    #[must_use]
    pub fn new(inner: impl Transport) -> Self {
        Self { inner: Arc::new(inner), requests: Arc::default() }
    }

    /// The requests so far, in the order in which their calls began.
    #[must_use]
    pub fn requests(&self) -> Vec<RecordedRequest> {
        self.requests.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

#[async_trait]
impl Transport for RecordingTransport {
    async fn send(
        &self,
        request: http::Request<Body>,
        limits: Limits,
    ) -> Result<http::Response<Body>, TransportError> {
        let recorded = RecordedRequest::of(&request);
        self.requests.lock().unwrap_or_else(PoisonError::into_inner).push(recorded);
        self.inner.send(request, limits).await
    }

    fn runtime(&self) -> Runtime {
        self.inner.runtime()
    }
}

impl fmt::Debug for RecordingTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RecordingTransport").field("inner", &self.inner).finish_non_exhaustive()
    }
}
