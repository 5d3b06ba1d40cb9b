use std::thread;

use countersign_core::TransportError;
use isahc::{AsyncBody, HttpClient, Response};

use crate::deadline::Deadline;
use crate::error::unsent;
use crate::pool::Pool;
use crate::request::Prepared;

/// A client for one call. Unless the call gives it back, it ends, and the transfer with it.
pub(crate) struct Lease<'a> {
    pool: &'a Pool,
    /// There until it is given back.
    client: Option<HttpClient>,
}

impl<'a> Lease<'a> {
    pub(crate) async fn of(pool: &'a Pool, deadline: Deadline) -> Result<Self, TransportError> {
        Ok(Self { pool, client: Some(pool.take(deadline).await?) })
    }

    pub(crate) async fn send(
        &self,
        Prepared { request, evidence }: Prepared,
    ) -> Result<Response<AsyncBody>, TransportError> {
        match &self.client {
            Some(client) => client.send_async(request).await.map_err(|it| evidence.classify(it)),
            None => Err(unsent("the client has been given back")),
        }
    }

    /// Nothing of the call is left in the client.
    pub(crate) fn give_back(mut self) {
        self.client = self.client.take().and_then(|client| self.pool.put(client));
    }
}

impl Drop for Lease<'_> {
    fn drop(&mut self) {
        if let Some(client) = self.client.take() {
            // Its end waits for its thread, which may be looking a name up: not on the caller's
            // time. Where there is no thread to be had it ends here, with the closure.
            let end = thread::Builder::new().name("countersign-isahc-end".to_owned());
            let _ = end.spawn(move || drop(client));
        }
    }
}
