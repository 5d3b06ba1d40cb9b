use std::fmt;
use std::time::Duration;

use http::{HeaderMap, StatusCode};

use super::Redactor;
use crate::instant::Millis;
use crate::rate_limit::{RateLimit, retry_after, until_reset};

/// The HTTP side of an answer that was an error.
#[derive(Clone)]
pub struct HttpFailure {
    status: StatusCode,
    headers: HeaderMap,
    retry_after: Option<Duration>,
    excerpt: Option<String>,
}

impl HttpFailure {
    pub(crate) fn new(
        status: StatusCode,
        mut headers: HeaderMap,
        body: &[u8],
        answered_at: Millis,
        redactor: &Redactor,
    ) -> Self {
        redactor.mark(&mut headers);
        // A success may hold tokens, and so is not shown at all.
        let excerpt = if status.is_success() { None } else { redactor.excerpt(body) };
        let until_reset = || until_reset(&headers, answered_at);
        let is_limited = status == StatusCode::TOO_MANY_REQUESTS;
        let retry_after = retry_after(&headers, answered_at)
            .or_else(|| if is_limited { until_reset() } else { None });
        Self { status, headers, retry_after, excerpt }
    }

    /// The status.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// The headers. Values that hold a secret of the request are marked sensitive, so that `Debug`
    /// does not print them.
    #[must_use]
    pub fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// The rate limit that the answer told of.
    #[must_use]
    pub fn rate_limit(&self) -> Option<RateLimit> {
        RateLimit::from_headers(&self.headers)
    }

    /// How long the server asked to wait, counted from its answer: by `Retry-After` (RFC 9110
    /// section 10.2.3), or, after a 429 without it, until the end of the rate limit's window.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        self.retry_after
    }

    /// The beginning of the body, at most 512 characters, with every secret of the request
    /// replaced. `None` where there was nothing, or where the body may have held tokens.
    #[must_use]
    pub fn excerpt(&self) -> Option<&str> {
        self.excerpt.as_deref()
    }
}

impl fmt::Debug for HttpFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpFailure")
            .field("status", &self.status)
            .field("headers", &self.headers.keys().collect::<Vec<_>>())
            .field("excerpt", &self.excerpt)
            .finish()
    }
}
