//! A manager over a sandbox, and a store that fails on demand.

use std::error::Error;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use countersign_sandbox::Config;
use countersign_tests::Fixture;
use countersign_tokens::{
    Adopt, Begin, Clear, Due, Epoch, Event, Forget, GrantKey, GrantStore, Mark, MemoryStore,
    Record, Renew, Reseal, Save, StoreError, StoreErrorKind, TokenManager, TokioExecutor, Verdict,
};
use tokio::sync::Notify;

/// A memory store whose writes fail while it is told to.
#[derive(Debug, Clone)]
pub(crate) struct Moody {
    inner: MemoryStore,
    broken: Arc<AtomicBool>,
    failures: Arc<AtomicU32>,
}

impl Moody {
    pub(crate) fn break_writes(&self, broken: bool) {
        self.broken.store(broken, Ordering::SeqCst);
    }

    pub(crate) fn failures(&self) -> u32 {
        self.failures.load(Ordering::SeqCst)
    }

    fn check(&self) -> Result<(), StoreError> {
        if !self.broken.load(Ordering::SeqCst) {
            return Ok(());
        }
        self.failures.fetch_add(1, Ordering::SeqCst);
        Err(StoreError::new(StoreErrorKind::Full))
    }
}

#[async_trait]
impl GrantStore for Moody {
    async fn load(&self, key: &GrantKey) -> Result<Option<Record>, StoreError> {
        self.inner.load(key).await
    }
    async fn begin(&self, key: &GrantKey, step: &Begin) -> Result<Verdict, StoreError> {
        self.inner.begin(key, step).await
    }
    async fn save(&self, key: &GrantKey, step: &Save) -> Result<Verdict, StoreError> {
        self.check()?;
        self.inner.save(key, step).await
    }
    async fn clear(&self, key: &GrantKey, step: &Clear) -> Result<Verdict, StoreError> {
        self.inner.clear(key, step).await
    }
    async fn renew(&self, key: &GrantKey, step: &Renew) -> Result<Verdict, StoreError> {
        self.inner.renew(key, step).await
    }
    async fn mark(&self, key: &GrantKey, step: &Mark) -> Result<Verdict, StoreError> {
        self.inner.mark(key, step).await
    }
    async fn reseal(&self, key: &GrantKey, step: &Reseal) -> Result<Verdict, StoreError> {
        self.inner.reseal(key, step).await
    }
    async fn adopt(&self, key: &GrantKey, step: &Adopt) -> Result<Verdict, StoreError> {
        self.check()?;
        self.inner.adopt(key, step).await
    }
    async fn forget(&self, key: &GrantKey, step: &Forget) -> Result<Verdict, StoreError> {
        self.inner.forget(key, step).await
    }
    async fn purge(&self, key: &GrantKey, tombstone: Epoch) -> Result<(), StoreError> {
        self.inner.purge(key, tombstone).await
    }
    async fn due(
        &self,
        within: Duration,
        after: Option<&Due>,
        limit: usize,
    ) -> Result<Vec<Due>, StoreError> {
        self.inner.due(within, after, limit).await
    }
}

/// A sandbox, a manager and one grant.
pub(crate) struct World {
    pub(crate) at: Fixture,
    pub(crate) store: Moody,
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
        let at = Fixture::start(config).await?;
        let store = Moody {
            inner: MemoryStore::with_clock(at.clock.clone()),
            broken: Arc::default(),
            failures: Arc::default(),
        };
        let events = Arc::new((Mutex::default(), Notify::new()));
        let tokens = Self::manager(&at, &store, &events)?;
        let key = tokens.key("user 42")?;
        Ok(Self { at, store, tokens, key, events })
    }

    /// A manager on the same store, as another process would have.
    pub(crate) fn another(&self) -> Result<TokenManager, Box<dyn Error>> {
        Self::manager(&self.at, &self.store, &self.events)
    }

    fn manager(
        at: &Fixture,
        store: &Moody,
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

    /// The refreshes that the server has seen.
    pub(crate) fn refreshes(&self) -> u64 {
        self.at.sandbox.counts().token_refresh
    }

    /// Moves the clocks to where the access token has ended.
    pub(crate) fn expire(&self) {
        self.at.advance(Duration::from_secs(2 * 3600));
    }
}
