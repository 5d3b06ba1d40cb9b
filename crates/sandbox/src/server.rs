//! What all requests share.

use std::net::SocketAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

use crate::clock::{Clock, SinceEpoch};
use crate::config::{Config, Dialect};
use crate::random;
use crate::state::{FreshTokens, State};

pub(crate) struct Server {
    pub(crate) config: Config,
    pub(crate) clock: Clock,
    origin: String,
    state: Mutex<State>,
    /// Counts the changes of `state`, for those who wait for one.
    changes: watch::Sender<u64>,
    /// Counts the releases of held requests.
    releases: watch::Sender<u64>,
    stop: watch::Sender<bool>,
}

impl Server {
    pub(crate) fn new(config: Config, address: SocketAddr) -> Result<Self, getrandom::Error> {
        let mut state = State::default();
        state.accounts.sign_in(Config::ACCOUNT, random::account_id()?);
        Ok(Self {
            clock: Clock::new(config.frozen_at),
            config,
            origin: format!("http://{address}"),
            state: Mutex::new(state),
            changes: watch::Sender::new(0),
            releases: watch::Sender::new(0),
            stop: watch::Sender::new(false),
        })
    }

    pub(crate) fn origin(&self) -> &str {
        &self.origin
    }

    /// What `iss` says (RFC 9207), where it is said.
    pub(crate) fn issuer(&self) -> Option<&str> {
        self.config.issuer.then_some(self.origin())
    }

    /// The revocation endpoint, where the dialect has one.
    pub(crate) fn revocation_url(&self) -> Option<String> {
        self.is(Dialect::Rfc6749).then(|| format!("{}/oauth/revoke", self.origin))
    }

    pub(crate) fn is(&self, dialect: Dialect) -> bool {
        self.config.dialect == dialect
    }

    /// One step: everything in `step` happens at once for everyone else.
    pub(crate) fn with_state<T>(&self, step: impl FnOnce(&mut State, SinceEpoch) -> T) -> T {
        let result = step(&mut self.locked(), self.clock.now());
        self.changes.send_modify(|changes| *changes += 1);
        result
    }

    /// No step panics; were one to, the others would still be served.
    fn locked(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until `probe` finds what it looks for.
    pub(crate) async fn wait_for<T>(&self, probe: impl Fn(&State) -> Option<T>) -> T {
        // Subscribed before the first look, so that no change falls between look and wait.
        let mut changes = self.changes.subscribe();
        loop {
            if let Some(found) = probe(&self.locked()) {
                return found;
            }
            // The sender is ours: it outlives this call.
            let _ = changes.changed().await;
        }
    }

    /// Waits for the next release.
    pub(crate) async fn hold(&self) {
        let mut releases = self.with_state(|state, _| {
            state.held += 1;
            self.releases.subscribe()
        });
        // The sender is ours: it outlives this call.
        let _ = releases.changed().await;
    }

    /// Lets every held request go on. Returns how many there were.
    pub(crate) fn release(&self) -> usize {
        self.with_state(|state, _| {
            self.releases.send_modify(|releases| *releases += 1);
            std::mem::take(&mut state.held)
        })
    }

    pub(crate) fn stop(&self) {
        self.stop.send_replace(true);
    }

    pub(crate) fn stopping(&self) -> watch::Receiver<bool> {
        self.stop.subscribe()
    }

    pub(crate) async fn stopped(&self) {
        let _ = self.stopping().wait_for(|stop| *stop).await;
    }
}

impl FreshTokens {
    pub(crate) fn draw() -> Result<Self, getrandom::Error> {
        Ok(Self { access_token: random::token()?, refresh_token: random::token()? })
    }
}
