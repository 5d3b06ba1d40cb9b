use std::time::Duration;

use serde::{Deserialize, Serialize};

/// An instant by a store's own clock, in milliseconds since whatever that clock counts from.
///
/// It means nothing beside another clock: the difference of two of one store is what is used.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct StoreTime(i64);

impl StoreTime {
    /// The instant so many milliseconds after the clock's zero.
    #[must_use]
    pub fn from_millis(millis: i64) -> Self {
        Self(millis)
    }

    /// Milliseconds since the clock's zero.
    #[must_use]
    pub fn as_millis(self) -> i64 {
        self.0
    }

    /// So much later. The last instant there is, when that is later still.
    #[must_use]
    pub fn plus(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)))
    }

    /// How long after `earlier` it is; zero when it is not after it.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }
}
