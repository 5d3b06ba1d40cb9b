//! What a manager remembers of one grant.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwapOption;
use countersign_core::AccessToken;
use time::OffsetDateTime;

use super::cached::Cached;
use super::clear::Uncleared;
use super::flight::Flight;
use super::held::Held;
use super::stray::Strays;
use crate::error::TokenError;
use crate::key::GrantKey;
use crate::store::AttemptId;

/// One grant in memory: its access token, ready to be handed out, and who is at work on it.
pub(super) struct Slot {
    pub(super) key: GrantKey,
    cached: ArcSwapOption<Cached>,
    work: Mutex<Work>,
}

/// What is under way for a grant.
#[derive(Default)]
pub(super) struct Work {
    pub(super) flight: Option<Arc<Flight<AccessToken>>>,
    pub(super) cooling: Option<Box<Cooling>>,
    /// Whether what is in memory is still to be stored.
    pub(super) is_unsaved: bool,
    /// An own intent that may stand in the store, and led to nothing.
    pub(super) uncleared: Option<Box<Uncleared>>,
    /// Own begins that may still reach the store.
    pub(super) strays: Option<Box<Strays>>,
    /// The own intent that says since when the grace of the refresh token has run.
    pub(super) left_intent: Option<Box<AttemptId>>,
    /// What the store may come to have lost.
    pub(super) held: Option<Box<Held>>,
    /// Counts the lives that the grant was given by this process: what was read in a former one is
    /// not published any more.
    pub(super) life: u64,
}

/// The last failure, which everybody shares until it is time to try again.
pub(super) struct Cooling {
    pub(super) error: TokenError,
    pub(super) strikes: u32,
    pub(super) rest: Rest,
}

/// A length of time from an instant on. A clock that is set back ends it, rather than to prolong
/// it by the jump.
#[derive(Clone, Copy)]
pub(super) struct Rest {
    pub(super) from: OffsetDateTime,
    pub(super) length: Duration,
}

impl Rest {
    pub(super) fn holds(self, now: OffsetDateTime) -> bool {
        self.left(now).is_some()
    }

    /// How much longer it lasts.
    pub(super) fn left(self, now: OffsetDateTime) -> Option<Duration> {
        let gone = Duration::try_from(now - self.from).ok()?;
        self.length.checked_sub(gone).filter(|left| !left.is_zero())
    }
}

impl Slot {
    pub(super) fn new(key: GrantKey) -> Self {
        Self { key, cached: ArcSwapOption::empty(), work: Mutex::default() }
    }

    /// The token, when it is neither due nor ended.
    pub(super) fn quiet(&self, now: OffsetDateTime) -> Option<AccessToken> {
        let cached = self.cached.load();
        cached.as_ref().filter(|it| it.is_quiet(now)).map(|it| it.token.clone())
    }

    /// The token, when it has not ended.
    pub(super) fn fresh(&self, now: OffsetDateTime) -> Option<AccessToken> {
        let cached = self.cached.load();
        cached.as_ref().filter(|it| it.is_fresh(now)).map(|it| it.token.clone())
    }

    /// Until when the token is handed out.
    pub(super) fn fresh_until(&self) -> Option<OffsetDateTime> {
        self.cached.load().as_ref().and_then(|it| it.fresh_until)
    }

    /// When the token is due.
    pub(super) fn due_at(&self) -> Option<OffsetDateTime> {
        self.cached.load().as_ref().and_then(|it| it.quiet_until)
    }

    pub(super) fn work(&self) -> MutexGuard<'_, Work> {
        // A panic under the lock leaves nothing half done.
        self.work.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts a token in the place of the one that is handed out, unless the grant was given another
    /// life meanwhile; whether it was not.
    pub(super) fn publish(&self, life: u64, cached: Option<Cached>) -> bool {
        let work = self.work();
        let is_current = work.life == life;
        if is_current {
            self.cached.store(cached.map(Arc::new));
        }
        is_current
    }

    /// Hands the token out no more, when it is this one.
    pub(super) fn retire(&self, token: &AccessToken) {
        let _work = self.work();
        if self.cached.load().as_ref().is_some_and(|it| it.token.same_as(token)) {
            self.cached.store(None);
        }
    }

    /// Gives the grant another life, in which nothing of the former is published.
    pub(super) fn begin_life(&self) -> u64 {
        let mut work = self.work();
        work.life += 1;
        work.cooling = None;
        work.held = None;
        work.uncleared = None;
        work.strays = None;
        work.left_intent = None;
        work.is_unsaved = false;
        self.cached.store(None);
        work.life
    }
}
