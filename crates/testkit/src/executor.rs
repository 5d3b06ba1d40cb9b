use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::fmt;
use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use countersign_core::Clock;
use countersign_tokens::{NotSpawned, Spawner, Task, Timer};
use time::OffsetDateTime;

use crate::ManualClock;

/// Runs tasks in one thread, and has time pass when they all wait: days in a moment.
///
/// Give it to a `TokenManager` as executor, and [`clock`](Self::clock) to its client and its
/// store. Clones share tasks and time.
///
/// ```
/// use std::time::Duration;
/// use countersign_core::Clock;
/// use countersign_testkit::VirtualExecutor;
/// use countersign_tokens::Timer;
///
/// let executor = VirtualExecutor::default();
/// let began = executor.clock().now();
/// executor.block_on(executor.sleep(Duration::from_secs(7 * 24 * 3600)));
/// assert_eq!((executor.clock().now() - began).whole_days(), 7);
/// ```
#[derive(Clone, Default)]
pub struct VirtualExecutor(Arc<Inner>);

#[derive(Default)]
struct Inner {
    clock: ManualClock,
    ready: Mutex<VecDeque<Arc<Spawned>>>,
    sleepers: Mutex<BinaryHeap<Reverse<Sleeper>>>,
}

impl VirtualExecutor {
    /// The clock that it moves.
    #[must_use]
    pub fn clock(&self) -> ManualClock {
        self.0.clock.clone()
    }

    /// Runs `work`, and the tasks beside it, until `work` is done. The tasks stay.
    ///
    /// # Panics
    ///
    /// When `work` waits for something that no task will do and no time will bring.
    pub fn block_on<T>(&self, work: impl Future<Output = T>) -> T {
        let mut work = pin!(work);
        let woken = Arc::new(Flag(AtomicBool::new(true)));
        let waker = Waker::from(Arc::clone(&woken));
        loop {
            if woken.0.swap(false, Ordering::SeqCst)
                && let Poll::Ready(done) = work.as_mut().poll(&mut Context::from_waker(&waker))
            {
                return done;
            }
            let has_run = self.run_ready();
            if !has_run && !woken.0.load(Ordering::SeqCst) {
                assert!(self.wake_next(), "the work waits for what will never happen");
            }
        }
    }

    /// Runs the tasks that can go on; whether there were any.
    fn run_ready(&self) -> bool {
        let mut has_run = false;
        loop {
            let Some(task) = locked(&self.0.ready).pop_front() else { return has_run };
            has_run = true;
            task.run();
        }
    }

    /// Has time pass until the next sleeper wakes; whether there is one.
    fn wake_next(&self) -> bool {
        let Some(Reverse(next)) = locked(&self.0.sleepers).pop() else { return false };
        let left = next.at - self.0.clock.now();
        self.0.clock.advance(Duration::try_from(left).unwrap_or_default());
        next.waker.wake();
        true
    }
}

impl Spawner for VirtualExecutor {
    fn spawn(&self, task: Task) -> Result<(), NotSpawned> {
        let executor = Arc::downgrade(&self.0);
        let spawned = Spawned { task: Mutex::new(Some(task)), executor, is_queued: true.into() };
        locked(&self.0.ready).push_back(Arc::new(spawned));
        Ok(())
    }
}

impl Timer for VirtualExecutor {
    fn sleep(&self, duration: Duration) -> Task {
        let millis = i64::try_from(duration.as_nanos().div_ceil(1_000_000)).unwrap_or(i64::MAX);
        let now = self.0.clock.now();
        let at = now.saturating_add(time::Duration::milliseconds(millis));
        Box::pin(Sleep { at, executor: Arc::clone(&self.0) })
    }

    fn elapsed(&self) -> Option<Duration> {
        Duration::try_from(self.0.clock.now() - OffsetDateTime::UNIX_EPOCH).ok()
    }
}

impl fmt::Debug for VirtualExecutor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "VirtualExecutor({})", self.0.clock.now())
    }
}

/// A task, and whether it waits for its turn already.
struct Spawned {
    task: Mutex<Option<Task>>,
    executor: std::sync::Weak<Inner>,
    is_queued: AtomicBool,
}

impl Spawned {
    fn run(self: &Arc<Self>) {
        self.is_queued.store(false, Ordering::SeqCst);
        // Taken out, so that a task that panics is gone.
        let Some(mut task) = locked(&self.task).take() else { return };
        let waker = Waker::from(Arc::clone(self));
        if task.as_mut().poll(&mut Context::from_waker(&waker)).is_pending() {
            *locked(&self.task) = Some(task);
        }
    }
}

impl Wake for Spawned {
    fn wake(self: Arc<Self>) {
        let Some(executor) = self.executor.upgrade() else { return };
        if !self.is_queued.swap(true, Ordering::SeqCst) {
            locked(&executor.ready).push_back(self);
        }
    }
}

/// Whether the work that is blocked on can go on.
struct Flag(AtomicBool);

impl Wake for Flag {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::SeqCst);
    }
}

struct Sleep {
    at: OffsetDateTime,
    executor: Arc<Inner>,
}

impl Future for Sleep {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        if self.at <= self.executor.clock.now() {
            return Poll::Ready(());
        }
        let waker = context.waker().clone();
        locked(&self.executor.sleepers).push(Reverse(Sleeper { at: self.at, waker }));
        Poll::Pending
    }
}

/// Who is to be woken, and when. One that has been dropped is woken for nothing.
struct Sleeper {
    at: OffsetDateTime,
    waker: Waker,
}

impl PartialEq for Sleeper {
    fn eq(&self, other: &Self) -> bool {
        self.at == other.at
    }
}

impl Eq for Sleeper {}

impl PartialOrd for Sleeper {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Sleeper {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.at.cmp(&other.at)
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
