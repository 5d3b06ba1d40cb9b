use std::sync::Arc;

use countersign_core::{Delivery, TransportError, TransportErrorKind};
use rustls::crypto::CryptoProvider;
use rustls::{ClientConfig, RootCertStore};
use rustls_platform_verifier::BuilderVerifierExt;

/// Whose certificates are believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Roots {
    /// The machine's authorities, a company's own among them. The default. On a machine without
    /// any (a bare container: install `ca-certificates`) no server is believed, while plain http
    /// to this machine goes on working.
    #[default]
    Platform,
    /// Mozilla's list, built in: the same everywhere, as old as the build, and without the
    /// machine's own authorities.
    #[cfg(feature = "webpki-roots")]
    Webpki,
}

/// A rustls configuration with this provider of cryptography and these authorities, for
/// [`ReqwestTransport::from_builder_with_tls`](crate::ReqwestTransport::from_builder_with_tls).
///
/// # Errors
///
/// [`TransportErrorKind::Other`] when `provider` supports none of rustls's protocol versions.
pub fn rustls_config(
    provider: &Arc<CryptoProvider>,
    roots: Roots,
) -> Result<ClientConfig, TransportError> {
    let builder = || {
        ClientConfig::builder_with_provider(Arc::clone(provider))
            .with_safe_default_protocol_versions()
            .map_err(failed)
    };
    let builder = match roots {
        // Without any certificate on the machine the verifier cannot be made, and rustls's own
        // empty store, which believes nobody, takes its place: http on this machine needs neither.
        Roots::Platform => match builder()?.with_platform_verifier() {
            Ok(builder) => builder,
            Err(_) => builder()?.with_root_certificates(RootCertStore::empty()),
        },
        #[cfg(feature = "webpki-roots")]
        Roots::Webpki => {
            let roots = webpki_roots::TLS_SERVER_ROOTS.iter().cloned().collect::<RootCertStore>();
            builder()?.with_root_certificates(roots)
        }
    };
    Ok(builder.with_no_client_auth())
}

/// The configuration by the crate's features.
#[cfg(rustls_by_default)]
pub(crate) fn default_config() -> Result<ClientConfig, TransportError> {
    rustls_config(&provider()?, Roots::Platform)
}

/// The cryptography by the crate's features, or the process's.
#[cfg(any(rustls_by_default, feature = "webpki-roots"))]
pub(crate) fn provider() -> Result<Arc<CryptoProvider>, TransportError> {
    #[cfg(feature = "rustls")]
    let provider = Some(Arc::new(rustls::crypto::ring::default_provider()));
    #[cfg(all(feature = "aws-lc-rs", not(feature = "rustls")))]
    let provider = Some(Arc::new(rustls::crypto::aws_lc_rs::default_provider()));
    #[cfg(not(any(feature = "rustls", feature = "aws-lc-rs")))]
    let provider = CryptoProvider::get_default().cloned();
    // Without any reqwest would panic.
    provider.ok_or_else(|| {
        TransportError::new(TransportErrorKind::Other, Delivery::NotSent)
            .with_source("rustls has no cryptography: turn on the feature `rustls` or `aws-lc-rs`")
    })
}

fn failed(error: rustls::Error) -> TransportError {
    TransportError::new(TransportErrorKind::Other, Delivery::NotSent).with_source(error)
}
