//! The attempts to refresh grants, and the faults that explain why the answer to one is lost.

use std::collections::HashMap;
use std::fmt;

use crate::faults::{FaultKind, Link};
use crate::limits::Limits;
use crate::message::{Grant, Point};
use crate::process::Number;
use crate::time::Micros;

/// The attempts that the store has or may have had, by grant.
#[derive(Default)]
pub(crate) struct Attempts(HashMap<Grant, Vec<Attempt>>);

/// An attempt, by the messages of its process.
#[derive(Debug, Clone)]
struct Attempt {
    process: Number,
    /// The generation of the refresh token that the attempt may have used.
    generation: u64,
    /// The last point that the process has reported before the attempt ended.
    point: Point,
    began: Micros,
    ended: Option<Micros>,
    /// Whether nothing was lost: the answer was stored or superseded, or the request used nothing.
    is_settled: bool,
}

/// A fault that struck a process.
#[derive(Debug, Clone)]
pub(crate) struct Strike {
    pub(crate) process: Number,
    pub(crate) round: u32,
    pub(crate) kind: FaultKind,
    pub(crate) from: Micros,
    /// `None` as long as the fault lasts.
    pub(crate) until: Option<Micros>,
}

/// An attempt that a fault has interrupted.
pub(crate) struct Explanation<'a> {
    attempt: &'a Attempt,
    strike: &'a Strike,
}

impl Attempts {
    /// Adds a point that a process has reported.
    pub(crate) fn note(&mut self, process: Number, grant: Grant, generation: u64, point: Point) {
        let began = Micros::now();
        let attempts = self.0.entry(grant).or_default();
        if point == Point::Begins {
            let (ended, is_settled) = (None, false);
            attempts.push(Attempt { process, generation, point, began, ended, is_settled });
            return;
        }
        let is_own = |it: &Attempt| it.process == process && it.generation == generation;
        let Some(at) = attempts.iter().rposition(is_own) else { return };
        let Some(attempt) = attempts.get_mut(at) else { return };
        match point {
            Point::Refused => drop(attempts.remove(at)),
            Point::Begins | Point::Begun | Point::Saves => attempt.point = point,
            Point::Left => attempt.ended = Some(Micros::now()),
            Point::Cleared | Point::Superseded | Point::Marked => attempt.settle(),
        }
    }

    /// Notes that a process has stored the answer to its attempt.
    pub(crate) fn stored(&mut self, process: Number, grant: Grant, generation: u64) {
        let attempts = self.0.get_mut(&grant).into_iter().flatten();
        let is_own = |it: &&mut Attempt| it.process == process && it.generation == generation;
        if let Some(attempt) = attempts.rev().find(is_own) {
            attempt.settle();
        }
    }

    /// Returns how many attempts the store has or may have had.
    pub(crate) fn count(&self, grant: Grant) -> u64 {
        self.0.get(&grant).map_or(0, |attempts| attempts.len() as u64)
    }

    /// Describes the attempts to use the refresh token of `generation`.
    pub(crate) fn describe(&self, grant: Grant, generation: u64) -> String {
        let attempts = self.0.get(&grant).into_iter().flatten();
        let own: Vec<_> = attempts.filter(|it| it.generation == generation).collect();
        format!("{own:?}")
    }

    /// Returns why the answer to the refresh token of `generation` is lost. `None` if no fault
    /// explains it.
    pub(crate) fn explain<'a>(
        &'a self,
        grant: Grant,
        generation: u64,
        strikes: &'a [Strike],
        limits: Limits,
    ) -> Option<Explanation<'a>> {
        let attempts = self.0.get(&grant)?.iter();
        let open = attempts.filter(|it| it.generation == generation && !it.is_settled);
        open.flat_map(|attempt| strikes.iter().map(move |strike| Explanation { attempt, strike }))
            .find(|it| it.strike.explains(it.attempt, limits))
    }
}

impl Attempt {
    fn settle(&mut self) {
        self.ended = Some(Micros::now());
        self.is_settled = true;
    }

    /// Returns when the attempt of a process that no fault strikes has ended at the latest. `None`
    /// if that is not known: a swap is repeated until the store answers.
    fn latest_end(&self, limits: Limits) -> Option<Micros> {
        let sent = (self.point == Point::Begun)
            .then(|| self.began.plus(limits.lease().saturating_add(limits.step)));
        self.ended.or(sent)
    }
}

impl Strike {
    /// Returns whether the fault can have cost the answer to the attempt.
    ///
    /// A process that is cut off from the store repeats its writes, so that this costs nothing.
    fn explains(&self, attempt: &Attempt, limits: Limits) -> bool {
        if self.process != attempt.process {
            return false;
        }
        let is_in_time = attempt.latest_end(limits).is_none_or(|end| self.from <= end);
        // Connections are reset when the way is open again, and a request may meet such a one.
        let until = self.until.map(|until| until.plus(limits.step));
        let is_during = is_in_time && until.is_none_or(|until| attempt.began <= until);
        match self.kind {
            FaultKind::Kill => attempt.ended.is_none() && is_in_time,
            FaultKind::Pause(_) | FaultKind::Cut(Link::Provider, ..) => is_during,
            // A process that is closed ends after its attempts.
            FaultKind::Cut(Link::Store, ..) | FaultKind::Close => false,
        }
    }
}

impl fmt::Display for Explanation<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { attempt, strike } = self;
        let what = match strike.kind {
            FaultKind::Kill => "was killed".to_owned(),
            FaultKind::Close => "was closed".to_owned(),
            FaultKind::Pause(time) => format!("was stopped for {time:?}"),
            FaultKind::Cut(link, mode, time) => {
                format!("was cut off from the {} for {time:?} ({mode:?})", link.name())
            }
        };
        let when = match attempt.point {
            Point::Begins => "while its attempt began",
            Point::Saves => "while it stored the answer to its attempt",
            _ => "after its attempt began and before the answer was stored",
        };
        write!(f, "process {} {what} in round {}, {when}", strike.process, strike.round)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::proxy::CutMode;

    const LIMITS: Limits =
        Limits { step: Duration::from_secs(1), margin: Duration::from_millis(500) };

    fn strike(kind: FaultKind) -> Strike {
        let from = Micros::now();
        Strike { process: 3, round: 1, kind, from, until: Some(from) }
    }

    fn begun(points: &[Point]) -> Attempts {
        let mut attempts = Attempts::default();
        for point in points {
            attempts.note(3, 0, 7, *point);
        }
        attempts
    }

    fn is_explained(attempts: &Attempts, kind: FaultKind) -> bool {
        attempts.explain(0, 7, &[strike(kind)], LIMITS).is_some()
    }

    #[test]
    fn a_kill_explains_an_attempt_that_is_open() {
        for points in [
            &[Point::Begins][..],
            &[Point::Begins, Point::Begun],
            &[Point::Begins, Point::Begun, Point::Saves],
        ] {
            assert!(is_explained(&begun(points), FaultKind::Kill), "{points:?}");
            assert!(!is_explained(&begun(points), FaultKind::Close), "{points:?}");
        }
        for point in [Point::Left, Point::Cleared, Point::Superseded, Point::Marked, Point::Refused]
        {
            let attempts = begun(&[Point::Begins, Point::Begun, point]);
            assert!(!is_explained(&attempts, FaultKind::Kill), "{point:?}");
        }
    }

    #[test]
    fn an_answer_that_was_stored_needs_no_explanation_and_gets_none() {
        let mut attempts = begun(&[Point::Begins, Point::Begun, Point::Saves]);
        attempts.stored(3, 0, 7);
        assert!(!is_explained(&attempts, FaultKind::Kill));
        assert_eq!(attempts.count(0), 1);
    }

    #[test]
    fn only_the_faults_of_its_process_and_its_time_explain_an_attempt() {
        let time = Duration::from_secs(2);
        let attempts = begun(&[Point::Begins, Point::Begun]);
        let cut = |link| FaultKind::Cut(link, CutMode::Late, time);
        assert!(is_explained(&attempts, FaultKind::Pause(time)));
        assert!(is_explained(&attempts, cut(Link::Provider)));
        assert!(!is_explained(&attempts, cut(Link::Store)));
        let of_another = Strike { process: 4, ..strike(FaultKind::Kill) };
        assert!(attempts.explain(0, 7, &[of_another], LIMITS).is_none());
        let later = Micros::now().plus(Duration::from_secs(60));
        let late = Strike { from: later, until: None, ..strike(FaultKind::Pause(time)) };
        assert!(attempts.explain(0, 7, &[late], LIMITS).is_none());
        assert!(attempts.explain(0, 8, &[strike(FaultKind::Kill)], LIMITS).is_none());
    }
}
