//! Tokens added to requests.

mod header;
mod refusal;
#[cfg(feature = "tower")]
mod tower;

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use countersign_core::http::{Request, Response};
use countersign_core::{
    ApiOrigin, Body, Delivery, Limits, Runtime, Transport, TransportError, TransportErrorKind,
};
use futures_lite::future;

use crate::error::TokenError;
use crate::manager::TokenSource;
use header::{add, is_due};
use refusal::is_refused;
#[cfg(feature = "tower")]
pub use tower::{BearerLayer, BearerService, RepeatingBearerLayer, RepeatingBearerService};

/// A transport that adds a grant's token to the requests of one origin, and to no others.
///
/// A request of that origin gets an `Authorization` header, unless it has one. When the answer is a
/// 401 that does not name another error than `invalid_token` (RFC 6750 section 3.1), the token is
/// [rejected](TokenSource::reject): it is refreshed once, however many requests were refused for
/// it, and the request is sent once more. A 403 is an answer like any. Requests of other origins go
/// through as they are.
///
/// ```
/// # use countersign_core as countersign;
/// use countersign::{Body, Limits, Transport, http};
/// use countersign_tokens::{BearerTransport, GrantKey, TokenManager};
///
/// # async fn example(tokens: TokenManager, key: GrantKey, transport: impl Transport) -> Result<(), Box<dyn std::error::Error>> {
/// let source = tokens.source(&key)?;
/// let api = BearerTransport::new(transport, source, "https://api.hellosign.com")?;
/// let request = http::Request::get("https://api.hellosign.com/v3/account").body(Body::empty())?;
/// let account = api.send(request, Limits::default()).await?;
/// # let _ = account;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct BearerTransport {
    inner: Arc<dyn Transport>,
    source: TokenSource,
    origin: ApiOrigin,
}

impl BearerTransport {
    /// Adds the tokens of `source` to the requests of `origin`, such as
    /// `https://api.hellosign.com`, and sends all by `transport`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Configuration`](countersign_core::ErrorKind::Configuration) when the origin is
    /// neither `https` nor on this machine, or has a path.
    pub fn new(
        transport: impl Transport,
        source: TokenSource,
        origin: &str,
    ) -> Result<Self, countersign_core::Error> {
        Ok(Self { inner: Arc::new(transport), source, origin: ApiOrigin::new(origin)? })
    }

    async fn send_with_token(
        &self,
        mut request: Request<Body>,
        limits: Limits,
        is_sent: &AtomicBool,
    ) -> Result<Response<Body>, TransportError> {
        let token = self.source.token().await.map_err(not_sent)?;
        let mut again = request.clone();
        add(&mut request, &token);
        is_sent.store(true, Ordering::Relaxed);
        let answer = self.inner.send(request, limits).await?;
        if !is_refused(&answer) {
            return Ok(answer);
        }
        // Without another token the refusal is the answer; events tell why there is none.
        let Ok(token) = self.source.reject(&token).await else { return Ok(answer) };
        add(&mut again, &token);
        self.inner.send(again, limits).await
    }
}

#[async_trait]
impl Transport for BearerTransport {
    /// Sends `request`, with a token where it is due one. The time limit holds for all of it, a
    /// refresh included.
    async fn send(
        &self,
        request: Request<Body>,
        limits: Limits,
    ) -> Result<Response<Body>, TransportError> {
        if !is_due(&self.origin, &request) {
            return self.inner.send(request, limits).await;
        }
        let is_sent = AtomicBool::new(false);
        let elapsed = async {
            self.source.sleep(limits.timeout).await;
            let is_sent = is_sent.load(Ordering::Relaxed);
            let delivery = if is_sent { Delivery::Unknown } else { Delivery::NotSent };
            Err(TransportError::new(TransportErrorKind::Timeout, delivery))
        };
        future::or(self.send_with_token(request, limits, &is_sent), elapsed).await
    }

    fn runtime(&self) -> Runtime {
        self.inner.runtime()
    }
}

impl fmt::Debug for BearerTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BearerTransport")
            .field("inner", &self.inner)
            .field("source", &self.source)
            .field("origin", &self.origin)
            .finish()
    }
}

fn not_sent(error: TokenError) -> TransportError {
    TransportError::new(TransportErrorKind::Other, Delivery::NotSent).with_source(error)
}
