use std::time::Duration;

use http::StatusCode;

use super::ServerError;
use crate::transport::Delivery;

/// Whether the server acted on the request that failed, as far as can be told from here.
///
/// [`Recovery`](crate::Recovery) is what follows from it for the operation and the provider; this
/// is for programs that decide for themselves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Outcome {
    /// Nothing was sent: the error is of this side, or no connection was had.
    NotSent,
    /// The server says that it did not process the request: 429, or 503 with `Retry-After` or with
    /// an OAuth error.
    Unprocessed,
    /// The server processed the request and refused it.
    Refused,
    /// Anything may have happened: a reset, a time limit, a cut or unreadable answer, any other
    /// 5xx. From outside a cut request and a swallowed answer look the same.
    Unknown,
}

impl Outcome {
    /// Of an answer that was not what was asked for.
    pub(crate) fn of_answer(
        status: StatusCode,
        server: Option<&ServerError>,
        after: Option<Duration>,
    ) -> Self {
        let says_unavailable = server.is_some() || after.is_some();
        match status {
            StatusCode::TOO_MANY_REQUESTS => Self::Unprocessed,
            StatusCode::SERVICE_UNAVAILABLE if says_unavailable => Self::Unprocessed,
            // HelloSign's 409 is "an identical request is already being processed".
            StatusCode::REQUEST_TIMEOUT | StatusCode::CONFLICT => Self::Unknown,
            status if status.is_server_error() => Self::Unknown,
            status => match server.map(ServerError::code) {
                Some("server_error" | "temporarily_unavailable" | "slow_down" | "conflict") => {
                    Self::Unknown
                }
                None if status.is_success() => Self::Unknown,
                _ => Self::Refused,
            },
        }
    }
}

impl From<Delivery> for Outcome {
    fn from(delivery: Delivery) -> Self {
        match delivery {
            Delivery::NotSent => Self::NotSent,
            Delivery::Unknown => Self::Unknown,
        }
    }
}
