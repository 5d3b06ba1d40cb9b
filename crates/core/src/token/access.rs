use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use http::HeaderValue;
use secrecy::{ExposeSecret, SecretString};

use super::{check, unusable};
use crate::error::Error;
use crate::secret;

/// An access token (RFC 6749 section 1.4), a bearer token (RFC 6750).
///
/// One buffer serves the token and its ready-made `Authorization` header; cloning shares it, and
/// it is wiped when the last clone is dropped. The token is printed by nothing, compared by
/// [`same_as`](Self::same_as) alone, and read through [`ExposeSecret`].
///
/// ```
/// # use countersign_core as countersign;
/// use countersign::{AccessToken, ExposeSecret};
///
/// let token = AccessToken::new("mF_9.B5f-4.1JqM")?;
/// assert_eq!(token.expose_secret(), "mF_9.B5f-4.1JqM");
/// assert_eq!(format!("{token:?}"), "AccessToken([redacted])");
/// assert!(token.authorization_header().is_sensitive());
/// # Ok::<(), countersign::Error>(())
/// ```
#[derive(Clone)]
pub struct AccessToken(Arc<HeaderValue>);

const SCHEME: &str = "Bearer ";

impl AccessToken {
    /// The token of this text.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Configuration`](crate::ErrorKind::Configuration) when the text is empty or
    /// holds anything but printable ASCII without spaces.
    pub fn new(text: &str) -> Result<Self, Error> {
        Self::parse(text).map_err(unusable)
    }

    /// The token of this text; otherwise why it cannot be one. A space or control character in a
    /// header would let a server write headers of its own (RFC 6750 section 2.1).
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        check("access_token", text, |byte| byte.is_ascii_graphic())?;
        let owner = Owner(secret::join(&[SCHEME, text]));
        // Printable ASCII is what a header takes: the check above leaves no error here.
        let mut header = HeaderValue::from_maybe_shared(Bytes::from_owner(owner))
            .unwrap_or_else(|_| HeaderValue::from_static(SCHEME));
        header.set_sensitive(true);
        Ok(Self(Arc::new(header)))
    }

    /// The value of the `Authorization` header (RFC 6750 section 2.1), marked sensitive.
    #[must_use]
    pub fn authorization_header(&self) -> HeaderValue {
        HeaderValue::clone(&self.0)
    }

    /// Whether `other` is the same token, in constant time.
    #[must_use]
    pub fn same_as(&self, other: &Self) -> bool {
        secret::same(self.0.as_bytes(), other.0.as_bytes())
    }
}

impl ExposeSecret<str> for AccessToken {
    fn expose_secret(&self) -> &str {
        self.0.to_str().ok().and_then(|header| header.strip_prefix(SCHEME)).unwrap_or_default()
    }
}

impl fmt::Debug for AccessToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AccessToken([redacted])")
    }
}

struct Owner(SecretString);

impl AsRef<[u8]> for Owner {
    fn as_ref(&self) -> &[u8] {
        self.0.expose_secret().as_bytes()
    }
}
