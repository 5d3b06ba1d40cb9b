use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use countersign_core::Clock;
use time::OffsetDateTime;

/// A clock that stands still until it is told to move. Clones show the same time.
///
/// ```
/// use std::time::Duration;
/// use countersign_core::Clock;
/// use countersign_testkit::ManualClock;
///
/// let clock = ManualClock::default();
/// let before = clock.now();
/// clock.advance(Duration::from_secs(60));
/// assert_eq!((clock.now() - before).whole_seconds(), 60);
/// ```
#[derive(Debug, Clone)]
pub struct ManualClock(Arc<AtomicI64>);

impl ManualClock {
    /// A clock that shows this instant, to the millisecond.
    #[must_use]
    pub fn new(now: OffsetDateTime) -> Self {
        let millis = now.unix_timestamp() * 1000 + i64::from(now.millisecond());
        Self(Arc::new(AtomicI64::new(millis)))
    }

    /// Moves the clock on.
    pub fn advance(&self, by: Duration) {
        self.change(|now| now.saturating_add(millis(by)));
    }

    /// Moves the clock back, as an administrator may.
    pub fn set_back(&self, by: Duration) {
        self.change(|now| now.saturating_sub(millis(by)));
    }

    fn change(&self, change: impl Fn(i64) -> i64) {
        let _ = self.0.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |now| Some(change(now)));
    }
}

impl Default for ManualClock {
    /// Shows 2026-01-01T00:00:00Z.
    fn default() -> Self {
        Self(Arc::new(AtomicI64::new(1_767_225_600_000)))
    }
}

impl Clock for ManualClock {
    fn now(&self) -> OffsetDateTime {
        let nanos = i128::from(self.0.load(Ordering::SeqCst)) * 1_000_000;
        OffsetDateTime::from_unix_timestamp_nanos(nanos).unwrap_or(OffsetDateTime::UNIX_EPOCH)
    }
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}
