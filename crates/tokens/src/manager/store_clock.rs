//! The store's clock, as this process knows it.

use std::time::Duration;

use time::OffsetDateTime;

use crate::rules::Now;
use crate::store::StoreTime;

/// An instant by the clocks of this process.
#[derive(Debug, Clone, Copy)]
pub(super) struct Moment {
    pub(super) wall: OffsetDateTime,
    /// By the clock that nobody sets, where there is one.
    pub(super) elapsed: Option<Duration>,
}

/// An answer of the store, with the time that it showed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reading {
    /// What the store's clock showed.
    pub(super) read_at: StoreTime,
    /// When the store was asked.
    pub(super) asked: Moment,
    /// When its answer came.
    pub(super) came: Moment,
}

/// How fast a clock may run: 500 parts in a million.
const DRIFT: u32 = 2_000;

impl Moment {
    /// Returns the least and the most time that has passed since this moment.
    ///
    /// The wall clock may have been set meanwhile. Where there is no other clock, the process may
    /// have slept.
    fn passed(self, now: Self) -> (Duration, Duration) {
        let wall = Duration::try_from(now.wall - self.wall).unwrap_or_default();
        let elapsed = self.elapsed.zip(now.elapsed).map(|(then, now)| now.saturating_sub(then));
        (elapsed.unwrap_or(wall), elapsed.unwrap_or(wall).max(wall))
    }

    /// Returns the least time that has passed until `now`.
    pub(super) fn until(self, now: Self) -> Duration {
        self.passed(now).0
    }
}

impl Reading {
    /// Returns the bounds of the store's clock.
    pub(super) fn now(&self, now: Moment) -> Now {
        let (least, _) = self.came.passed(now);
        let (_, most) = self.asked.passed(now);
        Now {
            earliest: self.read_at.plus(least.saturating_sub(least / DRIFT)),
            latest: self.read_at.plus(most.saturating_add(most / DRIFT)),
        }
    }

    /// Returns how much too early [`Now::earliest`] may be: by as much as the clocks of this process
    /// differ over the time since the answer came, and as a clock may run fast in that time.
    pub(super) fn error(&self, now: Moment) -> Duration {
        let (least, most) = self.came.passed(now);
        most.saturating_sub(least).saturating_add(most / DRIFT)
    }

    /// Returns the most time that has passed since the store was asked.
    pub(super) fn age(&self, now: Moment) -> Duration {
        self.asked.passed(now).1
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use time::OffsetDateTime;

    use super::{Moment, Reading};
    use crate::rules::Now;
    use crate::store::StoreTime;

    const DAY: Duration = Duration::from_secs(24 * 3600);
    const SECOND: Duration = Duration::from_secs(1);
    /// A two thousandth of a day.
    const DRIFT: Duration = Duration::from_millis(43_200);

    /// The instant so long after the start, by a wall clock and by one that nobody sets.
    fn moment(wall: Duration, elapsed: Option<Duration>) -> Moment {
        Moment { wall: OffsetDateTime::UNIX_EPOCH + wall, elapsed }
    }

    /// Asked at the start and answered a second later.
    fn reading(has_elapsed: bool) -> Reading {
        let at = |passed| moment(passed, has_elapsed.then_some(passed));
        Reading { read_at: StoreTime::default(), asked: at(Duration::ZERO), came: at(SECOND) }
    }

    fn bounds(earliest: Duration, latest: Duration) -> Now {
        let at = |passed| StoreTime::default().plus(passed);
        Now { earliest: at(earliest), latest: at(latest) }
    }

    #[test]
    fn g10_the_bounds_of_the_stores_clock_allow_for_the_way_and_for_drift() {
        for has_elapsed in [false, true] {
            let (reading, passed) = (reading(has_elapsed), SECOND + DAY);
            let now = moment(passed, has_elapsed.then_some(passed));
            assert_eq!(reading.now(now), bounds(DAY - DRIFT, passed + DRIFT + SECOND / 2000));
            assert_eq!(reading.error(now), DRIFT);
            assert_eq!(reading.age(now), passed);
            assert_eq!(reading.came.until(now), DAY);
        }
    }

    #[test]
    fn g06_a_wall_clock_that_was_set_widens_the_bounds_and_moves_none_inwards() {
        let reading = reading(true);
        // Set forward: a day by the wall clock, a second by the other.
        let now = moment(SECOND + DAY, Some(SECOND * 2));
        assert_eq!(reading.came.until(now), SECOND);
        assert_eq!(reading.now(now).earliest, bounds(SECOND - SECOND / 2000, DAY).earliest);
        assert_eq!(reading.age(now), SECOND + DAY);
        assert_eq!(reading.error(now), DAY - SECOND + DRIFT);
        // Set back: the other clock counts.
        let now = moment(Duration::ZERO, Some(SECOND * 2));
        assert_eq!((reading.came.until(now), reading.age(now)), (SECOND, SECOND * 2));
    }
}
