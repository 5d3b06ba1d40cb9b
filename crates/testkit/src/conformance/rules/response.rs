//! What comes back.

use countersign_core::Body;

use crate::conformance::Subject;
use crate::conformance::client::{limits, post};
use crate::conformance::server::Server;
use crate::verdict::{Verdict, hold};

/// Status, header values and body come back as they were sent: the core judges them, and shows an
/// excerpt of what it does not understand.
///
/// # Errors
///
/// How the transport breaks the rule.
pub fn a_response_comes_back_byte_for_byte(subject: &Subject<'_>) -> Verdict {
    let body: Vec<u8> = (0..=u8::MAX).cycle().take(20_000).collect();
    let sent = body.clone();
    let server = Server::start(move |client| {
        client.request()?;
        let headers = b"retry-after: 120\r\nx-empty:\r\nx-spaced:  a  b,c \r\nx-latin: \xe9\r\n";
        client.answer(429, headers, &sent)
    })?;
    let transport = subject.transport();
    let answer = subject.answer(&*transport, post(&server.url("/"))?, limits())?;
    hold!(answer.status() == 429, "the status came back as {}", answer.status());
    hold!(answer.body().as_bytes() == body, "the body came back otherwise");
    let expected: [(_, &[u8]); 4] =
        [("retry-after", b"120"), ("x-empty", b""), ("x-spaced", b"a  b,c"), ("x-latin", b"\xe9")];
    for (name, value) in expected {
        let found = answer.headers().get(name);
        hold!(
            found.is_some_and(|found| found.as_bytes() == value),
            "the header {name} came back as {found:?}"
        );
    }
    Ok(())
}

/// A header that was sent twice comes back twice, in order.
///
/// # Errors
///
/// How the transport breaks the rule.
pub fn repeated_response_headers_stay_apart(subject: &Subject<'_>) -> Verdict {
    let server = Server::start(|client| {
        client.request()?;
        client.answer(200, "x-repeated: one\r\nX-Repeated: two, three\r\n", b"")
    })?;
    let transport = subject.transport();
    let answer = subject.answer(&*transport, post(&server.url("/"))?, limits())?;
    let values: Vec<_> = answer.headers().get_all("x-repeated").iter().collect();
    hold!(values == ["one", "two, three"], "they came back as {values:?}");
    Ok(())
}

/// Every status from 200 to 599 is an answer, with its body: refusals and rate limits are told in
/// them, and a server may use one that nobody has heard of.
///
/// # Errors
///
/// How the transport breaks the rule.
pub fn every_status_is_an_answer(subject: &Subject<'_>) -> Verdict {
    let server = Server::start(|client| {
        loop {
            let seen = client.request()?;
            let status = seen.target.trim_start_matches('/').parse().unwrap_or(500);
            client.answer(status, "", if has_body(status) { b"told" } else { b"" })?;
        }
    })?;
    let transport = subject.transport();
    for status in 200..=599 {
        let request = post(&server.url(&format!("/{status}")))?;
        let answer = subject.answer(&*transport, request, limits())?;
        hold!(answer.status() == status, "{status} came back as {}", answer.status());
        let body = answer.body().as_bytes();
        let expected: &[u8] = if has_body(status) { b"told" } else { b"" };
        hold!(body == expected, "the body of {status} came back as {body:?}");
    }
    Ok(())
}

/// An answer that has no body, though its headers tell of one, is complete as it is: HEAD and 304 are
/// answered with the length of what is not sent.
///
/// # Errors
///
/// How the transport breaks the rule.
pub fn an_answer_without_a_body_is_not_waited_for(subject: &Subject<'_>) -> Verdict {
    for (method, status, length) in
        [("HEAD", 200, Some("20")), ("POST", 304, Some("20")), ("POST", 204, None)]
    {
        let told = length.map(|it| format!("content-length: {it}\r\n")).unwrap_or_default();
        let head = format!("HTTP/1.1 {status} Status\r\n{told}\r\n");
        let server = Server::start(move |client| {
            loop {
                client.request()?;
                client.say(&head)?;
            }
        })?;
        let request =
            http::Request::builder().method(method).uri(server.url("/")).body(Body::empty())?;
        let answer = subject.answer(&*subject.transport(), request, limits())?;
        hold!(answer.status() == status, "{status} came back as {}", answer.status());
        hold!(answer.body().is_empty(), "a body came from nowhere");
        let found = answer.headers().get("content-length").map(http::HeaderValue::as_bytes);
        let told = length.map(str::as_bytes);
        hold!(found == told, "the length of {method} with {status} came back as {found:?}");
    }
    Ok(())
}

fn has_body(status: u16) -> bool {
    !matches!(status, 204 | 205 | 304)
}
