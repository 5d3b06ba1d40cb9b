//! What the tests that go through a socket share: a sandbox, and a client of it.

mod child;
mod provider;
mod store;

use std::error::Error;
use std::time::Duration;

use countersign::{
    AuthorizationFlow, Authorized, Binding, Callback, Client, Pending, Provider, ReqwestTransport,
    Rotation, Transport,
};
use countersign_sandbox::{Config, Sandbox};
use countersign_testkit::ManualClock;

pub use child::{child, said, say};
pub use provider::{Seen, VirtualProvider};
pub use store::{Fault, FaultyStore, Injector, Step};

/// What a test returns.
pub type TestResult = Result<(), Box<dyn Error>>;

/// 2026-01-01T00:00:00Z, where the clocks of client and server begin.
const NEW_YEAR: u64 = 1_767_225_600;

/// A client and the server that it speaks to.
#[derive(Debug)]
pub struct Fixture {
    /// The server.
    pub sandbox: Sandbox,
    /// The client, over reqwest.
    pub client: Client,
    /// The clock of the client.
    pub clock: ManualClock,
    /// The browser that begins the flows.
    pub browser: Binding,
}

impl Fixture {
    /// A sandbox that is configured so, and a client for its dialect over reqwest.
    ///
    /// # Errors
    ///
    /// Whatever keeps either from starting.
    pub async fn start(config: Config) -> Result<Self, Box<dyn Error>> {
        Self::with_transport(config, ReqwestTransport::new()?).await
    }

    /// The same over another transport.
    ///
    /// # Errors
    ///
    /// Whatever keeps either from starting.
    pub async fn with_transport(
        config: Config,
        transport: impl Transport,
    ) -> Result<Self, Box<dyn Error>> {
        let sandbox = Sandbox::start(config.frozen_at(NEW_YEAR)).await?;
        // Only HelloSign's dialect refreshes at another URL.
        let provider = if sandbox.refresh_url() == sandbox.token_url() {
            Provider::rfc6749(sandbox.authorization_url(), sandbox.token_url())
                .with_issuer(sandbox.origin(), true)
                .with_rotation(Rotation::Strict)
        } else {
            Provider::hellosign().with_origin(sandbox.origin())
        };
        let provider = match sandbox.revocation_url() {
            Some(url) => provider.with_revocation_url(url),
            None => provider,
        };
        let clock = ManualClock::default();
        let client = Client::builder(provider, Config::CLIENT_ID)
            .secret(Config::CLIENT_SECRET)
            .redirect_uri("http://127.0.0.1:8799/callback")
            .transport(transport)
            .clock(clock.clone())
            .build()?;
        Ok(Self { sandbox, client, clock, browser: Binding::session("a session id") })
    }

    /// A flow that has begun, and the callback of a user who approves.
    ///
    /// # Errors
    ///
    /// When the flow does not begin, or the sandbox does not send the browser back.
    pub fn approved(&self) -> Result<(AuthorizationFlow<Pending>, Callback), Box<dyn Error>> {
        let flow = self.client.authorize(&self.browser).begin()?;
        let callback = Callback::from_url(self.sandbox.approve(flow.authorization_url())?)?;
        Ok((flow, callback))
    }

    /// A flow that has been authorized.
    ///
    /// # Errors
    ///
    /// Whatever keeps it from being.
    pub async fn authorized(&self) -> Result<AuthorizationFlow<Authorized>, Box<dyn Error>> {
        let (flow, callback) = self.approved()?;
        Ok(flow.complete(&callback, &self.browser).await?)
    }

    /// Moves both clocks on.
    pub fn advance(&self, by: Duration) {
        self.clock.advance(by);
        self.sandbox.advance(by);
    }
}

/// Where a peer listens that the test runner started; prints that the test is skipped, where none
/// was.
#[must_use]
pub fn peer(variable: &str) -> Option<String> {
    let url = std::env::var(variable).ok().filter(|url| !url.is_empty());
    if url.is_none() {
        println!("skipped: {variable} is not set; `cargo xtask test` starts this peer");
    }
    url
}
