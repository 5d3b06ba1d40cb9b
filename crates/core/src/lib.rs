//! OAuth 2.0 for clients: the protocol, and nothing that speaks HTTP.
//!
//! Most programs use the facade, `countersign`, which adds the transports behind features; this
//! crate is for those that bring a [`Transport`] of their own, and for libraries.
//!
//! ```
//! # use countersign_core as countersign;
//! use countersign::{Binding, Callback, Client, Freshness, Provider};
//!
//! # async fn example(transport: impl countersign::Transport) -> Result<(), countersign::Error> {
//! let client = Client::builder(Provider::hellosign(), "client id")
//!     .secret("client secret")
//!     .redirect_uri("https://app.example/callback")
//!     .transport(transport)
//!     .build()?;
//!
//! let browser = Binding::session("the id of the browser's session");
//! let flow = client.authorize(&browser).begin()?;
//! println!("send the browser to {}", flow.authorization_url());
//! let stored = serde_json::to_string(&flow.into_state()).expect("states serialise");
//!
//! // In the handler of the redirect URI, perhaps in another process:
//! let state = serde_json::from_str(&stored).expect("as it was stored");
//! let flow = client.resume::<countersign::Pending>(state)?;
//! let callback = Callback::from_url("https://app.example/callback?code=…&state=…")?;
//! let flow = flow.complete(&callback, &browser).await?;
//! let token = match flow.check() {
//!     Freshness::Live(flow) => flow.access_token().clone(),
//!     Freshness::Expired(flow) => flow.refresh().await?.access_token().clone(),
//! };
//! # let _ = token;
//! # Ok(())
//! # }
//! ```

mod api_origin;
mod binding;
mod body;
mod callback;
mod channel;
mod client;
mod clock;
mod endpoint;
mod error;
mod flow;
pub mod hellosign;
mod instant;
mod json;
mod origin;
mod pkce;
mod provider;
mod random;
mod rate_limit;
mod request;
mod response;
mod scope;
mod secret;
mod token;
mod transport;

pub use api_origin::ApiOrigin;
pub use binding::Binding;
pub use body::{Body, BodyCollector};
pub use callback::Callback;
pub use client::{Client, ClientBuilder};
pub use clock::{Clock, SystemClock};
pub use error::{Error, ErrorKind, HttpFailure, Outcome, Recovery, ServerError};
pub use flow::{
    AnyFlow, AnyState, AuthorizationFlow, Authorize, Authorized, Expired, Failed, Freshness, Live,
    Pending, Refreshed, Refused, State,
};
pub use provider::{BodyFormat, ClientAuthentication, Leniency, Pkce, Provider, Rotation};
pub use rate_limit::RateLimit;
pub use scope::Scopes;
pub use token::{AccessToken, Extra, RefreshToken, TokenSet};
pub use transport::{Delivery, Limits, Runtime, Transport, TransportError, TransportErrorKind};

/// What a [`Transport`] is written with.
pub use {async_trait::async_trait, http};

/// How a secret is read out: see [`AccessToken`]. From the `secrecy` crate.
pub use secrecy::{ExposeSecret, SecretString};

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
