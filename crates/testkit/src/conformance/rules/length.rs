//! Lengths that are not true.

use countersign_core::TransportErrorKind as Kind;

use crate::conformance::Subject;
use crate::conformance::client::{failure, hurried, is_unknown, limits, post};
use crate::conformance::server::Server;
use crate::verdict::{Verdict, hold};

/// A length of an exabyte is no reason to make room for it, and no answer when less comes.
///
/// # Errors
///
/// How the transport breaks the rule.
pub fn a_length_that_cannot_be_is_not_believed(subject: &Subject<'_>) -> Verdict {
    for length in ["1152921504606846976", "18446744073709551615", "99999999999999999999999"] {
        let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\nshort");
        let server = Server::start(move |client| {
            client.request()?;
            client.say(&head)?;
            client.hangs_up();
            Ok(())
        })?;
        let transport = subject.transport();
        let ending = subject.send(&*transport, post(&server.url("/"))?, hurried())?;
        let kinds = [Kind::TooLarge, Kind::Interrupted, Kind::Timeout, Kind::Other];
        is_unknown(&failure(ending)?, &kinds)?;
    }
    Ok(())
}

/// What a server says after the end of an answer is not the answer to the next request: it would be
/// someone else's token.
///
/// # Errors
///
/// How the transport breaks the rule.
pub fn what_follows_an_answer_is_no_answer(subject: &Subject<'_>) -> Verdict {
    let server = Server::start(|client| {
        client.request()?;
        client.say(
            "HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\ntrue\
             HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\nforged",
        )?;
        client.request()?;
        client.answer(200, "", b"true")
    })?;
    let transport = subject.transport();
    let mut answers = Vec::new();
    for _ in 0..2 {
        answers.extend(subject.send(&*transport, post(&server.url("/"))?, limits())?.ok());
    }
    for answer in answers {
        let body = answer.body().as_bytes();
        hold!(body == b"true", "{:?} was taken for an answer", String::from_utf8_lossy(body));
    }
    Ok(())
}
