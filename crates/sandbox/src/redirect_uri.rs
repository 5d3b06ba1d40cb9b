//! Redirect URIs: which are usable, which are loopback, and how a response is added to one.

use url::{Host, Url};

/// Absolute, without a fragment (RFC 6749 section 3.1.2), and fit for a `Location` header.
pub(crate) fn is_usable(uri: &str) -> bool {
    // `Url::parse` drops tabs and newlines silently, a header must not carry them.
    uri.bytes().all(|byte| byte.is_ascii_graphic())
        && Url::parse(uri).is_ok_and(|url| url.fragment().is_none() && !has_user_info(&url))
}

/// `http` or `https` on a loopback host, at any port (RFC 8252 section 7.3).
pub(crate) fn is_loopback(uri: &str) -> bool {
    let Ok(url) = Url::parse(uri) else {
        return false;
    };
    let loopback = match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    };
    loopback && matches!(url.scheme(), "http" | "https")
}

/// Adds response parameters after whatever query the URI has (RFC 6749 section 4.1.2).
///
/// The URI is kept to the letter, where a URL parser would normalise it.
pub(crate) fn with_parameters(uri: &str, parameters: &[(&str, &str)]) -> String {
    let separator = match uri.split_once('?') {
        None => "?",
        Some((_, query)) if query.is_empty() || query.ends_with('&') => "",
        Some(_) => "&",
    };
    let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(parameters).finish();
    format!("{uri}{separator}{query}")
}

fn has_user_info(url: &Url) -> bool {
    !url.username().is_empty() || url.password().is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_parsed_loopback_hosts_are_loopback() {
        for uri in [
            "http://127.0.0.1/cb",
            "http://127.0.0.1:4711/cb?x=1",
            "http://[::1]:80/",
            "https://localhost:3000/cb",
        ] {
            assert!(is_usable(uri) && is_loopback(uri), "{uri}");
        }
        for uri in [
            "http://localhost.example/cb",
            "http://127.0.0.1.example/",
            "http://example.com/?127.0.0.1",
            "ftp://127.0.0.1/",
            "/cb",
        ] {
            assert!(!is_loopback(uri), "{uri}");
        }
    }

    #[test]
    fn fragments_user_info_and_control_characters_are_unusable() {
        for uri in [
            "http://127.0.0.1/#fragment",
            "http://localhost:80@attacker.example/",
            "http://127.0.0.1/\r\nx: y",
            "http://127.0.0.1/a b",
            "relative",
        ] {
            assert!(!is_usable(uri), "{uri}");
        }
    }

    #[test]
    fn parameters_follow_an_existing_query() {
        let pairs = [("code", "a b&c")];
        assert_eq!(with_parameters("http://h/cb", &pairs), "http://h/cb?code=a+b%26c");
        assert_eq!(with_parameters("http://h/cb?", &pairs), "http://h/cb?code=a+b%26c");
        assert_eq!(with_parameters("http://h/cb?x=%7e", &pairs), "http://h/cb?x=%7e&code=a+b%26c");
        assert_eq!(with_parameters("app:/cb", &pairs), "app:/cb?code=a+b%26c");
    }
}
