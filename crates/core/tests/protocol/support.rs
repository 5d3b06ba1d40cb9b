//! What the tests share: a client whose transport is scripted and whose clock stands still.

mod transports;

use std::pin::pin;
use std::task::{Context, Poll, Waker};

use countersign_core::{
    AuthorizationFlow, Authorized, Binding, Callback, Client, ClientAuthentication, ClientBuilder,
    Error, ErrorKind, Expired, ExposeSecret, Pending, Provider, RefreshToken, TokenSet,
};
use countersign_testkit::{ManualClock, RecordedRequest, ScriptedTransport};
use serde_json::Value;

pub(crate) use transports::{Limiting, SetsBack, Silent, Slow};

pub(crate) const CLIENT_ID: &str = "cc91c61d00f8bb2ece1428035716b";
pub(crate) const CLIENT_SECRET: &str = "1d14434088507ffa390e6f5528465";
pub(crate) const CODE: &str = "1b0d28d90c86c141";
pub(crate) const REDIRECT_URI: &str = "https://app.example/callback?tenant=1";

/// A complete token answer: access token `at`, refresh token `rt`, an hour.
pub(crate) const TOKENS: &str =
    r#"{"access_token":"at","token_type":"Bearer","expires_in":3600,"refresh_token":"rt"}"#;

/// Polls `future` to its end. Nothing here ever waits, so that one poll has to do.
pub(crate) fn now<F: Future>(future: F) -> F::Output {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("the future waits for something"),
    }
}

/// Polls `future` once and drops it.
pub(crate) fn poll_and_drop<F: Future>(future: F) {
    assert!(pin!(future).poll(&mut Context::from_waker(Waker::noop())).is_pending());
}

/// A client, and what it speaks to.
pub(crate) struct World {
    pub(crate) client: Client,
    pub(crate) transport: ScriptedTransport,
    pub(crate) clock: ManualClock,
    pub(crate) browser: Binding,
}

impl World {
    pub(crate) fn hellosign() -> Self {
        Self::at(Provider::hellosign())
    }

    pub(crate) fn rfc6749() -> Self {
        Self::at(rfc6749())
    }

    pub(crate) fn at(provider: Provider) -> Self {
        Self::built(provider, |builder| builder)
    }

    /// A client of `provider` that `change` has the last word on.
    pub(crate) fn built(
        provider: Provider,
        change: impl FnOnce(ClientBuilder) -> ClientBuilder,
    ) -> Self {
        let (transport, clock) = (ScriptedTransport::new(), ManualClock::default());
        let public = provider.client_authentication == ClientAuthentication::None;
        let builder = Client::builder(provider, CLIENT_ID)
            .redirect_uri(REDIRECT_URI)
            .transport(transport.clone())
            .clock(clock.clone());
        let builder = if public { builder } else { builder.secret(CLIENT_SECRET) };
        let client = change(builder).build().expect("a good configuration");
        Self { client, transport, clock, browser: Binding::session("alice's session") }
    }

    pub(crate) fn begin(&self) -> AuthorizationFlow<Pending> {
        self.client.authorize(&self.browser).begin().expect("a flow")
    }

    /// Begins a flow and completes it by an answer of this status and body.
    pub(crate) fn complete(
        &self,
        status: u16,
        body: &str,
    ) -> Result<AuthorizationFlow<Authorized>, Error> {
        let flow = self.begin();
        self.transport.answer(status, body);
        let callback = good_callback(&flow);
        Ok(now(flow.complete(&callback, &self.browser))?)
    }

    /// Sends the refresh token `rt` and has it answered by this status and body.
    pub(crate) fn refresh(&self, status: u16, body: &str) -> Result<TokenSet, Error> {
        self.transport.answer(status, body);
        now(self.client.refresh(&refresh_token("rt")))
    }

    pub(crate) fn authorized(&self) -> AuthorizationFlow<Authorized> {
        self.complete(200, TOKENS).expect("tokens")
    }

    pub(crate) fn expired(&self) -> AuthorizationFlow<Expired> {
        self.authorized().expire()
    }

    pub(crate) fn requests(&self) -> Vec<RecordedRequest> {
        self.transport.requests()
    }

    pub(crate) fn sent(&self) -> usize {
        self.requests().len()
    }

    pub(crate) fn last(&self) -> RecordedRequest {
        self.requests().pop().expect("a request")
    }
}

pub(crate) fn rfc6749() -> Provider {
    Provider::rfc6749("https://id.example/authorize", "https://id.example/token")
}

pub(crate) fn refresh_token(text: &str) -> RefreshToken {
    RefreshToken::new(text).expect("a token")
}

/// The parameter of this name in a URL.
pub(crate) fn parameter(url: &str, name: &str) -> Option<String> {
    let (_, query) = url.split_once('?')?;
    let found = form_urlencoded::parse(query.as_bytes()).find(|(found, _)| found == name)?;
    Some(found.1.into_owned())
}

pub(crate) fn state_of(flow: &AuthorizationFlow<Pending>) -> String {
    parameter(flow.authorization_url(), "state").expect("a state")
}

/// A callback of these parameters.
pub(crate) fn callback(parameters: &[(&str, &str)]) -> Callback {
    Callback::from_query(query(parameters)).expect("a callback")
}

pub(crate) fn query(parameters: &[(&str, &str)]) -> String {
    form_urlencoded::Serializer::new(String::new()).extend_pairs(parameters).finish()
}

pub(crate) fn good_callback(flow: &AuthorizationFlow<Pending>) -> Callback {
    callback(&[("code", CODE), ("state", &state_of(flow))])
}

/// The fields of a form body, in their order.
pub(crate) fn form(request: &RecordedRequest) -> Vec<(String, String)> {
    form_urlencoded::parse(request.body.as_bytes()).into_owned().collect()
}

/// The field of this name in a form body.
pub(crate) fn field(request: &RecordedRequest, name: &str) -> Option<String> {
    form(request).into_iter().find(|(found, _)| found == name).map(|(_, value)| value)
}

pub(crate) fn json(request: &RecordedRequest) -> Value {
    serde_json::from_slice(request.body.as_bytes()).expect("a JSON body")
}

pub(crate) fn access(tokens: &TokenSet) -> &str {
    tokens.access_token().expose_secret()
}

pub(crate) fn refresh(tokens: &TokenSet) -> Option<&str> {
    tokens.refresh_token().map(ExposeSecret::expose_secret)
}

/// Writes and reads a state again.
pub(crate) fn stored_and_read<S: serde::Serialize + serde::de::DeserializeOwned>(state: &S) -> S {
    let text = serde_json::to_string(state).expect("states serialise");
    serde_json::from_str(&text).expect("as it was written")
}

/// The kind of the error that `result` has to be.
pub(crate) fn kind<T, E: Into<Error>>(result: Result<T, E>) -> ErrorKind {
    match result {
        Ok(_) => panic!("no error"),
        Err(error) => error.into().kind(),
    }
}
