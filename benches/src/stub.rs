//! The transport of all subjects, below their own types: it answers at once.

use std::sync::LazyLock;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Response};

use crate::operation::Operation;

/// A canned answer to a code exchange, as HelloSign's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// Without any header.
    Bare,
    /// With the four rate-limit headers that the live service and its documentation know.
    RateLimited,
    /// With them and with two members that OAuth has no name for.
    Extended,
}

const BODY: &[u8] = br#"{"access_token":"NWNiOTMxOGFkOGVjMDhhNTAxZN2NkNjgxMjMwOWJiYTEzZTBmZGUzMjMThhMzYyMzc=","token_type":"Bearer","refresh_token":"hNTI2MTFmM2VmZDQxZTZjOWRmZmFjZmVmMGMyNGFjMzI2MGI5YzgzNmE3","expires_in":86400,"state":"900e06e2"}"#;

const EXTENDED_BODY: &[u8] = br#"{"access_token":"NWNiOTMxOGFkOGVjMDhhNTAxZN2NkNjgxMjMwOWJiYTEzZTBmZGUzMjMThhMzYyMzc=","token_type":"Bearer","refresh_token":"hNTI2MTFmM2VmZDQxZTZjOWRmZmFjZmVmMGMyNGFjMzI2MGI5YzgzNmE3","expires_in":86400,"state":"900e06e2","account_id":"b4680b45053c7601ca1eee3b126eca6b2b0a0219","email_address":"jill@example.com"}"#;

static RATE_LIMIT: LazyLock<HeaderMap> = LazyLock::new(|| {
    let headers = [
        ("x-ratelimit-limit", "100"),
        ("x-ratelimit-remaining", "99"),
        ("x-ratelimit-limit-remaining", "99"),
        ("x-ratelimit-reset", "1767229200"),
    ];
    let header = |(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value));
    headers.into_iter().map(header).collect()
});

impl Answer {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Bare, Self::RateLimited, Self::Extended];

    /// What it is called in names of operations.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Bare => "bare",
            Self::RateLimited => "rate-limited",
            Self::Extended => "extended",
        }
    }

    /// The answer, in bytes of its own as a connection would give them, with headers of its own.
    #[must_use]
    pub fn respond(self) -> Response<Bytes> {
        let (body, headers) = match self {
            Self::Bare => (BODY, HeaderMap::new()),
            Self::RateLimited => (BODY, RATE_LIMIT.clone()),
            Self::Extended => (EXTENDED_BODY, RATE_LIMIT.clone()),
        };
        let mut response = Response::new(Bytes::from(body.to_vec()));
        *response.headers_mut() = headers;
        response
    }
}

/// The stub alone: what it adds to every exchange.
impl Operation for Answer {
    type Input = ();
    type Output = Response<Bytes>;

    fn prepare(&self) {}

    fn run(&self, (): ()) -> Response<Bytes> {
        self.respond()
    }
}
