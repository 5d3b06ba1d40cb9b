//! The one way to the time.

use std::fmt;

use time::OffsetDateTime;

/// Where Countersign reads the time.
///
/// Everything that depends on the time asks the clock that its [`Client`](crate::Client) was
/// given, so that a test (or a program with a time source of its own) decides what time it is.
pub trait Clock: fmt::Debug + Send + Sync + 'static {
    /// The present instant. Only its value counts: any UTC offset will do.
    fn now(&self) -> OffsetDateTime;
}

/// The system's wall clock, the default.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "the one place where the time is read")]
    fn now(&self) -> OffsetDateTime {
        OffsetDateTime::now_utc()
    }
}
