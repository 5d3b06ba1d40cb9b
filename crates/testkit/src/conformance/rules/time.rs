//! The time limit of a call.

use std::iter::repeat;

use countersign_core::TransportErrorKind as Kind;

use crate::conformance::Subject;
use crate::conformance::client::{failure, hurried, is_unknown, limits, post};
use crate::conformance::conversation::{Conversation, PATIENCE};
use crate::conformance::server::Server;
use crate::conformance::signal::Signal;
use crate::verdict::{Verdict, hold};

/// A server that says nothing is left at the time limit, and its connection closed. It has the
/// request: whether it acted on it is unknown.
///
/// # Errors
///
/// How the transport breaks the rule.
pub fn a_silent_server_is_left_at_the_time_limit(subject: &Subject<'_>) -> Verdict {
    left_at_the_limit(subject, |client| Ok(client.hangs_up()))
}

/// The limit is that of the whole call: a byte now and then does not begin it anew.
///
/// # Errors
///
/// How the transport breaks the rule.
pub fn slow_headers_do_not_extend_the_time_limit(subject: &Subject<'_>) -> Verdict {
    left_at_the_limit(subject, |client| {
        client.say("HTTP/1.1 200 OK\r\nx-slow: ")?;
        client.drip(repeat(b'x'))
    })
}

/// The same for a body, which is where limits that end with the headers are found out.
///
/// # Errors
///
/// How the transport breaks the rule.
pub fn a_slow_body_does_not_extend_the_time_limit(subject: &Subject<'_>) -> Verdict {
    left_at_the_limit(subject, |client| {
        client.say("HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n")?;
        client.drip(repeat(b'x'))
    })
}

fn left_at_the_limit(
    subject: &Subject<'_>,
    stall: fn(&mut Conversation) -> std::io::Result<bool>,
) -> Verdict {
    let left = Signal::default();
    let told = left.clone();
    let server = Server::start(move |client| {
        // On a busy machine the limit may strike before the request is here.
        let talk = client.request().and_then(|_| stall(client));
        if talk.unwrap_or(true) {
            told.raise();
        }
        Ok(())
    })?;
    let transport = subject.transport();
    let ending = subject.send(&*transport, post(&server.url("/"))?, hurried())?;
    is_unknown(&failure(ending)?, &[Kind::Timeout])?;
    let closed = server.connections() == 0 || left.wait(PATIENCE);
    hold!(closed, "the connection stayed open after the limit");
    Ok(())
}

/// Headers that do not end are given up, and long before they have filled the memory.
///
/// # Errors
///
/// How the transport breaks the rule.
pub fn endless_headers_are_given_up(subject: &Subject<'_>) -> Verdict {
    let left = Signal::default();
    let told = left.clone();
    let server = Server::start(move |client| {
        client.request()?;
        client.say("HTTP/1.1 200 OK\r\n")?;
        let header = format!("x-endless: {}\r\n", "x".repeat(1_000));
        if client.flood(header.as_bytes(), 32 << 20) {
            told.raise();
        }
        client.say("content-length: 0\r\n\r\n")
    })?;
    let transport = subject.transport();
    let ending = subject.send(&*transport, post(&server.url("/"))?, limits())?;
    is_unknown(&failure(ending)?, &[Kind::TooLarge, Kind::Interrupted, Kind::Other])?;
    hold!(left.wait(PATIENCE), "32 MB of headers were read");
    Ok(())
}
