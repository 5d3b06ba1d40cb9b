//! Payloads, encrypted with XChaCha20-Poly1305.

use std::fmt;

use chacha20poly1305::aead::{Aead, KeyInit, Payload as Message};
use chacha20poly1305::{Key, XChaCha20Poly1305, XNonce};
use zeroize::Zeroizing;

use crate::key::GrantKey;
use crate::rules::Origin;
use crate::store::{Payload, Randomness, Record, StoreError, StoreErrorKind};

/// The keys that seal payloads: one is current, the others open what it did not seal.
///
/// A key is 32 random bytes and has an id, which is stored in clear beside what it seals. Keys are
/// wiped when the ring is dropped; `Debug` prints their ids. A sealed payload opens only in the
/// record that it was sealed for: the key of the grant, the epoch and the generation are bound to
/// it, so that records cannot be exchanged.
///
/// # Examples
///
/// Give a new key to every process before any process seals with it, since the others could not
/// read what it seals:
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
pub struct KeyRing {
    current: SealingKey,
    others: Vec<SealingKey>,
}

struct SealingKey {
    id: String,
    bytes: Zeroizing<[u8; 32]>,
}

/// The form of a sealed payload: this byte, the nonce, the ciphertext with its tag.
const VERSION: u8 = 1;
const NONCE: usize = 24;

impl KeyRing {
    /// Creates a ring whose current key is `key`.
    ///
    /// # Errors
    ///
    /// [`InvalidRing::Empty`] if the id is empty.
    pub fn new(id: impl Into<String>, key: [u8; 32]) -> Result<Self, InvalidRing> {
        Ok(Self { current: SealingKey::new(id.into(), key)?, others: Vec::new() })
    }

    /// Adds a key that opens and does not seal: a former one, or one that is to become current when
    /// all processes have it.
    ///
    /// # Errors
    ///
    /// [`InvalidRing`] if the id is empty, or that of another key of the ring.
    pub fn with_other(mut self, id: impl Into<String>, key: [u8; 32]) -> Result<Self, InvalidRing> {
        let other = SealingKey::new(id.into(), key)?;
        if self.get(&other.id).is_some() {
            return Err(InvalidRing::Twice(other.id));
        }
        self.others.push(other);
        Ok(self)
    }

    /// Returns the id of the current key.
    pub(crate) fn current(&self) -> &str {
        &self.current.id
    }

    fn get(&self, id: &str) -> Option<&SealingKey> {
        std::iter::once(&self.current).chain(&self.others).find(|key| key.id == id)
    }

    /// Seals `payload` with the current key, and returns the key's id. An empty payload has no
    /// secret and stays as it is.
    pub(crate) fn seal(
        &self,
        key: &GrantKey,
        origin: Origin,
        payload: &Payload,
        randomness: &dyn Randomness,
    ) -> Result<(Payload, String), StoreError> {
        // 192 random bits do not repeat, whichever process draws them.
        let mut nonce = [0; NONCE];
        randomness.fill(&mut nonce)?;
        let associated = self.current.associated(key, origin);
        let message = Message { msg: payload.as_bytes(), aad: &associated };
        let sealed =
            self.current.cipher().encrypt(XNonce::from_slice(&nonce), message).map_err(|_| {
                StoreError::new(StoreErrorKind::Other).with_source("sealing failed")
            })?;
        let mut envelope = Vec::with_capacity(1 + NONCE + sealed.len());
        envelope.push(VERSION);
        envelope.extend_from_slice(&nonce);
        envelope.extend_from_slice(&sealed);
        Ok((Payload::new(envelope), self.current.id.clone()))
    }

    /// Opens the payload of a record.
    pub(crate) fn open(&self, of: &GrantKey, record: &Record) -> Result<Payload, StoreError> {
        let Some(id) = &record.key_id else {
            return Err(StoreError::new(StoreErrorKind::Unsealable)
                .with_source("the record is not sealed, and the manager has a key ring"));
        };
        let Some(key) = self.get(id) else {
            return Err(StoreError::new(StoreErrorKind::UnknownKey)
                .with_source(format!("the key `{id}` is not in the ring: add it")));
        };
        let too_short = || {
            StoreError::new(StoreErrorKind::Damaged).with_source("the sealed payload is too short")
        };
        let (&version, rest) = record.payload.as_bytes().split_first().ok_or_else(too_short)?;
        if version != VERSION {
            let why = format!("the sealed payload has version {version}");
            return Err(StoreError::new(StoreErrorKind::UnknownVersion).with_source(why));
        }
        let (nonce, sealed) = rest.split_at_checked(NONCE).ok_or_else(too_short)?;
        let associated = key.associated(of, Origin::of(record));
        let message = Message { msg: sealed, aad: &associated };
        let plain = key.cipher().decrypt(XNonce::from_slice(nonce), message);
        plain.map(Payload::new).map_err(|_| StoreError::new(StoreErrorKind::Unsealable))
    }
}

impl SealingKey {
    fn new(id: String, key: [u8; 32]) -> Result<Self, InvalidRing> {
        let bytes = Zeroizing::new(key);
        if id.is_empty() { Err(InvalidRing::Empty) } else { Ok(Self { id, bytes }) }
    }

    fn cipher(&self) -> XChaCha20Poly1305 {
        XChaCha20Poly1305::new(Key::from_slice(self.bytes.as_slice()))
    }

    /// Returns what is bound to a payload. Only the last two parts vary in length, and the length
    /// of each stands before it.
    fn associated(&self, of: &GrantKey, Origin { epoch, generation }: Origin) -> Vec<u8> {
        let mut bytes = vec![VERSION];
        bytes.extend_from_slice(epoch.as_bytes());
        bytes.extend_from_slice(&generation.to_be_bytes());
        for text in [&self.id, of.as_str()] {
            bytes.extend_from_slice(&(text.len() as u64).to_be_bytes());
            bytes.extend_from_slice(text.as_bytes());
        }
        bytes
    }
}

impl fmt::Debug for KeyRing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ids: Vec<_> =
            std::iter::once(&self.current).chain(&self.others).map(|key| &key.id).collect();
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

#[cfg(test)]
mod tests {
    use std::error::Error;

    use super::KeyRing;
    use crate::key::GrantKey;
    use crate::rules::Origin;
    use crate::store::{Epoch, Payload, Record, StoreErrorKind, SystemRandomness, Version};

    #[test]
    fn a_sealed_payload_opens_under_its_own_key_epoch_generation_and_key_id_alone()
    -> Result<(), Box<dyn Error>> {
        let bytes = [7; 32];
        let ring = KeyRing::new("one", bytes)?.with_other("two", bytes)?;
        let of = GrantKey::new("provider", "client", "user")?;
        let blank = Record::tombstone(Epoch::from_bytes([1; 16]), 3, Version::from_bytes([2; 16]));
        let plain = Payload::new(b"tokens".to_vec());
        let (payload, id) = ring.seal(&of, Origin::of(&blank), &plain, &SystemRandomness)?;
        let sealed = Record { payload, key_id: Some(id), ..blank };
        assert_eq!(ring.open(&of, &sealed)?, plain);

        let other = GrantKey::new("provider", "client", "other")?;
        assert_eq!(
            ring.open(&other, &sealed).err().map(|it| it.kind()),
            Some(StoreErrorKind::Unsealable)
        );
        for moved in [
            Record { epoch: Epoch::from_bytes([3; 16]), ..sealed.clone() },
            Record { generation: 4, ..sealed.clone() },
            // The same secret under another name.
            Record { key_id: Some("two".into()), ..sealed },
        ] {
            let error = ring.open(&of, &moved).err().map(|it| it.kind());
            assert_eq!(error, Some(StoreErrorKind::Unsealable));
        }
        Ok(())
    }
}
