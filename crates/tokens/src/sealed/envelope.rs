//! One payload, sealed: version, nonce, ciphertext with its tag.

use chacha20poly1305::aead::{Aead, KeyInit, Payload as Message};
use chacha20poly1305::{Key, XChaCha20Poly1305, XNonce};

use super::ring::SealingKey;
use crate::key::GrantKey;
use crate::store::{Epoch, Payload, StoreError, StoreErrorKind};

const VERSION: u8 = 1;
const NONCE: usize = 24;

/// Where a payload belongs, and opens.
pub(super) struct Place<'a> {
    pub(super) key: &'a GrantKey,
    pub(super) epoch: Epoch,
    pub(super) generation: u64,
}

impl Place<'_> {
    /// What is bound to a payload. Only its last parts have no fixed length, and each has its own
    /// said before it.
    fn associated(&self, sealing: &SealingKey) -> Vec<u8> {
        let mut bytes = vec![VERSION];
        bytes.extend_from_slice(self.epoch.as_bytes());
        bytes.extend_from_slice(&self.generation.to_be_bytes());
        for text in [sealing.id(), self.key.as_str()] {
            bytes.extend_from_slice(&(text.len() as u64).to_be_bytes());
            bytes.extend_from_slice(text.as_bytes());
        }
        bytes
    }
}

pub(super) fn seal(
    sealing: &SealingKey,
    place: &Place<'_>,
    plain: &[u8],
) -> Result<Payload, StoreError> {
    // 192 random bits do not repeat, whichever process draws them.
    let mut nonce = [0; NONCE];
    getrandom::fill(&mut nonce)
        .map_err(|error| StoreError::new(StoreErrorKind::Randomness).with_source(error))?;
    let associated = place.associated(sealing);
    let message = Message { msg: plain, aad: &associated };
    let sealed = cipher(sealing)
        .encrypt(XNonce::from_slice(&nonce), message)
        .map_err(|_| StoreError::new(StoreErrorKind::Other).with_source("sealing failed"))?;
    let mut envelope = Vec::with_capacity(1 + NONCE + sealed.len());
    envelope.push(VERSION);
    envelope.extend_from_slice(&nonce);
    envelope.extend_from_slice(&sealed);
    Ok(Payload::new(envelope))
}

pub(super) fn open(
    sealing: &SealingKey,
    place: &Place<'_>,
    envelope: &[u8],
) -> Result<Payload, StoreError> {
    let (&version, rest) = envelope.split_first().ok_or_else(too_short)?;
    if version != VERSION {
        let why = format!("the envelope has version {version}");
        return Err(StoreError::new(StoreErrorKind::UnknownVersion).with_source(why));
    }
    let (nonce, sealed) = rest.split_at_checked(NONCE).ok_or_else(too_short)?;
    let associated = place.associated(sealing);
    let message = Message { msg: sealed, aad: &associated };
    let plain = cipher(sealing).decrypt(XNonce::from_slice(nonce), message);
    plain.map(Payload::new).map_err(|_| StoreError::new(StoreErrorKind::Unsealable))
}

fn cipher(sealing: &SealingKey) -> XChaCha20Poly1305 {
    XChaCha20Poly1305::new(Key::from_slice(sealing.bytes.as_slice()))
}

fn too_short() -> StoreError {
    StoreError::new(StoreErrorKind::Damaged).with_source("the sealed payload is too short")
}
