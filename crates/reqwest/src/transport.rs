use std::time::Duration;

use async_trait::async_trait;
use countersign_core::{
    Body, Delivery, Limits, Runtime, Transport, TransportError, TransportErrorKind,
};
use reqwest::ClientBuilder;

use crate::body::read;
use crate::error::classify;

/// A [`Transport`] over a `reqwest::Client`. Cheap to clone; clones share connections.
///
/// Whatever it is made of: redirects are not followed, and reqwest does not send a request again.
#[derive(Debug, Clone)]
pub struct ReqwestTransport {
    client: reqwest::Client,
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
        Self::from_builder(
            reqwest::Client::builder()
                .connect_timeout(CONNECT_TIMEOUT)
                .pool_idle_timeout(POOL_IDLE_TIMEOUT),
        )
    }

    /// A transport with a client of your own making: proxies, time-outs, user agent.
    ///
    /// TLS is by the crate's features, as in [`new`](Self::new), and what `builder` says of it is
    /// replaced: reqwest would want a process-wide provider of cryptography. For TLS of your own
    /// take [`from_builder_with_tls`](Self::from_builder_with_tls).
    ///
    /// # Errors
    ///
    /// [`TransportErrorKind::Other`] when reqwest or the TLS library cannot be set up.
    pub fn from_builder(builder: ClientBuilder) -> Result<Self, TransportError> {
        // One of three: rustls where a feature brings its cryptography, then the platform's TLS.
        #[cfg(all(
            feature = "_rustls",
            not(all(feature = "native-tls", not(any(feature = "rustls", feature = "aws-lc-rs"))))
        ))]
        let builder = builder.tls_backend_preconfigured(crate::tls::default_config()?);
        #[cfg(all(feature = "native-tls", not(any(feature = "rustls", feature = "aws-lc-rs"))))]
        let builder = builder.tls_backend_native();
        Self::build(builder)
    }

    /// A transport with a client and TLS of your own making: `tls` is a `rustls::ClientConfig`
    /// (see [`rustls_config`](crate::rustls_config)), or a `native_tls::TlsConnector`.
    ///
    /// # Errors
    ///
    /// [`TransportErrorKind::Other`] when reqwest cannot be set up, or does not know `tls`.
    #[cfg(any(feature = "_rustls", feature = "native-tls"))]
    pub fn from_builder_with_tls(
        builder: ClientBuilder,
        tls: impl std::any::Any,
    ) -> Result<Self, TransportError> {
        Self::build(builder.tls_backend_preconfigured(tls))
    }

    /// A transport with the platform's TLS, whatever other features are on.
    ///
    /// # Errors
    ///
    /// [`TransportErrorKind::Other`] when reqwest or the platform's TLS cannot be set up.
    #[cfg(feature = "native-tls")]
    pub fn native_tls() -> Result<Self, TransportError> {
        Self::build(
            reqwest::Client::builder()
                .connect_timeout(CONNECT_TIMEOUT)
                .pool_idle_timeout(POOL_IDLE_TIMEOUT)
                .tls_backend_native(),
        )
    }

    fn build(builder: ClientBuilder) -> Result<Self, TransportError> {
        let builder =
            builder.redirect(reqwest::redirect::Policy::none()).retry(reqwest::retry::never());
        let client = builder.build().map_err(|error| {
            TransportError::new(TransportErrorKind::Other, Delivery::NotSent)
                .with_source(error.without_url())
        })?;
        Ok(Self { client })
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
            return Err(TransportError::new(TransportErrorKind::Other, Delivery::NotSent)
                .with_source("reqwest has to be polled in a tokio runtime, and there is none"));
        }
        let request = request.map(Body::into_bytes);
        let mut request = reqwest::Request::try_from(request).map_err(|error| {
            TransportError::new(TransportErrorKind::Other, Delivery::NotSent)
                .with_source(error.without_url())
        })?;
        *request.timeout_mut() = Some(limits.timeout);
        let mut response = self.client.execute(request).await.map_err(classify)?;
        let body = read(&mut response, limits.max_body).await?;
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
