//! Work that blocks, on threads of its own.

use std::sync::Arc;
use std::thread;

use async_lock::{Mutex, MutexGuardArc};

use crate::store::{StoreError, StoreErrorKind};

/// One piece of work at a time: further work waits without a thread.
pub(super) type Turn = Arc<Mutex<()>>;

/// Runs `work` on a new thread when `turn` is free. Dropping the future leaves the thread to finish,
/// with the turn. `work` can ask whether the future was dropped: whether the outcome is wanted.
pub(super) async fn on_a_thread<T: Send + 'static>(
    turn: &Turn,
    work: impl FnOnce(&dyn Fn() -> bool) -> Result<T, StoreError> + Send + 'static,
) -> Result<T, StoreError> {
    let turn = turn.lock_arc().await;
    let outcome = Arc::new(Mutex::new(None));
    let mut place = outcome.lock_arc().await;
    let run = move || {
        let done = work(&|| Arc::strong_count(MutexGuardArc::source(&place)) > 1);
        *place = Some(done);
        drop((turn, place));
    };
    let unavailable = |why| StoreError::new(StoreErrorKind::Unavailable).with_source(why);
    let thread = thread::Builder::new().name("countersign-file".to_owned());
    thread.spawn(run).map_err(|error| unavailable(format!("cannot start a thread: {error}")))?;
    // A thread that panics unlocks the outcome too.
    let done = outcome.lock().await.take();
    done.unwrap_or_else(|| Err(unavailable("the thread of the step panicked".to_owned())))
}
