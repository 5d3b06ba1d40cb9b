//! What the transport adds to isahc, beside the rules of `conformance.rs`.

use std::error::Error;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use countersign_core::{
    Body, Delivery, Limits, Runtime, Transport, TransportError, TransportErrorKind,
};
use countersign_isahc::{IsahcTransport, isahc};
use futures_lite::future::block_on;
use isahc::config::{Configurable, RedirectPolicy};

type TestResult = Result<(), Box<dyn Error>>;

/// A server that says the same to every connection, and counts them.
struct Server {
    origin: String,
    connections: Arc<AtomicUsize>,
}

impl Server {
    fn saying(answer: impl Into<String>) -> std::io::Result<Self> {
        let (answer, listener) = (answer.into(), TcpListener::bind("127.0.0.1:0")?);
        let origin = format!("http://{}", listener.local_addr()?);
        let connections = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&connections);
        thread::spawn(move || {
            while let Ok((mut stream, _)) = listener.accept() {
                counted.fetch_add(1, Ordering::SeqCst);
                let _ = stream.read(&mut [0; 4096]);
                let _ = stream.write_all(answer.as_bytes());
            }
        });
        Ok(Self { origin, connections })
    }

    fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }
}

const EMPTY: &str = "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";

fn post(url: &str) -> http::Result<http::Request<Body>> {
    http::Request::post(url).body(Body::from(b"code=c0de".to_vec()))
}

fn send(
    transport: &IsahcTransport,
    request: http::Request<Body>,
) -> Result<http::Response<Body>, TransportError> {
    block_on(transport.send(request, Limits::default()))
}

#[test]
fn redirects_are_off_whatever_the_builder_says() -> TestResult {
    let target = Server::saying(EMPTY)?;
    let location = format!("location: {}", target.origin);
    let server =
        Server::saying(format!("HTTP/1.1 307 Go\r\n{location}\r\ncontent-length: 0\r\n\r\n"))?;
    let builder = || isahc::HttpClient::builder().redirect_policy(RedirectPolicy::Follow);
    let transport = IsahcTransport::from_builder(builder)?;
    assert_eq!(send(&transport, post(&server.origin)?)?.status(), 307);
    assert_eq!((server.connections(), target.connections()), (1, 0));
    Ok(())
}

/// In a process of its own, since the environment is where libcurl looks for proxies.
#[test]
fn g04_plain_http_goes_to_this_machine_and_not_to_a_proxy() -> TestResult {
    const URL: &str = "COUNTERSIGN_TEST_URL";
    const NAME: &str = "g04_plain_http_goes_to_this_machine_and_not_to_a_proxy";
    if let Ok(url) = std::env::var(URL) {
        send(&IsahcTransport::new()?, post(&url)?)?;
        return Ok(());
    }
    let (server, proxy) = (Server::saying(EMPTY)?, Server::saying(EMPTY)?);
    let mut child = Command::new(std::env::current_exe()?);
    child.args(["--exact", NAME]).env(URL, &server.origin);
    for variable in ["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"] {
        child.env(variable, &proxy.origin);
    }
    assert!(child.status()?.success());
    assert_eq!((server.connections(), proxy.connections()), (1, 0));
    Ok(())
}

/// isahc panics at the first, and libcurl would read a file for the second.
#[test]
fn what_isahc_would_stumble_over_is_refused() -> TestResult {
    let transport = IsahcTransport::new()?;
    let mut latin = post("http://127.0.0.1:1/")?;
    latin.headers_mut().insert("x-latin", http::HeaderValue::from_bytes(b"\xe9")?);
    for request in [latin, post("ftp://127.0.0.1:1/etc/passwd")?, post("/relative")?] {
        let error = send(&transport, request).expect_err("refused");
        assert_eq!(error.kind(), TransportErrorKind::Other);
        assert_eq!(error.delivery(), Delivery::NotSent);
    }
    Ok(())
}

#[test]
fn a_name_that_nobody_has_means_not_sent() -> TestResult {
    // RFC 6761, section 6.4.
    let error = send(&IsahcTransport::new()?, post("http://nobody.invalid/")?);
    let error = error.expect_err("there is no such name");
    assert_eq!(error.kind(), TransportErrorKind::Connect);
    assert_eq!(error.delivery(), Delivery::NotSent);
    Ok(())
}

/// TLS was never agreed on, because the server never spoke: a time limit, and yet it is known that
/// nothing was sent, since libcurl had not asked for the body.
#[cfg(feature = "rustls")]
#[test]
fn a_time_limit_before_anything_was_sent_says_so() -> TestResult {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let request = post(&format!("https://{}/", listener.local_addr()?))?;
    let limits = Limits::default().with_timeout(std::time::Duration::from_millis(200));
    let error = block_on(IsahcTransport::new()?.send(request, limits)).expect_err("silence");
    assert_eq!(error.kind(), TransportErrorKind::Timeout);
    assert_eq!(error.delivery(), Delivery::NotSent);
    Ok(())
}

#[test]
fn a_decoded_body_does_not_say_that_it_is_encoded() -> TestResult {
    // "ok", stored and not compressed.
    let gzip: &[u8] = b"\x1f\x8b\x08\0\0\0\0\0\0\xff\x01\x02\0\xfd\xffok\x47\xdd\xdc\x79\x02\0\0\0";
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let origin = format!("http://{}", listener.local_addr()?);
    let server = thread::spawn(move || -> std::io::Result<TcpStream> {
        let (mut stream, _) = listener.accept()?;
        let _ = stream.read(&mut [0; 4096])?;
        let head = "HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: ";
        write!(stream, "{head}{}\r\n\r\n", gzip.len())?;
        stream.write_all(gzip)?;
        Ok(stream)
    });
    let answer = send(&IsahcTransport::new()?, post(&origin)?)?;
    assert_eq!(answer.body().as_bytes(), b"ok");
    assert!(answer.headers().is_empty(), "{:?}", answer.headers());
    drop(server.join());
    Ok(())
}

#[test]
fn any_executor_will_do() -> TestResult {
    assert_eq!(IsahcTransport::new()?.runtime(), Runtime::Any);
    Ok(())
}
