//! The OAuth client of each process.

use std::net::SocketAddr;

use async_trait::async_trait;
use countersign::http::uri::{Authority, PathAndQuery, Scheme};
use countersign::http::{Request, Response, Uri};
use countersign::{
    Body, Client, Delivery, Limits, Provider, ReqwestTransport, Runtime, Transport, TransportError,
    TransportErrorKind,
};
use countersign_sandbox::Config;
use sha2::{Digest, Sha256};

use crate::Outcome;

pub(crate) fn client(
    provider: Provider,
    reached_at: Option<SocketAddr>,
    limits: crate::limits::Limits,
) -> Outcome<Client> {
    let transport = Rerouted { inner: ReqwestTransport::new()?, to: reached_at };
    Ok(Client::builder(provider, Config::CLIENT_ID)
        .secret(Config::CLIENT_SECRET)
        .redirect_uri("http://127.0.0.1:8799/callback")
        .limits(Limits::default().with_timeout(limits.step))
        .transport(transport)
        .build()?)
}

/// Returns a hash that stands for an access token in messages.
pub(crate) fn hash(token: &str) -> String {
    Sha256::digest(token).iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

/// Reaches the provider at another address than that of its URLs. The URLs are part of the keys and
/// have to be the same for all processes.
#[derive(Debug)]
struct Rerouted {
    inner: ReqwestTransport,
    to: Option<SocketAddr>,
}

#[async_trait]
impl Transport for Rerouted {
    async fn send(
        &self,
        mut request: Request<Body>,
        limits: Limits,
    ) -> Result<Response<Body>, TransportError> {
        if let Some(to) = self.to {
            let path = request.uri().path_and_query().cloned();
            *request.uri_mut() = at(to, path).map_err(|error| {
                TransportError::new(TransportErrorKind::Other, Delivery::NotSent).with_source(error)
            })?;
        }
        self.inner.send(request, limits).await
    }

    fn runtime(&self) -> Runtime {
        self.inner.runtime()
    }
}

fn at(address: SocketAddr, path: Option<PathAndQuery>) -> Outcome<Uri> {
    let authority: Authority = address.to_string().parse()?;
    let path = path.unwrap_or_else(|| PathAndQuery::from_static("/"));
    let uri = Uri::builder().scheme(Scheme::HTTP).authority(authority).path_and_query(path);
    Ok(uri.build()?)
}
