//! Reading a request off the wire, byte for byte.

use std::io::{self, Read};

/// A request as it arrived.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) method: String,
    pub(crate) target: String,
    /// In the order of their arrival; names in lower case.
    pub(crate) headers: Vec<(String, Vec<u8>)>,
    pub(crate) body: Vec<u8>,
}

impl Seen {
    /// The values of a header.
    pub(crate) fn values(&self, name: &str) -> Vec<&[u8]> {
        let same = self.headers.iter().filter(|(found, _)| found == name);
        same.map(|(_, value)| value.as_slice()).collect()
    }

    /// Reads the head; the body is still empty. None when nothing came.
    pub(crate) fn head(stream: &mut impl Read) -> io::Result<Option<Self>> {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            if stream.read(&mut byte)? == 0 {
                return if head.is_empty() { Ok(None) } else { Err(cut()) };
            }
            head.push(byte[0]);
        }
        let mut lines = head.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii);
        let first = String::from_utf8_lossy(lines.next().unwrap_or_default()).into_owned();
        let mut words = first.split(' ');
        let mut word = || words.next().unwrap_or_default().to_owned();
        let (method, target) = (word(), word());
        let headers = lines.filter_map(|line| {
            let colon = line.iter().position(|byte| *byte == b':')?;
            let name = String::from_utf8_lossy(&line[..colon]).to_ascii_lowercase();
            Some((name, line[colon + 1..].trim_ascii().to_vec()))
        });
        Ok(Some(Self { method, target, headers: headers.collect(), body: Vec::new() }))
    }

    /// How long the body is, where that was said beforehand.
    pub(crate) fn length(&self) -> Option<usize> {
        let length = String::from_utf8_lossy(self.values("content-length").first()?).into_owned();
        length.parse().ok()
    }

    /// Reads the body too.
    pub(crate) fn with_body(mut self, stream: &mut impl Read) -> io::Result<Self> {
        if let Some(length) = self.length() {
            self.body = take(stream, length)?;
        } else if self.values("transfer-encoding").contains(&b"chunked".as_slice()) {
            loop {
                let size = line(stream)?;
                let length = usize::from_str_radix(&size, 16).map_err(|_| cut())?;
                self.body.extend(take(stream, length)?);
                line(stream)?;
                if length == 0 {
                    break;
                }
            }
        }
        Ok(self)
    }
}

pub(crate) fn take(stream: &mut impl Read, length: usize) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; length];
    stream.read_exact(&mut bytes)?;
    Ok(bytes)
}

fn line(stream: &mut impl Read) -> io::Result<String> {
    let mut line = Vec::new();
    while !line.ends_with(b"\r\n") {
        line.extend(take(stream, 1)?);
    }
    Ok(String::from_utf8_lossy(&line).trim().to_owned())
}

fn cut() -> io::Error {
    io::ErrorKind::UnexpectedEof.into()
}
