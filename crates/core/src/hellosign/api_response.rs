use http::{HeaderMap, StatusCode};

use crate::rate_limit::RateLimit;

/// What an operation returned, and the HTTP answer that it came in.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct ApiResponse<T> {
    /// The status, a success: anything else is an [`Error`](crate::Error), whose
    /// [`http`](crate::Error::http) has the same.
    pub status: StatusCode,
    /// The headers.
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
