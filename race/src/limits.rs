//! How long things take: what the managers are built with, and what follows for faults and grace.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::args::Args;

/// What the managers of all processes are built with.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) struct Limits {
    /// Of a request, and of a step of the store.
    pub(crate) step: Duration,
    pub(crate) margin: Duration,
}

impl Limits {
    /// Short where faults have to outlast them; where there are none, a busy machine is not to
    /// look like one.
    pub(crate) fn of(args: &Args) -> Self {
        let by_default = if args.has_faults() { 1000 } else { 5000 };
        let step = Duration::from_millis(args.limit.unwrap_or(by_default));
        Self { step, margin: Duration::from_millis(500) }
    }

    /// The lease that a manager takes by default.
    pub(crate) fn lease(self) -> Duration {
        3 * self.step + 2 * self.margin
    }

    /// The shortest and the longest pause of a process: past the lease.
    pub(crate) fn pauses(self) -> (Duration, Duration) {
        (self.lease() + Duration::from_millis(200), self.lease() + Duration::from_millis(1500))
    }

    /// The shortest and the longest time that a way is cut: past the limits.
    pub(crate) fn cuts(self) -> (Duration, Duration) {
        (self.step + Duration::from_millis(200), self.step + Duration::from_secs(2))
    }

    /// A grace window in which every takeover is allowed that the faults can lead to.
    pub(crate) fn grace(self, args: &Args) -> Duration {
        let given = args.grace.map(Duration::from_secs);
        given.unwrap_or_else(|| {
            let covered = self.lease() + 2 * self.step + self.longest_fault(args) + self.margin;
            Duration::from_secs(covered.as_secs() + 1)
        })
    }

    /// How long access tokens live: longer than all processes take to ask for all grants, so that
    /// each expires once a round. With faults they wait for the leases of those who are gone.
    pub(crate) fn life(self, args: &Args) -> Duration {
        let asked = u64::from(args.grants) * u64::from(args.processes);
        let waiting = if args.has_faults() { self.lease().as_secs() + 1 } else { 0 };
        Duration::from_secs(args.life.unwrap_or(2 + asked / 400 + waiting))
    }

    /// How long a round may take before the race is given up.
    pub(crate) fn round(self, args: &Args) -> Duration {
        Duration::from_secs(120) + self.longest_fault(args) + 4 * self.lease()
    }

    fn longest_fault(self, args: &Args) -> Duration {
        let pause = if args.pause { self.pauses().1 } else { Duration::ZERO };
        let cut = if args.partition { self.cuts().1 } else { Duration::ZERO };
        pause.max(cut)
    }
}
