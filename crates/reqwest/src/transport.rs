use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use countersign_core::{
    Body, Delivery, Limits, Runtime, Transport, TransportError, TransportErrorKind,
};
use reqwest::ClientBuilder;

use crate::body::read;
use crate::error::classify;

/// A [`Transport`] over `reqwest::Client`. Cheap to clone; clones share connections.
///
/// Whatever it is made of: redirects are not followed, reqwest does not send a request again, and
/// plain http, which is for servers on this machine, goes there directly: reqwest would hand it,
/// secrets and all, to a proxy that the environment names.
#[derive(Clone)]
pub struct ReqwestTransport {
    client: reqwest::Client,
    loopback: reqwest::Client,
}

/// Shorter than the default limit of a call, so that "no connection" is told from "no answer".
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// Shorter than servers keep an idle connection, so that few requests meet one that was closed.
const POOL_IDLE_TIMEOUT: Duration = Duration::from_secs(20);

impl ReqwestTransport {
    /// A transport with a client of its own: 10 s to connect, idle connections kept for 20 s, and
    /// TLS by the crate's features.
    ///
    /// # Errors
    ///
    /// [`TransportErrorKind::Other`] when reqwest or the TLS library cannot be set up.
    pub fn new() -> Result<Self, TransportError> {
        Self::from_builder(default_builder)
    }

    /// A transport with a client of your own making: proxies, time-outs, user agent. `builder` is
    /// called twice, once for the client of plain http.
    ///
    /// TLS is by the crate's features, as in [`new`](Self::new), and what the builder says of it
    /// is replaced: reqwest would want a process-wide provider of cryptography. For TLS of your own
    /// take [`from_builder_with_tls`](Self::from_builder_with_tls).
    ///
    /// ```
    /// use countersign_reqwest::{ReqwestTransport, reqwest};
    ///
    /// let transport =
    ///     ReqwestTransport::from_builder(|| reqwest::Client::builder().user_agent("my-app/1.0"))?;
    /// # Ok::<(), countersign_core::TransportError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`TransportErrorKind::Other`] when reqwest or the TLS library cannot be set up.
    pub fn from_builder(builder: impl Fn() -> ClientBuilder) -> Result<Self, TransportError> {
        // One of three: rustls where a feature brings its cryptography, then the platform's TLS.
        #[cfg(rustls_by_default)]
        return Self::from_builder_with_tls(builder, crate::tls::default_config()?);
        #[cfg(native_tls_by_default)]
        return Self::build(|| builder().tls_backend_native());
        #[cfg(not(any(rustls_by_default, native_tls_by_default)))]
        return Self::build(builder);
    }

    /// A transport with a client and TLS of your own making: `tls` is a `rustls::ClientConfig`
    /// (see `countersign_reqwest::rustls_config`), or a `native_tls::TlsConnector`.
    ///
    /// # Errors
    ///
    /// [`TransportErrorKind::Other`] when reqwest cannot be set up, or does not know `tls`.
    #[cfg(any(feature = "_rustls", feature = "native-tls"))]
    pub fn from_builder_with_tls(
        builder: impl Fn() -> ClientBuilder,
        tls: impl std::any::Any + Clone,
    ) -> Result<Self, TransportError> {
        Self::build(|| builder().tls_backend_preconfigured(tls.clone()))
    }

    /// A transport that believes Mozilla's certificate authorities, built in, and not the
    /// machine's: for containers that have none.
    ///
    /// # Errors
    ///
    /// [`TransportErrorKind::Other`] when reqwest or rustls cannot be set up.
    #[cfg(feature = "webpki-roots")]
    pub fn webpki_roots() -> Result<Self, TransportError> {
        let tls = crate::tls::rustls_config(&crate::tls::provider()?, crate::Roots::Webpki)?;
        Self::from_builder_with_tls(default_builder, tls)
    }

    /// A transport with the platform's TLS, whatever other features are on.
    ///
    /// # Errors
    ///
    /// [`TransportErrorKind::Other`] when reqwest or the platform's TLS cannot be set up.
    #[cfg(feature = "native-tls")]
    pub fn native_tls() -> Result<Self, TransportError> {
        Self::build(|| default_builder().tls_backend_native())
    }

    fn build(builder: impl Fn() -> ClientBuilder) -> Result<Self, TransportError> {
        let build = |builder: ClientBuilder| {
            builder
                .redirect(reqwest::redirect::Policy::none())
                .retry(reqwest::retry::never())
                // It would log every byte, secrets and all.
                .connection_verbose(false)
                .build()
                .map_err(not_built)
        };
        Ok(Self { client: build(builder())?, loopback: build(builder().no_proxy())? })
    }
}

fn default_builder() -> ClientBuilder {
    reqwest::Client::builder().connect_timeout(CONNECT_TIMEOUT).pool_idle_timeout(POOL_IDLE_TIMEOUT)
}

fn not_built(error: reqwest::Error) -> TransportError {
    TransportError::new(TransportErrorKind::Other, Delivery::NotSent)
        .with_source(error.without_url())
}

/// The client's own `Debug` prints its default headers, which may be secrets.
impl fmt::Debug for ReqwestTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReqwestTransport").finish_non_exhaustive()
    }
}

#[async_trait]
impl Transport for ReqwestTransport {
    async fn send(
        &self,
        request: http::Request<Body>,
        limits: Limits,
    ) -> Result<http::Response<Body>, TransportError> {
        if tokio::runtime::Handle::try_current().is_err() {
            // reqwest would panic.
            return Err(TransportError::new(TransportErrorKind::NoRuntime, Delivery::NotSent)
                .with_source("reqwest has to be polled in a tokio runtime"));
        }
        let request = request.map(Body::into_bytes);
        let mut request = reqwest::Request::try_from(request).map_err(not_built)?;
        *request.timeout_mut() = Some(limits.timeout);
        let client = if request.url().scheme() == "http" { &self.loopback } else { &self.client };
        let mut response = client.execute(request).await.map_err(classify)?;
        let body = read(&mut response, limits).await?;
        let mut answer = http::Response::new(body);
        *answer.status_mut() = response.status();
        *answer.version_mut() = response.version();
        *answer.headers_mut() = std::mem::take(response.headers_mut());
        Ok(answer)
    }

    fn runtime(&self) -> Runtime {
        Runtime::Tokio
    }
}
