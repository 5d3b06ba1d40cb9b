use std::fmt;
use std::sync::Arc;

use countersign_core::Client;

/// Names a grant: whose it is, at which client of which provider.
///
/// The three are part of every key, so that two users, two apps or two providers never share a
/// record. A key is no secret: it is written in clear to stores, events and errors. Use an id of
/// yours as subject, not an email address. Cloning is cheap.
///
/// ```
/// use countersign_tokens::GrantKey;
///
/// let key = GrantKey::new("hellosign", "client id", "user 42")?;
/// assert_eq!(key.as_str(), "hellosign/client%20id/user%2042");
/// assert_eq!(GrantKey::parse(key.as_str())?, key);
/// assert_eq!(key.subject(), "user 42");
/// # Ok::<(), countersign_tokens::InvalidKey>(())
/// ```
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct GrantKey(Arc<str>);

/// The longest key, in bytes of its canonical text.
const LONGEST: usize = 1024;

impl GrantKey {
    /// The key of `subject` at the client `client_id` of `provider`.
    ///
    /// # Errors
    ///
    /// [`InvalidKey`] when one of them is empty, or the text of the key is longer than 1,024
    /// bytes.
    pub fn new(provider: &str, client_id: &str, subject: &str) -> Result<Self, InvalidKey> {
        let parts = [("provider", provider), ("client id", client_id), ("subject", subject)];
        if let Some((name, _)) = parts.iter().find(|(_, part)| part.is_empty()) {
            return Err(InvalidKey::Empty(name));
        }
        let mut text = String::with_capacity(provider.len() + client_id.len() + subject.len() + 2);
        for (index, (_, part)) in parts.iter().enumerate() {
            if index > 0 {
                text.push('/');
            }
            escape(part, &mut text);
        }
        if text.len() > LONGEST {
            return Err(InvalidKey::TooLong(text.len()));
        }
        Ok(Self(text.into()))
    }

    /// The key of `subject` at this client.
    ///
    /// # Errors
    ///
    /// As [`new`](Self::new).
    pub fn of(client: &Client, subject: &str) -> Result<Self, InvalidKey> {
        Self::new(&client.provider().name, client.client_id(), subject)
    }

    /// Creates the reserved key of a client: its record holds the lease of the process that
    /// schedules the client's refreshes.
    pub(crate) fn reserved(client: &Client) -> Self {
        let mut text = String::new();
        escape(&client.provider().name, &mut text);
        text.push('/');
        escape(client.client_id(), &mut text);
        text.push('/');
        Self(text.into())
    }

    /// Returns whether the key is reserved: its record is no grant's. A reserved key has no
    /// subject.
    #[must_use]
    pub fn is_reserved(&self) -> bool {
        self.0.ends_with('/')
    }

    /// Returns the reserved key of the client that the key belongs to.
    pub(crate) fn client(&self) -> Option<Self> {
        let end = self.0.rfind('/')?;
        self.0.get(..=end).map(|text| Self(text.into()))
    }

    /// Returns the key of this canonical text: the inverse of [`as_str`](Self::as_str). Reserved
    /// keys are read too.
    ///
    /// # Errors
    ///
    /// [`InvalidKey`] if no key has this text.
    pub fn parse(text: &str) -> Result<Self, InvalidKey> {
        if let Some(client) = text.strip_suffix('/') {
            return Self::parse(&format!("{client}/-")).map(|_| Self(text.into()));
        }
        let parts: Vec<_> = text.split('/').map(unescape).collect();
        let [Some(provider), Some(client_id), Some(subject)] = parts.as_slice() else {
            return Err(InvalidKey::Malformed);
        };
        // There is one spelling of each key, so that equal keys have equal texts.
        let key = Self::new(provider, client_id, subject)?;
        if *key.0 == *text { Ok(key) } else { Err(InvalidKey::Malformed) }
    }

    /// Its canonical text: provider, client id and subject, percent-encoded and parted by `/`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The provider's name.
    #[must_use]
    pub fn provider(&self) -> String {
        self.part(0)
    }

    /// The id of the client.
    #[must_use]
    pub fn client_id(&self) -> String {
        self.part(1)
    }

    /// Whose grant it is.
    #[must_use]
    pub fn subject(&self) -> String {
        self.part(2)
    }

    fn part(&self, index: usize) -> String {
        self.0.split('/').nth(index).and_then(unescape).unwrap_or_default()
    }
}

impl fmt::Display for GrantKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for GrantKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "GrantKey({})", self.0)
    }
}

/// Why a text names no grant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidKey {
    /// A part is empty: everybody's grants would be one.
    #[error("the {0} of a grant's key is empty")]
    Empty(&'static str),
    /// The text has so many bytes.
    #[error("a grant's key may have 1024 bytes, and this one has {0}")]
    TooLong(usize),
    /// The text was not written by [`GrantKey::as_str`].
    #[error("the text is not that of a grant's key: `provider/client/subject`, percent-encoded")]
    Malformed,
}

/// RFC 3986's unreserved characters stay, all else is percent-encoded.
fn escape(part: &str, into: &mut String) {
    for byte in part.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            into.push(char::from(byte));
        } else {
            into.push('%');
            for digit in [byte >> 4, byte & 0xf] {
                into.push(char::from(b"0123456789ABCDEF"[usize::from(digit)]));
            }
        }
    }
}

fn unescape(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        if byte == b'%' {
            let (digits, after) = rest.split_at_checked(2)?;
            bytes.push(u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?);
            rest = after;
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::{GrantKey, InvalidKey};

    #[test]
    fn keys_of_different_parts_are_different() {
        let one = GrantKey::new("a/b", "c", "d").expect("a key");
        let other = GrantKey::new("a", "b/c", "d").expect("a key");
        assert_ne!(one, other);
        assert_eq!((one.provider(), one.client_id()), ("a/b".to_owned(), "c".to_owned()));
    }

    #[test]
    fn every_key_is_read_back() {
        for subject in ["u", "ü/%2F\n\u{202e}", "..", "a b", "%"] {
            let key = GrantKey::new("hellosign", "id", subject).expect("a key");
            assert_eq!(GrantKey::parse(key.as_str()), Ok(key.clone()));
            assert_eq!(key.subject(), subject);
            assert!(key.as_str().bytes().all(|byte| byte.is_ascii_graphic()));
        }
    }

    #[test]
    fn what_is_no_key_is_refused() {
        assert_eq!(GrantKey::new("p", "", "s"), Err(InvalidKey::Empty("client id")));
        assert_eq!(GrantKey::new("p", "c", &"s".repeat(2000)), Err(InvalidKey::TooLong(2004)));
        for text in [
            "", "a/b", "/", "a/b//", "a/b/c/d", "a/b/%", "a/b/%zz", "a/b/%61", "a/b/c d",
            "a/b/%ff", "a/b/%+1",
        ] {
            assert!(GrantKey::parse(text).is_err(), "{text}");
        }
    }
}
