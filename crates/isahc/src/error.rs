use std::io;

use countersign_core::{Delivery, TransportError, TransportErrorKind};
use isahc::error::ErrorKind;

use crate::body::Asked;

/// What tells whether a request was sent.
pub(crate) struct Evidence {
    asked: Asked,
    /// Whether libcurl asks for the body before it sends a byte.
    telling: bool,
}

impl Evidence {
    pub(crate) fn new(asked: Asked, telling: bool) -> Self {
        Self { asked, telling }
    }

    /// What isahc says in place of a response, in the terms of the contract.
    pub(crate) fn classify(&self, error: isahc::Error) -> TransportError {
        let kind = kind(&error);
        let unsent = !self.asked.was() && (self.telling || kind == TransportErrorKind::Connect);
        let delivery = if unsent { Delivery::NotSent } else { Delivery::Unknown };
        TransportError::new(kind, delivery).with_source(error)
    }
}

fn kind(error: &isahc::Error) -> TransportErrorKind {
    match error.kind() {
        ErrorKind::BadClientCertificate
        | ErrorKind::BadServerCertificate
        | ErrorKind::ConnectionFailed
        | ErrorKind::InvalidTlsConfiguration
        | ErrorKind::NameResolution
        | ErrorKind::TlsEngine => TransportErrorKind::Connect,
        ErrorKind::Timeout => TransportErrorKind::Timeout,
        ErrorKind::Io | ErrorKind::ProtocolViolation => TransportErrorKind::Interrupted,
        _ => TransportErrorKind::Other,
    }
}

/// An error in the middle of a response.
pub(crate) fn of_reading(error: io::Error) -> TransportError {
    match error.downcast::<isahc::Error>() {
        Ok(error) => TransportError::new(kind(&error), Delivery::Unknown).with_source(error),
        Err(error) => TransportError::new(TransportErrorKind::Interrupted, Delivery::Unknown)
            .with_source(error),
    }
}

/// An error while a client was made ready for its first request.
pub(crate) fn unready(error: isahc::Error) -> TransportError {
    match kind(&error) {
        TransportErrorKind::Timeout => {
            TransportError::new(TransportErrorKind::Timeout, Delivery::NotSent).with_source(error)
        }
        // Whatever it was, it was not the server's.
        _ => unsent(error),
    }
}

/// An error before isahc was asked for anything.
pub(crate) fn unsent(
    source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
) -> TransportError {
    TransportError::new(TransportErrorKind::Other, Delivery::NotSent).with_source(source)
}

#[cfg(test)]
mod tests {
    use countersign_core::Body;
    use futures_lite::future::block_on;
    use futures_lite::io::AsyncReadExt;

    use super::*;
    use crate::body::once;

    /// A claim that nothing was sent needs a body that was not asked for; and besides that a libcurl
    /// that would have asked for it, or an error that came before there was anyone to send it to.
    #[test]
    fn not_sent_is_said_on_evidence_alone() {
        const CASES: [(bool, bool, ErrorKind, Delivery); 8] = [
            (false, false, ErrorKind::ConnectionFailed, Delivery::NotSent),
            (false, false, ErrorKind::Io, Delivery::Unknown),
            (false, false, ErrorKind::Timeout, Delivery::Unknown),
            (false, true, ErrorKind::ConnectionFailed, Delivery::NotSent),
            (false, true, ErrorKind::Io, Delivery::NotSent),
            (false, true, ErrorKind::Timeout, Delivery::NotSent),
            (true, true, ErrorKind::ConnectionFailed, Delivery::Unknown),
            (true, false, ErrorKind::ConnectionFailed, Delivery::Unknown),
        ];
        for (read, telling, kind, delivery) in CASES {
            let (mut body, asked) = once(Body::from(b"body".to_vec()));
            if read {
                block_on(body.read(&mut [0])).expect("a byte");
            }
            let error = Evidence::new(asked, telling).classify(kind.clone().into());
            assert_eq!(error.delivery(), delivery, "{read} {telling} {kind:?}");
        }
    }
}
