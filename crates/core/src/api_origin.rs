use std::fmt;

use http::Uri;

use crate::endpoint::Endpoint;
use crate::error::{Error, ErrorKind};

/// The scheme, host and port of an API (RFC 6454), beyond which its tokens are not to go.
///
/// ```
/// # use countersign_core as countersign;
/// use countersign::ApiOrigin;
///
/// let origin = ApiOrigin::new("https://api.hellosign.com")?;
/// assert!(origin.is_of(&"https://API.hellosign.com:443/v3/account".parse()?));
/// assert!(!origin.is_of(&"https://api.hellosign.com.example/v3/account".parse()?));
/// assert!(!origin.is_of(&"http://api.hellosign.com/v3/account".parse()?));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct ApiOrigin {
    scheme: String,
    host: String,
    port: Option<u16>,
}

impl ApiOrigin {
    /// The origin of this URL, which has no path: `https`, or `http` on this machine.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Configuration`] for anything else.
    pub fn new(url: &str) -> Result<Self, Error> {
        let url = Endpoint::new("API's origin", url)?.url;
        if url.path() != "/" || url.query().is_some() {
            return Err(Error::new(
                ErrorKind::Configuration,
                "the API's origin ends after host and port: a path or query does not narrow where \
                 tokens may go",
            ));
        }
        Ok(Self {
            scheme: url.scheme().to_owned(),
            host: url.host_str().unwrap_or_default().to_owned(),
            port: url.port_or_known_default(),
        })
    }

    /// Whether `uri` is absolute and of this origin.
    #[must_use]
    pub fn is_of(&self, uri: &Uri) -> bool {
        let (Some(scheme), Some(authority)) = (uri.scheme(), uri.authority()) else { return false };
        let default = match scheme.as_str() {
            "https" => Some(443),
            "http" => Some(80),
            _ => None,
        };
        // `https://api.example@attacker.example` has two hosts for those who do not look closely.
        scheme.as_str() == self.scheme
            && !authority.as_str().contains('@')
            && authority.host().eq_ignore_ascii_case(&self.host)
            && authority.port_u16().or(default) == self.port
    }
}

impl fmt::Display for ApiOrigin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", self.scheme, self.host)?;
        self.port.map_or(Ok(()), |port| write!(f, ":{port}"))
    }
}

impl fmt::Debug for ApiOrigin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ApiOrigin({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::ApiOrigin;

    #[test]
    fn an_origin_is_told_from_its_look_alikes() {
        let origin = ApiOrigin::new("https://api.example").expect("an origin");
        for same in ["https://api.example/", "https://api.example:443/x?y", "https://API.EXAMPLE"] {
            assert!(origin.is_of(&same.parse().expect("a URI")), "{same}");
        }
        for other in [
            "http://api.example/",
            "https://api.example:444/",
            "https://api.example.attacker.example/",
            "https://attacker.example/api.example",
            "https://api.example@attacker.example/",
            "https://attacker.example@api.example/",
            "https://api.example./",
            "/v3/account",
            "api.example:443",
        ] {
            assert!(!origin.is_of(&other.parse().expect("a URI")), "{other}");
        }
        let local = ApiOrigin::new("http://[::1]:8080").expect("an origin");
        assert!(local.is_of(&"http://[::1]:8080/x".parse().expect("a URI")));
        assert!(!local.is_of(&"http://[::2]:8080/x".parse().expect("a URI")));
    }

    #[test]
    fn what_is_no_origin_is_refused() {
        for bad in [
            "https://api.example/v3",
            "https://api.example?x",
            "http://api.example",
            "https://user@api.example",
            "api.example",
            "",
        ] {
            assert!(ApiOrigin::new(bad).is_err(), "{bad}");
        }
    }
}
