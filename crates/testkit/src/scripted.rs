use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use countersign_core::{Body, Delivery, Limits, Transport, TransportError, TransportErrorKind};

/// A transport that answers with what it was given, in order, and keeps the requests.
///
/// When its answers have run out a call fails, with nothing sent. Clones share both. A transport of
/// tests: the requests that it keeps hold secrets.
#[derive(Clone, Default)]
pub struct ScriptedTransport(Arc<Mutex<Script>>);

#[derive(Default)]
struct Script {
    answers: VecDeque<Result<http::Response<Body>, TransportError>>,
    requests: Vec<RecordedRequest>,
}

/// A request that a [`ScriptedTransport`] or a
/// [`RecordingTransport`](crate::RecordingTransport) was given. Cloning the body is cheap.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct RecordedRequest {
    /// The method.
    pub method: http::Method,
    /// Where to.
    pub uri: http::Uri,
    /// The headers.
    pub headers: http::HeaderMap,
    /// The body.
    pub body: Body,
}

impl RecordedRequest {
    pub(crate) fn of(request: &http::Request<Body>) -> Self {
        Self {
            method: request.method().clone(),
            uri: request.uri().clone(),
            headers: request.headers().clone(),
            body: request.body().clone(),
        }
    }
}

impl ScriptedTransport {
    /// A transport without answers.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds an answer with this status and JSON body. A status that is none becomes 500.
    pub fn answer(&self, status: u16, body: impl Into<Vec<u8>>) {
        let status =
            http::StatusCode::from_u16(status).unwrap_or(http::StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = http::Response::new(Body::from(body.into()));
        *response.status_mut() = status;
        let json = http::HeaderValue::from_static("application/json");
        response.headers_mut().insert(http::header::CONTENT_TYPE, json);
        self.respond(response);
    }

    /// Adds a whole response.
    pub fn respond(&self, response: http::Response<Body>) {
        self.script().answers.push_back(Ok(response));
    }

    /// Adds a failure.
    pub fn fail(&self, kind: TransportErrorKind, delivery: Delivery) {
        self.script().answers.push_back(Err(TransportError::new(kind, delivery)));
    }

    /// The requests so far.
    #[must_use]
    pub fn requests(&self) -> Vec<RecordedRequest> {
        self.script().requests.clone()
    }

    fn script(&self) -> MutexGuard<'_, Script> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Transport for ScriptedTransport {
    async fn send(
        &self,
        request: http::Request<Body>,
        _limits: Limits,
    ) -> Result<http::Response<Body>, TransportError> {
        let mut script = self.script();
        script.requests.push(RecordedRequest::of(&request));
        script.answers.pop_front().unwrap_or_else(|| {
            let none_left = TransportError::new(TransportErrorKind::Other, Delivery::NotSent);
            Err(none_left.with_source("the script has no answer left"))
        })
    }
}

impl fmt::Debug for ScriptedTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ScriptedTransport").finish_non_exhaustive()
    }
}
