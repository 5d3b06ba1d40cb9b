use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use countersign_core::Transport;

use crate::conformance::signal::{Signal, unless};
use crate::verdict::Broken;

/// What an executor is given to run to its end.
pub type Work<'a> = Pin<Box<dyn Future<Output = ()> + 'a>>;

/// The transport that is judged, and how its futures are run.
pub struct Subject<'a> {
    make: Box<dyn Fn() -> Box<dyn Transport> + 'a>,
    block_on: Box<dyn Fn(Work<'_>) + 'a>,
}

/// Longer than any rule keeps a transport waiting.
const NEVER: Duration = Duration::from_secs(60);

impl<'a> Subject<'a> {
    /// Judges what `make` makes, a new one for each rule, with its futures run by `block_on`.
    pub fn new<T: Transport>(make: impl Fn() -> T + 'a, block_on: impl Fn(Work<'_>) + 'a) -> Self {
        Self { make: Box::new(move || Box::new(make())), block_on: Box::new(block_on) }
    }

    pub(crate) fn transport(&self) -> Box<dyn Transport> {
        (self.make)()
    }

    /// Runs it to its end. A call that does not end within a minute is a broken rule, not a test
    /// that hangs.
    pub(crate) fn run<T>(&self, work: impl Future<Output = T>) -> Result<T, Broken> {
        let late = Signal::default();
        let (done, over) = mpsc::channel::<()>();
        let watch = late.clone();
        thread::spawn(move || {
            if over.recv_timeout(NEVER) == Err(mpsc::RecvTimeoutError::Timeout) {
                watch.raise();
            }
        });
        let mut output = None;
        (self.block_on)(Box::pin(async { output = unless(work, &late).await }));
        drop(done);
        output.ok_or_else(|| Broken::new("the call never ended, or `block_on` did not run it"))
    }
}

impl fmt::Debug for Subject<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subject").finish_non_exhaustive()
    }
}
