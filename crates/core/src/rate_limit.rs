//! Rate limits and `Retry-After`, as the headers of an answer tell them.

use std::time::Duration;

use http::HeaderMap;
use http::header::RETRY_AFTER;
use time::OffsetDateTime;

use crate::instant::Millis;

/// The rate limit that an answer told of. Any part may be absent.
///
/// HelloSign documents `X-RateLimit-Limit`, `X-RateLimit-Remaining` and `X-Ratelimit-Reset`; the
/// live service has been seen to spell the second `x-ratelimit-limit-remaining` (2018 and 2026),
/// and to leave all of them out of a 401. Both spellings are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct RateLimit {
    /// The most requests per window; HelloSign's window is an hour.
    pub limit: Option<u64>,
    /// The requests left in the present window.
    pub remaining: Option<u64>,
    /// When the window ends.
    pub reset: Option<OffsetDateTime>,
}

impl RateLimit {
    /// Reads the rate limit in `headers`; nothing when they do not tell of any.
    #[must_use]
    pub fn from_headers(headers: &HeaderMap) -> Option<Self> {
        let this = Self {
            limit: number(headers, "x-ratelimit-limit"),
            remaining: number(headers, "x-ratelimit-remaining")
                .or_else(|| number(headers, "x-ratelimit-limit-remaining")),
            reset: number(headers, "x-ratelimit-reset")
                .and_then(|seconds| i64::try_from(seconds).ok())
                .and_then(|seconds| OffsetDateTime::from_unix_timestamp(seconds).ok()),
        };
        (this != Self::default()).then_some(this)
    }
}

/// Longer than a day nobody means to wait, and sums with more may overflow.
const LONGEST_WAIT: Duration = Duration::from_secs(24 * 60 * 60);

/// How long the server asked to wait: seconds or an HTTP date (RFC 9110 section 10.2.3), at most a
/// day. A date in the past is no wait.
pub(crate) fn retry_after(headers: &HeaderMap, now: Millis) -> Option<Duration> {
    let value = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = value.parse() {
        return Some(Duration::from_secs(seconds).min(LONGEST_WAIT));
    }
    let date = OffsetDateTime::from(httpdate::parse_http_date(value).ok()?);
    Some(Millis::from(date).since(now).min(LONGEST_WAIT))
}

/// How long the window of the rate limit still lasts, at most a day. One that has ended is no wait.
pub(crate) fn until_reset(headers: &HeaderMap, now: Millis) -> Option<Duration> {
    let reset = RateLimit::from_headers(headers)?.reset?;
    Some(Millis::from(reset).since(now).min(LONGEST_WAIT))
}

fn number(headers: &HeaderMap, name: &str) -> Option<u64> {
    headers.get(name)?.to_str().ok()?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::{RateLimit, retry_after};
    use crate::instant::Millis;
    use http::{HeaderMap, HeaderName, HeaderValue};
    use std::time::Duration;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        let pair =
            |&(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value));
        pairs.iter().map(pair).collect()
    }

    #[test]
    fn both_spellings_of_remaining_are_read() {
        for name in ["x-ratelimit-remaining", "x-ratelimit-limit-remaining"] {
            let limit =
                RateLimit::from_headers(&headers(&[("x-ratelimit-limit", "100"), (name, "99")]));
            let limit = limit.expect("told");
            assert_eq!((limit.limit, limit.remaining, limit.reset), (Some(100), Some(99), None));
        }
    }

    #[test]
    fn absent_and_absurd_headers_tell_nothing() {
        assert_eq!(RateLimit::from_headers(&HeaderMap::new()), None);
        let absurd =
            headers(&[("x-ratelimit-limit", "-1"), ("x-ratelimit-reset", "18446744073709551615")]);
        assert_eq!(RateLimit::from_headers(&absurd), None);
    }

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        let now = Millis::from_unix_seconds(784_111_777);
        let wait = |value| retry_after(&headers(&[("retry-after", value)]), now);
        assert_eq!(wait("120"), Some(Duration::from_secs(120)));
        assert_eq!(wait("Sun, 06 Nov 1994 08:50:37 GMT"), Some(Duration::from_secs(60)));
        assert_eq!(wait("Sun, 06 Nov 1994 08:00:00 GMT"), Some(Duration::ZERO));
        assert_eq!(wait("soon"), None);
        let day = Duration::from_secs(86_400);
        assert_eq!(wait("18446744073709551615"), Some(day));
        assert_eq!(wait("Fri, 31 Dec 9999 23:59:59 GMT"), Some(day));
    }
}
