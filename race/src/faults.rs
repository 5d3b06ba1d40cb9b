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
