//! The body of a request or response: bytes that may hold secrets.

mod collector;

use std::fmt;

use bytes::Bytes;

use crate::secret::Wiped;

pub use collector::BodyCollector;

/// The bytes of a request or response.
///
/// `Debug` prints how many there are and nothing else: token requests and answers are made of
/// secrets. Cloning is cheap. Bytes that came as a `Vec` are wiped when the last clone is dropped;
/// bytes that came as [`Bytes`] stay whoever's they are.
#[derive(Clone, Default)]
pub struct Body(Bytes);

impl Body {
    /// No bytes.
    #[must_use]
    pub fn empty() -> Self {
        Self::default()
    }

    /// The bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The bytes as the shared buffer that HTTP clients take, without a copy.
    #[must_use]
    pub fn into_bytes(self) -> Bytes {
        self.0
    }

    /// How many bytes there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl From<Vec<u8>> for Body {
    fn from(bytes: Vec<u8>) -> Self {
        Wiped(bytes).into()
    }
}

impl From<Wiped> for Body {
    fn from(bytes: Wiped) -> Self {
        Self(Bytes::from_owner(bytes))
    }
}

impl From<Bytes> for Body {
    fn from(bytes: Bytes) -> Self {
        Self(bytes)
    }
}

impl AsRef<[u8]> for Body {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Body({} bytes)", self.0.len())
    }
}
