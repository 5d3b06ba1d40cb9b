//! What a server of the suite does with one connection.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;

use crate::conformance::seen::{Seen, take};
use crate::conformance::server::Record;

/// How long a server waits for a client. Reached only where a rule is broken.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);

/// Between two bytes of a server that drips: well below any time limit of the suite, so that a limit
/// that starts anew with each byte never strikes.
const DRIP: Duration = Duration::from_millis(20);

/// One connection.
pub(crate) struct Conversation {
    stream: TcpStream,
    record: Arc<Record>,
}

impl Conversation {
    pub(crate) fn new(stream: TcpStream, record: Arc<Record>) -> io::Result<Self> {
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, record })
    }

    /// The next request, whole; an error when the client hangs up instead.
    pub(crate) fn request(&mut self) -> io::Result<Seen> {
        let head = Seen::head(&mut self.stream)?.ok_or(io::ErrorKind::UnexpectedEof)?;
        let seen = head.with_body(&mut self.stream)?;
        self.record.note(seen.clone());
        Ok(seen)
    }

    /// The next request but for the last byte of its body, which stays unread: closing after this
    /// resets the connection.
    pub(crate) fn request_but_a_byte(&mut self) -> io::Result<()> {
        let mut seen = Seen::head(&mut self.stream)?.ok_or(io::ErrorKind::UnexpectedEof)?;
        let length = seen.length().unwrap_or_default();
        seen.body = take(&mut self.stream, length.saturating_sub(1))?;
        self.record.note(seen);
        self.stream.peek(&mut [0]).map(drop)
    }

    /// Whether the server has this many requests before the patience ends.
    pub(crate) fn gathers(&self, requests: usize) -> bool {
        self.record.gathers(requests)
    }

    /// Waits until something of a request is here, and leaves it unread: closing after this resets
    /// the connection.
    pub(crate) fn arrival(&self) -> io::Result<()> {
        self.stream.peek(&mut [0]).map(drop)
    }

    /// Whether the first byte that arrives, which stays unread, is this one.
    pub(crate) fn begins_with(&self, byte: u8) -> io::Result<bool> {
        let mut first = [0];
        Ok(self.stream.peek(&mut first)? == 1 && first == [byte])
    }

    pub(crate) fn say(&mut self, bytes: impl AsRef<[u8]>) -> io::Result<()> {
        self.stream.write_all(bytes.as_ref())
    }

    /// A status, headers (each with its line end) and a body of known length.
    pub(crate) fn answer(
        &mut self,
        status: u16,
        headers: impl AsRef<[u8]>,
        body: &[u8],
    ) -> io::Result<()> {
        // These two have no body, and a length would be a lie.
        let length = match status {
            204 | 304 => String::new(),
            _ => format!("content-length: {}\r\n", body.len()),
        };
        let mut answer = format!("HTTP/1.1 {status} Status\r\n{length}").into_bytes();
        for part in [headers.as_ref(), b"\r\n", body] {
            answer.extend_from_slice(part);
        }
        self.say(answer)
    }

    /// Whether the client hangs up, before the patience ends.
    pub(crate) fn hangs_up(&mut self) -> bool {
        let mut bytes = [0; 4096];
        loop {
            match self.stream.read(&mut bytes) {
                Ok(0) => return true,
                Ok(_) => {}
                Err(error) => return !is_timeout(&error),
            }
        }
    }

    /// Says one byte after the other, until the client hangs up; whether it does.
    pub(crate) fn drip(&mut self, bytes: impl Iterator<Item = u8>) -> io::Result<bool> {
        self.stream.set_read_timeout(Some(DRIP))?;
        let drops = PATIENCE.as_millis() / DRIP.as_millis();
        for (byte, _) in bytes.zip(0..drops) {
            match self.stream.read(&mut [0; 64]) {
                Ok(0) => return Ok(true),
                Ok(_) => {}
                Err(error) if is_timeout(&error) => {}
                Err(_) => return Ok(true),
            }
            if self.say([byte]).is_err() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Says the same over and over, until the client hangs up; whether it does before this many
    /// bytes were said.
    pub(crate) fn flood(&mut self, bytes: &[u8], most: usize) -> bool {
        let times = most / bytes.len();
        (0..times).any(|_| self.say(bytes).is_err())
    }
}

fn is_timeout(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut)
}
