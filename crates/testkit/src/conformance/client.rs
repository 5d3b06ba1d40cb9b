//! The client's side: requests, calls, and what is expected of their ends.

use std::error::Error;
use std::time::Duration;

use countersign_core::{
    Body, Delivery, Limits, Transport, TransportError, TransportErrorKind as Kind,
};

use crate::conformance::Subject;
use crate::verdict::{Broken, Verdict, hold};

/// How a call ended.
pub(crate) type Ending = Result<http::Response<Body>, TransportError>;

/// Long enough for whatever should succeed, and shorter than a server's patience.
pub(crate) fn limits() -> Limits {
    Limits::default().with_timeout(Duration::from_secs(8))
}

/// Short, where a server will not answer.
pub(crate) fn hurried() -> Limits {
    Limits::default().with_timeout(Duration::from_millis(300))
}

/// A POST as a token request is one.
pub(crate) fn post(url: &str) -> Result<http::Request<Body>, http::Error> {
    http::Request::post(url)
        .header("content-type", "application/x-www-form-urlencoded")
        .body(Body::from(b"grant_type=authorization_code&code=c0de".to_vec()))
}

pub(crate) fn get(url: &str) -> Result<http::Request<Body>, http::Error> {
    http::Request::get(url).body(Body::empty())
}

impl Subject<'_> {
    pub(crate) fn send(
        &self,
        transport: &dyn Transport,
        request: http::Request<Body>,
        limits: Limits,
    ) -> Result<Ending, Broken> {
        self.run(transport.send(request, limits))
    }

    /// A response that there has to be.
    pub(crate) fn answer(
        &self,
        transport: &dyn Transport,
        request: http::Request<Body>,
        limits: Limits,
    ) -> Result<http::Response<Body>, Broken> {
        self.send(transport, request, limits)?
            .map_err(|error| Broken::new(format!("failed: {}", told(&error))))
    }

    /// An error that there has to be, of one call by a transport of its own.
    pub(crate) fn failure(
        &self,
        request: http::Request<Body>,
        limits: Limits,
    ) -> Result<TransportError, Broken> {
        failure(self.send(&*self.transport(), request, limits)?)
    }
}

pub(crate) fn failure(ending: Ending) -> Result<TransportError, Broken> {
    match ending {
        Err(error) => Ok(error),
        Ok(answer) => Err(Broken::new(format!(
            "took {} with {} bytes for an answer",
            answer.status(),
            answer.body().len()
        ))),
    }
}

/// One of these kinds, and nothing said that is not known.
pub(crate) fn is_unknown(error: &TransportError, kinds: &[Kind]) -> Verdict {
    hold!(kinds.contains(&error.kind()), "expected one of {kinds:?}, not: {}", told(error));
    hold!(error.delivery() == Delivery::Unknown, "the server may have it: {}", told(error));
    Ok(())
}

/// The error and its causes.
pub(crate) fn told(error: &TransportError) -> String {
    let mut text = format!("{error} ({:?})", error.kind());
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(&format!(": {cause}"));
        source = cause.source();
    }
    text
}
