//! Closing a manager: it counts what is under way, and begins nothing more.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use event_listener::Event;

use crate::error::{TokenError, TokenErrorKind};
use crate::key::GrantKey;

/// What [`TokenManager::close`](crate::TokenManager::close) left behind. Both lists are empty if
/// everything was finished and stored.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Closed {
    /// The grants whose newest tokens are in the memory of this process alone. If the process ends
    /// now, these tokens are lost.
    pub unsaved: Vec<GrantKey>,
    /// The grants with work under way, such as a refresh whose answer has not come. If the process
    /// ends now, a refresh token at a provider that rotates may be reported as
    /// [`OutcomeUnknown`](TokenErrorKind::OutcomeUnknown).
    pub unfinished: Vec<GrantKey>,
}

/// The work under way, and whether more may begin.
#[derive(Default)]
pub(super) struct Closing {
    state: Mutex<State>,
    /// Notified when the manager is closed, and when a piece of work ends.
    changed: Event,
}

#[derive(Default)]
struct State {
    is_closed: bool,
    begun: u64,
    /// The grants of the pieces of work. The scheduler's has none.
    under_way: BTreeMap<u64, Option<GrantKey>>,
}

/// A piece of work. It ends when this is dropped.
pub(super) struct Ongoing {
    closing: Arc<Closing>,
    id: u64,
}

impl Closing {
    /// From now on nothing more may begin.
    pub(super) fn close(&self) {
        self.state().is_closed = true;
        self.changed.notify(usize::MAX);
    }

    /// Waits until nothing is under way.
    pub(super) async fn finished(&self) {
        self.until(|state| state.under_way.is_empty()).await;
    }

    /// Returns the grants with work under way.
    pub(super) fn unfinished(&self) -> Vec<GrantKey> {
        self.state().under_way.values().flatten().cloned().collect()
    }

    /// Counts a piece of work that begins.
    ///
    /// # Errors
    ///
    /// [`TokenErrorKind::Closed`] if nothing more may begin.
    pub(super) fn begin(self: &Arc<Self>, key: Option<&GrantKey>) -> Result<Ongoing, TokenError> {
        let mut state = self.state();
        match state.is_closed {
            true => Err(TokenError::new(TokenErrorKind::Closed)),
            false => Ok(self.count(&mut state, key)),
        }
    }

    /// Counts a piece of work that follows from another one.
    pub(super) fn go_on(self: &Arc<Self>, key: &GrantKey) -> Ongoing {
        self.count(&mut self.state(), Some(key))
    }

    fn count(self: &Arc<Self>, state: &mut State, key: Option<&GrantKey>) -> Ongoing {
        let id = state.begun;
        state.begun += 1;
        state.under_way.insert(id, key.cloned());
        Ongoing { closing: Arc::clone(self), id }
    }

    /// # Errors
    ///
    /// [`TokenErrorKind::Closed`] if nothing more may begin.
    pub(super) fn check(&self) -> Result<(), TokenError> {
        match self.is_closed() {
            true => Err(TokenError::new(TokenErrorKind::Closed)),
            false => Ok(()),
        }
    }

    pub(super) fn is_closed(&self) -> bool {
        self.state().is_closed
    }

    /// Waits until the manager is closed.
    pub(super) async fn closed(&self) {
        self.until(|state| state.is_closed).await;
    }

    async fn until(&self, is_it: impl Fn(&State) -> bool) {
        loop {
            let changed = self.changed.listen();
            if is_it(&self.state()) {
                return;
            }
            changed.await;
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Ongoing {
    fn drop(&mut self) {
        let mut state = self.closing.state();
        state.under_way.remove(&self.id);
        let is_last = state.is_closed && state.under_way.is_empty();
        drop(state);
        if is_last {
            self.closing.changed.notify(usize::MAX);
        }
    }
}
