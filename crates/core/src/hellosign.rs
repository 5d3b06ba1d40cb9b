//! HelloSign, now Dropbox Sign: its OAuth API complete, by its published names.
//!
//! The product was renamed; its hosts, headers and documentation still say HelloSign. Where the
//! vendor's OpenAPI document and the live service differ, what works live is the default.
//!
//! Most programs need only [`Provider::hellosign`](crate::Provider::hellosign) and the
//! [flow](crate::AuthorizationFlow). [`OAuthApi`] has the two token operations as the vendor's own
//! SDKs have them, [`AccountApi`] the account operations around them, and [`AppOwnerScope`] and
//! [`UserScope`] the scopes.
//!
//! What an app has to know of this provider:
//!
//! * An app that uses OAuth needs the vendor's approval before others than its owner can authorize
//!   it. Scopes are chosen in the app's settings; changing them there revokes every grant.
//! * A code is good for an hour after the grant. A wrong or late one is refused as
//!   `invalid_request`, not `invalid_grant`.
//! * Refresh tokens do not rotate: the answer carries the one that was sent.
//! * There is no PKCE, no revocation and no introspection.

mod account_api;
mod api_response;
mod caller;
mod models;
mod oauth_api;
mod provider;
mod scopes;

pub use account_api::{AccountApi, ApiCredentials};
pub use api_response::ApiResponse;
pub use models::{
    AccountCreateRequest, AccountCreateResponse, AccountGetResponse, AccountResponse,
    AccountResponseQuotas, AccountResponseSettings, AccountResponseUsage, AccountVerifyRequest,
    AccountVerifyResponse, AccountVerifyResponseAccount, ErrorResponse, ErrorResponseError,
    OAuthTokenGenerateRequest, OAuthTokenRefreshRequest, OAuthTokenResponse, WarningResponse,
};
pub use oauth_api::OAuthApi;
pub use scopes::{AppOwnerScope, UserScope};
