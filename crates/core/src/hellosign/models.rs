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

/// What an answer that cannot be read is not.
pub(super) const DOCUMENTED: &str = "of the documented shape";
