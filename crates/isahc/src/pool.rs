use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use countersign_core::TransportError;
use isahc::auth::Authentication;
use isahc::config::{Configurable, ExpectContinue, RedirectPolicy, VersionNegotiation};
use isahc::{HttpClient, HttpClientBuilder};
use tracing::Dispatch;

use crate::deadline::Deadline;
use crate::error::unsent;
use crate::hush::hush;

/// Clients that wait for a call. Each has a thread of its own, and does one call at a time: isahc
/// ends a transfer that nobody waits for any more only when the server next says something, but
/// always when its client is gone.
pub(crate) struct Pool {
    builder: Arc<dyn Fn() -> HttpClientBuilder + Send + Sync>,
    keeps_connections: bool,
    silence: Dispatch,
    idle: Mutex<Vec<HttpClient>>,
}

/// The most clients that wait, with a thread and a connection each. More may be at work.
const MOST_IDLE: usize = 8;

impl Pool {
    pub(crate) fn new(
        builder: Arc<dyn Fn() -> HttpClientBuilder + Send + Sync>,
        keeps_connections: bool,
        silence: Dispatch,
    ) -> Self {
        Self { builder, keeps_connections, silence, idle: Mutex::default() }
    }

    /// The client that was used last, whose connection is the likeliest to be open; or a new one.
    pub(crate) async fn take(&self, deadline: Deadline) -> Result<HttpClient, TransportError> {
        let waiting = self.idle().pop();
        match waiting {
            Some(client) => Ok(client),
            None => self.build(deadline).await,
        }
    }

    /// Keeps a client for the next call, or returns it where there is no room.
    pub(crate) fn put(&self, client: HttpClient) -> Option<HttpClient> {
        let mut idle = self.idle();
        if idle.len() < MOST_IDLE {
            idle.push(client);
            return None;
        }
        Some(client)
    }

    /// A third of a millisecond. A fifth of that, in which isahc waits for the client's thread to
    /// start, blocks the executor; and so does whatever the builder of the user does.
    pub(crate) async fn build(&self, deadline: Deadline) -> Result<HttpClient, TransportError> {
        let mut builder = (self.builder)()
            .redirect_policy(RedirectPolicy::None)
            // By itself curl asks whether a large body may come, and sends again after a 417.
            .expect_continue(ExpectContinue::disabled())
            .version_negotiation(VersionNegotiation::http11())
            // A scheme with a challenge has curl send the request twice.
            .authentication(Authentication::default())
            .automatic_decompression(true);
        if !self.keeps_connections {
            builder = builder.connection_cache_size(0);
        }
        let client = builder.build().map_err(unsent)?;
        hush(&client, &self.silence, deadline.left()?).await?;
        Ok(client)
    }

    fn idle(&self) -> MutexGuard<'_, Vec<HttpClient>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Pool({} idle)", self.idle().len())
    }
}
