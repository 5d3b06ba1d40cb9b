//! What an error says of the request: a code or a refresh token is sent again only when the
//! transport is sure that the server cannot have it.

use std::net::{Ipv4Addr, TcpListener, TcpStream};

use countersign_core::{Delivery, TransportErrorKind as Kind};

use crate::conformance::Subject;
use crate::conformance::client::{get, is_unknown, limits, post, told};
use crate::conformance::server::Server;
use crate::verdict::{Verdict, hold};

const LOST: [Kind; 2] = [Kind::Interrupted, Kind::Other];

/// Where nobody listens nothing can have arrived. To say "unknown" would cost the user a new
/// consent each time that a provider restarts.
///
/// # Errors
///
/// How the transport breaks the rule.
pub fn a_refused_port_means_not_sent(subject: &Subject<'_>) -> Verdict {
    // The client's end of a connection: a port that is taken, and that nobody can listen on.
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let taken = TcpStream::connect(listener.local_addr()?)?;
    let url = format!("http://{}/", taken.local_addr()?);
    for request in [post(&url)?, get(&url)?] {
        let error = subject.failure(request, limits())?;
        hold!(error.kind() == Kind::Connect, "expected Connect, not: {}", told(&error));
        hold!(error.delivery() == Delivery::NotSent, "nothing was sent: {}", told(&error));
    }
    Ok(())
}

/// A connection that is reset with the request in its buffers: the transport cannot know that it
/// was not read.
///
/// # Errors
///
/// How the transport breaks the rule.
pub fn a_reset_before_the_request_was_read_tells_nothing(subject: &Subject<'_>) -> Verdict {
    let server = Server::start(|client| client.arrival())?;
    let error = subject.failure(post(&server.url("/"))?, limits())?;
    is_unknown(&error, &LOST)?;
    hold!(server.connections() == 1, "it tried {} times", server.connections());
    Ok(())
}

/// The same, after the server has read it.
///
/// # Errors
///
/// How the transport breaks the rule.
pub fn a_reset_after_the_request_was_read_tells_nothing(subject: &Subject<'_>) -> Verdict {
    let server = Server::start(|client| client.request_but_a_byte())?;
    let error = subject.failure(post(&server.url("/"))?, limits())?;
    is_unknown(&error, &LOST)?;
    server.only_request()?;
    Ok(())
}

/// The same for a connection that ends in good order in place of an answer.
///
/// # Errors
///
/// How the transport breaks the rule.
pub fn a_connection_closed_in_place_of_an_answer_tells_nothing(subject: &Subject<'_>) -> Verdict {
    let server = Server::start(|client| client.request().map(drop))?;
    let error = subject.failure(post(&server.url("/"))?, limits())?;
    is_unknown(&error, &LOST)?;
    server.only_request()?;
    Ok(())
}

/// Half an answer is none: a truncated token response must not be parsed for what it has.
///
/// # Errors
///
/// How the transport breaks the rule.
pub fn a_body_cut_short_is_no_answer(subject: &Subject<'_>) -> Verdict {
    for answer in [
        "HTTP/1.1 200 OK\r\ncontent-length: 50\r\n\r\nshort",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nshort\r\n",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n32\r\nshort",
    ] {
        let server = Server::start(move |client| {
            client.request()?;
            client.say(answer)
        })?;
        let error = subject.failure(post(&server.url("/"))?, limits())?;
        is_unknown(&error, &[Kind::Interrupted])?;
        server.only_request()?;
    }
    Ok(())
}

/// What is not HTTP is not an answer either.
///
/// # Errors
///
/// How the transport breaks the rule.
pub fn garbage_is_no_answer(subject: &Subject<'_>) -> Verdict {
    for answer in
        ["220 mail.example ESMTP\r\n", "{\"access_token\":\"forged\"}", "HTTP/1.1 abc\r\n\r\n"]
    {
        let server = Server::start(move |client| {
            client.request()?;
            client.say(answer)
        })?;
        let error = subject.failure(post(&server.url("/"))?, limits())?;
        is_unknown(&error, &LOST)?;
        server.only_request()?;
    }
    Ok(())
}
