//! The time, and waiting for it to pass: a race is run in real time.

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

    /// That long after the epoch.
    pub(crate) fn since_epoch(duration: Duration) -> Self {
        Self::of(duration.as_micros())
    }

    /// How much later this is.
    pub(crate) fn since(self, earlier: Self) -> Duration {
        Duration::from_micros(self.0.saturating_sub(earlier.0))
    }

    fn of(micros: u128) -> Self {
        Self(u64::try_from(micros).unwrap_or(u64::MAX))
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "faults and lives of tokens last as long as they last"
)]
pub(crate) async fn pass(duration: Duration) {
    tokio::time::sleep(duration).await;
}
