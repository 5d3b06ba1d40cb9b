//! Connections, each served by a task that can also end it in ways no HTTP library would.

use std::future;
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::extract::Extension;
use axum::response::Response;
use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use tokio::io::AsyncWriteExt as _;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinSet;

use crate::server::Server;

/// How a connection ends when the answer is not left to HTTP.
pub(crate) enum Ending {
    /// TCP RST, nothing sent.
    Reset,
    /// These bytes, then a clean close.
    Close(Vec<u8>),
    /// The first bytes once, the others until the peer has gone.
    Endless(Vec<u8>, &'static [u8]),
}

/// The connection that a request came in on.
#[derive(Clone)]
pub(crate) struct Connection {
    ending: Arc<Mutex<Option<oneshot::Sender<Ending>>>>,
}

impl Connection {
    fn new() -> (Self, oneshot::Receiver<Ending>) {
        let (sender, receiver) = oneshot::channel();
        let ending = Arc::new(Mutex::new(Some(sender)));
        (Self { ending }, receiver)
    }

    /// Ends the connection. Does not return: the task that serves it drops the caller.
    pub(crate) async fn end(&self, ending: Ending) -> Response {
        let sender = self.ending.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(sender) = sender {
            let _ = sender.send(ending);
        }
        future::pending().await
    }
}

/// Accepts until the sandbox stops, and then closes what is open.
pub(crate) async fn accept(listener: TcpListener, server: Arc<Server>, router: Router) {
    let mut stopping = server.stopping();
    let mut connections = JoinSet::new();
    let mut accepting = true;
    loop {
        tokio::select! {
            _ = stopping.wait_for(|stop| *stop) => break,
            Some(_) = connections.join_next() => accepting = true,
            accepted = listener.accept(), if accepting => match accepted {
                Ok((stream, _)) => {
                    server.with_state(|state, _| state.counts.connections += 1);
                    connections.spawn(serve(stream, router.clone()));
                }
                // Out of file descriptors, most likely: one has to close first.
                Err(error) => {
                    tracing::warn!(%error, "cannot accept a connection");
                    accepting = connections.is_empty();
                }
            },
        }
    }
    drop(listener);
    // Aborting the task that serves a connection closes it.
    connections.shutdown().await;
}

async fn serve(stream: TcpStream, router: Router) {
    let (connection, ending) = Connection::new();
    // Small answers must not wait for the peer's acknowledgement.
    let _ = stream.set_nodelay(true);
    let service = TowerToHyperService::new(router.layer(Extension(connection)));
    let mut http = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
    let ending = tokio::select! {
        served = &mut http => {
            if let Err(error) = served {
                tracing::debug!(%error, "connection ended");
            }
            return;
        }
        Ok(ending) = ending => ending,
    };
    // HTTP is given up and its handler dropped; the socket is ours again.
    end(http.into_parts().io.into_inner(), ending).await;
}

async fn end(mut stream: TcpStream, ending: Ending) {
    // A peer that hangs up while it is written to is no error here.
    match ending {
        Ending::Reset => {
            let _ = stream.set_zero_linger();
        }
        Ending::Close(bytes) => {
            let _ = stream.write_all(&bytes).await;
            let _ = stream.shutdown().await;
        }
        Ending::Endless(head, chunk) => {
            if stream.write_all(&head).await.is_ok() {
                while stream.write_all(chunk).await.is_ok() {}
            }
        }
    }
}
