use countersign_core::{Delivery, TransportError, TransportErrorKind};

/// What reqwest says, in the terms of the contract.
///
/// Only a connection that was never made is sure not to have carried the request: a time limit, a
/// reset or a cut body may have come after the server acted.
pub(crate) fn classify(error: reqwest::Error) -> TransportError {
    let (kind, delivery) = if error.is_connect() {
        (TransportErrorKind::Connect, Delivery::NotSent)
    } else if error.is_builder() {
        (TransportErrorKind::Other, Delivery::NotSent)
    } else if error.is_timeout() {
        (TransportErrorKind::Timeout, Delivery::Unknown)
    } else if error.is_request() || error.is_body() || error.is_decode() {
        (TransportErrorKind::Interrupted, Delivery::Unknown)
    } else {
        (TransportErrorKind::Other, Delivery::Unknown)
    };
    // reqwest prints the URL, query and all, in `Debug` and in `Display`.
    TransportError::new(kind, delivery).with_source(error.without_url())
}
