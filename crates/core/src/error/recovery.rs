use std::time::Duration;

use http::StatusCode;

use super::{ErrorKind, Outcome, ServerError};
use crate::provider::Rotation;

/// What can be done about an [`Error`](super::Error).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Recovery {
    /// Do the same again: nothing was spent. When the server asked for a wait, not before `after`.
    Retry {
        /// How long the server asked to wait, counted from its answer; at most a day.
        after: Option<Duration>,
    },
    /// The access token is not taken any more: [`expire`](crate::AuthorizationFlow::expire) the
    /// flow and refresh it.
    Refresh,
    /// Send the user to the consent page again: nothing that is held buys a token. A flow whose
    /// callback was refused is still as it was, and the right callback completes it.
    Reauthorize,
    /// What was sent may have been acted on, and the answer been lost.
    ///
    /// Of a refresh token: on a provider that rotates them, sending it again may end the whole
    /// grant. Look for a newer one before you do, or authorize again; on
    /// [`Rotation::Grace`](crate::Rotation::Grace) it may be sent again within the window. Of an
    /// account that was to be created: look whether it is there.
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
    /// A token was revoked, which may be repeated: of one that is revoked already, RFC 7009
    /// section 2.2 has the server say the same.
    Revoke,
    /// Something is to be created, once.
    Create,
    /// A call that spends nothing, with an access token or without.
    Read {
        /// Whether it was made on the authority of an access token.
        with_access_token: bool,
    },
}

impl Operation {
    /// What can be done after `outcome`; `after` is how long the server asked to wait.
    pub(crate) fn recovery(
        self,
        outcome: Outcome,
        status: Option<StatusCode>,
        server: Option<&ServerError>,
        after: Option<Duration>,
    ) -> Recovery {
        match (outcome, self) {
            (Outcome::NotSent, _) => Recovery::Retry { after },
            // G2: a code counts as sent whatever the server says of it.
            (Outcome::Unprocessed | Outcome::Unknown, Self::Code) => Recovery::Reauthorize,
            (Outcome::Unprocessed, _) => Recovery::Retry { after },
            (
                Outcome::Unknown,
                Self::Refresh(Rotation::Never) | Self::Revoke | Self::Read { .. },
            ) => Recovery::Retry { after },
            (Outcome::Unknown, Self::Refresh(_) | Self::Create) => Recovery::OutcomeUnknown,
            (Outcome::Refused, _) => self.after_refusal(status, server),
        }
    }

    fn after_refusal(self, status: Option<StatusCode>, server: Option<&ServerError>) -> Recovery {
        let unauthorized = status == Some(StatusCode::UNAUTHORIZED);
        match (self, server.map(ServerError::code)) {
            // The consent page does not help to be rid of a token.
            (Self::Revoke, _) => Recovery::Fix,
            (_, Some("invalid_grant")) => Recovery::Reauthorize,
            // HelloSign, live 2026: a wrong or late code is `invalid_request`.
            (Self::Code, Some("invalid_request" | "bad_request")) => Recovery::Reauthorize,
            (Self::Read { with_access_token: true }, _) if unauthorized => Recovery::Refresh,
            _ => Recovery::Fix,
        }
    }
}
