//! A request is sent once. HTTP clients repeat one quietly when a connection that they had kept
//! turns out to be closed; the server may have read it by then, and a code or a rotating refresh
//! token that arrives twice ends the grant.

use countersign_core::{Body, TransportErrorKind as Kind};

use crate::conformance::Subject;
use crate::conformance::client::{failure, get, is_unknown, limits, post};
use crate::conformance::server::Server;
use crate::verdict::{Broken, Verdict, hold};

/// A kept connection that closes, in good order or by a reset, after the request was read brings no
/// second one.
///
/// # Errors
///
/// How the transport breaks the rule.
pub fn a_request_on_a_kept_connection_is_not_sent_again(subject: &Subject<'_>) -> Verdict {
    for reset in [false, true] {
        not_sent_again(subject, reset, |url| Ok(post(url)?))?;
    }
    Ok(())
}

/// The same without a body, which some clients hold to be safe to repeat: revocations and API calls
/// are not.
///
/// # Errors
///
/// How the transport breaks the rule.
pub fn a_request_without_a_body_is_not_sent_again(subject: &Subject<'_>) -> Verdict {
    not_sent_again(subject, false, |url| Ok(get(url)?))?;
    not_sent_again(subject, false, |url| Ok(http::Request::post(url).body(Body::empty())?))
}

fn not_sent_again(
    subject: &Subject<'_>,
    reset: bool,
    request: fn(&str) -> Result<http::Request<Body>, Broken>,
) -> Verdict {
    // The first request is answered; each one after it is read, and nothing said.
    let server = Server::start_counting(move |client, number| {
        if number == 0 {
            client.request()?;
            client.answer(200, "", b"kept")?;
        }
        if reset { client.request_but_a_byte() } else { client.request().map(drop) }
    })?;
    let transport = subject.transport();
    subject.answer(&*transport, request(&server.url("/first"))?, limits())?;
    let ending = subject.send(&*transport, request(&server.url("/second"))?, limits())?;
    is_unknown(&failure(ending)?, &[Kind::Interrupted, Kind::Other])?;
    let sent = server.requests().iter().filter(|seen| seen.target == "/second").count();
    hold!(sent == 1, "the second request was sent {sent} times");
    Ok(())
}
