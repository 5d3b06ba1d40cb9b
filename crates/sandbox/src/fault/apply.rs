//! Carrying a fault out.

use std::time::Duration;

use bytes::Bytes;
use http::header::{CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, LOCATION, TRANSFER_ENCODING};
use http::{HeaderValue, Response, StatusCode};

use super::{Fault, When};
use crate::connection::Ending;
use crate::server::Server;

/// What a fault makes of a request.
pub(crate) enum Carried {
    /// An answer that HTTP can carry.
    Answer(Response<Bytes>),
    /// The end of the connection.
    End(Ending),
}

/// Carries out `fault` on a request whose operation is `operation`.
pub(crate) async fn carry_out(
    fault: Fault,
    server: &Server,
    operation: impl FnOnce() -> Response<Bytes>,
) -> Carried {
    match fault {
        Fault::Delay { milliseconds, when: When::Before } => {
            wait(milliseconds).await;
            Carried::Answer(operation())
        }
        Fault::Delay { milliseconds, when: When::After } => {
            let response = operation();
            wait(milliseconds).await;
            Carried::Answer(response)
        }
        Fault::Hold { when: When::Before } => {
            server.hold().await;
            Carried::Answer(operation())
        }
        Fault::Hold { when: When::After } => {
            let response = operation();
            server.hold().await;
            Carried::Answer(response)
        }
        Fault::Answer(answer) => {
            acted(answer.when, operation);
            Carried::Answer(answer.into_response())
        }
        Fault::Reset { when } => {
            acted(when, operation);
            Carried::End(Ending::Reset)
        }
        Fault::Truncated => Carried::End(Ending::Close(truncated(&operation()))),
        Fault::Endless { when } => {
            acted(when, operation);
            Carried::End(endless())
        }
        Fault::ContentType { content_type } => {
            let mut response = operation();
            if let Ok(content_type) = HeaderValue::try_from(content_type) {
                response.headers_mut().insert(CONTENT_TYPE, content_type);
            }
            Carried::Answer(response)
        }
        Fault::Redirect { status, location } => {
            let location = location.unwrap_or_else(|| format!("{}/_sandbox/trap", server.origin()));
            Carried::Answer(redirect(status, location))
        }
    }
}

fn acted(when: When, operation: impl FnOnce() -> Response<Bytes>) {
    if when == When::After {
        // What it answers is what gets lost.
        drop(operation());
    }
}

#[expect(clippy::disallowed_methods, reason = "being late in real time is what this fault is for")]
async fn wait(milliseconds: u64) {
    tokio::time::sleep(Duration::from_millis(milliseconds)).await;
}

fn redirect(status: StatusCode, location: String) -> Response<Bytes> {
    let mut response = Response::new(Bytes::new());
    *response.status_mut() = status;
    match HeaderValue::try_from(location) {
        Ok(location) => {
            response.headers_mut().insert(LOCATION, location);
        }
        Err(_) => *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR,
    }
    response
}

/// The whole head, and of the body the first half.
fn truncated(response: &Response<Bytes>) -> Vec<u8> {
    let body = response.body();
    let length = body.len().max(1).to_string();
    let mut bytes = head(response, (CONTENT_LENGTH.as_str(), &length));
    bytes.extend_from_slice(&body[..body.len() / 2]);
    bytes
}

/// One chunk of a JSON string that is never closed.
const CHUNK: &[u8] = b"40\r\nendless-endless-endless-endless-endless-endless-endless-endless-\r\n";

fn endless() -> Ending {
    let mut response = Response::new(Bytes::new());
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    let mut bytes = head(&response, (TRANSFER_ENCODING.as_str(), "chunked"));
    bytes.extend_from_slice(b"1\r\n\"\r\n");
    Ending::Endless(bytes, CHUNK)
}

/// Status line and headers, written by hand because no HTTP library would write a false one.
fn head(response: &Response<Bytes>, (framing, value): (&str, &str)) -> Vec<u8> {
    let mut bytes = format!("HTTP/1.1 {}\r\n", response.status()).into_bytes();
    let close = HeaderValue::from_static("close");
    let own = response.headers().iter().chain([(&CONNECTION, &close)]);
    for (name, value) in own {
        bytes.extend_from_slice(name.as_str().as_bytes());
        bytes.extend_from_slice(b": ");
        bytes.extend_from_slice(value.as_bytes());
        bytes.extend_from_slice(b"\r\n");
    }
    bytes.extend_from_slice(format!("{framing}: {value}\r\n\r\n").as_bytes());
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_head_promises_more_than_the_body_holds() {
        let response = Response::new(Bytes::from_static(b"{\"access_token\":1}"));
        let text = String::from_utf8(truncated(&response)).unwrap_or_default();
        assert_eq!(
            text,
            "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 18\r\n\r\n{\"access_"
        );
    }

    #[test]
    fn a_chunk_is_as_long_as_it_says() {
        let text = std::str::from_utf8(CHUNK).unwrap_or_default();
        let payload = text.split("\r\n").nth(1).unwrap_or_default();
        assert_eq!(payload.len(), 0x40);
    }
}
