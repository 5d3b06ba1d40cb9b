//! A sandbox and an HTTP client that follows no redirect.

use std::time::Duration;

use countersign_sandbox::{Config, Sandbox};
use reqwest::header::HeaderMap;
use reqwest::{RequestBuilder, StatusCode};
use serde_json::Value;

pub(crate) const NOW: u64 = 1_800_000_000;
pub(crate) const CALLBACK: &str = "http://127.0.0.1:9999/callback";
// RFC 7636 appendix B.
pub(crate) const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
pub(crate) const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

pub(crate) struct Peer {
    pub(crate) sandbox: Sandbox,
    pub(crate) http: reqwest::Client,
    is_rfc6749: bool,
}

pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl Peer {
    pub(crate) async fn hellosign() -> Self {
        Self::start(Config::hellosign()).await
    }

    pub(crate) async fn rfc6749() -> Self {
        Self::start(Config::rfc6749()).await
    }

    /// At [`NOW`], where the clock stands.
    pub(crate) async fn start(config: Config) -> Self {
        let sandbox = Sandbox::start(config.frozen_at(NOW)).await.expect("starts");
        Self { is_rfc6749: sandbox.refresh_url() == sandbox.token_url(), sandbox, http: client() }
    }

    pub(crate) fn authorization_url(&self) -> String {
        let mut url = format!(
            "{}?response_type=code&client_id=sandbox-client&redirect_uri={CALLBACK}&state=canary-state",
            self.sandbox.authorization_url()
        );
        if self.is_rfc6749 {
            url += &format!("&code_challenge={CHALLENGE}&code_challenge_method=S256");
        }
        url
    }

    /// A new code.
    pub(crate) fn code(&self) -> String {
        let url = self.authorization_url();
        let callback = self.sandbox.approve(&url).expect("approves");
        parameter(&callback, "code").expect("carries a code")
    }

    pub(crate) async fn generate(&self, code: &str) -> Reply {
        send(self.generate_request(code)).await
    }

    pub(crate) fn generate_request(&self, code: &str) -> RequestBuilder {
        let form = [
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", CALLBACK),
            ("code_verifier", VERIFIER),
        ];
        self.authenticated(self.sandbox.token_url(), &form)
    }

    pub(crate) async fn refresh(&self, refresh_token: &str) -> Reply {
        send(self.refresh_request(refresh_token)).await
    }

    pub(crate) fn refresh_request(&self, refresh_token: &str) -> RequestBuilder {
        let form = [("grant_type", "refresh_token"), ("refresh_token", refresh_token)];
        self.authenticated(self.sandbox.refresh_url(), &form)
    }

    /// The token response of a new grant.
    pub(crate) async fn granted(&self) -> Value {
        let reply = self.generate(&self.code()).await;
        assert_eq!(reply.status, 200, "{}", reply.text);
        reply.json()
    }

    pub(crate) async fn account(&self, access_token: &str) -> Reply {
        let url = format!("{}/account", self.sandbox.api_url());
        send(self.http.get(url).bearer_auth(access_token)).await
    }

    pub(crate) fn post(&self, path: &str) -> RequestBuilder {
        self.http.post(format!("{}{path}", self.sandbox.origin()))
    }

    fn authenticated(&self, url: &str, form: &[(&str, &str)]) -> RequestBuilder {
        let request = self.http.post(url);
        if self.is_rfc6749 {
            return request.basic_auth(Config::CLIENT_ID, Some(Config::CLIENT_SECRET)).form(form);
        }
        let credentials =
            [("client_id", Config::CLIENT_ID), ("client_secret", Config::CLIENT_SECRET)];
        request.form(&[form, &credentials].concat())
    }
}

impl Reply {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).expect("JSON")
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }
}

pub(crate) async fn send(request: RequestBuilder) -> Reply {
    let response = request.send().await.expect("answers");
    Reply {
        status: response.status(),
        headers: response.headers().clone(),
        text: response.text().await.expect("a whole body"),
    }
}

pub(crate) fn client() -> reqwest::Client {
    reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .expect("a client")
}

/// What never happens is a failure, not a test that hangs.
pub(crate) async fn within<T>(event: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(30), event).await.expect("happens")
}

/// A parameter of a URL's query.
pub(crate) fn parameter(url: &str, name: &str) -> Option<String> {
    let url = url::Url::parse(url).expect("a URL");
    url.query_pairs().find(|(known, _)| known == name).map(|(_, value)| value.into_owned())
}

pub(crate) fn text<'a>(json: &'a Value, name: &str) -> &'a str {
    json[name].as_str().unwrap_or_else(|| panic!("no string {name}"))
}

/// The names of an object's members, sorted.
pub(crate) fn names(json: &Value) -> Vec<&str> {
    let object = json.as_object().expect("an object");
    let mut names: Vec<_> = object.keys().map(String::as_str).collect();
    names.sort_unstable();
    names
}
