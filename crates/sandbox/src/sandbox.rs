//! A running sandbox.

use std::collections::HashMap;
use std::hash::Hash;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::authorize::Judgement;
use crate::config::{Config, Dialect};
use crate::connection;
use crate::count::Counts;
use crate::fault::Injection;
use crate::http::{self, Params};
use crate::server::Server;
use crate::state::{GrantId, GrantInfo};
use crate::user::{self, Decision};

/// An authorization server that listens on a loopback address until it is stopped or dropped.
pub struct Sandbox {
    server: Arc<Server>,
    authorization_url: String,
    token_url: String,
    refresh_url: String,
    revocation_url: Option<String>,
    api_url: String,
    accepting: JoinHandle<()>,
}

/// Why a sandbox did not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// The sandbox hands out tokens to whoever asks: it is not for a network.
    #[error("{} is not a loopback address", .0.ip())]
    NotLoopback(SocketAddr),
    /// A registered redirect URI is relative, has a fragment or user information, or holds
    /// characters that no URI may hold.
    #[error("not usable as a redirect URI: {0:?}")]
    RedirectUri(String),
    /// The address cannot be listened on, for instance because something else does.
    #[error("cannot listen on {address}")]
    Listen {
        /// The address that was asked for.
        address: SocketAddr,
        /// What the system says.
        source: io::Error,
    },
    /// The system gives no randomness.
    #[error("no randomness")]
    Randomness(#[source] io::Error),
}

/// Why an authorization URL leads to no callback.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AuthorizeError {
    /// It is not this sandbox's authorization endpoint.
    #[error("this is not the authorization endpoint of this sandbox")]
    Foreign,
    /// The user would be shown this message: there is no redirect URI to trust with an answer.
    #[error("the user is shown an error: {0}")]
    Refused(&'static str),
    /// The system gives no randomness.
    #[error("no randomness")]
    Randomness(#[source] io::Error),
}

impl Sandbox {
    /// Binds, and serves on a task of the current tokio runtime.
    ///
    /// # Errors
    ///
    /// If the address is not loopback or cannot be listened on, or a registered redirect URI is not
    /// one.
    pub async fn start(config: Config) -> Result<Self, StartError> {
        let address = config.address;
        if !address.ip().is_loopback() {
            return Err(StartError::NotLoopback(address));
        }
        if let Some(uri) = config.unusable_redirect_uri() {
            return Err(StartError::RedirectUri(uri.to_owned()));
        }
        let listen = |source| StartError::Listen { address, source };
        let listener = TcpListener::bind(address).await.map_err(listen)?;
        let address = listener.local_addr().map_err(listen)?;
        let server =
            Server::new(config, address).map_err(|error| StartError::Randomness(error.into()))?;
        let server = Arc::new(server);
        let router = http::router(Arc::clone(&server));
        let accepting = tokio::spawn(connection::accept(listener, Arc::clone(&server), router));
        let origin = server.origin();
        let token_url = format!("{origin}/oauth/token");
        let refresh_url = match server.config.dialect {
            Dialect::HelloSign => format!("{token_url}?refresh"),
            Dialect::Rfc6749 => token_url.clone(),
        };
        Ok(Self {
            authorization_url: format!("{origin}/oauth/authorize"),
            refresh_url,
            revocation_url: server.revocation_url(),
            api_url: format!("{origin}/v3"),
            token_url,
            accepting,
            server,
        })
    }

    /// `http://127.0.0.1:PORT`, without a slash at the end; also the issuer.
    #[must_use]
    pub fn origin(&self) -> &str {
        self.server.origin()
    }

    /// The authorization endpoint.
    #[must_use]
    pub fn authorization_url(&self) -> &str {
        &self.authorization_url
    }

    /// The token endpoint.
    #[must_use]
    pub fn token_url(&self) -> &str {
        &self.token_url
    }

    /// Where to refresh: the token endpoint, in HelloSign's dialect with `?refresh`.
    #[must_use]
    pub fn refresh_url(&self) -> &str {
        &self.refresh_url
    }

    /// The revocation endpoint (RFC 7009); HelloSign's dialect has none.
    #[must_use]
    pub fn revocation_url(&self) -> Option<&str> {
        self.revocation_url.as_deref()
    }

    /// The base of the API, `…/v3`; `/account` below it is the protected resource.
    #[must_use]
    pub fn api_url(&self) -> &str {
        &self.api_url
    }

    /// The sandbox's time, since the Unix epoch.
    #[must_use]
    pub fn now(&self) -> Duration {
        self.server.clock.now()
    }

    /// Moves the sandbox's clock on: codes and access tokens age, grace windows pass.
    pub fn advance(&self, by: Duration) {
        self.server.clock.advance(by);
    }

    /// Plays the user who opens this URL and approves, as [`Config::ACCOUNT`]. Returns the callback
    /// URL that the browser is sent to, which tells an error if the request is wrong.
    ///
    /// # Errors
    ///
    /// If the browser would not be sent anywhere.
    pub fn approve(&self, authorization_url: &str) -> Result<String, AuthorizeError> {
        self.approve_as(Config::ACCOUNT, authorization_url)
    }

    /// As [`Sandbox::approve`], signed in with this e-mail address. A first visit opens the account.
    ///
    /// # Errors
    ///
    /// If the browser would not be sent anywhere.
    pub fn approve_as(
        &self,
        account: &str,
        authorization_url: &str,
    ) -> Result<String, AuthorizeError> {
        self.decide(authorization_url, Decision::Approve { account })
    }

    /// Plays the user who opens this URL and declines. Returns the callback URL.
    ///
    /// # Errors
    ///
    /// If the browser would not be sent anywhere.
    pub fn deny(&self, authorization_url: &str) -> Result<String, AuthorizeError> {
        self.decide(authorization_url, Decision::Deny)
    }

    /// Plays the user of an account that was created through the API, who confirms it. `false` if
    /// there is no such account.
    pub fn confirm_account(&self, email_address: &str) -> bool {
        self.server.with_state(|state, _| state.accounts.confirm(email_address))
    }

    /// The requests that have arrived.
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.server.with_state(|state, _| state.counts.clone())
    }

    /// Counts from zero.
    pub fn reset_counts(&self) {
        self.server.with_state(|state, _| state.counts = Counts::default());
    }

    /// Waits until the counts meet a condition, and returns them. Never returns if they never do.
    pub async fn wait_for(&self, condition: impl Fn(&Counts) -> bool) -> Counts {
        self.server.wait_for(|state| condition(&state.counts).then(|| state.counts.clone())).await
    }

    /// Every grant, the oldest first.
    #[must_use]
    pub fn grants(&self) -> Vec<GrantInfo> {
        self.server.with_state(|state, _| state.grants.infos(&state.counts))
    }

    /// When each access token ends, revoked or not, since the Unix epoch, by what `name` makes of
    /// the token: a hash, say, so that whoever was given it can be compared without telling it.
    #[must_use]
    pub fn access_token_ends<N: Eq + Hash>(
        &self,
        name: impl Fn(&str) -> N,
    ) -> HashMap<N, Duration> {
        let named = |(token, ends): (&str, Duration)| (name(token), ends);
        self.server.with_state(|state, _| state.grants.ends().map(named).collect())
    }

    /// Revokes a grant with all its tokens. `false` if there is none with this id.
    pub fn revoke(&self, grant: GrantId) -> bool {
        self.server.with_state(|state, _| state.grants.revoke(grant))
    }

    /// Queues a fault, for the next requests that it is for. Faults strike in the order in which
    /// they were queued, one per request.
    pub fn fail_next(&self, fault: impl Into<Injection>) {
        let injection = fault.into();
        self.server.with_state(|state, _| state.faults.push(injection));
    }

    /// Forgets the faults that still wait.
    pub fn clear_faults(&self) {
        self.server.with_state(|state, _| state.faults.clear());
    }

    /// Waits until at least this many requests are held by [`Fault::Hold`](crate::Fault::Hold).
    pub async fn wait_for_held(&self, requests: usize) {
        self.server.wait_for(|state| (state.held >= requests).then_some(())).await;
    }

    /// Lets the held requests go on. Returns how many there were.
    pub fn release(&self) -> usize {
        self.server.release()
    }

    /// Stops: closes the listener and every connection, and waits until they are closed.
    pub async fn stop(mut self) {
        self.server.stop();
        // It ends by itself and does not panic; if the runtime cancels it, it has ended too.
        let _ = (&mut self.accepting).await;
    }

    fn decide(&self, url: &str, decision: Decision<'_>) -> Result<String, AuthorizeError> {
        let query = url
            .strip_prefix(&self.authorization_url)
            .and_then(|rest| rest.strip_prefix('?'))
            .ok_or(AuthorizeError::Foreign)?;
        match user::open(&self.server, &Params::from_form(query.as_bytes())) {
            Judgement::Consent(request) => user::decide(&self.server, request, decision)
                .map_err(|error| AuthorizeError::Randomness(error.into())),
            Judgement::Redirect(location) => Ok(location),
            Judgement::Refused(why) => Err(AuthorizeError::Refused(why)),
        }
    }
}

/// Stops without waiting.
impl Drop for Sandbox {
    fn drop(&mut self) {
        self.server.stop();
    }
}

/// The origin.
impl std::fmt::Debug for Sandbox {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sandbox").field("origin", &self.origin()).finish_non_exhaustive()
    }
}
