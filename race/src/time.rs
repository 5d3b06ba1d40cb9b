//! Time: a race runs in real time.

use std::time::Duration;

use countersign::{Clock, SystemClock};
use serde::{Deserialize, Serialize};

/// Microseconds since the Unix epoch, by the clock that all processes of a machine share.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Micros(u64);

impl Micros {
    pub(crate) fn now() -> Self {
        let nanos = u128::try_from(SystemClock.now().unix_timestamp_nanos()).unwrap_or_default();
        Self::of(nanos / 1000)
    }

    /// Returns the instant `duration` after the epoch.
    pub(crate) fn since_epoch(duration: Duration) -> Self {
        Self::of(duration.as_micros())
    }

    /// Returns the time from `earlier` to this instant, or zero if this one is not later.
    pub(crate) fn since(self, earlier: Self) -> Duration {
        Duration::from_micros(self.0.saturating_sub(earlier.0))
    }

    /// Returns the instant `duration` later.
    pub(crate) fn plus(self, duration: Duration) -> Self {
        let micros = u64::try_from(duration.as_micros()).unwrap_or(u64::MAX);
        Self(self.0.saturating_add(micros))
    }

    fn of(micros: u128) -> Self {
        Self(u64::try_from(micros).unwrap_or(u64::MAX))
    }
}

#[expect(clippy::disallowed_methods, reason = "faults and tokens last for real time")]
pub(crate) async fn pass(duration: Duration) {
    tokio::time::sleep(duration).await;
}
