//! HTTP/1.1 on a socket.

use std::fmt;
use std::io::{self, Read, Write};
use std::net::TcpStream;

use countersign_core::{Body, Limits};

use crate::sin::Sin;
use crate::transport::Kept;

/// What goes wrong.
pub(crate) enum Fault {
    Connect(String),
    Late,
    Cut,
    TooLarge,
    Garbage(String),
}

impl From<io::Error> for Fault {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => Self::Late,
            _ => Self::Cut,
        }
    }
}

pub(crate) trait Wire: Read + Write + Send + fmt::Debug {}

impl<T: Read + Write + Send + fmt::Debug> Wire for T {}

#[derive(Debug)]
pub(crate) struct Connection {
    socket: TcpStream,
    /// Over the socket.
    wire: Box<dyn Wire>,
    /// Read and not yet used.
    ahead: Vec<u8>,
}

const MOST_HEAD: usize = 100_000;

impl Connection {
    pub(crate) fn new(socket: TcpStream, wire: impl Wire + 'static) -> Self {
        Self { socket, wire: Box::new(wire), ahead: Vec::new() }
    }

    pub(crate) fn plain(socket: TcpStream) -> Self {
        let wire = socket.try_clone().unwrap();
        Self::new(socket, wire)
    }

    pub(crate) fn socket(&self) -> &TcpStream {
        &self.socket
    }

    /// Whether nothing has happened on it while it was kept.
    pub(crate) fn is_good(&self) -> bool {
        let _ = self.socket.set_nonblocking(true);
        let peeked = self.socket.peek(&mut [0]);
        let _ = self.socket.set_nonblocking(false);
        peeked.is_err_and(|error| error.kind() == io::ErrorKind::WouldBlock)
    }

    pub(crate) fn say(
        &mut self,
        to: &http::Uri,
        request: &http::Request<Body>,
        cookie: Option<&http::HeaderValue>,
        kept: &Kept,
    ) -> Result<(), Fault> {
        let method = match request.method().as_str() {
            "PUT" | "DELETE" if kept.sins(Sin::KnowsTwoMethods) => "POST",
            method => method,
        };
        let mut target = to.path_and_query().unwrap().as_str().to_owned();
        if kept.sins(Sin::DecodesTheTarget) {
            target = target.replace("%2F", "/").replace("%41", "A");
        }
        let mut head =
            format!("{method} {target} HTTP/1.1\r\nhost: {}\r\n", to.authority().unwrap());
        head += &format!("content-length: {}\r\n", request.body().len());
        for name in request.headers().keys() {
            let values =
                request.headers().get_all(name).iter().map(|value| value.to_str().unwrap());
            let values: Vec<_> = values.collect();
            if kept.sins(Sin::JoinsRequestHeaders) {
                head += &format!("{name}: {}\r\n", values.join(", "));
            } else {
                head.extend(values.iter().map(|value| format!("{name}: {value}\r\n")));
            }
        }
        if let Some(cookie) = cookie {
            head += &format!("cookie: {}\r\n", cookie.to_str().unwrap());
        }
        let mut bytes = (head + "\r\n").into_bytes();
        bytes.extend_from_slice(request.body().as_bytes());
        Ok(self.wire.write_all(&bytes)?)
    }

    /// The answer, and whether the connection is good for another.
    pub(crate) fn answer(
        &mut self,
        method: &http::Method,
        limits: Limits,
        kept: &Kept,
    ) -> Result<(http::Response<Body>, bool), Fault> {
        let head = self.head(kept)?;
        if !head.starts_with("HTTP/1.1 ") && kept.sins(Sin::TakesAnythingForAnAnswer) {
            return Ok((http::Response::new(Body::from(head.into_bytes())), false));
        }
        let mut answer = parse(&head, kept).ok_or_else(|| Fault::Garbage(head.clone()))?;
        let limit = if kept.sins(Sin::HasNoLimit) { usize::MAX } else { limits.max_body };
        let value = |name| answer.headers().get(name).and_then(|value| value.to_str().ok());
        let bodyless = method == http::Method::HEAD && !kept.sins(Sin::WaitsForEveryBody);
        let framing = match (answer.status().as_u16(), value("transfer-encoding")) {
            (204 | 304, _) => Framing::Known(0),
            _ if bodyless => Framing::Known(0),
            (_, Some(_)) => Framing::Chunks,
            _ => match value("content-length").map(str::parse) {
                Some(Ok(length)) => Framing::Known(length),
                Some(Err(_)) if kept.sins(Sin::TakesABadLengthForNone) => Framing::Known(0),
                Some(Err(_)) => return Err(Fault::Garbage(head)),
                None => Framing::Close,
            },
        };
        if matches!(framing, Framing::Known(length) if length > limit) {
            return Err(Fault::TooLarge);
        }
        let by_length = kept.sins(Sin::LimitsByContentLength);
        let mut body = Vec::new();
        let read = self.body(&framing, if by_length { usize::MAX } else { limit }, &mut body);
        match read {
            Err(Fault::Cut) if kept.sins(Sin::TakesHalfABody) => {}
            read => read?,
        }
        *answer.body_mut() = Body::from(body);
        let alone = self.ahead.is_empty() || kept.sins(Sin::ReadsOnAfterTheAnswer);
        Ok((answer, alone && !matches!(framing, Framing::Close)))
    }

    fn head(&mut self, kept: &Kept) -> Result<String, Fault> {
        loop {
            if let Some(end) = self.ahead.windows(4).position(|four| four == b"\r\n\r\n") {
                let head = self.ahead.drain(..end + 4).collect::<Vec<_>>();
                return Ok(text(&head));
            }
            if self.ahead.len() > MOST_HEAD {
                if !kept.sins(Sin::ReadsHeadersForEver) {
                    return Err(Fault::Garbage(String::new()));
                }
                // The end of the headers is all that counts; searching them all would take for ever.
                let first = b"HTTP/1.1 200 OK\r\nx: ".to_vec();
                let tail = self.ahead.split_off(self.ahead.len() - 3);
                self.ahead = [first, tail].concat();
            }
            if self.more()? == 0 {
                let rest = text(&std::mem::take(&mut self.ahead));
                return if rest.is_empty() { Err(Fault::Cut) } else { Ok(rest) };
            }
        }
    }

    fn body(&mut self, framing: &Framing, limit: usize, body: &mut Vec<u8>) -> Result<(), Fault> {
        match framing {
            Framing::Known(length) => self.take(*length, limit, body),
            Framing::Close => {
                while !self.ahead.is_empty() || self.more()? > 0 {
                    self.take(self.ahead.len(), limit, body)?;
                }
                Ok(())
            }
            Framing::Chunks => loop {
                let mut line = Vec::new();
                while !line.ends_with(b"\r\n") {
                    self.take(1, 64, &mut line)?;
                }
                let line = String::from_utf8_lossy(&line).trim().to_owned();
                let size = usize::from_str_radix(&line, 16).map_err(|_| Fault::Garbage(line))?;
                self.take(size, limit, body)?;
                self.take(2, 2, &mut Vec::new())?;
                if size == 0 {
                    return Ok(());
                }
            },
        }
    }

    fn take(&mut self, length: usize, limit: usize, into: &mut Vec<u8>) -> Result<(), Fault> {
        let mut left = length;
        while left > 0 {
            if self.ahead.is_empty() && self.more()? == 0 {
                return Err(Fault::Cut);
            }
            let some = left.min(self.ahead.len());
            if some > limit - into.len() {
                return Err(Fault::TooLarge);
            }
            into.extend(self.ahead.drain(..some));
            left -= some;
        }
        Ok(())
    }

    fn more(&mut self) -> Result<usize, Fault> {
        let mut bytes = [0; 16 * 1024];
        let read = self.wire.read(&mut bytes)?;
        self.ahead.extend_from_slice(&bytes[..read]);
        Ok(read)
    }
}

enum Framing {
    Known(usize),
    Chunks,
    Close,
}

/// A character for each byte.
fn text(bytes: &[u8]) -> String {
    bytes.iter().copied().map(char::from).collect()
}

/// The bytes again.
fn bytes(text: &str) -> Vec<u8> {
    text.chars().filter_map(|character| u8::try_from(character).ok()).collect()
}

fn parse(head: &str, kept: &Kept) -> Option<http::Response<Body>> {
    let mut lines = head.strip_suffix("\r\n\r\n")?.split("\r\n");
    let status = lines.next()?.strip_prefix("HTTP/1.1 ")?.split(' ').next()?;
    let mut answer = http::Response::new(Body::empty());
    *answer.status_mut() = status.parse().ok()?;
    for line in lines {
        let (name, value) = line.split_once(':')?;
        let name: http::HeaderName = name.parse().ok()?;
        let value = http::HeaderValue::from_bytes(&bytes(value.trim())).ok()?;
        match answer.headers().get(&name) {
            Some(first) if kept.sins(Sin::JoinsResponseHeaders) => {
                let joined = format!("{}, {}", first.to_str().ok()?, value.to_str().ok()?);
                answer.headers_mut().insert(name, joined.parse().ok()?);
            }
            _ => {
                answer.headers_mut().append(name, value);
            }
        }
    }
    Some(answer)
}
