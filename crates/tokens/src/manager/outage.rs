//! What came due while nothing could be refreshed is not refreshed all at once afterwards.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use time::OffsetDateTime;

use super::slot::Rest;
use super::timing::{backoff, time_of};

/// How much more time what came due in an outage gets afterwards than it took to come due. With one
/// the rate would be twice the steady one, and sometimes more, since it varies.
pub(super) const STRETCH: i32 = 2;

/// The last time in which refreshes failed, whether by the provider or by the store.
#[derive(Default)]
pub(super) struct Outage(Mutex<Option<Span>>);

#[derive(Clone, Copy)]
struct Span {
    from: OffsetDateTime,
    /// Its end, or the earliest that is known of one that goes on.
    until: OffsetDateTime,
    is_over: bool,
    trials: Trials,
}

/// Those that were let through to see whether it is over.
#[derive(Clone, Copy, Default)]
struct Trials {
    made: u32,
    rest: Option<Rest>,
}

/// The shortest time between two trials.
const BETWEEN_TRIALS: Duration = Duration::from_secs(1);

impl Outage {
    /// Notes a failure; `after` is how long the provider asked to wait.
    pub(super) fn failed(&self, now: OffsetDateTime, after: Option<Duration>) {
        let mut span = self.span();
        let until = now.saturating_add(time_of(after.unwrap_or_default()));
        let from = span.filter(|it| it.lasts_at(now)).map_or(now, |it| it.from);
        let going_on = span.filter(|it| !it.is_over);
        let until = going_on.map_or(until, |it| it.until.max(until));
        let trials = going_on.map(|it| it.trials).unwrap_or_default();
        *span = Some(Span { from, until, is_over: false, trials });
    }

    pub(super) fn succeeded(&self, now: OffsetDateTime) {
        if let Some(span) = self.span().as_mut().filter(|it| !it.is_over) {
            (span.until, span.is_over) = (now, true);
        }
    }

    /// Whether a good token that came due then waits for its turn: they follow in the rhythm in
    /// which they came due, at half its speed, beside those that come due now.
    pub(super) fn puts_off(&self, due_at: OffsetDateTime, now: OffsetDateTime) -> bool {
        let mut span = self.span();
        let Some(known) = span.filter(|it| it.lasts_at(now)) else {
            *span = None;
            return false;
        };
        let until = known.until_at(now);
        known.from < due_at && due_at < until && now < until + (due_at - known.from) * STRETCH
    }

    /// Whether one that is put off is let through all the same: while the outage lasts, some are,
    /// since it ends with the first that succeeds, and nothing else may be refreshed before.
    pub(super) fn lets_through(&self, now: OffsetDateTime) -> bool {
        let mut span = self.span();
        let Some(span) = span.as_mut().filter(|it| !it.is_over && it.until <= now) else {
            return false;
        };
        let trials = &mut span.trials;
        if trials.rest.is_some_and(|it| it.holds(now)) {
            return false;
        }
        let length = BETWEEN_TRIALS + backoff(trials.made);
        *trials =
            Trials { made: trials.made.saturating_add(1), rest: Some(Rest { from: now, length }) };
        true
    }

    fn span(&self) -> MutexGuard<'_, Option<Span>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Span {
    fn until_at(self, now: OffsetDateTime) -> OffsetDateTime {
        if self.is_over { self.until } else { self.until.max(now) }
    }

    /// Whether it goes on, or what came due in it is still put off.
    fn lasts_at(self, now: OffsetDateTime) -> bool {
        let until = self.until_at(now);
        // A clock that was set back ends it.
        self.from <= now && now < until.saturating_add((until - self.from) * STRETCH)
            || !self.is_over
    }
}
