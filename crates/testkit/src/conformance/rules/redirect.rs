//! Redirects.

use crate::conformance::Subject;
use crate::conformance::client::{limits, post};
use crate::conformance::server::Server;
use crate::verdict::{Verdict, hold};

/// A redirect is an answer like another, and nobody is asked because of it: 307 and 308 would send
/// the client secret and the code on to wherever the answer says.
///
/// # Errors
///
/// How the transport breaks the rule.
pub fn no_redirect_is_followed(subject: &Subject<'_>) -> Verdict {
    for status in [301, 302, 303, 307, 308] {
        let target =
            Server::start(|client| client.request().and_then(|_| client.answer(200, "", b"")))?;
        for location in [target.url("/elsewhere"), "/elsewhere".to_owned()] {
            let header = format!("location: {location}\r\n");
            let server = Server::start(move |client| {
                loop {
                    let seen = client.request()?;
                    let status = if seen.target == "/elsewhere" { 200 } else { status };
                    client.answer(status, &header, b"")?;
                }
            })?;
            let transport = subject.transport();
            let answer = subject.answer(&*transport, post(&server.url("/"))?, limits())?;
            hold!(answer.status() == status, "{status} came back as {}", answer.status());
            let told = answer.headers().get("location").map(http::HeaderValue::as_bytes);
            hold!(told == Some(location.as_bytes()), "the location came back as {told:?}");
            server.only_request()?;
            hold!(target.connections() == 0, "{status} led to a connection to its location");
        }
    }
    Ok(())
}
