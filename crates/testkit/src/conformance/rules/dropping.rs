//! Calls that are given up.

use std::io;

use crate::conformance::Subject;
use crate::conformance::client::post;
use crate::conformance::conversation::{Conversation, PATIENCE};
use crate::conformance::server::Server;
use crate::conformance::signal::{Signal, unless};
use crate::verdict::{Verdict, hold};

/// A call that is dropped while its answer is awaited closes its connection: who gives up must not
/// leave sockets behind that last as long as the server likes.
///
/// # Errors
///
/// How the transport breaks the rule.
pub fn a_dropped_call_closes_its_connection(subject: &Subject<'_>) -> Verdict {
    closes_when_dropped(subject, |_| Ok(()))
}

/// The same in the middle of a body.
///
/// # Errors
///
/// How the transport breaks the rule.
pub fn a_call_dropped_in_the_middle_of_a_body_closes_its_connection(
    subject: &Subject<'_>,
) -> Verdict {
    closes_when_dropped(subject, |client| {
        client.say("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf")
    })
}

fn closes_when_dropped(
    subject: &Subject<'_>,
    begin: fn(&mut Conversation) -> io::Result<()>,
) -> Verdict {
    let (arrived, closed) = (Signal::default(), Signal::default());
    let (tell_arrived, tell_closed) = (arrived.clone(), closed.clone());
    let server = Server::start(move |client| {
        client.request()?;
        begin(client)?;
        tell_arrived.raise();
        if client.hangs_up() {
            tell_closed.raise();
        }
        Ok(())
    })?;
    let transport = subject.transport();
    // Above the server's patience: it is the dropping that has to end the call.
    let limits = crate::conformance::client::limits().with_timeout(PATIENCE * 3);
    let call = transport.send(post(&server.url("/"))?, limits);
    let ended = subject.run(unless(call, &arrived))?;
    hold!(ended.is_none(), "it ended by itself: {ended:?}");
    hold!(closed.wait(PATIENCE), "the connection stayed open");
    Ok(())
}
