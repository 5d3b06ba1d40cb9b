//! Who runs tasks and who waits: given to the manager, not switched by a feature.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use countersign_core::Runtime;

use crate::store::BootTime;

/// Something to run to its end.
pub type Task = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Runs tasks on their own, so that whoever began one may go away.
pub trait Spawner: fmt::Debug + Send + Sync + 'static {
    /// Begins to run `task`. One that is dropped before its end counts as the death of the process
    /// for what it was doing.
    ///
    /// # Errors
    ///
    /// [`NotSpawned`] when no task can be begun, such as after the executor has shut down.
    fn spawn(&self, task: Task) -> Result<(), NotSpawned>;

    /// The async runtime that its tasks run in. None by default.
    fn runtime(&self) -> Runtime {
        Runtime::Any
    }
}

/// Waits, and knows how long it has been.
pub trait Timer: fmt::Debug + Send + Sync + 'static {
    /// Ends after `duration`, or a little later.
    fn sleep(&self, duration: Duration) -> Task;

    /// How long it has been since some instant that stays the same, by a clock that nobody sets and
    /// that runs on while the machine sleeps. By default [`BootTime::elapsed`]; `None` where there
    /// is no such clock, so that the wall clock alone says how long something took.
    fn elapsed(&self) -> Option<Duration> {
        BootTime::elapsed()
    }
}

/// A task could not be begun.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the executor begins no task: it has shut down, or has no room")]
pub struct NotSpawned;

/// Tasks and timers of a tokio runtime, whose time driver has to be on.
#[cfg(feature = "tokio")]
#[derive(Debug, Clone)]
pub struct TokioExecutor(tokio::runtime::Handle);

#[cfg(feature = "tokio")]
impl TokioExecutor {
    /// The runtime that this is called in.
    ///
    /// # Errors
    ///
    /// [`NotSpawned`] outside of a runtime.
    pub fn current() -> Result<Self, NotSpawned> {
        tokio::runtime::Handle::try_current().map(Self).map_err(|_| NotSpawned)
    }

    /// The runtime of this handle.
    #[must_use]
    pub fn new(handle: tokio::runtime::Handle) -> Self {
        Self(handle)
    }
}

#[cfg(feature = "tokio")]
impl Spawner for TokioExecutor {
    fn spawn(&self, task: Task) -> Result<(), NotSpawned> {
        // After shutdown tokio drops the task at once, which its own guard reports.
        drop(self.0.spawn(task));
        Ok(())
    }

    fn runtime(&self) -> Runtime {
        Runtime::Tokio
    }
}

#[cfg(feature = "tokio")]
impl Timer for TokioExecutor {
    #[expect(clippy::disallowed_methods, reason = "the timer that everything else waits by")]
    fn sleep(&self, duration: Duration) -> Task {
        let _inside = self.0.enter();
        Box::pin(tokio::time::sleep(duration))
    }
}

/// Tasks on plain threads, one each, for transports that need no async runtime.
#[cfg(feature = "threads")]
#[derive(Debug, Clone, Copy, Default)]
pub struct ThreadExecutor;

#[cfg(feature = "threads")]
impl Spawner for ThreadExecutor {
    fn spawn(&self, task: Task) -> Result<(), NotSpawned> {
        let thread = std::thread::Builder::new().name("countersign".to_owned());
        thread.spawn(|| futures_lite::future::block_on(task)).map(drop).map_err(|_| NotSpawned)
    }
}

#[cfg(feature = "threads")]
impl Timer for ThreadExecutor {
    fn sleep(&self, duration: Duration) -> Task {
        Box::pin(async move {
            async_io::Timer::after(duration).await;
        })
    }
}
