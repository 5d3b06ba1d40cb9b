//! Making, comparing and wiping secrets: the one place for each.

use std::ops::Deref;

use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use subtle::ConstantTimeEq;
use zeroize::{Zeroize, Zeroizing};

/// Compares two secrets in time that depends on their lengths alone.
pub(crate) fn same(left: &[u8], right: &[u8]) -> bool {
    if left.len() != right.len() {
        return false;
    }
    // In words, which takes an eighth of the steps.
    let ((left, left_rest), (right, right_rest)) = (left.as_chunks(), right.as_chunks());
    let mut same = left_rest.ct_eq(right_rest);
    for (left, right) in left.iter().zip(right) {
        same &= u64::from_ne_bytes(*left).ct_eq(&u64::from_ne_bytes(*right));
    }
    same.into()
}

/// Joins `parts` into a buffer of exactly their length.
///
/// `SecretString` boxes the `String` it is made of; a buffer with room to spare would be moved to
/// a smaller one for that, and the old one be given back unwiped.
pub(crate) fn join(parts: &[&str]) -> SecretString {
    let mut text = String::with_capacity(parts.iter().map(|part| part.len()).sum());
    for part in parts {
        text.push_str(part);
    }
    SecretString::from(text)
}

/// Bytes that are wiped when the last handle to them is dropped.
pub(crate) struct Wiped(pub(crate) Vec<u8>);

impl AsRef<[u8]> for Wiped {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl Drop for Wiped {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

/// Text that may be a secret: borrowed, or decoded into a buffer that is wiped.
#[derive(Debug)]
pub(crate) enum Text<'a> {
    Borrowed(&'a str),
    Decoded(Zeroizing<String>),
}

impl Deref for Text<'_> {
    type Target = str;

    fn deref(&self) -> &str {
        match self {
            Self::Borrowed(text) => text,
            Self::Decoded(text) => text,
        }
    }
}

/// A secret that `serde` may write and read: the deliberate way, for stored states alone.
pub(crate) struct StoredSecret(pub(crate) SecretString);

impl Serialize for StoredSecret {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.0.expose_secret())
    }
}

impl<'de> Deserialize<'de> for StoredSecret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // What was read may have room to spare: it is copied into an exact buffer and wiped.
        let read = Zeroizing::new(String::deserialize(deserializer)?);
        Ok(Self(join(&[&read])))
    }
}

#[cfg(test)]
mod tests {
    use super::same;

    #[test]
    fn secrets_are_the_same_only_to_the_last_byte() {
        let secret: Vec<u8> = (0..43).collect();
        for length in 0..=secret.len() {
            let secret = &secret[..length];
            assert!(same(secret, secret));
            assert!(length == 0 || !same(secret, &secret[..length - 1]));
            for index in 0..length {
                let mut other = secret.to_vec();
                other[index] ^= 0x80;
                assert!(!same(secret, &other));
            }
        }
    }
}
