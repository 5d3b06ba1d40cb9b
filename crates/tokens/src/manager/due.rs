//! Refreshing ahead of time, whether somebody asks or not.

use std::fmt;
use std::sync::{Arc, Weak};
use std::time::Duration;

use super::lead::{Lead, Turn};
use super::outage::STRETCH;
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

/// The longest wait between two grants that are overdue, and the shortest between two scans.
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
}

/// What one scan leads to.
enum Scan {
    /// These, each after so long, and the next scan after so long again.
    Listed(Vec<(Duration, GrantKey)>, Duration),
    Wait(Duration),
}

impl Keeper {
    async fn run(mut self) {
        let mut failures = 0;
        while let Some(tokens) = self.manager() {
            let scan = self.scan(&tokens.0).await;
            drop(tokens);
            match scan {
                Ok(Scan::Listed(listed, length)) => {
                    failures = 0;
                    self.refresh(listed, length).await;
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
        let store = &inner.store;
        let page = store.wait(store.store.due(period, None, PAGE)).await?;
        let mut length = period;
        let mut listed = plan(&page, &mut length);
        if listed.len() == PAGE && page.grants.last().is_some_and(|it| it.due_at <= page.read_at) {
            // So many are overdue that what comes due now has to be asked for by itself.
            let before_now = page.read_at.as_millis().saturating_sub(1);
            let key = GrantKey::of_nobody(&inner.client);
            let after = Due { due_at: StoreTime::from_millis(before_now), key };
            let page = store.wait(store.store.due(period, Some(&after), PAGE)).await?;
            listed.extend(plan(&page, &mut length));
            listed.sort_by_key(|(wait, _)| *wait);
        }
        Ok(Scan::Listed(listed, length.max(STEP)))
    }

    /// Refreshes what was listed, as far as its time comes within this length.
    async fn refresh(&self, listed: Vec<(Duration, GrantKey)>, length: Duration) {
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

/// In how long each grant of a page is to be refreshed, in order: what is not yet due at its time,
/// what is overdue at half the speed at which it came due, lest it come all at once after an
/// outage. `length` is shortened to the last of a full page, after which there may be more.
fn plan(page: &DuePage, length: &mut Duration) -> Vec<(Duration, GrantKey)> {
    let mut former: Option<StoreTime> = None;
    let mut wait = Duration::ZERO;
    let mut listed = Vec::with_capacity(page.grants.len());
    for due in &page.grants {
        let at = if due.due_at <= page.read_at {
            // One that fails for ever is not to hold up the others.
            let gap = former.map_or(Duration::ZERO, |it| due.due_at.since(it));
            wait += (gap * STRETCH.unsigned_abs()).min(STEP);
            wait
        } else {
            due.due_at.since(page.read_at)
        };
        former = Some(due.due_at);
        listed.push((at, due.key.clone()));
    }
    if let Some((last, _)) = listed.last().filter(|_| listed.len() == PAGE) {
        *length = (*length).min(*last);
    }
    listed.sort_by_key(|(at, _)| *at);
    listed
}

impl fmt::Debug for KeepFresh {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeepFresh")
    }
}
