//! Connections, and what is kept from one call to the next.

use countersign_core::Body;

use crate::conformance::Subject;
use crate::conformance::client::{limits, post};
use crate::conformance::server::Server;
use crate::conformance::signal::all;
use crate::verdict::{Broken, Verdict, hold};

/// A connection serves more than one call: a handshake for each would be most of the time that a
/// refresh takes.
///
/// # Errors
///
/// How the transport breaks the rule.
pub fn connections_are_used_again(subject: &Subject<'_>) -> Verdict {
    const CALLS: usize = 8;
    let server = Server::start(|client| {
        loop {
            client.request()?;
            client.answer(200, "", b"answer")?;
        }
    })?;
    let transport = subject.transport();
    for _ in 0..CALLS {
        subject.answer(&*transport, post(&server.url("/"))?, limits())?;
    }
    // A client may take a moment to put a connection back; now and then a second one is no fault.
    let made = server.connections();
    hold!(made <= CALLS / 2, "{CALLS} calls made {made} connections");
    Ok(())
}

/// No cookie is kept: one transport serves many users, and one's session must not be sent with
/// another's request.
///
/// # Errors
///
/// How the transport breaks the rule.
pub fn no_cookie_is_kept(subject: &Subject<'_>) -> Verdict {
    let server = Server::start(|client| {
        loop {
            client.request()?;
            client.answer(200, "set-cookie: session=alice; Path=/\r\n", b"")?;
        }
    })?;
    let transport = subject.transport();
    for _ in 0..2 {
        subject.answer(&*transport, post(&server.url("/"))?, limits())?;
    }
    for request in server.requests() {
        let cookies = request.values("cookie");
        hold!(cookies.is_empty(), "a cookie was sent: {cookies:?}");
    }
    Ok(())
}

/// Sixty-four calls at once are all on their way before one is answered, and each gets its own
/// answer.
///
/// # Errors
///
/// How the transport breaks the rule.
pub fn sixty_four_calls_run_at_once(subject: &Subject<'_>) -> Verdict {
    const CALLS: usize = 64;
    let server = Server::start(|client| {
        loop {
            let seen = client.request()?;
            let status = if client.gathers(CALLS) { 200 } else { 503 };
            client.answer(status, "", &seen.body)?;
        }
    })?;
    let transport = subject.transport();
    // More than a server's patience, so that its judgement is the one that is heard.
    let limits = limits().with_timeout(std::time::Duration::from_secs(30));
    let mut calls = Vec::new();
    for number in 0..CALLS {
        let body = Body::from(number.to_string().into_bytes());
        calls.push(transport.send(http::Request::post(server.url("/")).body(body)?, limits));
    }
    for (number, ending) in subject.run(all(calls))?.into_iter().enumerate() {
        let answer = ending.map_err(|error| Broken::new(format!("call {number}: {error}")))?;
        hold!(answer.status() == 200, "they did not run at once");
        let body = answer.body().as_bytes();
        hold!(body == number.to_string().as_bytes(), "call {number} got another's answer");
    }
    Ok(())
}
