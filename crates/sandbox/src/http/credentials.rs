//! What an `Authorization` header carries.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::HeaderMap;
use http::header::AUTHORIZATION;

/// The token of `Bearer` (RFC 6750 section 2.1).
pub(super) fn bearer(headers: &HeaderMap) -> Option<&str> {
    with_scheme(headers, "bearer")
}

/// User name and password of `Basic` (RFC 7617).
pub(super) fn basic(headers: &HeaderMap) -> Option<(String, String)> {
    let decoded = STANDARD.decode(with_scheme(headers, "basic")?).ok()?;
    let pair = String::from_utf8(decoded).ok()?;
    let (user, password) = pair.split_once(':')?;
    Some((user.to_owned(), password.to_owned()))
}

/// Undoes the form encoding that RFC 6749 section 2.3.1 puts below base64.
pub(super) fn form_decoded(text: &str) -> String {
    // A `=` or `&` would be encoded too, so that the text is one name without a value.
    form_urlencoded::parse(text.as_bytes())
        .next()
        .map(|(name, _)| name.into_owned())
        .unwrap_or_default()
}

fn with_scheme<'a>(headers: &'a HeaderMap, scheme: &str) -> Option<&'a str> {
    let (named, credentials) = headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    named.eq_ignore_ascii_case(scheme).then_some(credentials.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(value: &str) -> HeaderMap {
        let value = value.parse().expect("a header value");
        HeaderMap::from_iter([(AUTHORIZATION, value)])
    }

    #[test]
    fn the_scheme_is_in_any_case() {
        assert_eq!(bearer(&headers("bEARER abc")), Some("abc"));
        assert_eq!(bearer(&headers("Basic abc")), None);
        assert_eq!(bearer(&headers("abc")), None);
        assert_eq!(bearer(&HeaderMap::new()), None);
    }

    #[test]
    fn basic_splits_at_the_first_colon() {
        let credentials = format!("Basic {}", STANDARD.encode("key:a:b"));
        let expected = ("key".to_owned(), "a:b".to_owned());
        assert_eq!(basic(&headers(&credentials)), Some(expected));
        assert_eq!(basic(&headers("Basic !!!")), None);
        assert_eq!(basic(&headers("Basic a2V5")), None, "the colon stays");
    }

    #[test]
    fn form_encoding_is_undone() {
        assert_eq!(form_decoded("conf-secret+%26%2B%25"), "conf-secret &+%");
        assert_eq!(form_decoded(""), "");
    }
}
