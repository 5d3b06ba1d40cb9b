use std::fmt;

use zeroize::Zeroizing;

/// The keys that records are sealed by: one is current, the others open what it did not seal.
///
/// A key is 32 random bytes and has an id, which is written in clear beside what it seals. Keys
/// are wiped when the ring is dropped; `Debug` prints their ids.
///
/// A new key is given to every process before any of them seals with it, since the others could not
/// read that:
///
/// ```
/// use countersign_tokens::KeyRing;
///
/// # fn first() -> Result<KeyRing, countersign_tokens::InvalidRing> {
/// # let (new_key, old_key) = ([1; 32], [2; 32]);
/// // In every process first:
/// let ring = KeyRing::new("2026-01", old_key)?.with_other("2026-11", new_key)?;
/// # Ok(ring) }
/// # let (new_key, old_key) = ([1; 32], [2; 32]);
/// # first()?;
/// // And when all have it:
/// let ring = KeyRing::new("2026-11", new_key)?.with_other("2026-01", old_key)?;
/// assert_eq!(format!("{ring:?}"), r#"KeyRing(["2026-11", "2026-01"])"#);
/// # Ok::<(), countersign_tokens::InvalidRing>(())
/// ```
pub struct KeyRing(Vec<SealingKey>);

/// One key of a ring.
pub(super) struct SealingKey {
    id: String,
    pub(super) bytes: Zeroizing<[u8; 32]>,
}

impl SealingKey {
    pub(super) fn id(&self) -> &str {
        &self.id
    }
}

impl KeyRing {
    /// A ring whose current key is this.
    ///
    /// # Errors
    ///
    /// [`InvalidRing`] when the id is empty.
    pub fn new(id: impl Into<String>, key: [u8; 32]) -> Result<Self, InvalidRing> {
        Self(Vec::new()).with_other(id, key)
    }

    /// The same with a key that opens and does not seal: one that was current before, or that is to
    /// be when all processes have it.
    ///
    /// # Errors
    ///
    /// [`InvalidRing`] when the id is empty, or that of another key of the ring.
    pub fn with_other(mut self, id: impl Into<String>, key: [u8; 32]) -> Result<Self, InvalidRing> {
        let (id, bytes) = (id.into(), Zeroizing::new(key));
        if id.is_empty() {
            return Err(InvalidRing::Empty);
        }
        if self.get(&id).is_some() {
            return Err(InvalidRing::Twice(id));
        }
        self.0.push(SealingKey { id, bytes });
        Ok(self)
    }

    pub(super) fn current(&self) -> &SealingKey {
        // `new` is the only way to a ring, and puts the first key in.
        &self.0[0]
    }

    pub(super) fn get(&self, id: &str) -> Option<&SealingKey> {
        self.0.iter().find(|key| key.id == id)
    }
}

impl fmt::Debug for KeyRing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ids: Vec<_> = self.0.iter().map(|key| &key.id).collect();
        f.debug_tuple("KeyRing").field(&ids).finish()
    }
}

/// Why keys make no ring.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidRing {
    /// A key without an id could not be named by what it seals.
    #[error("the id of a key is empty")]
    Empty,
    /// Two keys have this id.
    #[error("two keys of the ring have the id `{0}`")]
    Twice(String),
}
