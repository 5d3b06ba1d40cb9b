//! A manager over a sandbox, and a store that fails on demand.

use std::collections::HashMap;
use std::error::Error;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use countersign::{ReqwestTransport, Transport};
use countersign_sandbox::Config;
use countersign_tests::{Fault as StoreFault, FaultyStore, Fixture, Injector, Step, TestResult};
use countersign_tokens::{
    Epoch, Event, GrantKey, GrantState, GrantStore, MemoryStore, Payload, Record, StoreError,
    StoreErrorKind, StoreTime, Swap, TokenManager, TokioExecutor, Version,
};
use tokio::sync::{Notify, watch};

/// How a store is: what it does on either side of a step, for as long as it is told to.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    effects: Mutex<HashMap<(Step, StoreFault), Effect>>,
    changed: Notify,
    /// How often it has had its effect.
    had: AtomicU32,
    /// How often each step was taken.
    steps: Mutex<HashMap<Step, u32>>,
    /// How many steps it lets wait.
    held: watch::Sender<u32>,
}

/// What a store may do in place of going on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Effect {
    Fail(StoreErrorKind),
    /// Wait until it is told otherwise.
    Hold,
    Panic,
}

impl Faults {
    /// From now on.
    pub(crate) fn set(&self, step: Step, side: StoreFault, effect: Effect) {
        self.effects().insert((step, side), effect);
    }

    /// Back to normal.
    pub(crate) fn calm(&self) {
        self.effects().clear();
        self.held.send_replace(0);
        self.changed.notify_waiters();
    }

    pub(crate) fn break_writes(&self) {
        for step in [Step::Insert, Step::Save] {
            self.set(step, StoreFault::Before, Effect::Fail(StoreErrorKind::Full));
        }
    }

    /// How often it has had a effect.
    pub(crate) fn had(&self) -> u32 {
        self.had.load(Ordering::SeqCst)
    }

    /// Returns how often each step was taken since this was asked last.
    pub(crate) fn steps(&self) -> HashMap<Step, u32> {
        std::mem::take(&mut *self.steps.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Waits until a step is held.
    pub(crate) async fn wait_for_held(&self) {
        let _ = self.held.subscribe().wait_for(|held| *held > 0).await;
    }

    fn effects(&self) -> MutexGuard<'_, HashMap<(Step, StoreFault), Effect>> {
        self.effects.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Injector for Faults {
    #[expect(clippy::panic, reason = "what happens when a store panics is what is tested")]
    async fn at(&self, step: Step, side: StoreFault) -> Result<(), StoreError> {
        if side == StoreFault::Before {
            let mut steps = self.steps.lock().unwrap_or_else(PoisonError::into_inner);
            *steps.entry(step).or_default() += 1;
        }
        loop {
            let changed = self.changed.notified();
            let Some(effect) = self.effects().get(&(step, side)).copied() else { return Ok(()) };
            self.had.fetch_add(1, Ordering::SeqCst);
            match effect {
                Effect::Fail(kind) => return Err(StoreError::new(kind)),
                Effect::Panic => panic!("the store's own fault"),
                Effect::Hold => {
                    self.held.send_modify(|held| *held += 1);
                    changed.await;
                }
            }
        }
    }
}

/// A sandbox, a manager and one grant.
pub(crate) struct World {
    pub(crate) at: Fixture,
    pub(crate) store: FaultyStore,
    pub(crate) faults: Arc<Faults>,
    pub(crate) tokens: TokenManager,
    pub(crate) key: GrantKey,
    events: Arc<(Mutex<Vec<Event>>, Notify)>,
}

impl World {
    /// With a grant that is adopted already.
    pub(crate) async fn start(config: Config) -> Result<Self, Box<dyn Error>> {
        let world = Self::empty(config).await?;
        world.tokens.insert(&world.key, world.at.authorized().await?.into_tokens()).await?;
        Ok(world)
    }

    /// Without a grant.
    pub(crate) async fn empty(config: Config) -> Result<Self, Box<dyn Error>> {
        Self::with_transport(config, ReqwestTransport::new()?).await
    }

    /// Without a grant, over this transport.
    pub(crate) async fn with_transport(
        config: Config,
        transport: impl Transport,
    ) -> Result<Self, Box<dyn Error>> {
        let at = Fixture::with_transport(config, transport).await?;
        let faults = Arc::<Faults>::default();
        let memory = MemoryStore::with_clock(at.clock.clone());
        let store = FaultyStore::new(memory, Arc::clone(&faults) as Arc<dyn Injector>);
        let events = Arc::new((Mutex::default(), Notify::new()));
        let tokens = Self::manager(&at, &store, &events)?;
        let key = tokens.key("user 42")?;
        Ok(Self { at, store, faults, tokens, key, events })
    }

    /// A manager on the same store, as another process would have.
    pub(crate) fn another(&self) -> Result<TokenManager, Box<dyn Error>> {
        Self::manager(&self.at, &self.store, &self.events)
    }

    fn manager(
        at: &Fixture,
        store: &FaultyStore,
        events: &Arc<(Mutex<Vec<Event>>, Notify)>,
    ) -> Result<TokenManager, Box<dyn Error>> {
        let events = Arc::clone(events);
        let told = move |event: &Event| {
            events.0.lock().unwrap_or_else(PoisonError::into_inner).push(event.clone());
            events.1.notify_waiters();
        };
        let builder = TokenManager::builder(at.client.clone(), store.clone());
        Ok(builder.executor(TokioExecutor::current()?).on_event(told).build()?)
    }

    /// Writes a grant with this payload, which is due, where nothing is.
    pub(crate) async fn write_payload(&self, payload: &[u8]) -> TestResult {
        let record = Record {
            state: GrantState::Live,
            due_at: Some(StoreTime::default()),
            payload: Payload::new(payload.to_vec()),
            ..Record::tombstone(Epoch::random()?, 1, Version::random()?)
        };
        let swapped = self.store.swap(&self.key, None, Some(&record)).await?;
        assert!(matches!(swapped, Swap::Done(_)));
        Ok(())
    }

    /// Waits for an event.
    pub(crate) async fn event(&self, is_it: impl Fn(&Event) -> bool) -> Event {
        loop {
            let told = self.events.1.notified();
            let seen = self
                .events
                .0
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .iter()
                .find(|it| is_it(it))
                .cloned();
            match seen {
                Some(event) => return event,
                None => told.await,
            }
        }
    }

    /// Waits until a grant has been refreshed to its generation after so many refreshes.
    pub(crate) async fn event_of_refresh(&self, refreshes: u64) {
        let is_it = |event: &Event| match event {
            Event::Refreshed { generation, .. } => *generation > refreshes,
            _ => false,
        };
        self.event(is_it).await;
    }

    /// The refreshes that the server has seen.
    pub(crate) fn refreshes(&self) -> u64 {
        self.at.sandbox.counts().token_refresh
    }

    /// Moves the clocks to where the access token has ended.
    pub(crate) fn expire(&self) {
        self.at.advance(Duration::from_secs(2 * 3600));
    }
}

/// Lets the other tasks come to where they wait.
pub(crate) async fn others_go_on() {
    for _ in 0..1000 {
        tokio::task::yield_now().await;
    }
}
