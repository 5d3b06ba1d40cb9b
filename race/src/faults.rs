//! The faults of a race and when they strike, drawn from the seed, so that a race can be repeated.
//! Which refresh a fault meets also depends on the machine.

use std::time::Duration;

use fastrand::Rng;

use crate::args::Args;
use crate::limits::Limits;
use crate::message::Point;
use crate::proxy::CutMode;

/// A connection of a process that can be cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Link {
    Store,
    Provider,
}

impl Link {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Store => "store",
            Self::Provider => "provider",
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum FaultKind {
    Kill,
    Close,
    Pause(Duration),
    Cut(Link, CutMode, Duration),
}

/// A fault that strikes a process a moment after the process has come to a point of a refresh.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Fault {
    /// The index of the process among those that run at a time.
    pub(crate) index: usize,
    point: Point,
    /// How often the process comes to the point before the fault strikes.
    before: u32,
    pub(crate) after: Duration,
    pub(crate) kind: FaultKind,
}

/// The faults of one round.
#[derive(Default)]
pub(crate) struct Faults(Vec<Fault>);

impl Faults {
    /// Draws one or two faults of each kind that the arguments ask for.
    pub(crate) fn of_round(rng: &mut Rng, args: &Args, limits: Limits, has_server: bool) -> Self {
        let mut kinds = Vec::new();
        let mut once_or_twice = |rng: &mut Rng, kind: &dyn Fn(&mut Rng) -> FaultKind| {
            for _ in 0..rng.usize(1..=2) {
                kinds.push(kind(rng));
            }
        };
        if args.kill {
            once_or_twice(rng, &|_| FaultKind::Kill);
        }
        if args.close {
            once_or_twice(rng, &|_| FaultKind::Close);
        }
        if args.pause {
            once_or_twice(rng, &|rng| FaultKind::Pause(between(rng, limits.pauses())));
        }
        if args.partition {
            once_or_twice(rng, &|rng| {
                let link = if has_server && rng.bool() { Link::Store } else { Link::Provider };
                let mode = [CutMode::Late, CutMode::Swallowed, CutMode::Reset][rng.usize(0..3)];
                FaultKind::Cut(link, mode, between(rng, limits.cuts()))
            });
        }
        let share = (args.grants / u32::from(args.processes) / 2).max(1);
        let fault = |kind| {
            let points = [Point::Begins, Point::Begun, Point::Saves];
            Fault {
                index: rng.usize(0..usize::from(args.processes)),
                point: points[rng.usize(0..3)],
                before: rng.u32(0..share),
                after: Duration::from_micros(rng.u64(0..4000)),
                kind,
            }
        };
        Self(kinds.into_iter().map(fault).collect())
    }

    /// Takes out the faults that strike the process of this index, which has come to `point`.
    pub(crate) fn take(&mut self, index: usize, point: Point) -> Vec<Fault> {
        for fault in self.0.iter_mut().filter(|it| it.index == index && it.point == point) {
            fault.before = fault.before.wrapping_sub(1);
        }
        self.0.extract_if(.., |it| it.index == index && it.before == u32::MAX).collect()
    }
}

fn between(rng: &mut Rng, (least, most): (Duration, Duration)) -> Duration {
    least + (most - least).mul_f64(rng.f64())
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    fn faults(seed: u64, extra: &[&str]) -> Vec<Fault> {
        let args = [&["race", "--store", "redis"], extra].concat();
        let args = Args::parse_from(args);
        let limits = Limits::of(&args);
        Faults::of_round(&mut Rng::with_seed(seed), &args, limits, true).0
    }

    #[test]
    fn a_seed_gives_the_same_faults_again() {
        let all = ["--kill", "--pause", "--partition"];
        assert_eq!(faults(1, &all), faults(1, &all));
        assert_ne!(faults(1, &all), faults(2, &all));
        assert_eq!(faults(1, &[]), []);
    }

    #[test]
    fn pauses_outlast_the_lease_and_cuts_the_time_limits() {
        for fault in (0..50).flat_map(|seed| faults(seed, &["--pause", "--partition"])) {
            match fault.kind {
                FaultKind::Pause(time) => assert!(time > Duration::from_secs(4), "{time:?}"),
                FaultKind::Cut(_, _, time) => assert!(time > Duration::from_secs(1), "{time:?}"),
                FaultKind::Kill | FaultKind::Close => panic!("it was not asked for"),
            }
        }
    }

    #[test]
    fn a_fault_strikes_after_so_many_visits_of_its_process() {
        let fault = Fault {
            index: 1,
            point: Point::Begun,
            before: 1,
            after: Duration::ZERO,
            kind: FaultKind::Kill,
        };
        let mut faults = Faults(vec![fault]);
        assert_eq!(faults.take(0, Point::Begun), []);
        assert_eq!(faults.take(1, Point::Saves), []);
        assert_eq!(faults.take(1, Point::Begun), []);
        assert_eq!(faults.take(1, Point::Begun).len(), 1);
        assert_eq!(faults.take(1, Point::Begun), []);
    }
}
