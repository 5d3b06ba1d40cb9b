//! Countersign: `countersign-core` with the stub as its transport.

use async_trait::async_trait;
use countersign_core::{
    AuthorizationFlow, Authorized, Binding, Body, Callback, Client, Limits, Pending, Provider,
    Transport, TransportError,
};
use http::{Request, Response};

use crate::operation::{Operation, ready};
use crate::registration::{
    AUTHORIZATION_URL, CLIENT_ID, CLIENT_SECRET, CODE, REDIRECT_URI, SCOPE, TOKEN_URL,
};
use crate::stub::Answer;

/// `complete()`: judges the callback and exchanges its code, at HelloSign.
pub struct Complete {
    client: Client,
    browser: Binding,
}

impl Complete {
    /// With this answer.
    #[must_use]
    pub fn new(answer: Answer) -> Self {
        let client = client(Provider::hellosign(), answer);
        Self { client, browser: Binding::session("session id") }
    }

    fn begin(&self) -> AuthorizationFlow<Pending> {
        self.client.authorize(&self.browser).begin().expect("the client is in order")
    }
}

impl Operation for Complete {
    type Input = (AuthorizationFlow<Pending>, Callback);
    type Output = (AuthorizationFlow<Authorized>, Callback);

    fn prepare(&self) -> Self::Input {
        let flow = self.begin();
        let callback = Callback::from_query(query(&flow)).expect("a callback");
        (flow, callback)
    }

    fn run(&self, (flow, callback): Self::Input) -> Self::Output {
        let flow = ready(flow.complete(&callback, &self.browser)).expect("the stub grants it");
        (flow, callback)
    }
}

/// `verify()`, which is the judging part of `complete()`: a callback that was read before.
pub struct Verify {
    complete: Complete,
    input: (AuthorizationFlow<Pending>, Callback),
}

impl Verify {
    /// Of one callback of one flow.
    #[must_use]
    pub fn new() -> Self {
        let complete = Complete::new(Answer::Bare);
        let input = complete.prepare();
        Self { complete, input }
    }
}

impl Default for Verify {
    fn default() -> Self {
        Self::new()
    }
}

impl Operation for Verify {
    type Input = ();
    type Output = ();

    fn prepare(&self) {}

    fn run(&self, (): ()) {
        let (flow, callback) = &self.input;
        flow.verify(callback, &self.complete.browser).expect("it is the flow's callback");
    }
}

/// Judging a callback whole: `Callback::from_query` and `verify()`.
pub struct Judge {
    complete: Complete,
    flow: AuthorizationFlow<Pending>,
    query: String,
}

impl Judge {
    /// Of one callback of one flow.
    #[must_use]
    pub fn new() -> Self {
        let complete = Complete::new(Answer::Bare);
        let flow = complete.begin();
        let query = query(&flow);
        Self { complete, flow, query }
    }
}

impl Default for Judge {
    fn default() -> Self {
        Self::new()
    }
}

impl Operation for Judge {
    type Input = ();
    type Output = Callback;

    fn prepare(&self) {}

    fn run(&self, (): ()) -> Callback {
        let callback = Callback::from_query(&self.query).expect("a callback");
        self.flow.verify(&callback, &self.complete.browser).expect("it is the flow's callback");
        callback
    }
}

/// An authorization URL with PKCE, of a provider that follows RFC 6749.
pub struct Authorize {
    client: Client,
    browser: Binding,
}

impl Authorize {
    /// For one browser.
    #[must_use]
    pub fn new() -> Self {
        let client = client(Provider::rfc6749(AUTHORIZATION_URL, TOKEN_URL), Answer::Bare);
        Self { client, browser: Binding::session("session id") }
    }
}

impl Default for Authorize {
    fn default() -> Self {
        Self::new()
    }
}

impl Operation for Authorize {
    type Input = ();
    type Output = AuthorizationFlow<Pending>;

    fn prepare(&self) {}

    fn run(&self, (): ()) -> AuthorizationFlow<Pending> {
        self.client.authorize(&self.browser).scopes([SCOPE]).begin().expect("all is in order")
    }
}

fn client(provider: Provider, answer: Answer) -> Client {
    Client::builder(provider, CLIENT_ID)
        .secret(CLIENT_SECRET)
        .redirect_uri(REDIRECT_URI)
        .transport(Stub(answer))
        .build()
        .expect("the registration is in order")
}

/// The query that the provider sends the browser back with.
fn query(flow: &AuthorizationFlow<Pending>) -> String {
    let (_, after) = flow.authorization_url().split_once("&state=").expect("it has a state");
    let state = after.split('&').next().unwrap_or_default();
    format!("code={CODE}&state={state}")
}

#[derive(Debug)]
struct Stub(Answer);

#[async_trait]
impl Transport for Stub {
    async fn send(
        &self,
        _request: Request<Body>,
        _limits: Limits,
    ) -> Result<Response<Body>, TransportError> {
        Ok(self.0.respond().map(Body::from))
    }
}
