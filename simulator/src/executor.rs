//! Virtual time, and what is to happen in it: the tasks of processes, timers and messages.
//!
//! One thread runs everything. What is ready runs in the order in which it became ready. What comes
//! at the same instant comes in the order in which it was asked for.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, VecDeque};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use countersign_tokens::Task;

/// Virtual time since the beginning of the run, in microseconds.
pub(crate) type Micros = u64;

/// Clones share time and tasks.
#[derive(Clone, Default)]
pub(crate) struct Executor(Arc<Inner>);

#[derive(Default)]
struct Inner {
    now: AtomicU64,
    queue: Mutex<Queue>,
}

#[derive(Default)]
struct Queue {
    ready: VecDeque<Arc<Spawned>>,
    events: BinaryHeap<Reverse<Event>>,
    /// How many events and tasks there were.
    count: u64,
}

struct Event {
    at: Micros,
    number: u64,
    happens: Happens,
}

enum Happens {
    Wake(Waker),
    Call(Box<dyn FnOnce() + Send>),
}

impl Executor {
    pub(crate) fn now(&self) -> Micros {
        self.0.now.load(Relaxed)
    }

    /// Calls `what` after this time.
    pub(crate) fn after(&self, wait: Micros, what: impl FnOnce() + Send + 'static) {
        self.schedule(self.now().saturating_add(wait), Happens::Call(Box::new(what)));
    }

    fn schedule(&self, at: Micros, happens: Happens) {
        let mut queue = locked(&self.0.queue);
        let number = queue.next_number();
        queue.events.push(Reverse(Event { at, number, happens }));
    }

    /// Runs everything that happens until this instant.
    pub(crate) fn run_until(&self, end: Micros) {
        loop {
            while let Some(task) = self.next_ready() {
                task.run();
            }
            let Some(event) = self.next_event(end) else { break };
            self.0.now.fetch_max(event.at, Relaxed);
            match event.happens {
                Happens::Wake(waker) => waker.wake(),
                Happens::Call(call) => call(),
            }
        }
        self.0.now.fetch_max(end, Relaxed);
    }

    fn next_ready(&self) -> Option<Arc<Spawned>> {
        locked(&self.0.queue).ready.pop_front()
    }

    fn next_event(&self, end: Micros) -> Option<Event> {
        let mut queue = locked(&self.0.queue);
        let is_due = queue.events.peek().is_some_and(|Reverse(event)| event.at <= end);
        if is_due { queue.events.pop().map(|Reverse(event)| event) } else { None }
    }

    /// Drops everything that is still to happen.
    pub(crate) fn clear(&self) {
        let queue = std::mem::take(&mut *locked(&self.0.queue));
        drop(queue);
    }
}

impl Queue {
    fn next_number(&mut self) -> u64 {
        self.count += 1;
        self.count
    }
}

/// One run of a process, from its start to its death.
pub(crate) struct Life {
    /// Each life has its own number.
    pub(crate) number: u32,
    executor: Executor,
    is_dead: AtomicBool,
    is_paused: AtomicBool,
    /// How often it was paused.
    pauses: AtomicU32,
    tasks: Mutex<BTreeMap<u64, Arc<Spawned>>>,
    /// What became ready while the process is paused.
    held: Mutex<Vec<Arc<Spawned>>>,
}

impl Life {
    pub(crate) fn new(executor: &Executor, number: u32) -> Arc<Self> {
        Arc::new(Self {
            number,
            executor: executor.clone(),
            is_dead: AtomicBool::new(false),
            is_paused: AtomicBool::new(false),
            pauses: AtomicU32::new(0),
            tasks: Mutex::default(),
            held: Mutex::default(),
        })
    }

    pub(crate) fn spawn(self: &Arc<Self>, task: Task) {
        if self.is_dead() {
            return;
        }
        let mut queue = locked(&self.executor.0.queue);
        let spawned = Arc::new(Spawned {
            number: queue.next_number(),
            life: Arc::clone(self),
            task: Mutex::new(Some(task)),
            is_queued: AtomicBool::new(true),
        });
        locked(&self.tasks).insert(spawned.number, Arc::clone(&spawned));
        queue.ready.push_back(spawned);
    }

    pub(crate) fn sleep(&self, duration: Duration) -> Sleep {
        let micros = Micros::try_from(duration.as_nanos().div_ceil(1000)).unwrap_or(Micros::MAX);
        let at = self.executor.now().saturating_add(micros);
        Sleep { at, executor: self.executor.clone(), is_scheduled: false }
    }

    /// Drops all tasks, as a kill does.
    pub(crate) fn kill(&self) {
        self.is_dead.store(true, Relaxed);
        let tasks = std::mem::take(&mut *locked(&self.tasks));
        for task in tasks.into_values() {
            let dropped = locked(&task.task).take();
            drop(dropped);
        }
        locked(&self.held).clear();
    }

    pub(crate) fn pause(&self) {
        self.is_paused.store(true, Relaxed);
        self.pauses.fetch_add(1, Relaxed);
    }

    pub(crate) fn resume(&self) {
        self.is_paused.store(false, Relaxed);
        let held = std::mem::take(&mut *locked(&self.held));
        locked(&self.executor.0.queue).ready.extend(held);
    }

    pub(crate) fn is_dead(&self) -> bool {
        self.is_dead.load(Relaxed)
    }

    pub(crate) fn is_paused(&self) -> bool {
        self.is_paused.load(Relaxed)
    }

    pub(crate) fn pauses(&self) -> u32 {
        self.pauses.load(Relaxed)
    }
}

/// A task of a process, and whether it waits for its turn already.
struct Spawned {
    number: u64,
    life: Arc<Life>,
    task: Mutex<Option<Task>>,
    is_queued: AtomicBool,
}

impl Spawned {
    fn run(self: Arc<Self>) {
        if self.life.is_dead() {
            return;
        }
        if self.life.is_paused() {
            let life = Arc::clone(&self.life);
            locked(&life.held).push(self);
            return;
        }
        self.is_queued.store(false, Relaxed);
        let Some(mut task) = locked(&self.task).take() else { return };
        let waker = Waker::from(Arc::clone(&self));
        if task.as_mut().poll(&mut Context::from_waker(&waker)).is_pending() {
            *locked(&self.task) = Some(task);
        } else {
            locked(&self.life.tasks).remove(&self.number);
        }
    }
}

impl Wake for Spawned {
    fn wake(self: Arc<Self>) {
        if !self.life.is_dead() && !self.is_queued.swap(true, Relaxed) {
            let executor = self.life.executor.clone();
            locked(&executor.0.queue).ready.push_back(self);
        }
    }
}

/// Ends at its instant. It belongs to one task.
pub(crate) struct Sleep {
    at: Micros,
    executor: Executor,
    is_scheduled: bool,
}

impl Future for Sleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        if self.at <= self.executor.now() {
            return Poll::Ready(());
        }
        if !self.is_scheduled {
            self.is_scheduled = true;
            self.executor.schedule(self.at, Happens::Wake(context.waker().clone()));
        }
        Poll::Pending
    }
}

/// The place for one answer, and who waits for it. Clones share it.
pub(crate) struct Slot<T>(Arc<Mutex<(Option<T>, Option<Waker>)>>);

impl<T> Slot<T> {
    pub(crate) fn new() -> Self {
        Self(Arc::new(Mutex::new((None, None))))
    }

    /// Puts an answer in, unless there is one.
    pub(crate) fn put(&self, answer: T) {
        let mut slot = locked(&self.0);
        slot.0.get_or_insert(answer);
        let waker = slot.1.take();
        drop(slot);
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

impl<T> Clone for Slot<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T> Future for Slot<T> {
    type Output = T;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<T> {
        let mut slot = locked(&self.0);
        match slot.0.take() {
            Some(answer) => Poll::Ready(answer),
            None => {
                slot.1 = Some(context.waker().clone());
                Poll::Pending
            }
        }
    }
}

impl PartialEq for Event {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Event {}

impl PartialOrd for Event {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Event {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.at, self.number).cmp(&(other.at, other.number))
    }
}

/// No code under a lock panics.
pub(crate) fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_that_is_paused_goes_on_and_one_that_is_dead_does_not() {
        let executor = Executor::default();
        let reached = Arc::new(AtomicU32::new(0));
        let lives = [1, 2].map(|number| Life::new(&executor, number));
        for life in &lives {
            let (sleep, reached) = (life.sleep(Duration::from_secs(1)), Arc::clone(&reached));
            life.spawn(Box::pin(async move {
                sleep.await;
                reached.fetch_add(1, Relaxed);
            }));
        }
        executor.run_until(1);
        lives[0].pause();
        lives[1].kill();
        executor.run_until(2_000_000);
        assert_eq!(reached.load(Relaxed), 0);
        lives[0].resume();
        executor.run_until(2_000_001);
        assert_eq!(reached.load(Relaxed), 1);
    }

    #[test]
    fn what_comes_at_the_same_instant_comes_in_order() {
        let executor = Executor::default();
        let order: Arc<Mutex<Vec<u32>>> = Arc::default();
        for number in 0..100 {
            let order = Arc::clone(&order);
            executor.after(Micros::from(number % 2), move || locked(&order).push(number));
        }
        executor.run_until(1);
        let evens = (0..100).step_by(2);
        assert!(locked(&order).iter().copied().eq(evens.chain((1..100).step_by(2))));
    }
}
