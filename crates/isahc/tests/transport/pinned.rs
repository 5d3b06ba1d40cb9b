//! What no builder and no request can change.

use std::error::Error;

use countersign_core::{Body, Delivery, TransportErrorKind};
use countersign_isahc::IsahcTransport;
use countersign_isahc::isahc::HttpClient;
use countersign_isahc::isahc::auth::{Authentication, Credentials};
use countersign_isahc::isahc::config::{
    Configurable, ExpectContinue, RedirectPolicy, VersionNegotiation,
};

use crate::server::{Server, header};
use crate::{EMPTY, GZIP, TestResult, post, send};

#[test]
fn redirects_are_off_whatever_the_builder_says() -> TestResult {
    let target = Server::saying(EMPTY)?;
    let location = format!("location: {}", target.origin);
    let server =
        Server::saying(format!("HTTP/1.1 307 Go\r\n{location}\r\ncontent-length: 0\r\n\r\n"))?;
    let builder = || HttpClient::builder().redirect_policy(RedirectPolicy::Follow);
    let transport = IsahcTransport::from_builder(builder)?;
    assert_eq!(send(&transport, post(&server.origin)?)?.status(), 307);
    assert_eq!((server.connections(), target.connections()), (1, 0));
    Ok(())
}

/// libcurl would send the request without its body first, and again with it after the challenge.
#[test]
fn a_challenge_is_an_answer_whatever_the_builder_says() -> TestResult {
    let challenge = "www-authenticate: Digest realm=\"r\", nonce=\"n\", qop=\"auth\"\r\n";
    let server = Server::saying(format!(
        "HTTP/1.1 401 Who\r\n{challenge}www-authenticate: Basic realm=\"r\"\r\n\
         content-length: 0\r\n\r\n"
    ))?;
    for scheme in [Authentication::digest(), Authentication::basic(), Authentication::all()] {
        let before = server.heads().len();
        let transport = IsahcTransport::from_builder(move || {
            let credentials = Credentials::new("user", "password");
            HttpClient::builder().authentication(scheme.clone()).credentials(credentials)
        })?;
        assert_eq!(send(&transport, post(&server.origin)?)?.status(), 401);
        let heads = server.heads();
        assert_eq!(heads.len(), before + 1, "{heads:?}");
        assert_eq!(header(&heads[before], "content-length"), Some("9"));
        assert_eq!(header(&heads[before], "authorization"), None);
    }
    Ok(())
}

#[test]
fn bodies_are_decoded_whatever_the_builder_says() -> TestResult {
    let head = "HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: ";
    let head = format!("{head}{}\r\n\r\n", GZIP.len());
    let server = Server::saying([head.as_bytes(), GZIP].concat())?;
    let builder = || HttpClient::builder().automatic_decompression(false);
    let answer = send(&IsahcTransport::from_builder(builder)?, post(&server.origin)?)?;
    assert_eq!(answer.body().as_bytes(), b"ok");
    Ok(())
}

#[test]
fn it_speaks_http_1_1_whatever_the_builder_says() -> TestResult {
    let server = Server::saying(EMPTY)?;
    let builder = || HttpClient::builder().version_negotiation(VersionNegotiation::http10());
    send(&IsahcTransport::from_builder(builder)?, post(&server.origin)?)?;
    let heads = server.heads();
    assert!(heads[0].starts_with("post / http/1.1\r\n"), "{heads:?}");
    Ok(())
}

/// A server that refuses to be asked: libcurl then sends the request a second time, without the
/// question.
fn refusing() -> std::io::Result<Server> {
    Server::start(|head| match header(head, "expect") {
        Some(_) => b"HTTP/1.1 417 Do not ask\r\ncontent-length: 0\r\n\r\n".to_vec(),
        None => EMPTY.into(),
    })
}

/// libcurl asks by itself where a body is larger than a megabyte.
#[test]
fn no_server_is_asked_to_let_a_body_come() -> TestResult {
    let server = refusing()?;
    let builder = || HttpClient::builder().expect_continue(ExpectContinue::enabled());
    let transport = IsahcTransport::from_builder(builder)?;
    let large = http::Request::post(&server.origin).body(Body::from(vec![b'x'; 2 << 20]))?;
    assert_eq!(send(&transport, large)?.status(), 200);
    let heads = server.heads();
    assert_eq!(heads.len(), 1, "{heads:?}");
    assert_eq!(header(&heads[0], "expect"), None);
    Ok(())
}

#[test]
fn a_request_that_expects_is_refused_and_not_sent() -> TestResult {
    let server = refusing()?;
    let transport = IsahcTransport::new()?;
    let mut request = post(&server.origin)?;
    request.headers_mut().insert("expect", "100-continue".parse()?);
    let error = send(&transport, request).expect_err("refused");
    assert_eq!(error.kind(), TransportErrorKind::Other);
    assert_eq!(error.delivery(), Delivery::NotSent);
    assert!(error.source().is_some_and(|it| it.to_string().contains("`Expect`")));
    assert_eq!(server.connections(), 0);
    Ok(())
}

#[test]
fn a_builder_whose_clients_expect_is_refused() {
    let builder = || HttpClient::builder().default_header("expect", "100-continue");
    let error = IsahcTransport::from_builder(builder).expect_err("refused");
    assert_eq!(error.kind(), TransportErrorKind::Other);
    assert_eq!(error.delivery(), Delivery::NotSent);
    assert!(error.source().is_some_and(|it| it.to_string().contains("`Expect`")));
}

#[test]
fn a_builder_that_would_have_isahc_panic_is_refused() -> TestResult {
    let latin = http::HeaderValue::from_bytes(b"\xe9")?;
    let builder = move || HttpClient::builder().default_header("x-latin", latin.clone());
    let error = IsahcTransport::from_builder(builder).expect_err("refused");
    assert_eq!(error.kind(), TransportErrorKind::Other);
    assert_eq!(error.delivery(), Delivery::NotSent);
    Ok(())
}
