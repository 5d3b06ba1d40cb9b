//! Instants as whole milliseconds of Unix time: what is stored is what was reckoned with.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

/// Milliseconds since 1970-01-01T00:00:00Z.
///
/// `time`'s own serde form is an array that changes with a feature of somebody else's crate, and
/// nanoseconds do not survive the formats that sessions are kept in; truncated when it is made, an
/// instant comes back from storage as it went in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Millis(i64);

impl Millis {
    pub(crate) fn from_unix_seconds(seconds: i64) -> Self {
        Self(seconds.saturating_mul(1000))
    }

    pub(crate) fn plus(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(whole_millis(duration)))
    }

    pub(crate) fn minus(self, duration: Duration) -> Self {
        Self(self.0.saturating_sub(whole_millis(duration)))
    }

    /// How long after `earlier` this is; zero when it is not after it.
    pub(crate) fn since(self, earlier: Self) -> Duration {
        let millis = self.0.saturating_sub(earlier.0);
        Duration::from_millis(u64::try_from(millis).unwrap_or(0))
    }

    /// The instant; one that the calendar of `time` cannot hold becomes its last or first day's.
    pub(crate) fn to_datetime(self) -> OffsetDateTime {
        let nanos = i128::from(self.0) * 1_000_000;
        OffsetDateTime::from_unix_timestamp_nanos(nanos).unwrap_or_else(|_| {
            let date = if self.0 < 0 { time::Date::MIN } else { time::Date::MAX };
            date.midnight().assume_utc()
        })
    }
}

impl From<OffsetDateTime> for Millis {
    fn from(instant: OffsetDateTime) -> Self {
        Self(instant.unix_timestamp() * 1000 + i64::from(instant.millisecond()))
    }
}

fn whole_millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::Millis;
    use std::time::Duration;
    use time::OffsetDateTime;

    #[test]
    fn extremes_saturate() {
        assert_eq!(Millis(i64::MAX).plus(Duration::MAX), Millis(i64::MAX));
        assert_eq!(Millis(i64::MIN).minus(Duration::MAX), Millis(i64::MIN));
        assert_eq!(Millis::from_unix_seconds(i64::MAX), Millis(i64::MAX));
        assert_eq!(Millis(i64::MIN).since(Millis(i64::MAX)), Duration::ZERO);
        assert_eq!(Millis(i64::MAX).to_datetime().year(), 9999);
        assert_eq!(Millis(i64::MIN).to_datetime().year(), -9999);
    }

    #[test]
    fn instants_are_truncated_to_milliseconds() {
        let instant = OffsetDateTime::UNIX_EPOCH + Duration::new(1_700_000_000, 123_456_789);
        assert_eq!(Millis::from(instant), Millis(1_700_000_000_123));
        assert_eq!(
            Millis::from(Millis(1_700_000_000_123).to_datetime()),
            Millis(1_700_000_000_123)
        );
    }
}
