use std::fmt;

use bytes::Bytes;
use zeroize::Zeroize;

use super::Body;
use crate::transport::{Delivery, Limits, TransportError, TransportErrorKind};

/// Puts a response body together while it is read, and stops at the limit: for transports.
///
/// A body that comes in one piece is passed on as it is, since a copy would only be one more place
/// with secrets in it. Others are copied once, into a buffer that is wiped whenever it grows.
///
/// ```
/// # use countersign_core as countersign;
/// use countersign::{BodyCollector, Limits};
///
/// let mut body = BodyCollector::new(Limits::default().with_max_body(4));
/// body.push(&b"ab"[..])?;
/// body.push(&b"cd"[..])?;
/// assert!(body.push(&b"e"[..]).is_err());
/// assert_eq!(body.finish().as_bytes(), b"abcd");
/// # Ok::<(), countersign::TransportError>(())
/// ```
pub struct BodyCollector {
    max_body: usize,
    first: Body,
    rest: Vec<u8>,
}

/// Room for most answers; it doubles for the others.
const FIRST_BUFFER: usize = 4 * 1024;

impl BodyCollector {
    /// An empty body, of at most [`Limits::max_body`] bytes.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        Self { max_body: limits.max_body, first: Body::empty(), rest: Vec::new() }
    }

    /// Adds what was read, as it came out of decompression.
    ///
    /// # Errors
    ///
    /// [`TransportErrorKind::TooLarge`] when the body is over its limit with it. It is not added.
    pub fn push(&mut self, chunk: impl Into<Bytes>) -> Result<(), TransportError> {
        let chunk = chunk.into();
        let length = self.first.len() + self.rest.len();
        if chunk.len() > self.max_body - length {
            return Err(TransportError::new(TransportErrorKind::TooLarge, Delivery::Unknown));
        }
        if length == 0 {
            self.first = Body::from(chunk);
            return Ok(());
        }
        if self.rest.is_empty() {
            let first = std::mem::take(&mut self.first);
            self.append(first.as_bytes());
        }
        self.append(&chunk);
        Ok(())
    }

    /// The body.
    #[must_use]
    pub fn finish(mut self) -> Body {
        if self.rest.is_empty() {
            std::mem::take(&mut self.first)
        } else {
            Body::from(std::mem::take(&mut self.rest))
        }
    }

    fn append(&mut self, bytes: &[u8]) {
        let needed = self.rest.len() + bytes.len();
        if needed > self.rest.capacity() {
            let larger = needed.max(2 * self.rest.capacity()).max(FIRST_BUFFER);
            let mut outgrown = std::mem::replace(&mut self.rest, Vec::with_capacity(larger));
            self.rest.extend_from_slice(&outgrown);
            outgrown.zeroize();
        }
        self.rest.extend_from_slice(bytes);
    }
}

impl fmt::Debug for BodyCollector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "BodyCollector({} bytes)", self.first.len() + self.rest.len())
    }
}

impl Drop for BodyCollector {
    fn drop(&mut self) {
        self.rest.zeroize();
    }
}

#[cfg(test)]
mod tests {
    use super::BodyCollector;
    use crate::transport::Limits;

    #[test]
    fn pieces_of_any_size_come_together() {
        let whole: Vec<u8> = (0..20_000_u32).map(|index| index.to_le_bytes()[0]).collect();
        for size in [1, 7, 4096, 5000, whole.len()] {
            let mut body = BodyCollector::new(Limits::default());
            for chunk in whole.chunks(size) {
                body.push(chunk.to_vec()).expect("under the limit");
            }
            assert_eq!(body.finish().as_bytes(), whole);
        }
        assert!(BodyCollector::new(Limits::default()).finish().is_empty());
    }

    #[test]
    fn the_limit_holds_to_the_byte() {
        let mut body = BodyCollector::new(Limits::default().with_max_body(3));
        body.push(&b""[..]).expect("nothing");
        body.push(&b"abc"[..]).expect("exactly");
        assert!(body.push(&b"d"[..]).is_err());
        body.push(&b""[..]).expect("nothing");
        assert_eq!(body.finish().as_bytes(), b"abc");
    }
}
