//! The time limit is that of the whole call: of getting a client, too.

use std::io::Read;
use std::net::TcpListener;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use countersign_core::{Body, Delivery, Limits, Transport, TransportErrorKind};
use countersign_isahc::IsahcTransport;
use countersign_isahc::isahc::{HttpClient, HttpClientBuilder};
use futures_lite::future::block_on;

use crate::TestResult;
use crate::server::Server;

/// A transport whose first client is made as usual, and each one after it by `later`: a request
/// without a body needs a second one.
fn later(
    later: impl Fn() -> HttpClientBuilder + Send + Sync + 'static,
) -> Result<IsahcTransport, countersign_core::TransportError> {
    let made = AtomicUsize::new(0);
    IsahcTransport::from_builder(move || match made.fetch_add(1, Ordering::SeqCst) {
        0 => HttpClient::builder(),
        _ => later(),
    })
}

/// A builder that takes this long.
fn slow(time: Duration) -> impl Fn() -> HttpClientBuilder + Send + Sync + 'static {
    move || {
        let (never, channel) = mpsc::channel::<()>();
        assert_eq!(channel.recv_timeout(time), Err(RecvTimeoutError::Timeout));
        drop(never);
        HttpClient::builder()
    }
}

fn get(url: &str) -> http::Result<http::Request<Body>> {
    http::Request::get(url).body(Body::empty())
}

#[test]
fn a_client_that_took_all_the_time_sends_nothing() -> TestResult {
    let server = Server::saying(crate::EMPTY)?;
    let time = Duration::from_millis(50);
    let transport = later(slow(time))?;
    let limits = Limits::default().with_timeout(time);
    let error = block_on(transport.send(get(&server.origin)?, limits)).expect_err("too late");
    assert_eq!(error.kind(), TransportErrorKind::Timeout);
    assert_eq!(error.delivery(), Delivery::NotSent);
    assert_eq!(server.connections(), 0);
    Ok(())
}

#[test]
fn no_time_at_all_sends_nothing() -> TestResult {
    let server = Server::saying(crate::EMPTY)?;
    let limits = Limits::default().with_timeout(Duration::ZERO);
    let error = block_on(IsahcTransport::new()?.send(crate::post(&server.origin)?, limits));
    let error = error.expect_err("no time");
    assert_eq!(error.kind(), TransportErrorKind::Timeout);
    assert_eq!(error.delivery(), Delivery::NotSent);
    assert_eq!(server.connections(), 0);
    Ok(())
}

/// With this header libcurl waits a second before it asks for the body by which a client is
/// silenced, and the client is refused. The limit strikes before that, and otherwise would not.
#[test]
fn silencing_a_client_ends_with_the_time_of_the_call() -> TestResult {
    let server = Server::saying(crate::EMPTY)?;
    let transport = later(|| HttpClient::builder().default_header("expect", "100-continue"))?;
    for (time, kind) in [
        (Duration::from_millis(50), TransportErrorKind::Timeout),
        (Duration::from_secs(60), TransportErrorKind::Other),
    ] {
        let limits = Limits::default().with_timeout(time);
        let error = block_on(transport.send(get(&server.origin)?, limits)).expect_err("refused");
        assert_eq!(error.kind(), kind);
        assert_eq!(error.delivery(), Delivery::NotSent);
    }
    assert_eq!(server.connections(), 0);
    Ok(())
}

/// The server sees the connection end after what the client left of the time, and not after all of it.
#[test]
fn a_transfer_has_the_time_that_its_client_left() -> TestResult {
    const LIMIT: Duration = Duration::from_secs(3);
    const TAKEN: Duration = Duration::from_millis(2_500);
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let url = format!("http://{}/", listener.local_addr()?);
    let server = thread::spawn(move || -> std::io::Result<()> {
        let (mut stream, _) = listener.accept()?;
        stream.set_read_timeout(Some(TAKEN))?;
        while stream.read(&mut [0; 1024])? > 0 {}
        Ok(())
    });
    let transport = later(slow(TAKEN))?;
    let limits = Limits::default().with_timeout(LIMIT);
    let error = block_on(transport.send(get(&url)?, limits)).expect_err("silence");
    assert_eq!(error.kind(), TransportErrorKind::Timeout);
    let left = server.join().map_err(|_| "the server panicked")?;
    assert!(left.is_ok(), "the connection was kept for longer than the time: {left:?}");
    Ok(())
}
