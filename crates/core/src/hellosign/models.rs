//! The models, by their published names.

mod account;
mod account_response;
mod error;
mod oauth;

pub use account::{
    AccountCreateRequest, AccountCreateResponse, AccountGetResponse, AccountVerifyRequest,
    AccountVerifyResponse, AccountVerifyResponseAccount,
};
pub use account_response::{
    AccountResponse, AccountResponseQuotas, AccountResponseSettings, AccountResponseUsage,
};
pub use error::{ErrorResponse, ErrorResponseError, WarningResponse};
pub use oauth::{OAuthTokenGenerateRequest, OAuthTokenRefreshRequest, OAuthTokenResponse};

use serde::Deserialize;

use crate::error::{Error, ErrorKind};

/// Reads a JSON answer.
pub(super) fn read_json<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, Error> {
    serde_json::from_slice(body).map_err(|error| {
        // Where, and not what: serde's words may quote the body.
        let message = format!(
            "the answer is not of the documented shape (at line {}, column {})",
            error.line(),
            error.column(),
        );
        Error::new(ErrorKind::ResponseMalformed, message)
    })
}
