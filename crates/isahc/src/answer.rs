use countersign_core::Body;
use http::HeaderMap;
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH};
use http::response::Parts;

/// The answer as it was sent, but that a body which libcurl has decoded no longer says that it is
/// encoded.
pub(crate) fn answer(mut head: Parts, body: Body) -> http::Response<Body> {
    // Where there is no body, nothing was decoded, or to nothing: the headers tell of a body that was
    // not sent, to HEAD or with 304.
    if !body.is_empty() && is_encoded(&head.headers) {
        head.headers.remove(CONTENT_ENCODING);
        head.headers.remove(CONTENT_LENGTH);
    }
    let mut answer = http::Response::new(body);
    *answer.status_mut() = head.status;
    *answer.version_mut() = head.version;
    *answer.headers_mut() = head.headers;
    answer
}

/// Whether there is an encoding among them that libcurl takes off. It fails where it does not know one.
fn is_encoded(headers: &HeaderMap) -> bool {
    let values = headers.get_all(CONTENT_ENCODING).iter();
    values.flat_map(|value| value.as_bytes().split(|byte| *byte == b',')).any(|coding| {
        let coding = coding.trim_ascii();
        !coding.is_empty()
            && !coding.eq_ignore_ascii_case(b"identity")
            && !coding.eq_ignore_ascii_case(b"none")
    })
}
