use std::sync::Arc;

use http::Request;

use super::api_response::ApiResponse;
use crate::body::Body;
use crate::channel::{Answer, Channel};
use crate::clock::{Clock, SystemClock};
use crate::error::{Error, Operation, Redactor};
use crate::provider::Leniency;
use crate::response::Reader;
use crate::transport::{Limits, Transport};

/// What the API objects have in common: the ways out, and how an answer is read.
#[derive(Debug, Clone)]
pub(super) struct Caller {
    pub(super) channel: Channel,
}

impl Caller {
    pub(super) fn new(transport: impl Transport) -> Self {
        let transport = Arc::new(transport);
        Self {
            channel: Channel { transport, clock: Arc::new(SystemClock), limits: Limits::default() },
        }
    }

    pub(super) fn with_clock(mut self, clock: impl Clock) -> Self {
        self.channel.clock = Arc::new(clock);
        self
    }

    pub(super) fn with_limits(mut self, limits: Limits) -> Self {
        self.channel.limits = limits;
        self
    }

    /// Sends `request`, and has `read` make of a complete answer what it can. `secrets` are those
    /// in the request, to be taken out of what the server says of it.
    pub(super) async fn call<T>(
        &self,
        request: Request<Body>,
        operation: Operation,
        leniency: Leniency,
        secrets: &[&str],
        read: impl FnOnce(&Reader<'_>, Answer) -> Result<(T, http::HeaderMap), Error>,
    ) -> Result<ApiResponse<T>, Error> {
        let answer = self.channel.send(request).await;
        let answer = answer.map_err(|error| Error::of_transport(error, operation))?;
        let reader = Reader {
            operation,
            leniency,
            scope_separator: ' ',
            now: &|| self.channel.now(),
            redactor: &|| Redactor::new(secrets.iter().copied()),
        };
        let status = answer.status;
        let (data, mut headers) = read(&reader, answer)?;
        (reader.redactor)().mark(&mut headers);
        Ok(ApiResponse::new(status, headers, data))
    }
}
