use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use countersign_core::{Body, Limits, Transport, TransportError};
use futures_lite::future::block_on;
use isahc::config::Configurable;
use isahc::{HttpClient, HttpClientBuilder};
use tracing::Dispatch;
use tracing::instrument::WithSubscriber;

use crate::answer::answer;
use crate::body::read;
use crate::deadline::Deadline;
use crate::hush::HUSHING;
use crate::lease::Lease;
use crate::pool::Pool;
use crate::request::{Prepared, check};
use crate::silence::silence;

/// A [`Transport`] over isahc. Cheap to clone; clones share connections.
///
/// Whatever it is made of: it speaks HTTP/1.1, redirects are not followed, nothing is sent twice (and
/// so credentials of the builder are not used, and `Expect` is refused), bodies are decoded, isahc's
/// log is silenced (it tells the URL, and every byte), and plain http, which is for servers on this
/// machine, goes there directly and not to a proxy that the environment names.
///
/// Each call that is under way has an isahc client, and with it a thread, to itself, since that is
/// how isahc can be made to end a transfer at once; up to eight are kept for the calls that follow,
/// with their connections, and up to eight for those without a body. A program that has thousands of
/// calls under way at a time is better served by reqwest.
///
/// To make a client takes a third of a millisecond, and counts as time of the call that needs it. For
/// a fifth of that it blocks the executor.
///
/// The silence has a price for programs that collect the records of `tracing` through `log`, by the
/// feature `log` of `tracing` and with no subscriber: `tracing` stops that in the whole process once
/// anyone has a subscriber for a thread, as this transport has.
///
/// A request without a body gets a connection of its own: on one that was kept, libcurl would send it
/// a second time when it finds it closed.
#[derive(Clone)]
pub struct IsahcTransport(Arc<Inner>);

struct Inner {
    keeping: Pool,
    fresh: Pool,
    silence: Dispatch,
}

/// Shorter than the default limit of a call, so that "no connection" is told from "no answer".
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// Shorter than servers keep an idle connection, so that few requests meet one that was closed.
const CONNECTION_CACHE_TTL: Duration = Duration::from_secs(20);

impl IsahcTransport {
    /// A transport with clients of its own: 10 s to connect, idle connections kept for 20 s, and TLS
    /// by isahc's features.
    ///
    /// # Errors
    ///
    /// [`TransportErrorKind::Other`](countersign_core::TransportErrorKind::Other) when isahc cannot
    /// be set up.
    pub fn new() -> Result<Self, TransportError> {
        Self::from_builder(default_builder)
    }

    /// A transport with clients of your own making: proxies, certificate authorities, user agent.
    /// `builder` is called for each client, the first time now, and later in the course of a call.
    ///
    /// ```
    /// use countersign_isahc::{IsahcTransport, isahc::HttpClient};
    ///
    /// let transport = IsahcTransport::from_builder(|| {
    ///     HttpClient::builder().default_header("user-agent", "my-app/1.0")
    /// })?;
    /// # Ok::<(), countersign_core::TransportError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`TransportErrorKind::Other`](countersign_core::TransportErrorKind::Other) when isahc cannot
    /// be set up, or a default header of the builder is `Expect` or not visible
    /// ASCII.
    pub fn from_builder(
        builder: impl Fn() -> HttpClientBuilder + Send + Sync + 'static,
    ) -> Result<Self, TransportError> {
        let builder = Arc::new(builder);
        let silence = silence();
        let keeping = Pool::new(Arc::clone(&builder) as _, true, silence.clone());
        let fresh = Pool::new(builder, false, silence.clone());
        let first = block_on(keeping.build(Deadline::within(HUSHING)))?;
        keeping.put(first);
        Ok(Self(Arc::new(Inner { keeping, fresh, silence })))
    }

    /// A transport that believes Mozilla's certificate authorities, built in, and not the
    /// machine's: for containers that have none.
    ///
    /// # Errors
    ///
    /// [`TransportErrorKind::Other`](countersign_core::TransportErrorKind::Other) when isahc cannot
    /// be set up.
    #[cfg(feature = "webpki-roots")]
    pub fn webpki_roots() -> Result<Self, TransportError> {
        use isahc::tls::{TlsConfig, TrustStore};
        Self::from_builder(|| {
            let tls = TlsConfig::builder().trust_store(TrustStore::webpki_roots()).build();
            default_builder().tls_config(tls)
        })
    }
}

fn default_builder() -> HttpClientBuilder {
    HttpClient::builder()
        .connect_timeout(CONNECT_TIMEOUT)
        .connection_cache_ttl(CONNECTION_CACHE_TTL)
}

#[async_trait]
impl Transport for IsahcTransport {
    async fn send(
        &self,
        request: http::Request<Body>,
        limits: Limits,
    ) -> Result<http::Response<Body>, TransportError> {
        self.0.send(request, limits).with_subscriber(self.0.silence.clone()).await
    }
}

impl Inner {
    async fn send(
        &self,
        request: http::Request<Body>,
        limits: Limits,
    ) -> Result<http::Response<Body>, TransportError> {
        let deadline = Deadline::within(limits.timeout);
        let pool = if request.body().is_empty() { &self.fresh } else { &self.keeping };
        check(&request)?;
        let lease = Lease::of(pool, deadline).await?;
        let request = Prepared::new(request, deadline.left()?)?;
        let (head, mut body) = lease.send(request).await?.into_parts();
        let body = read(&mut body, limits).await?;
        lease.give_back();
        Ok(answer(head, body))
    }
}

impl fmt::Debug for IsahcTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Inner { keeping, fresh, .. } = &*self.0;
        f.debug_struct("IsahcTransport").field("keeping", keeping).field("fresh", fresh).finish()
    }
}
