//! The limit of a response's body.

use std::io;

use countersign_core::TransportErrorKind as Kind;

use crate::conformance::Subject;
use crate::conformance::client::{failure, is_unknown, limits, post};
use crate::conformance::conversation::{Conversation, PATIENCE};
use crate::conformance::gzip;
use crate::conformance::server::Server;
use crate::conformance::signal::Signal;
use crate::verdict::{Verdict, hold};

const LIMIT: usize = 50_000;

/// A body with a `content-length` is taken at the limit and refused one byte over it.
///
/// # Errors
///
/// How the transport breaks the rule.
pub fn a_body_of_known_length_is_taken_up_to_the_limit(subject: &Subject<'_>) -> Verdict {
    up_to_the_limit(subject, |client, body| client.answer(200, "", body))
}

/// The same for a body in chunks, whose length nobody said beforehand: limits that are compared
/// with `content-length` alone do not hold here.
///
/// # Errors
///
/// How the transport breaks the rule.
pub fn a_chunked_body_is_taken_up_to_the_limit(subject: &Subject<'_>) -> Verdict {
    up_to_the_limit(subject, |client, body| {
        client.say("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")?;
        for chunk in body.chunks(7_000) {
            client.say(format!("{:x}\r\n", chunk.len()))?;
            client.say(chunk)?;
            client.say("\r\n")?;
        }
        client.say("0\r\n\r\n")
    })
}

/// The same for a body that ends when the connection does.
///
/// # Errors
///
/// How the transport breaks the rule.
pub fn a_body_that_ends_with_the_connection_is_taken_up_to_the_limit(
    subject: &Subject<'_>,
) -> Verdict {
    up_to_the_limit(subject, |client, body| {
        client.say("HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n")?;
        client.say(body)
    })
}

fn up_to_the_limit(
    subject: &Subject<'_>,
    answer: impl Fn(&mut Conversation, &[u8]) -> io::Result<()> + Copy + Send + Sync + 'static,
) -> Verdict {
    for over in [0, 1] {
        let body = vec![b'b'; LIMIT + over];
        let sent = body.clone();
        let server = Server::start(move |client| {
            client.request()?;
            answer(client, &sent)
        })?;
        let transport = subject.transport();
        let limits = limits().with_max_body(LIMIT);
        let ending = subject.send(&*transport, post(&server.url("/"))?, limits)?;
        if over == 0 {
            let taken = ending.map(|answer| answer.body().as_bytes() == body);
            hold!(matches!(taken, Ok(true)), "at the limit it was not taken whole: {taken:?}");
        } else {
            is_unknown(&failure(ending)?, &[Kind::TooLarge])?;
        }
    }
    Ok(())
}

/// A body that does not end is left while it is read, not after it: the server sees the connection
/// close, and the memory that it can take from the client is the limit's.
///
/// # Errors
///
/// How the transport breaks the rule.
pub fn an_endless_body_is_left_at_the_limit(subject: &Subject<'_>) -> Verdict {
    let left = Signal::default();
    let told = left.clone();
    let server = Server::start(move |client| {
        client.request()?;
        client.say("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")?;
        let chunk = format!("4000\r\n{}\r\n", "b".repeat(0x4000));
        if client.flood(chunk.as_bytes(), MOST) {
            told.raise();
        }
        client.say("0\r\n\r\n")
    })?;
    let transport = subject.transport();
    let limits = limits().with_max_body(LIMIT);
    let ending = subject.send(&*transport, post(&server.url("/"))?, limits)?;
    is_unknown(&failure(ending)?, &[Kind::TooLarge])?;
    hold!(left.wait(PATIENCE), "the connection was read on for {MOST} bytes");
    Ok(())
}

/// More than what the buffers of two sockets take.
const MOST: usize = 32 << 20;

/// The limit counts what comes out of decompression: 13 kB of gzip are 2 MB of zeros. A transport
/// that does not decompress hands over the 13 kB.
///
/// # Errors
///
/// How the transport breaks the rule.
pub fn a_gzip_bomb_does_not_go_off(subject: &Subject<'_>) -> Verdict {
    let bomb = gzip::zeros(2 << 20);
    hold!(bomb.len() < LIMIT, "the bomb is over the limit before it goes off");
    let server = Server::start(move |client| {
        client.request()?;
        client.answer(200, "content-encoding: gzip\r\n", &bomb)
    })?;
    let transport = subject.transport();
    let limits = limits().with_max_body(LIMIT);
    match subject.send(&*transport, post(&server.url("/"))?, limits)? {
        Ok(answer) => {
            let length = answer.body().len();
            hold!(length <= LIMIT, "it went off, to {length} bytes");
            Ok(())
        }
        Err(error) => is_unknown(&error, &[Kind::TooLarge]),
    }
}
