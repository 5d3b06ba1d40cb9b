//! What everything in a manager shares: the store, the clients, the grants in memory.

use std::ops::Deref;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_lock::Semaphore;
use countersign_core::{Client, Rotation, TokenSet};
use futures_lite::{FutureExt, future};
use time::OffsetDateTime;

use super::backoff::{Backoff, Circuit, backoff, time_of};
use super::close::Closing;
use super::grant::{CachedGrant, CachedToken};
use super::payload::{Codec, Tokens};
use super::store_clock::{Moment, Reading};
use crate::error::{TokenError, TokenErrorKind};
use crate::event::Event;
use crate::executor::{Spawner, Task, Timer};
use crate::key::GrantKey;
use crate::rules::{Contents, Now, Origin, Rules, Spending};
use crate::store::{
    Due, DuePage, GrantStore, ListPage, Payload, Randomness, Record, StoreError, StoreErrorKind,
    Swap, Version,
};

pub(super) struct Engine {
    pub(super) store: Arc<dyn GrantStore>,
    pub(super) spawner: Arc<dyn Spawner>,
    pub(super) timer: Arc<dyn Timer>,
    pub(super) randomness: Arc<dyn Randomness>,
    pub(super) codec: Codec,
    pub(super) timing: Timing,
    pub(super) on_event: Option<OnEvent>,
    pub(super) closing: Arc<Closing>,
    /// The failure to load a grant of which nothing is in memory.
    pub(super) outage: Outage,
    pub(super) resends_unknown: bool,
    pub(super) max_requests: usize,
    /// The first client, whose clock is the manager's.
    pub(super) first: Arc<Registered>,
    /// All clients, by the beginning of their keys.
    pub(super) clients: papaya::HashMap<GrantKey, Arc<Registered>>,
    pub(super) grants: papaya::HashMap<GrantKey, Arc<CachedGrant<Registered>>>,
}

/// The last failure of the store, which the callers of all grants share of which nothing is in
/// memory. It is not kept for each of these grants: keys that do not exist must not fill the memory.
#[derive(Default)]
pub(super) struct Outage(Mutex<Option<(StoreError, Backoff)>>);

/// How long an [`Outage`] is shared before the store is asked again.
const OUTAGE: Duration = Duration::from_millis(500);

impl Outage {
    pub(super) fn begin(&self, error: StoreError, now: OffsetDateTime) {
        *self.last() = Some((error, Backoff { from: now, length: OUTAGE }));
    }

    pub(super) fn end(&self) {
        self.last().take();
    }

    /// Returns the failure as long as the store is not to be asked again.
    pub(super) fn error(&self, now: OffsetDateTime) -> Option<StoreError> {
        self.last().as_ref().filter(|(_, backoff)| backoff.holds(now)).map(|it| it.0.clone())
    }

    fn last(&self) -> MutexGuard<'_, Option<(StoreError, Backoff)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

pub(super) type OnEvent = Box<dyn Fn(&Event) + Send + Sync>;

/// A client of the manager.
pub(super) struct Registered {
    pub(super) client: Client,
    pub(super) rules: Rules,
    pub(super) circuit: Arc<Circuit>,
    /// Bounds the requests under way at the provider.
    pub(super) requests: Arc<Semaphore>,
    /// The reserved key of the client: what all its keys begin with.
    pub(super) key: GrantKey,
}

/// How long things take, and when a token is due.
#[derive(Debug, Clone, Copy)]
pub(super) struct Timing {
    /// The part of a token's usable time after which it is due, at the earliest.
    pub(super) ahead: f64,
    pub(super) margin: Duration,
    pub(super) lease: Option<Duration>,
    pub(super) scan_period: Duration,
    pub(super) store_timeout: Duration,
}

/// The outcome of a swap.
pub(super) enum Swapped {
    Done(Reading),
    Conflict(Option<Record>, Reading),
}

/// The part of the time after [`Timing::ahead`] over which refreshes are spread.
const SPREAD: f64 = 0.7;

/// How old an attempt without a lease is when its grant is marked as unknown, so that it is not due
/// any more.
const REPORT_AFTER: Duration = Duration::from_secs(3600);

impl Timing {
    /// Returns the rules for the grants of `client`.
    pub(super) fn rules(&self, client: &Client) -> Result<Rules, TokenError> {
        let request = client.limits().timeout;
        let least = request.saturating_add(self.store_timeout).saturating_add(self.margin);
        let default = least.saturating_add(self.store_timeout).saturating_add(self.margin);
        let lease = self.lease.unwrap_or(default);
        if lease <= least {
            return Err(TokenError::new(TokenErrorKind::Configuration(
                "the lease leaves no time to begin: it has to be longer than the client's time \
                 limit, the store's and the margin together",
            )));
        }
        let spending = match client.provider().rotation {
            Rotation::Never => Spending::Never,
            Rotation::Grace { window, .. } => Spending::Grace(window),
            _ => Spending::Once,
        };
        let (step, margin) = (self.store_timeout, self.margin);
        Ok(Rules { spending, lease, request, step, margin, report_after: REPORT_AFTER })
    }

    /// Returns how long a leader's lease lasts: a scan period, and the time of two store operations.
    pub(super) fn scan_lease(&self) -> Duration {
        self.scan_period + self.store_timeout * 2 + self.margin
    }

    /// Returns in how long new tokens are due that are usable for `left`. Grants that were
    /// inserted together would be due together for ever, so the first refresh is spread over the
    /// mean time of the later ones.
    fn due_in(&self, left: Duration, is_first: bool, fraction: f64) -> Duration {
        let spread = (1.0 - self.ahead) * SPREAD;
        let part = if is_first {
            (self.ahead + spread / 2.0) * fraction
        } else {
            self.ahead + spread * fraction
        };
        left.mul_f64(part)
    }
}

impl Registered {
    /// Returns how long before its end an access token counts as expired.
    fn margin(&self, tokens: &TokenSet) -> Duration {
        let lifetime = tokens.expires_at().map(|ends| ends - tokens.requested_at());
        let lifetime = lifetime.and_then(|it| Duration::try_from(it).ok()).unwrap_or_default();
        self.client.expiry_margin().min(lifetime / 10)
    }

    /// Returns until when the access token counts as good.
    fn fresh_until(&self, tokens: &TokenSet) -> Option<OffsetDateTime> {
        tokens.expires_at()?.checked_sub(time_of(self.margin(tokens)))
    }

    /// Returns tokens that this process has received and not stored yet.
    pub(super) fn unsaved(&self, tokens: &TokenSet) -> CachedToken {
        let expires_at = self.fresh_until(tokens);
        let token = tokens.access_token().clone();
        CachedToken { token, due_at: expires_at, expires_at, is_stored: false }
    }

    /// Returns tokens that were read with `record`. What is left of them is counted from when the
    /// store was asked, by the store's clock: the clock of the process that stored them may differ.
    /// They end no later than the payload says: while a virtual machine is paused, the clock of a
    /// store on it stands still, and the wall clock is set when the machine goes on.
    pub(super) fn cached(
        &self,
        record: &Record,
        tokens: &TokenSet,
        reading: &Reading,
    ) -> CachedToken {
        let from_asked = |left: Duration| reading.asked.wall.checked_add(time_of(left));
        let left = record.expires_at.map(|at| at.since(reading.read_at));
        let by_store = left.and_then(|left| from_asked(left.saturating_sub(self.margin(tokens))));
        let expires_at = by_store.into_iter().chain(self.fresh_until(tokens)).min();
        let due_at = record.due_at.and_then(|at| from_asked(at.since(reading.read_at)));
        let due_at = due_at.into_iter().chain(expires_at).min();
        CachedToken { token: tokens.access_token().clone(), due_at, expires_at, is_stored: true }
    }
}

impl Engine {
    pub(super) fn now(&self) -> OffsetDateTime {
        self.first.client.now()
    }

    pub(super) fn moment(&self) -> Moment {
        Moment { wall: self.now(), elapsed: self.timer.elapsed() }
    }

    /// Returns the client of `key`.
    ///
    /// # Errors
    ///
    /// [`TokenErrorKind::ForeignKey`] if it is not registered.
    pub(super) fn client_of(&self, key: &GrantKey) -> Result<Arc<Registered>, TokenError> {
        let clients = self.clients.pin();
        let client = key.client().and_then(|it| clients.get(&it).cloned());
        client.ok_or_else(|| TokenError::new(TokenErrorKind::ForeignKey))
    }

    /// Calls the callback for events.
    pub(super) fn notify(&self, event: &Event) {
        if let Some(on_event) = &self.on_event {
            // A panic of the callback must not cost a grant.
            let called = std::panic::catch_unwind(AssertUnwindSafe(|| on_event(event)));
            drop(called);
        }
    }

    pub(super) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        // After a panic nobody looks at what the task held, and its drops report it. So do those of
        // a task that is not spawned.
        let task = async { drop(AssertUnwindSafe(task).catch_unwind().await) };
        let _ = self.spawner.spawn(Box::pin(task));
    }

    /// Returns a wait before another try after `failures` consecutive failures.
    pub(super) fn backoff(&self, failures: u32) -> Duration {
        backoff(failures, &*self.randomness)
    }

    pub(super) fn sleep(&self, duration: Duration) -> Task {
        self.timer.sleep(duration)
    }

    /// Returns the record of `key`.
    pub(super) async fn load(
        &self,
        key: &GrantKey,
    ) -> Result<(Option<Record>, Reading), StoreError> {
        let asked = self.moment();
        let loaded = self.limited(self.store.load(key)).await?;
        self.outage.end();
        let reading = Reading { read_at: loaded.read_at, asked, came: self.moment() };
        Ok((loaded.record, reading))
    }

    /// Replaces the record of `key`.
    pub(super) async fn swap(
        &self,
        key: &GrantKey,
        expected: Option<Version>,
        next: Option<&Record>,
    ) -> Result<Swapped, StoreError> {
        let asked = self.moment();
        let swapped = self.limited(self.store.swap(key, expected, next)).await?;
        let reading = |read_at| Reading { read_at, asked, came: self.moment() };
        Ok(match swapped {
            Swap::Done(read_at) => Swapped::Done(reading(read_at)),
            Swap::Conflict(found) => Swapped::Conflict(found.record, reading(found.read_at)),
        })
    }

    pub(super) async fn due(
        &self,
        after: Option<&Due>,
        limit: usize,
    ) -> Result<(DuePage, Reading), StoreError> {
        let asked = self.moment();
        let page = self.limited(self.store.due(self.timing.scan_period, after, limit)).await?;
        let reading = Reading { read_at: page.read_at, asked, came: self.moment() };
        Ok((page, reading))
    }

    pub(super) async fn list(
        &self,
        after: Option<&GrantKey>,
        limit: usize,
    ) -> Result<ListPage, StoreError> {
        self.limited(self.store.list(after, limit)).await
    }

    /// Waits until the record of `key` may have changed, or for `at_most`.
    pub(super) async fn changed(&self, key: &GrantKey, at_most: Duration) {
        let notified = async {
            if AssertUnwindSafe(self.store.changed(key)).catch_unwind().await.is_err() {
                future::pending::<()>().await;
            }
        };
        future::or(notified, self.sleep(at_most)).await;
    }

    /// Waits for the store, up to `store_timeout`. A store that panics may have done what it was
    /// asked, as with any error, and does not take the tokens in hand with it.
    async fn limited<T>(
        &self,
        step: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        let elapsed = async {
            self.sleep(self.timing.store_timeout).await;
            Err(StoreError::new(StoreErrorKind::Timeout))
        };
        let step = AssertUnwindSafe(step).catch_unwind();
        let step = async {
            let panicked = |_| StoreError::new(StoreErrorKind::Other).with_source("it panicked");
            step.await.unwrap_or_else(|panic| Err(panicked(panic)))
        };
        // The step first: a step that is done is not late.
        future::or(step, elapsed).await
    }

    /// Returns the payload of `tokens`, and the id of the key that seals it.
    pub(super) fn write(
        &self,
        client: &Registered,
        key: &GrantKey,
        origin: Origin,
        tokens: &Tokens,
    ) -> Result<(Payload, Option<String>), TokenError> {
        self.codec.write(&client.client, key, origin, tokens, &*self.randomness)
    }

    /// Returns `tokens` as the contents of the record of `origin`, reckoned by the store's clock.
    pub(super) fn contents(
        &self,
        client: &Registered,
        key: &GrantKey,
        origin: Origin,
        tokens: &Tokens,
        (now, is_first): (Now, bool),
    ) -> Result<Contents, TokenError> {
        let (payload, key_id) = self.write(client, key, origin, tokens)?;
        let wall = self.now();
        let left = |at: OffsetDateTime| Duration::try_from(at - wall).unwrap_or_default();
        let due = tokens.expiries().filter_map(|it| client.fresh_until(it)).min();
        let due = due.filter(|_| tokens.can_refresh());
        let due_in = |left| self.timing.due_in(left, is_first, self.randomness.fraction());
        Ok(Contents {
            payload,
            key_id,
            expires_at: tokens.main.expires_at().map(|at| now.earliest.plus(left(at))),
            due_at: due.map(|at| now.earliest.plus(due_in(left(at)))),
        })
    }

    /// Returns the cached grant of `key`, which may be a new one.
    ///
    /// # Errors
    ///
    /// [`TokenErrorKind::ForeignKey`] if the client of the key is not registered.
    pub(super) fn grant(self: &Arc<Self>, key: &GrantKey) -> Result<GrantInUse, TokenError> {
        let grants = self.grants.pin();
        loop {
            let grant = match grants.get(key) {
                Some(grant) => grant,
                None => {
                    let client = self.client_of(key)?;
                    let new = || Arc::new(CachedGrant::new(key.clone(), client));
                    grants.get_or_insert_with(key.clone(), new)
                }
            };
            if grant.enter() {
                return Ok(GrantInUse { engine: Arc::clone(self), grant: Arc::clone(grant) });
            }
            self.take_out(grant);
        }
    }

    /// Takes a grant that was dropped out of the map.
    fn take_out(&self, grant: &Arc<CachedGrant<Registered>>) {
        let grants = self.grants.pin();
        grants.remove_if(&grant.key, |_, it| Arc::ptr_eq(it, grant)).ok();
    }
}

/// A cached grant in the hands of a call, a task or a handle. It stays that of its key. When the
/// last user drops one in which nothing has to be remembered, it leaves the memory.
pub(super) struct GrantInUse {
    pub(super) engine: Arc<Engine>,
    grant: Arc<CachedGrant<Registered>>,
}

impl Deref for GrantInUse {
    type Target = CachedGrant<Registered>;

    fn deref(&self) -> &Self::Target {
        &self.grant
    }
}

impl Clone for GrantInUse {
    fn clone(&self) -> Self {
        self.grant.enter_again();
        Self { engine: Arc::clone(&self.engine), grant: Arc::clone(&self.grant) }
    }
}

impl Drop for GrantInUse {
    fn drop(&mut self) {
        if self.grant.leave() {
            self.engine.take_out(&self.grant);
        }
    }
}
