//! The same for services of `tower`: hyper's clients, tonic's channels.

use std::error::Error;
use std::fmt;
use std::future::{Future, poll_fn};
use std::mem;
use std::pin::Pin;
use std::task::{Context, Poll};

use countersign_core::ApiOrigin;
use countersign_core::http::header::AUTHORIZATION;
use countersign_core::http::{Request, Response};
use tower_layer::Layer;
use tower_service::Service;

use super::header::{add, is_due};
use super::refusal::is_refused;
use crate::manager::TokenSource;

type BoxError = Box<dyn Error + Send + Sync>;
type Answer<T> = Pin<Box<dyn Future<Output = Result<Response<T>, BoxError>> + Send>>;

/// Adds a grant's token to the requests of one origin that go through a `tower` service, as
/// [`BearerTransport`](crate::BearerTransport) does.
///
/// A token that is refused (a 401, or gRPC's `UNAUTHENTICATED` in the headers) is rejected, so that
/// the next request has another one; the refused request itself is sent again by
/// [`repeating`](Self::repeating) alone, since not every body can be sent twice.
#[derive(Clone)]
pub struct BearerLayer(Adder);

/// [`BearerLayer`] that sends a request whose token was refused once more, with another one: for
/// bodies that can be cloned.
#[derive(Clone)]
pub struct RepeatingBearerLayer(Adder);

impl BearerLayer {
    /// Adds the tokens of `source` to the requests of `origin`, such as
    /// `https://api.hellosign.com`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Configuration`](countersign_core::ErrorKind::Configuration) when the origin is
    /// neither `https` nor on this machine, or has a path.
    pub fn new(source: TokenSource, origin: &str) -> Result<Self, countersign_core::Error> {
        let origin = ApiOrigin::new(origin)?;
        Ok(Self(Adder { source, origin, takes_relative: false }))
    }

    /// Adds tokens to requests without scheme and host too, which go wherever the service below is
    /// connected to: tonic's clients make such. It is for you to know that this is the origin.
    #[must_use]
    pub fn danger_relative_requests(mut self) -> Self {
        self.0.takes_relative = true;
        self
    }

    /// Sends a request whose token was refused once more: for bodies that can be cloned.
    #[must_use]
    pub fn repeating(self) -> RepeatingBearerLayer {
        RepeatingBearerLayer(self.0)
    }
}

impl<S> Layer<S> for BearerLayer {
    type Service = BearerService<S>;

    fn layer(&self, inner: S) -> BearerService<S> {
        BearerService { inner, adder: self.0.clone() }
    }
}

impl<S> Layer<S> for RepeatingBearerLayer {
    type Service = RepeatingBearerService<S>;

    fn layer(&self, inner: S) -> RepeatingBearerService<S> {
        RepeatingBearerService { inner, adder: self.0.clone() }
    }
}

/// What [`BearerLayer`] makes of a service.
#[derive(Debug, Clone)]
pub struct BearerService<S> {
    inner: S,
    adder: Adder,
}

/// What [`RepeatingBearerLayer`] makes of a service.
#[derive(Debug, Clone)]
pub struct RepeatingBearerService<S> {
    inner: S,
    adder: Adder,
}

impl<S, B, T> Service<Request<B>> for BearerService<S>
where
    S: Service<Request<B>, Response = Response<T>> + Clone + Send + 'static,
    S::Error: Into<BoxError>,
    S::Future: Send,
    B: Send + 'static,
    T: Send + 'static,
{
    type Response = Response<T>;
    type Error = BoxError;
    type Future = Answer<T>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(context).map_err(Into::into)
    }

    fn call(&mut self, mut request: Request<B>) -> Answer<T> {
        let (mut inner, adder) = (ready(&mut self.inner), self.adder.clone());
        Box::pin(async move {
            if !adder.is_due(&request) {
                return inner.call(request).await.map_err(Into::into);
            }
            let token = adder.source.token().await?;
            add(&mut request, &token);
            let answer = inner.call(request).await.map_err(Into::into)?;
            if is_refused(&answer) {
                adder.source.reject_in_background(token);
            }
            Ok(answer)
        })
    }
}

impl<S, B, T> Service<Request<B>> for RepeatingBearerService<S>
where
    S: Service<Request<B>, Response = Response<T>> + Clone + Send + 'static,
    S::Error: Into<BoxError>,
    S::Future: Send,
    B: Clone + Send + 'static,
    T: Send + 'static,
{
    type Response = Response<T>;
    type Error = BoxError;
    type Future = Answer<T>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(context).map_err(Into::into)
    }

    fn call(&mut self, mut request: Request<B>) -> Answer<T> {
        let (mut inner, adder) = (ready(&mut self.inner), self.adder.clone());
        Box::pin(async move {
            if !adder.is_due(&request) {
                return inner.call(request).await.map_err(Into::into);
            }
            let token = adder.source.token().await?;
            let mut again = request.clone();
            add(&mut request, &token);
            let answer = inner.call(request).await.map_err(Into::into)?;
            if !is_refused(&answer) {
                return Ok(answer);
            }
            // Without another token the refusal is the answer; events tell why there is none.
            let Ok(token) = adder.source.reject(&token).await else { return Ok(answer) };
            drop(answer);
            add(&mut again, &token);
            poll_fn(|context| inner.poll_ready(context)).await.map_err(Into::into)?;
            inner.call(again).await.map_err(Into::into)
        })
    }
}

/// The service that was polled ready, with a clone left in its place.
fn ready<S: Clone>(service: &mut S) -> S {
    let clone = service.clone();
    mem::replace(service, clone)
}

/// Whose tokens go where.
#[derive(Clone)]
struct Adder {
    source: TokenSource,
    origin: ApiOrigin,
    takes_relative: bool,
}

impl Adder {
    fn is_due<B>(&self, request: &Request<B>) -> bool {
        let uri = request.uri();
        let is_relative = uri.scheme().is_none() && uri.authority().is_none();
        is_due(&self.origin, request)
            || (self.takes_relative
                && is_relative
                && !request.headers().contains_key(AUTHORIZATION))
    }
}

impl fmt::Debug for Adder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} for {}", self.source, self.origin)
    }
}

impl fmt::Debug for BearerLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "BearerLayer({:?})", self.0)
    }
}

impl fmt::Debug for RepeatingBearerLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RepeatingBearerLayer({:?})", self.0)
    }
}
