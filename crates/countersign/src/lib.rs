//! An OAuth 2.0 client whose flow is checked at compile time: HelloSign's (Dropbox Sign's)
//! OAuth complete, and every provider that follows RFC 6749.
#![cfg_attr(
    feature = "reqwest",
    doc = r#"
```
use countersign::{Binding, Callback, Client, Freshness, Provider, ReqwestTransport};
use countersign_sandbox::{Config, Sandbox};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let sandbox = Sandbox::start(Config::hellosign()).await?; // in place of HelloSign
    let provider = Provider::hellosign().with_origin(sandbox.origin());
    let client = Client::builder(provider, Config::CLIENT_ID)
        .secret(Config::CLIENT_SECRET)
        .redirect_uri("http://127.0.0.1:8799/callback")
        .transport(ReqwestTransport::new()?)
        .build()?;

    let browser = Binding::this_process(); // on the web: Binding::session(session.id())
    let flow = client.authorize(&browser).begin()?;
    let callback = sandbox.approve(flow.authorization_url())?; // the user says yes
    let flow = flow.complete(&Callback::from_url(callback)?, &browser).await?;

    let flow = match flow.check() {
        Freshness::Live(flow) => flow.expire(), // as after a 401
        Freshness::Expired(flow) => flow,
    };
    let flow = flow.refresh().await?;
    println!("Authorization: {:?}", flow.access_token().authorization_header());
    Ok(())
}
```
"#
)]
//!
//! * **Misuse does not compile.** A pending flow has no token, an expired one has only `refresh`,
//!   and each step consumes the flow that it leads on from: see [`AuthorizationFlow`].
//! * **Nothing is lost.** A refused step gives the flow back; a code is sent once, and an error
//!   says whether trying again is safe: see [`Error::recovery`].
//! * **The HTTP client is yours.** Anything that implements [`Transport`] will do: see the
//!   [guide](guide::bring_your_own_transport).
//! * **Types that can be written down.** [`Client`] has no type parameters, and [`AnyFlow`] is a
//!   flow in whatever state it is.
//!
//! # Where to begin
//!
//! | to | see |
//! |---|---|
//! | describe the provider | [`Provider::hellosign`], [`Provider::rfc6749`] |
//! | describe the client | [`Client::builder`] |
//! | send the user to the consent page | [`Client::authorize`], [`Binding`] |
//! | take the callback | [`Callback::from_url`], [`Client::resume`] |
//! | go on calling the API for months | [`AnyFlow::access_token`] |
//! | keep the tokens of many users fresh | the module `tokens`, behind the feature of its name |
//! | keep tokens in a database of your own | the [guide](guide::bring_your_own_store) |
//! | call HelloSign's operations by name | [`hellosign`] |
//! | know what to do about a failure | [`Error::recovery`], [`Error::outcome`], [`ErrorKind`] |
//! | test your program | the crates `countersign-sandbox` (the server above) and `countersign-testkit` |
//!
//! # Features
//!
//! They only add: any combination builds, and none changes what another does.
//!
//! | feature | what it adds, and why it is one |
//! |---|---|
//! | `reqwest` (default) | `ReqwestTransport`, with TLS by rustls and ring: light to build, nothing to install |
//! | `reqwest-aws-lc-rs` | the same with aws-lc for cryptography: where FIPS or post-quantum key exchange is asked for; builds for longer |
//! | `reqwest-native-tls` | the same with the platform's TLS; on Linux needs OpenSSL's headers and pkg-config |
//! | `reqwest-webpki-roots` | `reqwest`, and `ReqwestTransport::webpki_roots()`, which believes Mozilla's list of certificate authorities: for containers that have none |
//! | `reqwest-gzip` | `reqwest`, and compressed bodies |
//! | `isahc` | `IsahcTransport`, over libcurl, with TLS by rustls and aws-lc: needs no async runtime; brings a libcurl of its own, and needs a C compiler to build it |
//! | `isahc-webpki-roots` | `isahc`, and `IsahcTransport::webpki_roots()`, which believes Mozilla's list of certificate authorities |
//! | `tokens` | `tokens::TokenManager`, which keeps grants fresh, its stores in memory and in files, and `BearerTransport` |
//! | `tokens-tokio` | `tokens`, and tasks and timers of a tokio runtime for it |
//! | `tokens-threads` | `tokens`, and tasks on plain threads, for transports that need no async runtime |
//! | `tokens-sealed` | `tokens`, and `TokenManagerBuilder::sealed_by`, which encrypts the tokens in the store |
//! | `tokens-tower` | `tokens`, and a layer that adds tokens to the requests of `tower` services: hyper, tonic |
//! | `postgres` | `tokens`, and `tokens::PostgresStore`: grants of any number of machines in PostgreSQL, over sqlx and tokio |
//! | `postgres-rustls` | `postgres`, and TLS to the server by rustls and ring, with the system's certificates |
//! | `sqlite` | `tokens`, and `tokens::SqliteStore`: grants of one machine's processes in a file; compiles SQLite along, and needs a C compiler |
//! | `redis` | `tokens`, and `tokens::RedisStore`: grants of any number of machines in Redis or Valkey, over tokio |
//! | `redis-cluster` | `redis`, and connections to a Redis Cluster |
//! | `redis-rustls` | `redis`, and TLS to the server by rustls and ring, with the system's certificates |
//!
//! Both transports may be on at once: a program chooses one by its name. Without any there is no
//! HTTP client, async runtime or TLS in the dependency tree: bring a [`Transport`], as the
//! [guide](guide::bring_your_own_transport) shows.

pub mod guide;
#[cfg(feature = "tokens")]
pub mod tokens;

pub use countersign_core::{
    AccessToken, AnyFlow, AnyState, ApiOrigin, AuthorizationFlow, Authorize, Authorized, Binding,
    Body, BodyCollector, BodyFormat, Callback, Client, ClientAuthentication, ClientBuilder, Clock,
    Delivery, Error, ErrorKind, Expired, ExposeSecret, Extra, Failed, Freshness, HttpFailure,
    Leniency, Limits, Live, Outcome, Pending, Pkce, Provider, RateLimit, Recovery, RefreshToken,
    Refreshed, Refused, Rotation, Runtime, Scopes, SecretString, ServerError, State, SystemClock,
    TokenSet, Transport, TransportError, TransportErrorKind, async_trait, hellosign, http,
};
#[cfg(feature = "isahc")]
pub use countersign_isahc::IsahcTransport;
#[cfg(any(
    feature = "reqwest",
    feature = "reqwest-aws-lc-rs",
    feature = "reqwest-native-tls"
))]
pub use countersign_reqwest::ReqwestTransport;

/// The programs of the README, so that they go on compiling and running.
#[cfg(all(
    doctest,
    feature = "reqwest",
    feature = "tokens-tokio",
    feature = "tokens-sealed",
    feature = "postgres"
))]
#[doc = include_str!("../../../README.md")]
struct Readme;
