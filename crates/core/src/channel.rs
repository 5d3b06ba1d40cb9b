//! Pumps a request through the transport, and reckons with its time.

use std::sync::Arc;

use http::{HeaderMap, Request, StatusCode};

use crate::body::Body;
use crate::clock::Clock;
use crate::instant::Millis;
use crate::transport::{Delivery, Limits, Transport, TransportError, TransportErrorKind};

/// The ways out: transport, clock and limits.
#[derive(Debug, Clone)]
pub(crate) struct Channel {
    pub(crate) transport: Arc<dyn Transport>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) limits: Limits,
}

/// A complete response, and when its request left.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Body,
    pub(crate) requested_at: Millis,
}

impl Channel {
    pub(crate) async fn send(&self, request: Request<Body>) -> Result<Answer, TransportError> {
        // Read before the request leaves: a lifetime counted from here never ends too late (G6).
        let requested_at = self.now();
        let (head, body) = self.transport.send(request, self.limits).await?.into_parts();
        if body.len() > self.limits.max_body {
            return Err(TransportError::new(TransportErrorKind::TooLarge, Delivery::Unknown));
        }
        Ok(Answer { status: head.status, headers: head.headers, body, requested_at })
    }

    pub(crate) fn now(&self) -> Millis {
        self.clock.now().into()
    }
}
