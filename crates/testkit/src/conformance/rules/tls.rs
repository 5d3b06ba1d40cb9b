//! Whom the transport believes.

use countersign_core::{Delivery, TransportErrorKind as Kind};

use crate::conformance::Subject;
use crate::conformance::client::{limits, post, told};
use crate::conformance::conversation::PATIENCE;
use crate::conformance::server::Server;
use crate::conformance::tls::TlsServer;
use crate::verdict::{Verdict, hold};

/// A server whose certificate no authority has signed is not spoken to, and the error says that
/// nothing was sent: the handshake failed before there was anything to send over.
///
/// # Errors
///
/// How the transport breaks the rule.
pub fn a_certificate_of_nobody_is_refused(subject: &Subject<'_>) -> Verdict {
    let server = TlsServer::start()?;
    let error = subject.failure(post(&server.url("/"))?, limits())?;
    hold!(error.kind() != Kind::Timeout, "it was not refused: {}", told(&error));
    hold!(error.delivery() == Delivery::NotSent, "nothing was sent: {}", told(&error));
    // A transport without any TLS does not even connect.
    if server.met.is_raised() {
        hold!(server.over.wait(PATIENCE), "the connection stayed open");
        hold!(!server.told.is_raised(), "the server read a request");
    }
    Ok(())
}

/// A server that does not speak TLS is told nothing in the clear.
///
/// # Errors
///
/// How the transport breaks the rule.
pub fn a_server_without_tls_is_told_nothing(subject: &Subject<'_>) -> Verdict {
    let server = Server::start(|client| {
        // A handshake begins with 22, a request with its method.
        if client.begins_with(22)? {
            return client.answer(200, "", b"");
        }
        client.request().and_then(|_| client.answer(200, "", b""))
    })?;
    let url = server.url("/").replace("http://", "https://");
    let error = subject.failure(post(&url)?, limits())?;
    hold!(error.kind() != Kind::Timeout, "it was not refused: {}", told(&error));
    hold!(server.requests().is_empty(), "it sent a request");
    Ok(())
}
