//! Judging an authorization request (RFC 6749 section 4.1.1), and the callback that answers it.

use crate::config::{ClientRegistration, Config, Dialect};
use crate::http::Params;
use crate::state::scope;
use crate::{pkce, redirect_uri};

/// A request that the user may approve.
pub(crate) struct AuthorizationRequest {
    pub(crate) client_id: String,
    pub(crate) redirect_uri: String,
    pub(crate) redirect_uri_named: bool,
    pub(crate) state: Option<String>,
    pub(crate) asked_scope: Option<String>,
    pub(crate) scope: Option<String>,
    pub(crate) code_challenge: Option<String>,
}

/// What becomes of an authorization request.
pub(crate) enum Judgement {
    /// Ask the user.
    Consent(AuthorizationRequest),
    /// Send the browser back with an error.
    Redirect(String),
    /// Tell the user: there is no redirect URI that could be trusted with an answer.
    Refused(&'static str),
}

/// An error that the callback tells (section 4.1.2.1).
struct Fault(&'static str, &'static str);

/// `issuer` is told in every callback (RFC 9207), if the sandbox is configured to.
pub(crate) fn judge(query: &Params, config: &Config, issuer: Option<&str>) -> Judgement {
    if query.repeats("client_id") || query.repeats("redirect_uri") {
        return Judgement::Refused("A parameter is repeated.");
    }
    let Some(client) = query.get("client_id").and_then(|id| config.registration(id)) else {
        return Judgement::Refused("The client_id is missing or unknown.");
    };
    let Some(redirect_uri) = redirect_uri(query, client) else {
        return Judgement::Refused(
            "The redirect_uri is not registered for this client, or is missing and there is no default.",
        );
    };
    // A repeated state is nobody's: it is not sent back.
    let state = query.get("state").filter(|_| !query.repeats("state"));
    match check(query, config) {
        Ok(code_challenge) => Judgement::Consent(AuthorizationRequest {
            client_id: client.client_id.clone(),
            redirect_uri: redirect_uri.to_owned(),
            redirect_uri_named: query.get("redirect_uri").is_some(),
            state: state.map(str::to_owned),
            asked_scope: query.get("scope").map(str::to_owned),
            scope: scope::granted(query.get("scope"), client.scopes.as_deref()),
            code_challenge: code_challenge.map(str::to_owned),
        }),
        Err(Fault(error, description)) => {
            Judgement::Redirect(error_callback(redirect_uri, error, description, state, issuer))
        }
    }
}

fn redirect_uri<'a>(query: &'a Params, client: &'a ClientRegistration) -> Option<&'a str> {
    query
        .get("redirect_uri")
        .or_else(|| client.redirect_uris.first().map(String::as_str))
        .filter(|uri| client.accepts(uri))
}

/// The code challenge to remember, if this dialect knows PKCE.
fn check<'a>(query: &'a Params, config: &Config) -> Result<Option<&'a str>, Fault> {
    if query.any_repeated() {
        return Err(Fault("invalid_request", "A parameter is repeated."));
    }
    match query.get("response_type") {
        Some("code") => {}
        Some(_) => {
            return Err(Fault("unsupported_response_type", "response_type must be code."));
        }
        None => return Err(Fault("invalid_request", "response_type is missing.")),
    }
    match config.dialect {
        Dialect::HelloSign => Ok(None),
        Dialect::Rfc6749 => check_challenge(query).map(Some),
    }
}

/// RFC 7636 section 4.4.1; S256 is the only method, for every client (RFC 9700 section 2.1.1).
fn check_challenge(query: &Params) -> Result<&str, Fault> {
    if query.get("code_challenge_method") != Some("S256") {
        return Err(Fault("invalid_request", "code_challenge_method must be S256."));
    }
    query
        .get("code_challenge")
        .filter(|challenge| pkce::is_challenge(challenge))
        .ok_or(Fault("invalid_request", "code_challenge is missing or malformed."))
}

impl AuthorizationRequest {
    /// Where the browser goes with a code.
    pub(crate) fn approved(&self, code: &str, issuer: Option<&str>) -> String {
        let answer = [("code", code)];
        callback(&self.redirect_uri, &answer, self.state.as_deref(), issuer)
    }

    /// Where the browser goes when the user declines.
    pub(crate) fn denied(&self, issuer: Option<&str>) -> String {
        error_callback(
            &self.redirect_uri,
            "access_denied",
            "The user denied the request.",
            self.state.as_deref(),
            issuer,
        )
    }
}

fn error_callback(
    redirect_uri: &str,
    error: &str,
    description: &str,
    state: Option<&str>,
    issuer: Option<&str>,
) -> String {
    let answer = [("error", error), ("error_description", description)];
    callback(redirect_uri, &answer, state, issuer)
}

fn callback(
    redirect_uri: &str,
    answer: &[(&str, &str)],
    state: Option<&str>,
    issuer: Option<&str>,
) -> String {
    let mut parameters = answer.to_vec();
    parameters.extend(state.map(|state| ("state", state)));
    parameters.extend(issuer.map(|issuer| ("iss", issuer)));
    redirect_uri::with_parameters(redirect_uri, &parameters)
}

#[cfg(test)]
mod tests {
    use super::*;

    const CB: &str = "redirect_uri=http%3A%2F%2F127.0.0.1%2Fcb";
    const PKCE: &str =
        "code_challenge_method=S256&code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

    fn judged(query: &str, config: &Config) -> Judgement {
        judge(&Params::from_form(query.as_bytes()), config, Some("http://iss"))
    }

    fn redirect(query: &str, config: &Config) -> String {
        match judged(query, config) {
            Judgement::Redirect(location) => location,
            Judgement::Consent(_) => panic!("consent"),
            Judgement::Refused(why) => panic!("{why}"),
        }
    }

    #[test]
    fn an_untrusted_redirect_uri_is_never_used() {
        let config = Config::hellosign();
        for query in [
            format!("response_type=code&{CB}"),
            format!("response_type=code&client_id=unknown&{CB}"),
            "response_type=code&client_id=sandbox-client".to_owned(),
            "response_type=code&client_id=sandbox-client&redirect_uri=https%3A%2F%2Fevil.example"
                .to_owned(),
            format!("response_type=code&client_id=sandbox-client&client_id=x&{CB}"),
            format!("response_type=code&client_id=sandbox-client&{CB}&{CB}"),
        ] {
            assert!(matches!(judged(&query, &config), Judgement::Refused(_)), "{query}");
        }
    }

    #[test]
    fn errors_go_back_with_state_and_issuer() {
        let config = Config::rfc6749();
        for (query, error) in [
            ("", "invalid_request"),
            ("response_type=token", "unsupported_response_type"),
            ("response_type=code", "invalid_request"),
            (
                "response_type=code&code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
                "invalid_request",
            ),
            (
                "response_type=code&code_challenge_method=plain&code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
                "invalid_request",
            ),
            (
                "response_type=code&code_challenge_method=S256&code_challenge=short",
                "invalid_request",
            ),
        ] {
            let query = format!("client_id=sandbox-client&{CB}&state=s%26t&{query}");
            let location = redirect(&query, &config);
            assert!(
                location.starts_with(&format!("http://127.0.0.1/cb?error={error}&")),
                "{query}: {location}"
            );
            assert!(location.ends_with("&state=s%26t&iss=http%3A%2F%2Fiss"), "{location}");
        }
    }

    #[test]
    fn a_repeated_state_is_not_sent_back() {
        let query = format!("client_id=sandbox-client&{CB}&response_type=code&state=a&state=b");
        assert!(!redirect(&query, &Config::hellosign()).contains("state="));
    }

    #[test]
    fn pkce_is_for_the_rfc_dialect_only() {
        let query = format!("client_id=sandbox-client&{CB}&response_type=code&{PKCE}");
        let challenge = |config| match judged(&query, &config) {
            Judgement::Consent(request) => request.code_challenge,
            _ => panic!("not asked"),
        };
        assert!(challenge(Config::rfc6749()).is_some());
        assert!(challenge(Config::hellosign()).is_none());
    }

    #[test]
    fn the_default_callback_is_the_first_registered_one() {
        let client = ClientRegistration::public("app")
            .redirect_uri("https://app.example/one")
            .redirect_uri("https://app.example/two");
        let config = Config::hellosign().client(client);
        match judged("client_id=app&response_type=code", &config) {
            Judgement::Consent(request) => {
                assert_eq!(request.redirect_uri, "https://app.example/one");
                assert!(!request.redirect_uri_named);
            }
            _ => panic!("not asked"),
        }
    }
}
