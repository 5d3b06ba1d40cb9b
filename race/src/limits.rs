//! Time limits: those of the managers, and those of faults and of the grace window that follow.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::args::{Args, Kind};

/// The settings of the managers of all processes.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) struct Limits {
    /// The time limit of a request and of a step of the store.
    pub(crate) step: Duration,
    pub(crate) margin: Duration,
}

impl Limits {
    /// Returns short limits for a race with faults, which last longer than the limits. Without
    /// faults the limits are long, so that a busy machine does not look like a fault.
    pub(crate) fn of(args: &Args) -> Self {
        let by_default = if args.has_faults() { 1000 } else { 5000 };
        let step = Duration::from_millis(args.limit.unwrap_or(by_default));
        Self { step, margin: Duration::from_millis(500) }
    }

    /// Returns the default lease of a manager.
    pub(crate) fn lease(self) -> Duration {
        3 * self.step + 2 * self.margin
    }

    /// Returns the shortest and the longest pause of a process. Both are longer than the lease.
    pub(crate) fn pauses(self) -> (Duration, Duration) {
        (self.lease() + Duration::from_millis(200), self.lease() + Duration::from_millis(1500))
    }

    /// Returns the shortest and the longest cut. Both are longer than the time limits.
    pub(crate) fn cuts(self) -> (Duration, Duration) {
        (self.step + Duration::from_millis(200), self.step + Duration::from_secs(2))
    }

    /// Returns a grace window that allows every attempt that follows from a fault.
    pub(crate) fn grace(self, args: &Args) -> Duration {
        let given = args.grace.map(Duration::from_secs);
        given.unwrap_or_else(|| {
            let covered = self.lease() + 2 * self.step + self.longest_fault(args) + self.margin;
            Duration::from_secs(covered.as_secs() + 1)
        })
    }

    /// Returns the lifetime of access tokens: longer than a round, so that each token expires once
    /// a round. With faults a round includes the wait for the leases of processes that died. SQLite
    /// syncs each write to the disk, one after the other.
    pub(crate) fn life(self, args: &Args) -> Duration {
        let asked = u64::from(args.grants) * u64::from(args.processes);
        let waiting = if args.has_faults() { self.lease().as_secs() + 1 } else { 0 };
        let a_second = if args.store == Kind::Sqlite { 200 } else { 400 };
        Duration::from_secs(args.life.unwrap_or(2 + asked / a_second + waiting))
    }

    /// Returns the time limit of a round, after which the race fails.
    pub(crate) fn round(self, args: &Args) -> Duration {
        Duration::from_secs(120) + self.longest_fault(args) + 4 * self.lease()
    }

    fn longest_fault(self, args: &Args) -> Duration {
        let pause = if args.pause { self.pauses().1 } else { Duration::ZERO };
        let cut = if args.partition { self.cuts().1 } else { Duration::ZERO };
        pause.max(cut)
    }
}
