//! Refreshing ahead of time, whether somebody asks or not.

use std::fmt;
use std::sync::{Arc, Weak};
use std::time::Duration;

use super::lead::{Lead, Turn};
use super::plan::{Plan, Turns};
use super::refresh::Cause;
use super::timing::backoff;
use super::{Inner, TokenManager, refresh};
use crate::error::{TokenError, TokenErrorKind};
use crate::executor::Timer;
use crate::key::GrantKey;
use crate::store::{Due, DuePage, StoreTime};

/// Keeps the grants of a manager fresh until it is dropped: see [`TokenManager::keep_fresh`].
#[must_use = "dropping it ends the refreshing"]
pub struct KeepFresh {
    _alive: Arc<()>,
}

/// How many due grants are read from the store at once.
const PAGE: usize = 1024;

/// How many such pages of what is overdue are read in one scan: a store that several clients share
/// may list none but those of others.
const MOST_PAGES: usize = 8;

/// The shortest wait after a scan that failed, and about the longest after another's lease.
const STEP: Duration = Duration::from_secs(1);

impl TokenManager {
    /// Refreshes grants ahead of time by a task of its own: those that the store says are due,
    /// each at its time. It ends some time after the guard or the last clone of the manager is
    /// dropped.
    ///
    /// Of the processes that share a store one does it, by a lease on a record of its own; each of
    /// the others looks at that record about once a [`scan_period`], and takes over when the lease
    /// has run out. Grants that came due while nobody could refresh them follow at half the
    /// speed at which they came due.
    ///
    /// [`scan_period`]: crate::TokenManagerBuilder::scan_period
    ///
    /// # Errors
    ///
    /// [`TokenErrorKind::Interrupted`] when no task can be begun.
    pub fn keep_fresh(&self) -> Result<KeepFresh, TokenError> {
        let alive = Arc::new(());
        let keeper = Keeper {
            manager: Arc::downgrade(&self.0),
            alive: Arc::downgrade(&alive),
            timer: Arc::clone(&self.0.timer),
            lead: Lead::new(&self.0),
            cursor: None,
        };
        let spawned = self.0.spawner.spawn(Box::pin(keeper.run()));
        spawned.map_err(|_| TokenError::new(TokenErrorKind::Interrupted))?;
        Ok(KeepFresh { _alive: alive })
    }
}

/// Holds the manager only while it is at work, so that the waits do not keep it.
struct Keeper {
    manager: Weak<Inner>,
    alive: Weak<()>,
    timer: Arc<dyn Timer>,
    lead: Lead,
    /// After which of the overdue the next scan begins, where one cannot list them all.
    cursor: Option<Due>,
}

/// What one scan leads to.
enum Scan {
    Listed(Turns),
    Wait(Duration),
}

impl Keeper {
    async fn run(mut self) {
        let mut failures = 0;
        while let Some(tokens) = self.manager() {
            let scan = self.scan(&tokens.0).await;
            drop(tokens);
            match scan {
                Ok(Scan::Listed(turns)) => {
                    failures = 0;
                    self.refresh(turns).await;
                }
                Ok(Scan::Wait(wait)) => self.timer.sleep(wait).await,
                // The store's, which everybody else will tell of too.
                Err(_) => {
                    failures += 1;
                    self.timer.sleep(STEP + backoff(failures)).await;
                }
            }
        }
        if let Some(inner) = self.manager.upgrade() {
            self.lead.resign(&inner).await;
        }
    }

    fn manager(&self) -> Option<TokenManager> {
        self.manager.upgrade().filter(|_| self.alive.strong_count() > 0).map(TokenManager)
    }

    async fn scan(&mut self, inner: &Inner) -> Result<Scan, TokenError> {
        let period = inner.timing.scan_period;
        if let Turn::Others(left) = self.lead.turn(inner).await? {
            // A little later, and not all standbys at the same time.
            return Ok(Scan::Wait(left + STEP.mul_f64(1.0 + fastrand::f64())));
        }
        let mut plan = Plan::new(inner, period);
        let mut after = self.cursor.take();
        let mut more = None;
        for _ in 0..MOST_PAGES {
            let page = due(inner, after.as_ref()).await?;
            let is_full = page.grants.len() == PAGE;
            plan.add(&page, is_full);
            let last = page.grants.last().filter(|it| is_full && it.due_at <= page.read_at);
            more = last.map(|last| (last.clone(), page.read_at));
            after = last.cloned();
            if more.is_none() || plan.len() >= PAGE {
                break;
            }
        }
        if let Some((_, read_at)) = &more {
            // So many are overdue that what comes due now has to be asked for by itself.
            let before_now = StoreTime::from_millis(read_at.as_millis().saturating_sub(1));
            let key = GrantKey::of_nobody(&inner.client);
            let page = due(inner, Some(&Due { due_at: before_now, key })).await?;
            plan.add(&page, page.grants.len() == PAGE);
        }
        let turns = plan.turns(more.map(|(end, _)| end));
        self.cursor.clone_from(&turns.cursor);
        Ok(Scan::Listed(turns))
    }

    /// Refreshes what was listed, as far as its time comes within this length.
    async fn refresh(&self, Turns { listed, length, .. }: Turns) {
        let mut waited = Duration::ZERO;
        for (at, key) in listed.into_iter().take_while(|(at, _)| *at <= length) {
            let wait = at.saturating_sub(waited);
            if !wait.is_zero() {
                self.timer.sleep(wait).await;
                waited += wait;
            }
            let Some(tokens) = self.manager() else { return };
            if let Ok(slot) = tokens.slot(&key) {
                // What becomes of it is told by events.
                let _ = refresh::begin(&tokens, &slot, Cause::Due);
            }
        }
        self.timer.sleep(length.saturating_sub(waited)).await;
    }
}

/// A page of what is due.
async fn due(inner: &Inner, after: Option<&Due>) -> Result<DuePage, TokenError> {
    let store = &inner.store;
    Ok(store.wait(store.store.due(inner.timing.scan_period, after, PAGE)).await?)
}

impl fmt::Debug for KeepFresh {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeepFresh")
    }
}
