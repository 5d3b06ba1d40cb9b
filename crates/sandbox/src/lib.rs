//! A loopback OAuth 2.0 authorization server to develop and test against: HelloSign's (Dropbox
//! Sign's) dialect, RFC 6749's, and faults on demand.
//!
//! ```
//! use countersign_sandbox::{Config, Fault, Sandbox, Target, When};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let sandbox = Sandbox::start(Config::hellosign()).await?;
//! let callback = sandbox.approve(&format!(
//!     "{}?response_type=code&client_id=sandbox-client&redirect_uri=http://127.0.0.1:9/cb&state=xyz",
//!     sandbox.authorization_url(),
//! ))?; // http://127.0.0.1:9/cb?code=…&state=xyz
//! sandbox.fail_next(Fault::Reset { when: When::After }.on(Target::TokenRefresh));
//! // … let the client under test exchange the code and refresh …
//! assert_eq!(sandbox.counts().token_refresh, 0);
//! sandbox.stop().await;
//! # assert!(callback.starts_with("http://127.0.0.1:9/cb?code="));
//! # Ok(())
//! # }
//! ```
//!
//! * [`Config`] chooses the dialect and how it behaves. The sandbox has its own clock
//!   ([`Config::frozen_at`], [`Sandbox::advance`]), so that nothing needs to wait for an expiry.
//! * [`Sandbox::counts`] tells which requests have arrived, by kind and by grant. Counting is exact:
//!   it is how a test proves that a code was sent once.
//! * [`Sandbox::fail_next`] makes requests fail, before or after they have been carried out.
//! * The same controls are HTTP routes under `/_sandbox`, for clients in any language. The program
//!   `countersign-sandbox` (feature `cli`, on by default) serves them until it is interrupted.
//!
//! It listens on loopback addresses only, keeps everything in memory until it stops, and logs (with
//! `tracing`) method, path and status, never a secret, code, token or `state`.
//!
//! # What is known and what is assumed
//!
//! HelloSign's dialect follows the vendor's published contract and what integrators report of the
//! live service. Not known, and therefore chosen: wrong client credentials are 401 `invalid_client`;
//! an unsupported content type is 400; account creation and verification ask for a token or the API
//! key, as the contract says; the rate limit is told, not enforced; reuse of a code revokes nothing;
//! there is nothing at `/oauth/revoke`. The RFC 6749 dialect revokes tokens there (RFC 7009): a
//! refresh token with its whole grant, an access token by itself.

mod authorize;
mod clock;
mod config;
mod connection;
mod consent;
mod count;
mod fault;
mod http;
mod pkce;
mod random;
mod redirect_uri;
mod sandbox;
mod server;
mod state;
mod user;

pub use config::{
    ClientAuthentication, ClientRegistration, Config, Dialect, ExpiresIn, RateLimitHeaders,
    RefreshCredentials, Rotation, TokenErrors,
};
pub use count::{Counts, GrantCounts};
pub use fault::{Answer, Fault, Injection, Target, When};
pub use sandbox::{AuthorizeError, Sandbox, StartError};
pub use state::{GrantId, GrantInfo, GrantStatus};
