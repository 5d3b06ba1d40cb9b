//! One piece of work that many wait for.

use std::panic::AssertUnwindSafe;
use std::sync::{Arc, OnceLock};

use event_listener::Event;
use futures_lite::FutureExt;

use crate::error::{TokenError, TokenErrorKind};
use crate::executor::Task;

/// The outcome of a task, for everybody who waits for it.
pub(super) struct Flight<T> {
    outcome: OnceLock<Result<T, TokenError>>,
    landed: Event,
}

impl<T: Clone + Send + Sync + 'static> Flight<T> {
    /// A flight, and the task that has to be run for it to land. Whatever becomes of the task, the
    /// flight lands: one that panics, or is dropped, with [`TokenErrorKind::Interrupted`].
    pub(super) fn new<W>(
        work: W,
        on_landing: impl FnOnce(&Result<T, TokenError>) + Send + 'static,
    ) -> (Arc<Self>, Task)
    where
        W: Future<Output = Result<T, TokenError>> + Send + 'static,
    {
        let flight = Arc::new(Self { outcome: OnceLock::new(), landed: Event::new() });
        let mut pilot = Pilot { flight: Arc::clone(&flight), on_landing: Some(on_landing) };
        let task = Box::pin(async move {
            // What the work had hold of is of no use after a panic, and is looked at by nobody.
            if let Ok(outcome) = AssertUnwindSafe(work).catch_unwind().await {
                pilot.land(outcome);
            }
        });
        (flight, task)
    }

    /// Waits for the outcome.
    pub(super) async fn outcome(&self) -> Result<T, TokenError> {
        loop {
            if let Some(outcome) = self.outcome.get() {
                return outcome.clone();
            }
            let landed = self.landed.listen();
            if self.outcome.get().is_none() {
                landed.await;
            }
        }
    }
}

/// Lands a flight, at the latest when it is dropped.
struct Pilot<T, F: FnOnce(&Result<T, TokenError>)> {
    flight: Arc<Flight<T>>,
    on_landing: Option<F>,
}

impl<T, F: FnOnce(&Result<T, TokenError>)> Pilot<T, F> {
    fn land(&mut self, outcome: Result<T, TokenError>) {
        let Some(on_landing) = self.on_landing.take() else { return };
        on_landing(&outcome);
        let _ = self.flight.outcome.set(outcome);
        self.flight.landed.notify(usize::MAX);
    }
}

impl<T, F: FnOnce(&Result<T, TokenError>)> Drop for Pilot<T, F> {
    fn drop(&mut self) {
        self.land(Err(TokenError::new(TokenErrorKind::Interrupted)));
    }
}
