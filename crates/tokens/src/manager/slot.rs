//! What a manager remembers of one grant.

use std::sync::atomic::{AtomicUsize, Ordering};
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
use crate::error::{TokenError, TokenErrorKind};
use crate::key::GrantKey;
use crate::store::AttemptId;

/// One grant in memory: its access token, ready to be handed out, and who is at work on it.
pub(super) struct Slot {
    pub(super) key: GrantKey,
    cached: ArcSwapOption<Cached>,
    work: Mutex<Work>,
    /// How many use it; from none to one under the lock alone.
    users: AtomicUsize,
}

/// What is under way for a grant.
#[derive(Default)]
pub(super) struct Work {
    pub(super) flight: Option<Arc<Flight<AccessToken>>>,
    pub(super) cooling: Option<Box<Cooling>>,
    /// Whether what is in memory is still to be stored. It changes with what is handed out, under
    /// one lock: in another life it would stop the refreshing for good.
    pub(super) is_unsaved: bool,
    /// None of most grants.
    intents: Option<Box<Intents>>,
    /// What the store may come to have lost.
    pub(super) held: Option<Box<Held>>,
    /// Counts the lives that the grant was given by this process: what was read in a former one is
    /// not published any more.
    pub(super) life: u64,
    /// Whether it is the slot of its key no more: nobody enters it again.
    is_dropped: bool,
}

/// Own intents that stand in the store, or may.
#[derive(Default)]
pub(super) struct Intents {
    /// One that led to nothing.
    pub(super) uncleared: Option<Uncleared>,
    /// Begins that may still arrive there.
    pub(super) strays: Option<Strays>,
    /// That which says since when the grace of the refresh token has run.
    pub(super) left: Option<AttemptId>,
}

impl Work {
    /// To change them.
    pub(super) fn intents(&mut self) -> &mut Intents {
        self.intents.get_or_insert_default()
    }

    pub(super) fn uncleared(&self) -> Option<Uncleared> {
        self.intents.as_ref()?.uncleared
    }

    pub(super) fn strays(&self) -> Option<&Strays> {
        self.intents.as_ref()?.strays.as_ref()
    }

    pub(super) fn left_intent(&self) -> Option<AttemptId> {
        self.intents.as_ref()?.left
    }
}

impl Intents {
    fn are_none(&self) -> bool {
        self.uncleared.is_none() && self.strays.is_none() && self.left.is_none()
    }
}

/// The last failure, which everybody shares until it is time to try again.
pub(super) struct Cooling {
    pub(super) error: TokenError,
    pub(super) strikes: u32,
    pub(super) rest: Rest,
}

/// A length of time from an instant on. A clock that is set back ends it, rather than to prolong
/// it by the jump.
#[derive(Clone, Copy, PartialEq, Eq)]
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
        let users = AtomicUsize::new(0);
        Self { key, cached: ArcSwapOption::empty(), work: Mutex::default(), users }
    }

    /// Counts another user, unless the slot was dropped; whether it was not.
    pub(super) fn enter(&self) -> bool {
        let work = self.work();
        if !work.is_dropped {
            self.enter_beside();
        }
        !work.is_dropped
    }

    /// Counts another user, beside one who stays meanwhile.
    pub(super) fn enter_beside(&self) {
        self.users.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts a user less; whether that was the last, and the slot is dropped.
    pub(super) fn leave(&self) -> bool {
        if self.users.fetch_sub(1, Ordering::AcqRel) > 1 {
            return false;
        }
        let mut work = self.work();
        // Somebody else may have entered before the lock was had, or left and dropped it.
        work.is_dropped |= self.users.load(Ordering::Acquire) == 0 && self.is_blank(&work);
        work.is_dropped
    }

    /// Whether there is nothing to be remembered. That there is no such grant is not: whoever asks
    /// for what is not there does not fill the memory.
    fn is_blank(&self, work: &Work) -> bool {
        let of_nothing = |it: &Cooling| it.error.kind() == TokenErrorKind::UnknownGrant;
        self.cached.load().is_none()
            && work.flight.is_none()
            && !work.is_unsaved
            && work.intents.as_deref().is_none_or(Intents::are_none)
            && work.held.is_none()
            && work.cooling.as_deref().is_none_or(of_nothing)
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

    /// How much longer the last failure is everybody's.
    pub(super) fn cools_for(&self, now: OffsetDateTime) -> Option<Duration> {
        self.work().cooling.as_ref().and_then(|it| it.rest.left(now))
    }

    pub(super) fn work(&self) -> MutexGuard<'_, Work> {
        // A panic under the lock leaves nothing half done.
        self.work.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts a token in the place of the one that is handed out, unless the grant was given another
    /// life meanwhile; whether it was not.
    pub(super) fn publish(&self, life: u64, cached: Option<Cached>) -> bool {
        let mut work = self.work();
        let is_current = work.life == life;
        if is_current {
            self.hand_out(&mut work, cached);
        }
        is_current
    }

    /// Hands the token out no more, when it is this one, until the store is looked at again.
    pub(super) fn retire(&self, token: &AccessToken) {
        let _work = self.work();
        if self.cached.load().as_ref().is_some_and(|it| it.token.same_as(token)) {
            self.cached.store(None);
        }
    }

    /// Gives the grant another life, in which nothing of the former is published or waited for.
    pub(super) fn begin_life(&self) -> u64 {
        self.renew(&mut self.work(), None)
    }

    /// Begins the life after this one with this token, since what was read meanwhile is out of
    /// date; unless the grant was given another one already.
    pub(super) fn begin_life_after(&self, life: u64, cached: Option<Cached>) -> Option<u64> {
        let mut work = self.work();
        (work.life == life).then(|| self.renew(&mut work, cached))
    }

    fn renew(&self, work: &mut Work, cached: Option<Cached>) -> u64 {
        work.life += 1;
        work.flight = None;
        work.cooling = None;
        work.held = None;
        work.intents = None;
        self.hand_out(work, cached);
        work.life
    }

    fn hand_out(&self, work: &mut Work, cached: Option<Cached>) {
        work.is_unsaved = cached.as_ref().is_some_and(|it| !it.is_stored);
        self.cached.store(cached.map(Arc::new));
    }
}

#[cfg(test)]
mod tests {
    use std::error::Error;
    use std::thread;

    use countersign_core::AccessToken;

    use super::Slot;
    use crate::key::GrantKey;
    use crate::manager::cached::Cached;

    /// One leaves tokens in memory that are not stored, another begins life after life.
    #[test]
    fn g09_what_is_to_be_stored_is_of_the_life_that_is_there() -> Result<(), Box<dyn Error>> {
        let slot = Slot::new(GrantKey::new("provider", "client", "user")?);
        let token = AccessToken::new("token")?;
        let is_sound = || {
            let work = slot.work();
            work.is_unsaved == slot.cached.load().is_some()
        };
        thread::scope(|scope| {
            scope.spawn(|| {
                for _ in 0..100_000 {
                    let life = slot.begin_life();
                    let token = token.clone();
                    let (quiet_until, fresh_until) = (None, None);
                    let cached = Cached { token, quiet_until, fresh_until, is_stored: false };
                    slot.publish(life, Some(cached));
                    assert!(is_sound());
                }
            });
            scope.spawn(|| {
                for _ in 0..100_000 {
                    slot.begin_life();
                }
            });
        });
        Ok(())
    }
}
