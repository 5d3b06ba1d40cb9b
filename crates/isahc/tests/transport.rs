//! What the transport adds to isahc, beside the rules of `conformance.rs`.

#[path = "transport/pinned.rs"]
mod pinned;
#[path = "transport/server.rs"]
mod server;
#[path = "transport/time.rs"]
mod time;

use std::error::Error;
use std::process::Command;

use countersign_core::{
    Body, Delivery, Limits, Runtime, Transport, TransportError, TransportErrorKind,
};
use countersign_isahc::IsahcTransport;
use futures_lite::future::block_on;

use crate::server::Server;

type TestResult = Result<(), Box<dyn Error>>;

const EMPTY: &str = "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";

/// "ok", stored and not compressed.
const GZIP: &[u8] = b"\x1f\x8b\x08\0\0\0\0\0\0\xff\x01\x02\0\xfd\xffok\x47\xdd\xdc\x79\x02\0\0\0";

fn post(url: &str) -> http::Result<http::Request<Body>> {
    http::Request::post(url).body(Body::from(b"code=c0de".to_vec()))
}

fn send(
    transport: &IsahcTransport,
    request: http::Request<Body>,
) -> Result<http::Response<Body>, TransportError> {
    block_on(transport.send(request, Limits::default()))
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
/// nothing was sent, since libcurl had not asked for the body. Where that would tell nothing, nothing
/// is claimed.
#[cfg(feature = "rustls")]
#[test]
fn a_time_limit_before_anything_was_sent_says_so() -> TestResult {
    let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
    let url = format!("https://{}/", listener.local_addr()?);
    let limits = Limits::default().with_timeout(std::time::Duration::from_millis(200));
    let mut long = post(&url)?;
    long.headers_mut().insert("x-long", "x".repeat(40 * 1024).parse()?);
    for (request, delivery) in [
        (post(&url)?, Delivery::NotSent),
        (http::Request::post(&url).body(Body::empty())?, Delivery::Unknown),
        (long, Delivery::Unknown),
    ] {
        let error = block_on(IsahcTransport::new()?.send(request, limits)).expect_err("silence");
        assert_eq!(error.kind(), TransportErrorKind::Timeout);
        assert_eq!(error.delivery(), delivery);
    }
    Ok(())
}

#[test]
fn a_decoded_body_does_not_say_that_it_is_encoded() -> TestResult {
    let head = "HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: ";
    let head = format!("{head}{}\r\n\r\n", GZIP.len());
    let server = Server::saying([head.as_bytes(), GZIP].concat())?;
    let answer = send(&IsahcTransport::new()?, post(&server.origin)?)?;
    assert_eq!(answer.body().as_bytes(), b"ok");
    assert!(answer.headers().is_empty(), "{:?}", answer.headers());
    Ok(())
}

#[test]
fn where_nothing_was_decoded_the_headers_are_kept() -> TestResult {
    for (method, head, body) in [
        ("HEAD", "200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 20", ""),
        ("POST", "304 Same\r\ncontent-encoding: gzip\r\ncontent-length: 20", ""),
        ("POST", "204 None\r\ncontent-encoding: gzip\r\nx-other: y", ""),
        ("POST", "200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 0", ""),
        ("POST", "200 OK\r\ncontent-encoding: identity\r\ncontent-length: 2", "ok"),
    ] {
        let server = Server::saying(format!("HTTP/1.1 {head}\r\n\r\n{body}"))?;
        let request = http::Request::builder().method(method).uri(&server.origin);
        let answer = send(&IsahcTransport::new()?, request.body(Body::empty())?)?;
        assert_eq!(answer.body().as_bytes(), body.as_bytes(), "{method} {head}");
        assert_eq!(answer.headers().len(), 2, "{method} {head}: {:?}", answer.headers());
    }
    Ok(())
}

#[test]
fn any_executor_will_do() -> TestResult {
    assert_eq!(IsahcTransport::new()?.runtime(), Runtime::Any);
    Ok(())
}
