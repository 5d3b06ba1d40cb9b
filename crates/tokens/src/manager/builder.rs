use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use countersign_core::{Client, Runtime};

use super::breaker::Breaker;
use super::limited::Limited;
use super::outage::Outage;
use super::timing::Timing;
use super::tombstones::Tombstones;
use super::{Inner, TokenManager};
use crate::error::{TokenError, TokenErrorKind};
use crate::event::Event;
use crate::executor::{Spawner, Timer};
use crate::store::GrantStore;

/// Describes a [`TokenManager`]. Executor and timer have to be given.
#[must_use = "nothing is made before `build`"]
pub struct TokenManagerBuilder {
    client: Client,
    store: Arc<dyn GrantStore>,
    spawner: Option<Arc<dyn Spawner>>,
    timer: Option<Arc<dyn Timer>>,
    on_event: Option<OnEvent>,
    ahead: f64,
    store_limit: Duration,
    lease: Option<Duration>,
    margin: Duration,
    scan_period: Duration,
    resends_unknown: bool,
}

pub(super) type OnEvent = Box<dyn Fn(&Event) + Send + Sync>;

impl TokenManagerBuilder {
    pub(super) fn new(client: Client, store: Arc<dyn GrantStore>) -> Self {
        Self {
            client,
            store,
            spawner: None,
            timer: None,
            on_event: None,
            ahead: 0.9,
            store_limit: Duration::from_secs(5),
            lease: None,
            margin: Duration::from_secs(5),
            scan_period: Duration::from_secs(60),
            resends_unknown: false,
        }
    }

    /// What runs tasks and waits, such as [`TokioExecutor`](crate::TokioExecutor) or
    /// [`ThreadExecutor`](crate::ThreadExecutor).
    pub fn executor(self, executor: impl Spawner + Timer + Clone) -> Self {
        self.spawner(executor.clone()).timer(executor)
    }

    /// What runs tasks.
    pub fn spawner(mut self, spawner: impl Spawner) -> Self {
        self.spawner = Some(Arc::new(spawner));
        self
    }

    /// What waits.
    pub fn timer(mut self, timer: impl Timer) -> Self {
        self.timer = Some(Arc::new(timer));
        self
    }

    /// What is told of whatever happens to a grant. It is called by the task at work: keep it
    /// short. One that panics is not called again for that event.
    pub fn on_event(mut self, callback: impl Fn(&Event) + Send + Sync + 'static) -> Self {
        self.on_event = Some(Box::new(callback));
        self
    }

    /// After which part of a token's usable time it is refreshed: 0.9 by default. Each refresh is
    /// put off by a random part of what is left.
    pub fn refresh_ahead(mut self, part: f64) -> Self {
        self.ahead = part;
        self
    }

    /// The longest that a step of the store may take: 5 s by default.
    pub fn store_timeout(mut self, limit: Duration) -> Self {
        self.store_limit = limit;
        self
    }

    /// How long a lease lasts. Longer than the client's time limit, the store's and the margin; by
    /// default by the store's limit and the margin, which is how long it may take to begin.
    pub fn lease(mut self, lease: Duration) -> Self {
        self.lease = Some(lease);
        self
    }

    /// What is added wherever instants are compared, for clocks that differ a little and for what
    /// lies between two steps: 5 s by default.
    pub fn margin(mut self, margin: Duration) -> Self {
        self.margin = margin;
        self
    }

    /// How often the store is asked which grants are due: every minute by default.
    pub fn scan_period(mut self, period: Duration) -> Self {
        self.scan_period = period;
        self
    }

    /// Sends a refresh token once more of which it is not known whether it was spent, rather than
    /// to report [`OutcomeUnknown`](TokenErrorKind::OutcomeUnknown): off by default.
    ///
    /// It helps where the request was lost on its way. Where the answer was, a provider that
    /// rotates sees a spent token again, and may revoke the whole grant for it, tokens that are in
    /// use included (RFC 9700 section 4.14.2).
    pub fn danger_resend_unknown(mut self) -> Self {
        self.resends_unknown = true;
        self
    }

    /// Checks everything and makes the manager.
    ///
    /// # Errors
    ///
    /// [`TokenErrorKind::Configuration`] when executor or timer are missing, when the client's
    /// transport needs a runtime that the executor does not have, when the lease is shorter than
    /// what it has to cover, or the part of a token's time is not between 0 and 1.
    pub fn build(self) -> Result<TokenManager, TokenError> {
        let refused = |why| TokenError::new(TokenErrorKind::Configuration(why));
        let (Some(spawner), Some(timer)) = (self.spawner, self.timer) else {
            return Err(refused(
                "there is nothing to run tasks or to wait: give the builder an executor, such as \
                 `TokioExecutor::current()?`",
            ));
        };
        if self.client.runtime() == Runtime::Tokio && spawner.runtime() != Runtime::Tokio {
            return Err(refused(
                "the client's transport needs a tokio runtime, and the executor has none: give \
                 the builder a `TokioExecutor`, or the client another transport",
            ));
        }
        if !(self.ahead > 0.0 && self.ahead < 1.0) {
            return Err(refused("`refresh_ahead` takes a part between 0 and 1"));
        }
        let least = self.client.limits().timeout.saturating_add(self.store_limit);
        let least = least.saturating_add(self.margin);
        let by_default = least.saturating_add(self.store_limit).saturating_add(self.margin);
        let lease = self.lease.unwrap_or(by_default);
        if lease <= least {
            return Err(refused(
                "the lease leaves no time to begin: it has to be longer than the client's time \
                 limit, the store's and the margin together",
            ));
        }
        let timing = Timing {
            ahead: self.ahead,
            margin: self.margin,
            lease,
            scan_period: self.scan_period,
            store_limit: self.store_limit,
        };
        let store =
            Limited { store: self.store, timer: Arc::clone(&timer), limit: self.store_limit };
        Ok(TokenManager(Arc::new(Inner {
            client: self.client,
            store,
            spawner,
            timer,
            timing,
            breaker: Breaker::default(),
            outage: Outage::default(),
            tombstones: Tombstones::default(),
            resends_unknown: self.resends_unknown,
            on_event: self.on_event,
            slots: papaya::HashMap::builder().resize_mode(papaya::ResizeMode::Blocking).build(),
        })))
    }
}

impl fmt::Debug for TokenManagerBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenManagerBuilder")
            .field("client", &self.client)
            .field("store", &self.store)
            .field("spawner", &self.spawner)
            .finish_non_exhaustive()
    }
}
