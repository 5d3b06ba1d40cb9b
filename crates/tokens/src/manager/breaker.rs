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
    /// Whether a request may be sent; otherwise in how long. After a rest one may, and the others
    /// wait for what becomes of it.
    pub(super) fn admits(&self, now: OffsetDateTime) -> Result<(), Duration> {
        let mut state = self.state();
        if let Some(left) = state.rest.and_then(|rest| rest.left(now)) {
            return Err(left);
        }
        if state.failures >= PATIENCE {
            state.rest = Some(Rest { from: now, length: Duration::from_secs(30) });
        }
        Ok(())
    }

    pub(super) fn succeeded(&self) {
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
