use std::time::Duration;

use serde::{Deserialize, Serialize};

/// An instant by a store's own clock, in milliseconds since an instant that the store chooses.
///
/// Only instants of one store can be compared.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct StoreTime(i64);

impl StoreTime {
    /// Creates the instant `millis` milliseconds after the clock's zero.
    #[must_use]
    pub fn from_millis(millis: i64) -> Self {
        Self(millis)
    }

    /// Returns the milliseconds since the clock's zero.
    #[must_use]
    pub fn as_millis(self) -> i64 {
        self.0
    }

    /// Returns the instant `duration` later, or the last instant if that is earlier.
    #[must_use]
    pub fn plus(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)))
    }

    /// Returns the instant `duration` earlier, or the first instant if that is later.
    #[must_use]
    pub fn minus(self, duration: Duration) -> Self {
        Self(self.0.saturating_sub(i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)))
    }

    /// Returns the time from `earlier` to this instant, or zero if this one is not later.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }
}
