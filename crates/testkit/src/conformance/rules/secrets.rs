//! What errors show.

use std::error::Error;
use std::net::{Ipv4Addr, TcpListener, TcpStream};

use countersign_core::{Body, Limits, TransportError};

use crate::conformance::Subject;
use crate::conformance::client::{hurried, limits};
use crate::conformance::server::Server;
use crate::verdict::{Broken, Verdict, hold};

/// Part of every secret here; in no error.
const CANARY: &str = "cAnArY";

/// Nothing that was sent or answered is in an error's `Debug` or `Display`, nor in those of its
/// causes, and no URL: errors end up in logs, and HTTP clients like to print the URL, query and all.
///
/// # Errors
///
/// How the transport breaks the rule.
pub fn no_error_shows_a_secret_or_a_url(subject: &Subject<'_>) -> Verdict {
    let refused = TcpStream::connect(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?)?;
    let nobody = format!("http://{}", refused.local_addr()?);
    let error = subject.failure(request(&nobody)?, limits())?;
    shows_nothing(&error)?;
    let error = subject.failure(request(&nobody.replace("http:", "https:"))?, limits())?;
    shows_nothing(&error)?;

    let large =
        format!("HTTP/1.1 200 OK\r\ncontent-length: 60000\r\n\r\n{}", CANARY.repeat(10_000));
    let too_large = limits().with_max_body(50_000);
    for (answer, limits) in [
        ("", limits()),
        (&large, too_large),
        ("HTTP/1.1 200 OK\r\nx: cAnArY\r\ncontent-length: 50\r\n\r\ncAnArY", limits()),
        ("HTTP/1.1 2cAnArY00\r\nx: y\r\n\r\n", limits()),
        ("HTTP/1.1 200 OK\r\ncAnArY\r\n\r\n", limits()),
        ("HTTP/1.1 200 OK\r\ncontent-length: cAnArY\r\n\r\n", limits()),
        ("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\ncAnArY\r\n", limits()),
        ("HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 6\r\n\r\ncAnArY", limits()),
    ] {
        check(subject, answer, true, limits)?;
    }
    check(subject, "", false, hurried())
}

/// Looks at the error, if this answer brings one: whether it should is the matter of other rules.
fn check(subject: &Subject<'_>, answer: &str, close: bool, limits: Limits) -> Verdict {
    let answer = answer.to_owned();
    let server = Server::start(move |client| {
        client.request()?;
        client.say(&answer)?;
        if !close {
            client.hangs_up();
        }
        Ok(())
    })?;
    let transport = subject.transport();
    match subject.send(&*transport, request(&server.url(""))?, limits)? {
        Ok(_) => Ok(()),
        Err(error) => shows_nothing(&error),
    }
}

fn request(origin: &str) -> Result<http::Request<Body>, Broken> {
    let secret = |place: &str| format!("{CANARY}-{place}");
    Ok(http::Request::post(format!("{origin}/{}?code={}", secret("path"), secret("query")))
        .header("authorization", format!("Bearer {}", secret("header")))
        .body(Body::from(secret("body").into_bytes()))?)
}

fn shows_nothing(error: &TransportError) -> Verdict {
    let mut text = format!("{error} {error:?} {error:#?}");
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(&format!(" {cause} {cause:?} {cause:#?}"));
        source = cause.source();
    }
    for secret in [CANARY, "http://", "https://"] {
        hold!(!text.contains(secret), "{secret:?} is in an error: {text}");
    }
    Ok(())
}
