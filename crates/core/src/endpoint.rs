//! Which URLs are taken, and for what.

use http::Uri;
use url::{Host, Url};

use crate::error::{Error, ErrorKind};
use crate::provider::Provider;

/// An endpoint of a provider, checked, ready to be asked.
#[derive(Debug, Clone)]
pub(crate) struct Endpoint {
    /// As it was written: `?refresh` has to stay `?refresh`.
    pub(crate) uri: Uri,
    /// As `url` writes it: nothing is left in it that could break out of a header.
    pub(crate) url: Url,
    /// `scheme://host[:port]`, in its one normal form.
    pub(crate) origin: String,
}

impl Endpoint {
    pub(crate) fn new(what: &str, text: &str) -> Result<Self, Error> {
        let url = check(what, text)?;
        let uri = Uri::try_from(text).map_err(|error| {
            refused(what, text, "is not a URI that can be requested").with_source(error)
        })?;
        // Two readers of one URL must not find two hosts in it.
        let same = |host: &str| url.host_str().is_some_and(|it| it.eq_ignore_ascii_case(host));
        if !uri.host().is_some_and(same) {
            return Err(refused(what, text, "has a host that is not written in its normal form"));
        }
        Ok(Self { uri, origin: url.origin().ascii_serialization(), url })
    }

    /// The endpoints that codes and refresh tokens are sent to. They have to be of one origin: a
    /// stored state names the one that its tokens may be sent to.
    pub(crate) fn of_tokens(provider: &Provider) -> Result<(Self, Self), Error> {
        let token = Self::new("token_url", &provider.token_url)?;
        let refresh = Self::new("refresh_url", provider.effective_refresh_url())?;
        refresh.check_origin("refresh_url", &token)?;
        Ok((token, refresh))
    }

    /// The endpoint that tokens are revoked at, where there is one: of the origin of `token` too.
    pub(crate) fn of_revocation(provider: &Provider, token: &Self) -> Result<Option<Self>, Error> {
        const WHAT: &str = "revocation_url";
        let Some(url) = &provider.revocation_url else { return Ok(None) };
        let revocation = Self::new(WHAT, url)?;
        revocation.check_origin(WHAT, token)?;
        Ok(Some(revocation))
    }

    fn check_origin(&self, what: &str, token: &Self) -> Result<(), Error> {
        if self.origin == token.origin {
            return Ok(());
        }
        Err(Error::new(
            ErrorKind::Configuration,
            format!("{what} has to be of the same origin as token_url"),
        ))
    }
}

/// Checks the URL of an endpoint: `https`, or `http` on this machine; no user info, no fragment.
fn check(what: &str, text: &str) -> Result<Url, Error> {
    let url = parse(what, text)?;
    match url.scheme() {
        "https" => Ok(url),
        "http" if is_loopback(&url) => Ok(url),
        "http" => Err(refused(what, text, "has to be https (http is for this machine alone)")),
        _ => Err(refused(what, text, "has to be an https URL")),
    }
}

/// Checks a redirect URI (RFC 6749 section 3.1.2, RFC 8252 section 7): `https`, `http` on this
/// machine, or a private-use scheme named after a domain. It is sent as it was given, since
/// providers compare it to the letter.
pub(crate) fn check_redirect_uri(text: &str) -> Result<(), Error> {
    const WHAT: &str = "redirect_uri";
    let url = parse(WHAT, text)?;
    match url.scheme() {
        "https" => Ok(()),
        "http" if is_loopback(&url) => Ok(()),
        "http" => Err(refused(WHAT, text, "has to be https: over http anyone sees the code")),
        private_use if private_use.contains('.') => Ok(()),
        _ => Err(refused(
            WHAT,
            text,
            "has to be https, http on this machine, or a scheme named after a domain of yours",
        )),
    }
}

fn parse(what: &str, text: &str) -> Result<Url, Error> {
    let url = Url::parse(text)
        .map_err(|error| refused(what, text, "is not an absolute URL").with_source(error))?;
    if !url.username().is_empty() || url.password().is_some() {
        // Not shown: what stands before the `@` may be a password.
        return Err(Error::new(
            ErrorKind::Configuration,
            format!("the {what} holds a user name or password, which a URL may not"),
        ));
    }
    if url.fragment().is_some() {
        return Err(refused(what, text, "has a fragment, which it may not"));
    }
    Ok(url)
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

fn refused(what: &str, text: &str, why: &str) -> Error {
    // Queries are left out, in case someone put a key there.
    let shown = text.split(['?', '#']).next().unwrap_or_default();
    let shown = if shown.contains('@') { "[not shown]" } else { shown };
    Error::new(ErrorKind::Configuration, format!("the {what} {shown:?} {why}"))
}

#[cfg(test)]
mod tests {
    use super::{Endpoint, check_redirect_uri};

    #[test]
    fn endpoints_are_https_or_on_this_machine() {
        for good in [
            "https://app.hellosign.com/oauth/token?refresh",
            "http://127.0.0.1:8080/token",
            "http://[::1]:8080/token",
            "http://localhost/token",
        ] {
            let endpoint = Endpoint::new("token_url", good).expect(good);
            assert_eq!(endpoint.uri.to_string(), good);
        }
        for bad in [
            "http://app.hellosign.com/oauth/token",
            "http://localhost:80@attacker.example/token",
            "http://localhost.attacker.example/token",
            "https://user:password@id.example/token",
            "ftp://id.example/token",
            "https://id.example/token#fragment",
            "/oauth/token",
            "http://2130706433/token",
            "http://0x7f.1/token",
            "https:\\\\id.example/token",
            "",
        ] {
            let error = Endpoint::new("token_url", bad).expect_err(bad);
            assert!(
                error.to_string().contains("token_url") && !error.to_string().contains("password@")
            );
        }
    }

    #[test]
    fn redirect_uris_may_be_private_use() {
        for good in
            ["https://app.example/cb?tenant=1", "http://127.0.0.1:0/cb", "com.example.app:/cb"]
        {
            assert!(check_redirect_uri(good).is_ok(), "{good}");
        }
        for bad in [
            "http://app.example/cb",
            "javascript:alert(1)",
            "data:text/html,x",
            "https://a.example/#x",
        ] {
            assert!(check_redirect_uri(bad).is_err(), "{bad}");
        }
    }
}
