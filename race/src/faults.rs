//! Which faults strike, when: drawn from the seed, so that a race can be run again. Where they
//! strike in a refresh is the machine's choice, too.

use std::time::Duration;

use fastrand::Rng;

use crate::args::Args;
use crate::limits::Limits;
use crate::message::Point;
use crate::proxy::Manner;

/// Where a way leads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    Store,
    Provider,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Deed {
    Kill,
    Pause(Duration),
    Cut(End, Manner, Duration),
}

/// A fault that strikes a process a moment after it has come to a point of a refresh.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Fault {
    pub(crate) seat: usize,
    point: Point,
    /// How often the process comes there before.
    left: u32,
    pub(crate) after: Duration,
    pub(crate) deed: Deed,
}

/// The faults of one round.
#[derive(Default)]
pub(crate) struct Faults(Vec<Fault>);

impl Faults {
    /// One or two of each kind that the arguments ask for.
    pub(crate) fn of_round(rng: &mut Rng, args: &Args, limits: Limits, has_server: bool) -> Self {
        let mut deeds = Vec::new();
        let mut often = |rng: &mut Rng, deed: &dyn Fn(&mut Rng) -> Deed| {
            for _ in 0..rng.usize(1..=2) {
                deeds.push(deed(rng));
            }
        };
        if args.kill {
            often(rng, &|_| Deed::Kill);
        }
        if args.pause {
            often(rng, &|rng| Deed::Pause(between(rng, limits.pauses())));
        }
        if args.partition {
            often(rng, &|rng| {
                let end = if has_server && rng.bool() { End::Store } else { End::Provider };
                let manner = [Manner::Late, Manner::Swallowed, Manner::Reset][rng.usize(0..3)];
                Deed::Cut(end, manner, between(rng, limits.cuts()))
            });
        }
        let share = (args.grants / u32::from(args.processes) / 2).max(1);
        let fault = |deed| {
            let points = [Point::Begins, Point::Begun, Point::Saves];
            Fault {
                seat: rng.usize(0..usize::from(args.processes)),
                point: points[rng.usize(0..3)],
                left: rng.u32(0..share),
                after: Duration::from_micros(rng.u64(0..4000)),
                deed,
            }
        };
        Self(deeds.into_iter().map(fault).collect())
    }

    /// Takes what strikes the process in this seat, which has come to this point.
    pub(crate) fn at(&mut self, seat: usize, point: Point) -> Vec<Fault> {
        for fault in self.0.iter_mut().filter(|it| it.seat == seat && it.point == point) {
            fault.left = fault.left.wrapping_sub(1);
        }
        self.0.extract_if(.., |it| it.seat == seat && it.left == u32::MAX).collect()
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
    fn a_seed_has_the_same_faults_again() {
        let all = ["--kill", "--pause", "--partition"];
        assert_eq!(faults(1, &all), faults(1, &all));
        assert_ne!(faults(1, &all), faults(2, &all));
        assert_eq!(faults(1, &[]), []);
    }

    #[test]
    fn pauses_outlast_the_lease_and_cuts_the_time_limits() {
        for fault in (0..50).flat_map(|seed| faults(seed, &["--pause", "--partition"])) {
            match fault.deed {
                Deed::Pause(time) => assert!(time > Duration::from_secs(4), "{time:?}"),
                Deed::Cut(_, _, time) => assert!(time > Duration::from_secs(1), "{time:?}"),
                Deed::Kill => panic!("nobody asked for it"),
            }
        }
    }

    #[test]
    fn a_fault_strikes_its_process_when_it_has_been_there_often_enough() {
        let fault = Fault {
            seat: 1,
            point: Point::Begun,
            left: 1,
            after: Duration::ZERO,
            deed: Deed::Kill,
        };
        let mut faults = Faults(vec![fault]);
        assert_eq!(faults.at(0, Point::Begun), []);
        assert_eq!(faults.at(1, Point::Saves), []);
        assert_eq!(faults.at(1, Point::Begun), []);
        assert_eq!(faults.at(1, Point::Begun).len(), 1);
        assert_eq!(faults.at(1, Point::Begun), []);
    }
}
