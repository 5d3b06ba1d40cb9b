use std::time::Duration;

use countersign_core::{Body, TransportError};
use http::header::{CONTENT_LENGTH, EXPECT};
use http::request::Parts;
use isahc::AsyncBody;
use isahc::config::Configurable;

use crate::body::once;
use crate::error::{Evidence, unsent};

/// Refuses what isahc or libcurl would do something else with than send it once.
pub(crate) fn check(request: &http::Request<Body>) -> Result<(), TransportError> {
    if !matches!(request.uri().scheme_str(), Some("https" | "http")) {
        // libcurl would see what else it can do with it.
        return Err(unsent("the URL is neither http nor https"));
    }
    if request.headers().values().any(|value| value.to_str().is_err()) {
        // isahc would panic.
        return Err(unsent("a header has bytes that are not visible ASCII"));
    }
    if request.headers().contains_key(EXPECT) {
        // libcurl would send the head alone, and all of it again after a 417.
        return Err(unsent("the request has an `Expect` header"));
    }
    Ok(())
}

/// A request in isahc's terms, and what will tell whether it was sent.
pub(crate) struct Prepared {
    pub(crate) request: http::Request<AsyncBody>,
    pub(crate) evidence: Evidence,
}

impl Prepared {
    pub(crate) fn new(
        request: http::Request<Body>,
        time: Duration,
    ) -> Result<Self, TransportError> {
        let (head, body) = request.into_parts();
        // Where the body is sent with the head, it tells of both.
        let telling = cfg!(feature = "static-curl") && !body.is_empty() && size(&head) < MOST_HEAD;
        let has_length = !body.is_empty() || matches!(head.method.as_str(), "POST" | "PUT");
        let (body, asked) = once(body);
        let body = if has_length { body } else { AsyncBody::empty() };

        let mut builder = http::Request::builder().timeout(curl_time(time));
        if head.uri.scheme_str() != Some("https") {
            // libcurl would hand it, secrets and all, to a proxy that the environment names.
            builder = builder.proxy(None);
        }
        let mut request = builder.method(head.method).uri(head.uri).body(body).map_err(unsent)?;
        *request.headers_mut() = head.headers;
        // isahc sends as many bytes as this says, and not as many as there are.
        request.headers_mut().remove(CONTENT_LENGTH);
        Ok(Self { request, evidence: Evidence::new(asked, telling) })
    }
}

/// A head below this leaves room for the body in libcurl's buffer of 64 KiB, and libcurl fills that
/// before it sends. Other versions than the one that comes along may do otherwise.
const MOST_HEAD: usize = 32 * 1024;

fn size(head: &Parts) -> usize {
    let target = head.uri.path_and_query().map_or(0, |target| target.as_str().len());
    let header = |(name, value): (&http::HeaderName, &http::HeaderValue)| {
        name.as_str().len() + value.len() + ": \r\n".len()
    };
    target + head.headers.iter().map(header).sum::<usize>()
}

/// In libcurl's milliseconds, of which none means no limit.
pub(crate) fn curl_time(limit: Duration) -> Duration {
    const MOST: Duration = Duration::from_millis(i32::MAX as u64);
    limit.clamp(Duration::from_millis(1), MOST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_time_at_all_is_not_all_the_time() {
        for (limit, expected) in [
            (Duration::ZERO, 1),
            (Duration::from_micros(900), 1),
            (Duration::from_secs(30), 30_000),
            (Duration::MAX, i32::MAX as u128),
        ] {
            assert_eq!(curl_time(limit).as_millis(), expected);
        }
    }
}
