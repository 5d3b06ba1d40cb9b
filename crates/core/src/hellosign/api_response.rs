use std::fmt;

use http::{HeaderMap, StatusCode};

use crate::rate_limit::RateLimit;

/// What an operation returned, and the HTTP answer that it came in.
///
/// `Debug` prints the names of the headers alone.
#[derive(Clone)]
#[non_exhaustive]
pub struct ApiResponse<T> {
    /// The status, a success: anything else is an [`Error`](crate::Error), whose
    /// [`http`](crate::Error::http) has the same.
    pub status: StatusCode,
    /// The headers. Values that hold a secret of the request are marked sensitive.
    pub headers: HeaderMap,
    /// The rate limit that the headers tell of.
    pub rate_limit: Option<RateLimit>,
    /// The data.
    pub data: T,
}

impl<T> ApiResponse<T> {
    pub(super) fn new(status: StatusCode, headers: HeaderMap, data: T) -> Self {
        let rate_limit = RateLimit::from_headers(&headers);
        Self { status, headers, rate_limit, data }
    }
}

impl<T: fmt::Debug> fmt::Debug for ApiResponse<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ApiResponse")
            .field("status", &self.status)
            .field("headers", &self.headers.keys().collect::<Vec<_>>())
            .field("rate_limit", &self.rate_limit)
            .field("data", &self.data)
            .finish()
    }
}
