//! Refreshing grants ahead of time, whether a caller asks for them or not.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, VecDeque};
use std::fmt;
use std::sync::{Arc, Weak};
use std::time::Duration;

use futures_lite::future;

use super::backoff::{Early, backoff};
use super::close::{Closing, Ongoing};
use super::engine::Engine;
use super::grant::Remembered;
use super::leader::{Leader, Turn};
use super::refresh::driver::{self, Cause};
use super::store_clock::{Moment, Reading};
use crate::error::{TokenError, TokenErrorKind};
use crate::event::Event;
use crate::executor::Timer;
use crate::key::GrantKey;
use crate::rules::{Judged, Obstacle};
use crate::store::{Due, Randomness, Record, Version};

/// Keeps the grants of a manager fresh until it is dropped: see
/// [`TokenManager::keep_fresh`](crate::TokenManager::keep_fresh).
#[must_use = "dropping it ends the refreshing"]
pub struct KeepFresh {
    _alive: Arc<()>,
}

/// The most grants of one page.
const PAGE: usize = 1024;

/// The most grants that wait for their time in memory. Further pages are read later.
const MOST_WAITING: usize = 8 * PAGE;

/// How long grants are put off while an outage lasts.
const PUT_OFF: Duration = Duration::from_secs(5);

/// The shortest time between two scans, and about the longest after the end of another process's
/// lease.
const STEP: Duration = Duration::from_secs(1);

/// Starts the scheduler.
pub(super) fn keep_fresh(engine: &Arc<Engine>) -> Result<KeepFresh, TokenError> {
    let alive = Arc::new(());
    let scheduler = Scheduler {
        engine: Arc::downgrade(engine),
        alive: Arc::downgrade(&alive),
        _ongoing: engine.closing.begin(None)?,
        closing: Arc::clone(&engine.closing),
        timer: Arc::clone(&engine.timer),
        randomness: Arc::clone(&engine.randomness),
        leaders: Vec::new(),
    };
    let spawned = engine.spawner.spawn(Box::pin(scheduler.run()));
    spawned.map_err(|_| TokenError::new(TokenErrorKind::Interrupted))?;
    Ok(KeepFresh { _alive: alive })
}

/// Holds the engine only while it works, so that waiting does not keep the manager.
struct Scheduler {
    engine: Weak<Engine>,
    alive: Weak<()>,
    _ongoing: Ongoing,
    closing: Arc<Closing>,
    timer: Arc<dyn Timer>,
    randomness: Arc<dyn Randomness>,
    leaders: Vec<Leader>,
}

/// A scan of all that is due.
struct Scan {
    began: Moment,
    /// How long the scan has lasted.
    passed: Duration,
    /// When the scan is over. Sooner than usual if grants were put off since an outage lasts.
    length: Duration,
    /// The grants that wait for the time at which they are due.
    waiting: BinaryHeap<Reverse<(Duration, Due)>>,
    /// The grants that wait for the rate limit of their client after an outage, and until when.
    limited: BTreeMap<GrantKey, (Duration, VecDeque<GrantKey>)>,
    /// How many grants of each client come due after the pages were read.
    coming: BTreeMap<GrantKey, u32>,
    /// Where the next page begins.
    next: Option<Due>,
    /// Whether there is a page to be read.
    has_more: bool,
}

impl Scheduler {
    async fn run(mut self) {
        let mut failures = 0;
        while let Some(engine) = self.engine() {
            let turn = self.turn(&engine).await;
            let (began, period) = (engine.moment(), engine.timing.scan_period);
            drop(engine);
            let scanned = match turn {
                Ok(Turn::Own) => self.scan(began, period).await,
                Ok(Turn::Others(left)) => {
                    // A little later, and not all standbys at once.
                    let late = STEP.mul_f64(1.0 + self.randomness.fraction());
                    self.sleep(left + late).await;
                    Ok(())
                }
                Err(error) => Err(error),
            };
            match scanned {
                Ok(()) => failures = 0,
                // Callers report the store's failure too.
                Err(_) => {
                    failures += 1;
                    self.sleep(STEP + backoff(failures, &*self.randomness)).await;
                }
            }
        }
        if let Some(engine) = self.engine.upgrade() {
            for leader in &mut self.leaders {
                leader.resign(&engine).await;
            }
        }
    }

    fn engine(&self) -> Option<Arc<Engine>> {
        let is_over = self.alive.strong_count() == 0 || self.closing.is_closed();
        self.engine.upgrade().filter(|_| !is_over)
    }

    /// Waits for so long, or until the manager is closed.
    async fn sleep(&self, duration: Duration) {
        future::or(self.closing.closed(), self.timer.sleep(duration)).await;
    }

    /// Takes part in the election of each client. Returns [`Turn::Own`] if this process leads for
    /// one of them.
    async fn turn(&mut self, engine: &Engine) -> Result<Turn, TokenError> {
        let mut clients: Vec<_> = engine.clients.pin().values().cloned().collect();
        clients.sort_unstable_by(|one, other| one.key.cmp(&other.key));
        for client in clients {
            if !self.leaders.iter().any(|it| Arc::ptr_eq(&it.client, &client)) {
                self.leaders.push(Leader::new(engine, client)?);
            }
        }
        let mut turn = None;
        for leader in &mut self.leaders {
            turn = match (turn, leader.turn(engine).await?) {
                (Some(Turn::Own), _) | (_, Turn::Own) => Some(Turn::Own),
                (Some(Turn::Others(one)), Turn::Others(other)) => {
                    Some(Turn::Others(one.min(other)))
                }
                (None, turn) => Some(turn),
            };
        }
        Ok(turn.unwrap_or(Turn::Others(engine.timing.scan_period)))
    }

    /// Refreshes what is due within a scan period, each grant at its time.
    async fn scan(&mut self, began: Moment, period: Duration) -> Result<(), TokenError> {
        let mut scan = Scan {
            began,
            passed: Duration::ZERO,
            length: period.max(STEP),
            waiting: BinaryHeap::new(),
            limited: BTreeMap::new(),
            coming: BTreeMap::new(),
            next: None,
            has_more: true,
        };
        // The lease has to be renewed once a period.
        while let Some(engine) = self.engine().filter(|_| scan.passed < scan.length) {
            if scan.has_more && scan.waiting.len() < MOST_WAITING {
                self.read_page(&engine, &mut scan).await?;
                continue;
            }
            if let Some(key) = scan.pop() {
                scan.start(&engine, key);
                continue;
            }
            let wait = scan.wait();
            drop(engine);
            self.sleep(wait).await;
            scan.passed += wait;
            // Sleeping may take longer.
            if let Some(engine) = self.engine() {
                scan.passed = scan.passed.max(scan.began.until(engine.moment()));
            }
        }
        Ok(())
    }

    async fn read_page(&self, engine: &Arc<Engine>, scan: &mut Scan) -> Result<(), TokenError> {
        let (page, reading) = engine.due(scan.next.as_ref(), PAGE).await?;
        scan.has_more = page.next.is_some();
        let span = page.next.as_ref().map(|last| last.due_at.since(reading.read_at));
        scan.next = page.next;
        if let Some(error) = page.skipped.into_iter().next() {
            engine.notify(&Event::Skipped { error });
        }
        for (key, record) in page.records {
            if self.leads(&key)
                && let Some(due_at) = record.due_at
                && should_refresh(engine, &key, &record, reading).await
            {
                let left = due_at.since(reading.read_at);
                if let Some(client) = key.client().filter(|_| !left.is_zero()) {
                    *scan.coming.entry(client).or_default() += 1;
                }
                scan.waiting.push(Reverse((scan.passed + left, Due { due_at, key })));
            }
        }
        let seconds = span.unwrap_or(engine.timing.scan_period).max(STEP).as_secs_f64();
        for leader in &self.leaders {
            let coming = scan.coming.get(&leader.client.key).copied().unwrap_or_default();
            leader.client.circuit.expect(f64::from(coming) / seconds);
        }
        Ok(())
    }

    fn leads(&self, key: &GrantKey) -> bool {
        let client = key.client();
        self.leaders.iter().any(|it| it.leads() && client.as_ref() == Some(&it.client.key))
    }
}

/// Returns whether the grant of this record is to be refreshed, and keeps the record for that.
async fn should_refresh(
    engine: &Arc<Engine>,
    key: &GrantKey,
    record: &Record,
    reading: Reading,
) -> bool {
    let Ok(grant) = engine.grant(key) else { return false };
    let now = reading.now(engine.moment());
    if grant.client.rules.obstacle(record, now) == Some(Obstacle::Unknown) {
        // Nothing can be done for it. Marked, it does not stand first in every page.
        if let Ok(version) = Version::draw(&*engine.randomness)
            && let Judged::Write(next) = grant.client.rules.report(record, now, version)
        {
            let _ = engine.swap(key, Some(record.version), Some(&next)).await;
        }
        return false;
    }
    if grant.is_backing_off(engine.now()) {
        return false;
    }
    let mut work = grant.work();
    let is_newer = |it: &Remembered| {
        it.record.epoch != record.epoch || it.record.generation <= record.generation
    };
    if work.flight.is_none() && work.memory.as_deref().is_none_or(is_newer) {
        work.memory = Some(Box::new(Remembered { record: record.clone(), reading }));
    }
    true
}

impl Scan {
    /// Takes a grant out whose time has come.
    fn pop(&mut self) -> Option<GrantKey> {
        let passed = self.passed;
        let is_ready = |it: &&mut (Duration, VecDeque<GrantKey>)| it.0 <= passed;
        let mut limited = self.limited.values_mut().filter(is_ready);
        if let Some(key) = limited.find_map(|(_, queue)| queue.pop_front()) {
            return Some(key);
        }
        let next = self.waiting.peek().filter(|Reverse((at, _))| *at <= passed);
        next?;
        self.waiting.pop().map(|Reverse((_, due))| due.key)
    }

    /// Returns how long to wait for the next grant, or for the end.
    fn wait(&self) -> Duration {
        let limited = self.limited.values().filter(|(_, queue)| !queue.is_empty());
        let waiting = self.waiting.peek().map(|Reverse((at, _))| *at);
        let next = limited.map(|(until, _)| *until).chain(waiting).min();
        next.map_or(self.length, |at| at.min(self.length)).saturating_sub(self.passed)
    }

    /// Starts the refresh of a grant, unless an outage holds it back.
    fn start(&mut self, engine: &Arc<Engine>, key: GrantKey) {
        let Ok(grant) = engine.grant(&key) else { return };
        if grant.is_backing_off(engine.now()) {
            return;
        }
        let (until, queue) = self.limited.entry(grant.client.key.clone()).or_default();
        // The others of the client come first.
        if self.passed < *until {
            queue.push_back(key);
            return;
        }
        match grant.client.circuit.early(engine.now()) {
            // Events report the outcome.
            Early::Yes => drop(driver::start(&grant, Cause::Due)),
            Early::In(wait) => {
                *until = self.passed + wait;
                queue.push_front(key);
            }
            Early::No => self.length = self.length.min(self.passed + PUT_OFF),
        }
    }
}

impl fmt::Debug for KeepFresh {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeepFresh")
    }
}
