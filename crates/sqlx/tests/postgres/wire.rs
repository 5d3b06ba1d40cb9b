//! A proxy before the server that counts round trips and bytes.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// An empty `Sync`, by which a pool tests a connection that is returned to it. No statement waits for
/// it.
const CHECK: &[u8] = b"S\0\0\0\x04";

/// Counts a round trip whenever a client sends something after the server has answered.
pub(crate) struct Proxy {
    pub(crate) port: u16,
    trips: Arc<AtomicUsize>,
    received: Arc<AtomicUsize>,
}

impl Proxy {
    pub(crate) async fn before(host: String, port: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let here = listener.local_addr().expect("an address").port();
        let trips = Arc::new(AtomicUsize::new(0));
        let received = Arc::new(AtomicUsize::new(0));
        let counted = (trips.clone(), received.clone());
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let server = TcpStream::connect((host.as_str(), port)).await.expect("the server");
                tokio::spawn(carried(client, server, counted.clone()));
            }
        });
        Self { port: here, trips, received }
    }

    pub(crate) fn trips(&self) -> usize {
        self.trips.load(Ordering::SeqCst)
    }

    /// Returns the number of bytes that the server has sent.
    pub(crate) fn received(&self) -> usize {
        self.received.load(Ordering::SeqCst)
    }
}

async fn carried(
    client: TcpStream,
    server: TcpStream,
    (trips, received): (Arc<AtomicUsize>, Arc<AtomicUsize>),
) {
    let ((mut from_client, mut to_client), (mut from_server, mut to_server)) =
        (client.into_split(), server.into_split());
    let answered = Arc::new(AtomicBool::new(true));
    let was_answered = answered.clone();
    let back = tokio::spawn(async move {
        let mut bytes = vec![0; 64 * 1024];
        while let Ok(read @ 1..) = from_server.read(&mut bytes).await {
            answered.store(true, Ordering::SeqCst);
            received.fetch_add(read, Ordering::SeqCst);
            if to_client.write_all(&bytes[..read]).await.is_err() {
                return;
            }
        }
    });
    let mut bytes = vec![0; 64 * 1024];
    while let Ok(read @ 1..) = from_client.read(&mut bytes).await {
        if &bytes[..read] != CHECK && was_answered.swap(false, Ordering::SeqCst) {
            trips.fetch_add(1, Ordering::SeqCst);
        }
        if to_server.write_all(&bytes[..read]).await.is_err() {
            break;
        }
    }
    back.abort();
}
