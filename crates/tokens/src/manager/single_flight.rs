//! One piece of work that many wait for.

use std::sync::{Arc, OnceLock};

use event_listener::Event;

use crate::error::{TokenError, TokenErrorKind};

/// The outcome of a task, for everybody who waits for it.
pub(super) struct SingleFlight<T> {
    outcome: OnceLock<Result<T, TokenError>>,
    finished: Event,
}

/// Sets the outcome of a [`SingleFlight`]. If it is dropped before, the outcome is
/// [`TokenErrorKind::Interrupted`].
pub(super) struct Finisher<T>(Arc<SingleFlight<T>>);

impl<T: Clone> SingleFlight<T> {
    pub(super) fn new() -> (Arc<Self>, Finisher<T>) {
        let flight = Arc::new(Self { outcome: OnceLock::new(), finished: Event::new() });
        (Arc::clone(&flight), Finisher(flight))
    }

    pub(super) fn is_finished(&self) -> bool {
        self.outcome.get().is_some()
    }

    /// Waits for the outcome.
    pub(super) async fn outcome(&self) -> Result<T, TokenError> {
        loop {
            if let Some(outcome) = self.outcome.get() {
                return outcome.clone();
            }
            let finished = self.finished.listen();
            if self.outcome.get().is_none() {
                finished.await;
            }
        }
    }
}

impl<T> Finisher<T> {
    pub(super) fn is_finished(&self) -> bool {
        self.0.outcome.get().is_some()
    }

    /// Sets the outcome, unless it is set. Returns whether it was not.
    pub(super) fn finish(&self, outcome: Result<T, TokenError>) -> bool {
        let is_first = self.0.outcome.set(outcome).is_ok();
        if is_first {
            self.0.finished.notify(usize::MAX);
        }
        is_first
    }
}

impl<T> Drop for Finisher<T> {
    fn drop(&mut self) {
        self.finish(Err(TokenError::new(TokenErrorKind::Interrupted)));
    }
}
