//! Waiting for something to happen, with or without a future, on no runtime at all.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::task::{Poll, Waker};
use std::time::Duration;

/// Something that happens once. Clones are the same event.
#[derive(Clone, Default)]
pub(crate) struct Signal(Arc<(Mutex<State>, Condvar)>);

#[derive(Default)]
struct State {
    raised: bool,
    waker: Option<Waker>,
}

impl Signal {
    pub(crate) fn raise(&self) {
        let mut state = self.state();
        state.raised = true;
        let waker = state.waker.take();
        drop(state);
        self.0.1.notify_all();
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    pub(crate) fn is_raised(&self) -> bool {
        self.state().raised
    }

    /// Whether it happened within `limit`.
    pub(crate) fn wait(&self, limit: Duration) -> bool {
        let waited = self.0.1.wait_timeout_while(self.state(), limit, |state| !state.raised);
        waited.unwrap_or_else(PoisonError::into_inner).0.raised
    }

    /// Ends when it happens. One at a time may wait this way.
    pub(crate) async fn happens(&self) {
        poll_fn(|context| {
            let mut state = self.state();
            if state.raised {
                return Poll::Ready(());
            }
            state.waker = Some(context.waker().clone());
            Poll::Pending
        })
        .await;
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The output of `work`, or none if `signal` was raised first; `work` is dropped either way.
pub(crate) async fn unless<T>(work: impl Future<Output = T>, signal: &Signal) -> Option<T> {
    let mut work = pin!(work);
    let mut signal = pin!(signal.happens());
    poll_fn(|context| match work.as_mut().poll(context) {
        Poll::Ready(output) => Poll::Ready(Some(output)),
        Poll::Pending => signal.as_mut().poll(context).map(|()| None),
    })
    .await
}

/// Polls all of them at once.
pub(crate) async fn all<T>(work: Vec<impl Future<Output = T>>) -> Vec<T> {
    let mut work: Vec<_> = work.into_iter().map(|work| (Box::pin(work), None)).collect();
    poll_fn(|context| {
        let mut pending = false;
        for (future, output) in &mut work {
            if output.is_none() {
                match future.as_mut().poll(context) {
                    Poll::Ready(value) => *output = Some(value),
                    Poll::Pending => pending = true,
                }
            }
        }
        if pending { Poll::Pending } else { Poll::Ready(()) }
    })
    .await;
    work.into_iter().filter_map(|(_, output)| output).collect()
}
