//! What is sent.

use countersign_core::Body;

use crate::conformance::Subject;
use crate::conformance::client::limits;
use crate::conformance::server::Server;
use crate::verdict::{Verdict, hold};

/// Target, header values and body arrive as they were given: secrets are percent-encoded, signed or
/// hashed, and one byte changed on the way makes them wrong.
///
/// # Errors
///
/// How the transport breaks the rule.
pub fn a_request_arrives_byte_for_byte(subject: &Subject<'_>) -> Verdict {
    let server =
        Server::start(|client| client.request().and_then(|_| client.answer(200, "", b"")))?;
    let body: Vec<u8> = (0..=u8::MAX).cycle().take(20_000).collect();
    let target = "/oauth/token?refresh&a=%2F%41+b&c=";
    let long = "x".repeat(4_000);
    let request = http::Request::post(server.url(target))
        .header("content-type", "application/octet-stream")
        .header("authorization", "Basic YTpi  Og==")
        .header("x-empty", "")
        .header("x-long", &long)
        .body(Body::from(body.clone()))?;
    let transport = subject.transport();
    subject.answer(&*transport, request, limits())?;
    let seen = server.only_request()?;
    hold!(seen.method == "POST", "the method arrived as {}", seen.method);
    hold!(seen.target == target, "the target arrived as {}", seen.target);
    hold!(seen.body == body, "the body arrived otherwise, with {} bytes", seen.body.len());
    for (name, value) in [
        ("content-type", "application/octet-stream"),
        ("authorization", "Basic YTpi  Og=="),
        ("x-empty", ""),
        ("x-long", &long),
        ("host", &server.address().to_string()),
    ] {
        let values = seen.values(name);
        hold!(values == [value.as_bytes()], "the header {name} arrived as {values:?}");
    }
    Ok(())
}

/// A header that is given twice arrives twice, in order: joined with a comma it may mean something
/// else.
///
/// # Errors
///
/// How the transport breaks the rule.
pub fn repeated_request_headers_stay_apart(subject: &Subject<'_>) -> Verdict {
    let server =
        Server::start(|client| client.request().and_then(|_| client.answer(200, "", b"")))?;
    let request = http::Request::post(server.url("/"))
        .header("x-repeated", "one")
        .header("x-repeated", "two, three")
        .body(Body::from(b"body".to_vec()))?;
    let transport = subject.transport();
    subject.answer(&*transport, request, limits())?;
    let seen = server.only_request()?;
    let values = seen.values("x-repeated");
    let expected: [&[u8]; 2] = [b"one", b"two, three"];
    hold!(values == expected, "they arrived as {values:?}");
    Ok(())
}

/// Every method arrives under its name, with its body if it has one: APIs behind the token use them
/// all.
///
/// # Errors
///
/// How the transport breaks the rule.
pub fn every_method_arrives(subject: &Subject<'_>) -> Verdict {
    for (method, body) in [
        ("GET", ""),
        ("HEAD", ""),
        ("DELETE", ""),
        ("POST", ""),
        ("POST", "body"),
        ("PUT", "body"),
        ("PATCH", "body"),
        ("DELETE", "body"),
    ] {
        let server =
            Server::start(|client| client.request().and_then(|_| client.answer(200, "", b"")))?;
        let request = http::Request::builder()
            .method(method)
            .uri(server.url("/method"))
            .body(Body::from(body.as_bytes().to_vec()))?;
        let transport = subject.transport();
        subject.answer(&*transport, request, limits())?;
        let seen = server.only_request()?;
        hold!(seen.method == method, "{method} arrived as {}", seen.method);
        hold!(seen.body == body.as_bytes(), "the body of {method} arrived as {:?}", seen.body);
    }
    Ok(())
}
