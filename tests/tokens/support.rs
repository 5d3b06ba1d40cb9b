//! A manager over a sandbox, and a store that fails on demand.

use std::collections::HashMap;
use std::error::Error;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use countersign::{ReqwestTransport, Transport};
use countersign_sandbox::Config;
use countersign_tests::{Fixture, Side, Step, Watch, Watched};
use countersign_tokens::{
    Event, GrantKey, MemoryStore, StoreError, StoreErrorKind, TokenManager, TokioExecutor,
};
use tokio::sync::{Notify, watch};

/// How a store is: what it does on either side of a step, for as long as it is told to.
#[derive(Debug, Default)]
pub(crate) struct Mood {
    whims: Mutex<HashMap<(Step, Side), Whim>>,
    changed: Notify,
    /// How often it has had its whim.
    had: AtomicU32,
    /// How many steps it lets wait.
    held: watch::Sender<u32>,
}

/// What a store may do in place of going on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Whim {
    Fail(StoreErrorKind),
    /// Wait until it is told otherwise.
    Hold,
    Panic,
}

impl Mood {
    /// From now on.
    pub(crate) fn set(&self, step: Step, side: Side, whim: Whim) {
        self.whims().insert((step, side), whim);
    }

    /// Back to normal.
    pub(crate) fn calm(&self) {
        self.whims().clear();
        self.held.send_replace(0);
        self.changed.notify_waiters();
    }

    pub(crate) fn break_writes(&self) {
        for step in [Step::Adopt, Step::Save] {
            self.set(step, Side::Before, Whim::Fail(StoreErrorKind::Full));
        }
    }

    /// How often it has had a whim.
    pub(crate) fn had(&self) -> u32 {
        self.had.load(Ordering::SeqCst)
    }

    /// Waits until a step is held.
    pub(crate) async fn wait_for_held(&self) {
        let _ = self.held.subscribe().wait_for(|held| *held > 0).await;
    }

    fn whims(&self) -> MutexGuard<'_, HashMap<(Step, Side), Whim>> {
        self.whims.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Watch for Mood {
    #[expect(clippy::panic, reason = "what happens when a store panics is what is tested")]
    async fn at(&self, step: Step, side: Side) -> Result<(), StoreError> {
        loop {
            let changed = self.changed.notified();
            let Some(whim) = self.whims().get(&(step, side)).copied() else { return Ok(()) };
            self.had.fetch_add(1, Ordering::SeqCst);
            match whim {
                Whim::Fail(kind) => return Err(StoreError::new(kind)),
                Whim::Panic => panic!("the store's own fault"),
                Whim::Hold => {
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
    pub(crate) store: Watched,
    pub(crate) mood: Arc<Mood>,
    pub(crate) tokens: TokenManager,
    pub(crate) key: GrantKey,
    events: Arc<(Mutex<Vec<Event>>, Notify)>,
}

impl World {
    /// With a grant that is adopted already.
    pub(crate) async fn start(config: Config) -> Result<Self, Box<dyn Error>> {
        let world = Self::empty(config).await?;
        world.tokens.adopt(&world.key, world.at.authorized().await?.into_tokens()).await?;
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
        let mood = Arc::<Mood>::default();
        let memory = MemoryStore::with_clock(at.clock.clone());
        let store = Watched::new(memory, Arc::clone(&mood) as Arc<dyn Watch>);
        let events = Arc::new((Mutex::default(), Notify::new()));
        let tokens = Self::manager(&at, &store, &events)?;
        let key = tokens.key("user 42")?;
        Ok(Self { at, store, mood, tokens, key, events })
    }

    /// A manager on the same store, as another process would have.
    pub(crate) fn another(&self) -> Result<TokenManager, Box<dyn Error>> {
        Self::manager(&self.at, &self.store, &self.events)
    }

    fn manager(
        at: &Fixture,
        store: &Watched,
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
