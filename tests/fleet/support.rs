//! Managers in virtual time, on a store whose steps are counted and fail on demand.

use std::collections::{HashMap, HashSet};
use std::error::Error;
use std::future::poll_fn;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Poll;
use std::time::Duration;

use async_trait::async_trait;
use countersign::{AccessToken, Clock, Rotation};
use countersign_testkit::{ManualClock, SeededRandomness, VirtualExecutor};
use countersign_tests::{Fault as StoreFault, FaultyStore, Injector, Step, VirtualProvider};
use countersign_tokens::{
    Attempt, AttemptId, GrantKey, GrantStore, MemoryStore, NotSpawned, Record, Spawner, StoreError,
    StoreErrorKind, StoreTime, Swap, Task, Timer, TokenManager, TokenManagerBuilder, Version,
};

pub(crate) const LIFETIME: Duration = Duration::from_secs(3600);

/// How the store looks to one process.
#[derive(Debug)]
pub(crate) struct View {
    executor: VirtualExecutor,
    slow: Mutex<HashMap<(Step, StoreFault), Duration>>,
    failing: Mutex<HashSet<(Step, StoreFault)>>,
    steps: Mutex<HashMap<Step, u32>>,
    late: Mutex<Option<(Step, Duration)>>,
    /// Where the process dies.
    dies: Mutex<Option<(Step, StoreFault)>>,
    is_dead: Arc<AtomicBool>,
}

/// The executor of a process that may die: its tasks stop where they are.
#[derive(Debug, Clone)]
struct Mortal(VirtualExecutor, Arc<AtomicBool>);

impl Spawner for Mortal {
    fn spawn(&self, mut task: Task) -> Result<(), NotSpawned> {
        let is_dead = Arc::clone(&self.1);
        self.0.spawn(Box::pin(poll_fn(move |context| match is_dead.load(Ordering::SeqCst) {
            true => Poll::Pending,
            false => task.as_mut().poll(context),
        })))
    }
}

impl View {
    /// From now on the process dies at this step.
    pub(crate) fn die(&self, step: Step, side: StoreFault) {
        *locked(&self.dies) = Some((step, side));
    }

    pub(crate) fn is_dead(&self) -> bool {
        self.is_dead.load(Ordering::SeqCst)
    }

    /// From now on writes of this step are done so much later, and nobody hears of it.
    pub(crate) fn delay_writes(&self, step: Step, by: Duration) {
        *locked(&self.late) = Some((step, by));
    }

    /// From now on these steps fail: before, and are not done, or after, and are.
    pub(crate) fn fail(&self, step: Step, side: StoreFault) {
        locked(&self.failing).insert((step, side));
    }

    /// From now on this step is done, or its answer comes, so much later.
    pub(crate) fn slow(&self, step: Step, side: StoreFault, by: Duration) {
        locked(&self.slow).insert((step, side), by);
    }

    pub(crate) fn heal(&self) {
        locked(&self.failing).clear();
        locked(&self.slow).clear();
        *locked(&self.late) = None;
    }

    /// How often each step was taken since this was asked last.
    pub(crate) fn steps(&self) -> HashMap<Step, u32> {
        std::mem::take(&mut *locked(&self.steps))
    }
}

#[async_trait]
impl Injector for View {
    async fn at(&self, step: Step, side: StoreFault) -> Result<(), StoreError> {
        if side == StoreFault::Before {
            *locked(&self.steps).entry(step).or_default() += 1;
        }
        if *locked(&self.dies) == Some((step, side)) {
            self.is_dead.store(true, Ordering::SeqCst);
            std::future::pending::<()>().await;
        }
        let slow = locked(&self.slow).get(&(step, side)).copied();
        if let Some(by) = slow {
            self.executor.sleep(by).await;
        }
        match locked(&self.failing).contains(&(step, side)) {
            true => Err(StoreError::new(StoreErrorKind::Unavailable)),
            false => Ok(()),
        }
    }

    fn delays(&self, step: Step) -> bool {
        locked(&self.late).is_some_and(|(late, _)| late == step)
    }

    fn delay(&self, write: Task) {
        let by = locked(&self.late).map(|it| it.1).unwrap_or_default();
        let executor = self.executor.clone();
        let late = async move {
            executor.sleep(by).await;
            write.await;
        };
        let _ = self.executor.spawn(Box::pin(late));
    }
}

/// A process of the fleet.
pub(crate) struct Process {
    pub(crate) tokens: TokenManager,
    pub(crate) view: Arc<View>,
}

/// A provider, a store, and time.
pub(crate) struct Fleet {
    pub(crate) executor: VirtualExecutor,
    pub(crate) clock: ManualClock,
    pub(crate) server: VirtualProvider,
    pub(crate) store: Arc<dyn GrantStore>,
    /// The processes that were made: each draws other random bytes, in each run the same.
    processes: AtomicU64,
}

/// A clock that is off.
#[derive(Debug)]
pub(crate) struct Skewed(pub(crate) ManualClock, pub(crate) time::Duration);

impl Clock for Skewed {
    fn now(&self) -> time::OffsetDateTime {
        self.0.now() + self.1
    }
}

impl Fleet {
    pub(crate) fn new() -> Self {
        Self::of(4)
    }

    /// With so many grants at the provider.
    pub(crate) fn of(grants: usize) -> Self {
        let executor = VirtualExecutor::default();
        let server = VirtualProvider::new(executor.clock(), grants, LIFETIME);
        let store = MemoryStore::with_clock(executor.clock());
        Self { server, ..Self::on(executor, store) }
    }

    pub(crate) fn on(executor: VirtualExecutor, store: impl GrantStore) -> Self {
        let clock = executor.clock();
        let server = VirtualProvider::new(clock.clone(), 4, LIFETIME);
        Self { executor, clock, server, store: Arc::new(store), processes: AtomicU64::new(0) }
    }

    /// The same at this provider.
    pub(crate) fn at(self, server: VirtualProvider) -> Self {
        Self { server, ..self }
    }

    /// The same at a provider whose answers take so long.
    pub(crate) fn with_latency(self, latency: Duration) -> Self {
        let server = self.server.clone().with_latency(&self.executor, latency);
        self.at(server)
    }

    /// The same at a provider that rotates so.
    pub(crate) fn rotating(self, rotation: Rotation) -> Self {
        Self { server: self.server.with_rotation(rotation), ..self }
    }

    pub(crate) fn process(&self) -> Result<Process, Box<dyn Error>> {
        self.process_with(self.clock.clone(), |builder| builder)
    }

    /// A process with this clock.
    pub(crate) fn process_with(
        &self,
        clock: impl Clock,
        with: impl FnOnce(TokenManagerBuilder) -> TokenManagerBuilder,
    ) -> Result<Process, Box<dyn Error>> {
        let view = Arc::new(View {
            executor: self.executor.clone(),
            slow: Mutex::default(),
            failing: Mutex::default(),
            steps: Mutex::default(),
            late: Mutex::default(),
            dies: Mutex::default(),
            is_dead: Arc::default(),
        });
        let store =
            FaultyStore::shared(Arc::clone(&self.store), Arc::clone(&view) as Arc<dyn Injector>);
        let client = self.server.client_with(clock)?;
        let mortal = Mortal(self.executor.clone(), Arc::clone(&view.is_dead));
        let seed = self.processes.fetch_add(1, Ordering::Relaxed);
        let builder = TokenManager::builder(client, store)
            .spawner(mortal)
            .timer(self.executor.clone())
            .danger_randomness(SeededRandomness::new(seed));
        Ok(Process { tokens: with(builder).build()?, view })
    }

    /// Runs `work` to its end; time passes when it waits.
    pub(crate) fn run<T>(&self, work: impl Future<Output = T>) -> T {
        self.executor.block_on(work)
    }

    pub(crate) async fn pass(&self, seconds: u64) {
        self.executor.sleep(Duration::from_secs(seconds)).await;
    }

    pub(crate) async fn insert(
        &self,
        by: &Process,
        grant: usize,
    ) -> Result<GrantKey, Box<dyn Error>> {
        let key = by.tokens.key(&format!("user {grant}"))?;
        by.tokens.insert(&key, self.server.tokens(grant)?).await?;
        Ok(key)
    }

    pub(crate) async fn record(&self, key: &GrantKey) -> Result<Record, Box<dyn Error>> {
        Ok(self.store.load(key).await?.record.ok_or("it is not there")?)
    }

    /// What the store's clock shows.
    pub(crate) async fn store_time(&self) -> Result<StoreTime, Box<dyn Error>> {
        Ok(self.store.due(Duration::ZERO, None, 1).await?.read_at)
    }

    /// Writes what `change` makes of the record, as another process would.
    pub(crate) async fn rewrite(
        &self,
        key: &GrantKey,
        change: impl FnOnce(&mut Record, StoreTime),
    ) -> countersign_tests::TestResult {
        let loaded = self.store.load(key).await?;
        let mut record = loaded.record.ok_or("it is not there")?;
        let expected = record.version;
        record.version = Version::random()?;
        change(&mut record, loaded.read_at);
        let swapped = self.store.swap(key, Some(expected), Some(&record)).await?;
        assert!(matches!(swapped, Swap::Done(_)), "another process was faster");
        Ok(())
    }

    /// Begins an attempt, as a process does that dies before it sends.
    pub(crate) async fn begin_and_die(
        &self,
        key: &GrantKey,
        lease: Duration,
    ) -> Result<AttemptId, Box<dyn Error>> {
        let id = AttemptId::random()?;
        self.rewrite(key, |record, at| {
            record.attempts.push(Attempt { id, at, lease_until: at.plus(lease) });
        })
        .await?;
        Ok(id)
    }

    /// How often this grant was refreshed.
    pub(crate) fn refreshed(&self, grant: usize) -> u32 {
        self.server.seen().refreshed[grant]
    }

    /// Fails for a token that has ended, or a refresh token that was sent twice.
    pub(crate) fn judge(&self, token: &AccessToken) -> countersign_tests::TestResult {
        assert_eq!(self.server.seen().double_spends, 0);
        self.server.serves(token)
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
