//! Rests for a provider that is down, or that asked for one.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use time::OffsetDateTime;

use super::slot::Rest;
use super::timing::backoff;

/// Failures in a row after which the provider is given rests.
const PATIENCE: u32 = 5;

/// One for all grants of a manager, since a provider is down for all of them, and limits clients
/// rather than grants.
#[derive(Default)]
pub(super) struct Breaker(Mutex<State>);

#[derive(Default)]
struct State {
    failures: u32,
    rest: Option<Rest>,
}

impl Breaker {
    /// Leave to send a request; otherwise in how long. After a rest one has it, and the others
    /// wait for what becomes of that.
    pub(super) fn admits(&self, now: OffsetDateTime) -> Result<Leave<'_>, Duration> {
        let mut state = self.state();
        if let Some(left) = state.rest.and_then(|rest| rest.left(now)) {
            return Err(left);
        }
        let rest = Rest { from: now, length: Duration::from_secs(30) };
        let trial = (state.failures >= PATIENCE).then_some((self, rest));
        state.rest = trial.map(|(_, rest)| rest);
        Ok(Leave { trial })
    }

    /// Notes an answer, whatever it says: the provider is there.
    pub(super) fn answered(&self) {
        *self.state() = State::default();
    }

    /// Notes a failure; `after` is how long the provider asked to wait.
    pub(super) fn failed(&self, now: OffsetDateTime, after: Option<Duration>) {
        let mut state = self.state();
        state.failures = state.failures.saturating_add(1);
        let over = state.failures.checked_sub(PATIENCE);
        let length = after.into_iter().chain(over.map(backoff)).max();
        state.rest = length.map(|length| Rest { from: now, length }).or(state.rest);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Leave to send a request. Dropped without having been used, it is there for another.
pub(super) struct Leave<'a> {
    /// The rest of the others, where this is the one that tries.
    trial: Option<(&'a Breaker, Rest)>,
}

impl Leave<'_> {
    pub(super) fn used(mut self) {
        self.trial = None;
    }
}

impl Drop for Leave<'_> {
    fn drop(&mut self) {
        if let Some((breaker, rest)) = self.trial {
            breaker.state().rest.take_if(|it| *it == rest);
        }
    }
}
