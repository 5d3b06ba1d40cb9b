//! Making, comparing and wiping secrets: the one place for each.

use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use subtle::ConstantTimeEq;
use zeroize::{Zeroize, Zeroizing};

/// Compares two secrets in time that depends on their lengths alone.
pub(crate) fn same(left: &[u8], right: &[u8]) -> bool {
    left.ct_eq(right).into()
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
