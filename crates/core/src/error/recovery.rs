use std::time::Duration;

use http::StatusCode;

use super::{ErrorKind, ServerError};
use crate::provider::Rotation;
use crate::transport::Delivery;

/// What can be done about an [`Error`](super::Error).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Recovery {
    /// Do the same again: nothing was spent. When the server asked for a wait, not before `after`.
    Retry {
        /// How long the server asked to wait, counted from its answer.
        after: Option<Duration>,
    },
    /// Send the user to the consent page again: what was held is worth nothing any more.
    Reauthorize,
    /// The refresh token may have been spent, and the answer been lost. On a provider that rotates
    /// refresh tokens, sending it again may end the whole grant. Look for a newer one before you
    /// do, or authorize again; on [`Rotation::Grace`](crate::Rotation::Grace) it may be sent again
    /// within the window.
    OutcomeUnknown,
    /// Mend the program, its settings or the app's settings at the provider.
    Fix,
}

impl Recovery {
    /// The recovery of an error in which no server had a part.
    pub(super) fn of_kind(kind: ErrorKind) -> Self {
        match kind {
            ErrorKind::Randomness => Self::Retry { after: None },
            ErrorKind::Configuration | ErrorKind::ForeignState | ErrorKind::NotAuthorized => {
                Self::Fix
            }
            _ => Self::Reauthorize,
        }
    }
}

/// What was asked of the server: it decides what a failure means.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Operation {
    /// A code was exchanged: it is spent by whatever may have arrived (RFC 6749 section 4.1.2).
    Code,
    /// A refresh token was sent.
    Refresh(Rotation),
    /// A call that spends nothing.
    Read,
}

impl Operation {
    pub(super) fn recovery_without_answer(self, delivery: Delivery) -> Recovery {
        match delivery {
            Delivery::NotSent => Recovery::Retry { after: None },
            Delivery::Unknown => self.ambiguous(),
        }
    }

    /// The server may have acted, and what came of it is not known.
    pub(crate) fn ambiguous(self) -> Recovery {
        match self {
            Self::Code => Recovery::Reauthorize,
            Self::Refresh(Rotation::Never) | Self::Read => Recovery::Retry { after: None },
            Self::Refresh(_) => Recovery::OutcomeUnknown,
        }
    }

    /// The server answered, and not with success.
    pub(crate) fn recovery_after(
        self,
        status: StatusCode,
        server: Option<&ServerError>,
        after: Option<Duration>,
    ) -> Recovery {
        if self.is_unprocessed(status, server, after) {
            return Recovery::Retry { after };
        }
        if status.is_server_error() || (status.is_success() && server.is_none()) {
            return self.ambiguous();
        }
        match (self, server.map(ServerError::code)) {
            (_, Some("invalid_grant")) => Recovery::Reauthorize,
            // HelloSign, live 2026: a wrong or late code is `invalid_request`.
            (Self::Code, Some("invalid_request" | "bad_request")) => Recovery::Reauthorize,
            (Self::Refresh(_), Some("conflict")) => self.ambiguous(),
            _ => Recovery::Fix,
        }
    }

    /// Whether the server said that it did not process the request. A code counts as sent even so.
    fn is_unprocessed(
        self,
        status: StatusCode,
        server: Option<&ServerError>,
        after: Option<Duration>,
    ) -> bool {
        !matches!(self, Self::Code)
            && (status == StatusCode::TOO_MANY_REQUESTS
                || status == StatusCode::SERVICE_UNAVAILABLE
                    && (server.is_some() || after.is_some()))
    }
}
