use std::time::{Duration, Instant};

use countersign_core::{Delivery, TransportError, TransportErrorKind};

/// When a call has to be over. libcurl keeps the time once it has the request; this counts what was
/// spent until then.
#[derive(Clone, Copy)]
pub(crate) struct Deadline {
    began: Instant,
    limit: Duration,
}

impl Deadline {
    /// Of a call that begins now.
    pub(crate) fn within(limit: Duration) -> Self {
        Self { began: now(), limit }
    }

    /// What is left: never nothing, which is the error of a call that sent nothing.
    pub(crate) fn left(self) -> Result<Duration, TransportError> {
        let left = self.limit.saturating_sub(now().saturating_duration_since(self.began));
        if left.is_zero() {
            return Err(TransportError::new(TransportErrorKind::Timeout, Delivery::NotSent));
        }
        Ok(left)
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "how long a call takes is a matter of this machine, and no `Clock` is handed to a transport"
)]
fn now() -> Instant {
    Instant::now()
}
