//! The least that a careful program would write by hand for itself, with the same crates.
//!
//! It does what an application needs and no more:
//!
//! * an object-safe transport through `async-trait`, over the types of `http`;
//! * a client with its URI parsed once and its secret in a `SecretString`;
//! * HelloSign's JSON request, the same members as Countersign's, written into one buffer that is
//!   large enough, with the same two headers;
//! * the answer read by serde's derived code into owned fields, those among them that HelloSign
//!   adds to OAuth's and that Countersign keeps as [`Extra`](countersign_core::Extra);
//! * access and refresh token moved into `SecretString`s;
//! * the token's end counted from the clock before the request;
//! * the answer's headers kept, for its rate limit.
//!
//! It checks nothing but the status, knows one provider and its members, wipes no body, tells errors
//! apart by nothing and has no flow: whose callback it was is its caller's affair.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, Method, Request, Response, Uri};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use crate::operation::{Operation, ready};
use crate::registration::{CLIENT_ID, CLIENT_SECRET, CODE, STATE, TOKEN_URL};
use crate::stub::Answer;

/// Any failure.
pub type Error = Box<dyn std::error::Error + Send + Sync>;

/// What speaks HTTP.
#[async_trait]
pub trait Transport: Send + Sync {
    /// Sends `request` and reads the response whole.
    ///
    /// # Errors
    ///
    /// Whatever went wrong.
    async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, Error>;
}

/// The tokens, and what an application has to know of them.
pub struct Tokens {
    /// The access token.
    pub access_token: SecretString,
    /// The refresh token.
    pub refresh_token: Option<SecretString>,
    /// `Bearer`.
    pub token_type: String,
    /// When the access token ends.
    pub expires_at: Option<OffsetDateTime>,
    /// What HelloSign repeats.
    pub state: Option<String>,
    /// Whose account it is, which HelloSign tells some.
    pub account_id: Option<String>,
    /// The same.
    pub email_address: Option<String>,
    /// The headers of the answer.
    pub headers: HeaderMap,
}

/// The client.
pub struct Client {
    id: String,
    secret: SecretString,
    token_uri: Uri,
    transport: Arc<dyn Transport>,
}

#[derive(Serialize)]
struct TokenRequest<'a> {
    grant_type: &'a str,
    code: &'a str,
    state: &'a str,
    client_id: &'a str,
    client_secret: &'a str,
}

#[derive(Deserialize)]
struct TokenAnswer {
    access_token: String,
    token_type: String,
    refresh_token: Option<String>,
    expires_in: Option<i64>,
    state: Option<String>,
    account_id: Option<String>,
    email_address: Option<String>,
}

impl Client {
    async fn exchange(&self, code: &str, state: &str) -> Result<Tokens, Error> {
        let mut body = Vec::with_capacity(320);
        let fields = TokenRequest {
            grant_type: "authorization_code",
            code,
            state,
            client_id: &self.id,
            client_secret: self.secret.expose_secret(),
        };
        serde_json::to_writer(&mut body, &fields)?;
        let mut request = Request::new(Bytes::from(body));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = self.token_uri.clone();
        let headers = request.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));

        let asked_at = now();
        let (head, body) = self.transport.send(request).await?.into_parts();
        if !head.status.is_success() {
            return Err(format!("the provider answered {}", head.status).into());
        }
        let answer: TokenAnswer = serde_json::from_slice(&body)?;
        let expires_at = answer
            .expires_in
            .and_then(|seconds| asked_at.checked_add(time::Duration::seconds(seconds)));
        Ok(Tokens {
            access_token: answer.access_token.into(),
            refresh_token: answer.refresh_token.map(SecretString::from),
            token_type: answer.token_type,
            expires_at,
            state: answer.state,
            account_id: answer.account_id,
            email_address: answer.email_address,
            headers: head.headers,
        })
    }
}

#[expect(clippy::disallowed_methods, reason = "by hand one would ask the system's clock")]
fn now() -> OffsetDateTime {
    OffsetDateTime::now_utc()
}

/// One exchange.
pub struct Exchange(Client);

impl Exchange {
    /// With this answer.
    #[must_use]
    pub fn new(answer: Answer) -> Self {
        Self(Client {
            id: CLIENT_ID.to_owned(),
            secret: CLIENT_SECRET.into(),
            token_uri: Uri::from_static(TOKEN_URL),
            transport: Arc::new(Stub(answer)),
        })
    }
}

impl Operation for Exchange {
    type Input = ();
    type Output = Tokens;

    fn prepare(&self) {}

    fn run(&self, (): ()) -> Tokens {
        ready(self.0.exchange(CODE, STATE)).expect("the stub grants it")
    }
}

struct Stub(Answer);

#[async_trait]
impl Transport for Stub {
    async fn send(&self, _request: Request<Bytes>) -> Result<Response<Bytes>, Error> {
        Ok(self.0.respond())
    }
}
