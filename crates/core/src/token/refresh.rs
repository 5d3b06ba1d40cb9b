use std::fmt;

use secrecy::{ExposeSecret, SecretString};

use super::{check, unusable};
use crate::error::Error;
use crate::secret;

/// A refresh token (RFC 6749 section 1.5): worth a new access token whenever it is sent.
///
/// It is printed by nothing, compared by [`same_as`](Self::same_as) alone, read through
/// [`ExposeSecret`], and wiped when it is dropped.
#[derive(Clone)]
pub struct RefreshToken(SecretString);

impl RefreshToken {
    /// The token of this text.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Configuration`](crate::ErrorKind::Configuration) when the text is empty or
    /// holds anything but printable ASCII (RFC 6749 appendix A.17).
    pub fn new(text: &str) -> Result<Self, Error> {
        Self::parse(text).map_err(unusable)
    }

    /// The token of this text; otherwise why it cannot be one.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        check("refresh_token", text, |byte| matches!(byte, 0x20..=0x7e))?;
        Ok(Self(secret::join(&[text])))
    }

    /// Whether `other` is the same token, in constant time.
    #[must_use]
    pub fn same_as(&self, other: &Self) -> bool {
        secret::same(self.expose_secret().as_bytes(), other.expose_secret().as_bytes())
    }
}

impl ExposeSecret<str> for RefreshToken {
    fn expose_secret(&self) -> &str {
        self.0.expose_secret()
    }
}

impl fmt::Debug for RefreshToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RefreshToken([redacted])")
    }
}
