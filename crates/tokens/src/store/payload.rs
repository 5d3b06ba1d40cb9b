use std::fmt;
use std::sync::Arc;

use zeroize::Zeroizing;

/// The tokens of a grant as bytes that a store keeps and does not look into: sealed, or not.
///
/// `Debug` prints their number. They are wiped when the last clone is dropped; cloning is cheap.
#[derive(Clone, PartialEq, Eq)]
pub struct Payload(Arc<Zeroizing<Vec<u8>>>);

impl Payload {
    /// These bytes, which are wiped in the end. Room to spare in the buffer is wiped with them.
    #[must_use]
    pub fn new(bytes: Vec<u8>) -> Self {
        Self(Arc::new(Zeroizing::new(bytes)))
    }

    /// No bytes: what a tombstone has.
    #[must_use]
    pub fn empty() -> Self {
        Self::new(Vec::new())
    }

    /// The bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Payload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Payload({} bytes)", self.0.len())
    }
}
