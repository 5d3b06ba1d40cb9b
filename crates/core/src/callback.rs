//! The callback: what the browser brings back from the provider.

use std::borrow::Cow;
use std::fmt;

use secrecy::SecretString;
use zeroize::Zeroize;

use crate::error::{Error, ErrorKind};
use crate::secret;

/// What the browser brought back to the redirect URI (RFC 6749 section 4.1.2), read and not yet
/// judged: [`complete`](crate::AuthorizationFlow::complete) does that.
///
/// ```
/// # use countersign_core as countersign;
/// use countersign::Callback;
///
/// let callback = Callback::from_url("https://app.example/callback?code=abc&state=xyz")?;
/// let same = Callback::from_query("code=abc&state=xyz")?;
/// # let _ = (callback, same);
/// # Ok::<(), countersign::Error>(())
/// ```
///
/// Parameters with other names are passed over, and so are those without a value (RFC 6749 section
/// 3.1). `Debug` tells which are there, and shows no value.
pub struct Callback {
    pub(crate) code: Option<SecretString>,
    pub(crate) state: Option<SecretString>,
    pub(crate) issuer: Option<String>,
    pub(crate) error: Option<String>,
    pub(crate) error_description: Option<String>,
    pub(crate) error_uri: Option<String>,
}

/// No provider sends more, and no web server takes more, than this many bytes.
const MAX_LENGTH: usize = 64 * 1024;

/// Parameters of response types that were not asked for: JARM's, and the implicit flow's.
const FOREIGN: [&str; 3] = ["response", "id_token", "access_token"];

impl Callback {
    /// Reads the URL that the browser was sent to: whole, or path and query.
    ///
    /// Scheme, host and path are not looked at: behind a proxy they are seldom the redirect URI's.
    ///
    /// # Errors
    ///
    /// As [`from_query`](Self::from_query), and when there is no query.
    pub fn from_url(url: impl AsRef<str>) -> Result<Self, Error> {
        let (url, fragment) = split(url.as_ref(), '#');
        let (_, query) = split(url, '?');
        let query = query.ok_or_else(|| malformed("the callback URL has no query (`?code=…`)"))?;
        if let Some(fragment) = fragment {
            refuse_foreign(fragment)?;
        }
        Self::from_query(query)
    }

    /// Reads the query of the URL that the browser was sent to, with or without the `?`; or the body of a
    /// `form_post` response.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::CallbackMalformed`] when one of the parameters that count stands there twice,
    /// when there is one of another response type (`response`, `id_token`, `access_token`), or
    /// when it is longer than 64 KiB.
    pub fn from_query(query: impl AsRef<str>) -> Result<Self, Error> {
        let query = query.as_ref();
        let query = query.strip_prefix('?').unwrap_or(query);
        if query.len() > MAX_LENGTH {
            return Err(malformed("the callback is longer than 64 KiB"));
        }
        let mut found = Found::default();
        for (name, value) in parameters(query) {
            found.take(&name, value)?;
        }
        let [code, state, issuer, error, error_description, error_uri] = found.0;
        Ok(Self {
            code: code.map(secret_of),
            state: state.map(secret_of),
            issuer: issuer.map(Cow::into_owned),
            error: error.map(Cow::into_owned),
            error_description: error_description.map(Cow::into_owned),
            error_uri: error_uri.map(Cow::into_owned),
        })
    }
}

impl fmt::Debug for Callback {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Callback")
            .field("has_code", &self.code.is_some())
            .field("has_state", &self.state.is_some())
            .field("has_iss", &self.issuer.is_some())
            .field("has_error", &self.error.is_some())
            .finish_non_exhaustive()
    }
}

/// The values of the parameters that count, in the order of [`NAMES`].
#[derive(Default)]
struct Found<'a>([Option<Cow<'a, str>>; 6]);

const NAMES: [&str; 6] = ["code", "state", "iss", "error", "error_description", "error_uri"];

impl<'a> Found<'a> {
    fn take(&mut self, name: &str, value: Cow<'a, str>) -> Result<(), Error> {
        if value.is_empty() {
            return Ok(());
        }
        if let Some(name) = FOREIGN.iter().find(|foreign| **foreign == name) {
            return Err(foreign(name));
        }
        let Some(index) = NAMES.iter().position(|known| *known == name) else {
            return Ok(());
        };
        match self.0[index].replace(value) {
            None => Ok(()),
            Some(_) => Err(malformed(format!("the callback has the parameter `{name}` twice"))),
        }
    }
}

/// The names and values of a form. Most are written as they are, and need no decoding.
fn parameters(form: &str) -> impl Iterator<Item = (Cow<'_, str>, Cow<'_, str>)> {
    form.split('&').filter(|pair| !pair.is_empty()).map(|pair| {
        if pair.contains(['%', '+']) {
            form_urlencoded::parse(pair.as_bytes()).next().unwrap_or_default()
        } else {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (Cow::Borrowed(name), Cow::Borrowed(value))
        }
    })
}

fn refuse_foreign(fragment: &str) -> Result<(), Error> {
    for (name, _) in parameters(fragment) {
        if let Some(name) = FOREIGN.iter().find(|foreign| **foreign == name) {
            return Err(foreign(name));
        }
    }
    Ok(())
}

fn split(text: &str, at: char) -> (&str, Option<&str>) {
    text.split_once(at).map_or((text, None), |(before, after)| (before, Some(after)))
}

fn secret_of(value: Cow<'_, str>) -> SecretString {
    let secret = secret::join(&[&value]);
    if let Cow::Owned(mut decoded) = value {
        decoded.zeroize();
    }
    secret
}

fn foreign(name: &str) -> Error {
    malformed(format!(
        "the callback has `{name}`, a parameter of a response type that was not asked for"
    ))
}

fn malformed(message: impl Into<Cow<'static, str>>) -> Error {
    Error::new(ErrorKind::CallbackMalformed, message)
}

#[cfg(test)]
mod tests {
    use super::{Callback, parameters};
    use crate::error::ErrorKind;
    use proptest::prelude::proptest;
    use secrecy::ExposeSecret;

    proptest! {
        #[test]
        fn a_query_is_read_as_a_form_is(query in "([a-c=&+%é]|%[0-9a-fA-F]{2}){0,20}") {
            assert!(parameters(&query).eq(form_urlencoded::parse(query.as_bytes())));
        }
    }

    #[test]
    fn whole_urls_paths_and_queries_are_read() {
        for url in [
            "https://app.example/cb?code=a%2Bb&state=s",
            "/cb?state=s&x=1&x=2&code=a%2Bb",
            "?code=a%2Bb&state=s#_=_",
        ] {
            let callback = Callback::from_url(url).expect(url);
            assert_eq!(callback.code.expect("there").expose_secret(), "a+b");
            assert_eq!(callback.state.expect("there").expose_secret(), "s");
        }
    }

    #[test]
    fn a_parameter_that_counts_stands_there_once() {
        for name in super::NAMES {
            let query = format!("{name}=1&x=y&{name}=1");
            let error = Callback::from_query(query).expect_err("twice");
            assert_eq!(error.kind(), ErrorKind::CallbackMalformed);
            assert!(error.to_string().contains(name));
        }
        assert!(Callback::from_query("code=1&c%6Fde=2").is_err(), "an encoded name is the same");
    }

    #[test]
    fn other_response_types_are_refused() {
        for name in super::FOREIGN {
            assert!(Callback::from_query(format!("code=1&state=s&{name}=x")).is_err(), "{name}");
            assert!(Callback::from_url(format!("/?code=1&state=s#{name}=x")).is_err(), "{name}");
        }
    }

    #[test]
    fn a_parameter_without_value_is_none() {
        let callback = Callback::from_query("code=&state=s&error=").expect("read");
        assert!(callback.code.is_none() && callback.error.is_none());
    }

    #[test]
    fn what_is_no_callback_is_refused() {
        assert!(Callback::from_url("https://app.example/cb").is_err());
        assert!(Callback::from_query("x".repeat(65 * 1024)).is_err());
    }
}
