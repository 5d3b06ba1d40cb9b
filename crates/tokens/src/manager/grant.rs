//! What a manager keeps of one grant in memory.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwapOption;
use countersign_core::AccessToken;
use event_listener::Event;
use time::OffsetDateTime;

use super::backoff::{Backoff, backoff};
use super::single_flight::SingleFlight;
use super::store_clock::Reading;
use crate::error::{TokenError, TokenErrorKind};
use crate::key::GrantKey;
use crate::store::{AttemptId, Randomness, Record};

/// How many refreshes for rejected tokens may follow each other at once.
const FREE_REJECTIONS: u32 = 2;

/// How long the next refresh for a rejected token keeps another one from following. It doubles with
/// each rejection.
const FIRST_REJECTION: Duration = Duration::from_secs(1);

/// The longest time between two refreshes for rejected tokens.
const LAST_REJECTION: Duration = Duration::from_secs(600);

/// How much longer than that a token has to be good, so that its rejection counts as the first one.
const GOOD_FOR: Duration = Duration::from_secs(60);

/// How long callers share the failure of a grant that cannot be refreshed.
const FINAL_BACKOFF: Duration = Duration::from_secs(30);

/// One grant: its access token, ready to be handed out, and the work on it.
pub(super) struct CachedGrant<C> {
    pub(super) key: GrantKey,
    /// The client that it belongs to.
    pub(super) client: Arc<C>,
    token: ArcSwapOption<CachedToken>,
    work: Mutex<Work>,
    /// Notified by a caller that waits for a refresh to settle its last write.
    pub(super) nudge: Event,
    /// Notified when that write failed again, and when a refresh is over.
    pub(super) progress: Event,
    /// How many use it. It moves from zero to one under the lock alone.
    users: AtomicUsize,
}

/// An access token, and the instants by the clock of this process at which it becomes due and
/// expires.
pub(super) struct CachedToken {
    pub(super) token: AccessToken,
    /// When the token is to be refreshed, at the latest when it expires.
    pub(super) due_at: Option<OffsetDateTime>,
    /// When the token expires, less the margin.
    pub(super) expires_at: Option<OffsetDateTime>,
    pub(super) is_stored: bool,
}

/// The work on a grant.
#[derive(Default)]
pub(super) struct Work {
    /// The refresh under way.
    pub(super) flight: Option<Arc<SingleFlight<AccessToken>>>,
    /// The last failure, which callers share until it is time to try again.
    pub(super) failure: Option<Box<SharedFailure>>,
    /// The refreshes for tokens that were rejected soon after they had been refreshed.
    pub(super) rejections: Option<Box<Rejections>>,
    /// Whether the token in memory is not stored yet. It changes together with the token.
    pub(super) is_unsaved: bool,
    /// The last record that was written or read, sealed as it is stored.
    pub(super) memory: Option<Box<Remembered>>,
    /// The attempt of this process that stands in the store since its answer was lost.
    pub(super) left: Option<AttemptId>,
    /// Counts the inserts and removals by this process, at their beginning and at their end. What
    /// was read before one is not published after it.
    pub(super) incarnation: u64,
    /// Whether the grant was taken out of the map: nobody enters it again.
    is_dropped: bool,
}

/// A failure that callers share.
pub(super) struct SharedFailure {
    pub(super) error: TokenError,
    /// Consecutive failures.
    pub(super) count: u32,
    pub(super) backoff: Backoff,
}

/// Consecutive refreshes for rejected tokens.
pub(super) struct Rejections {
    count: u32,
    /// Until when a rejection refreshes nothing.
    backoff: Backoff,
    is_reported: bool,
}

/// A record that was written or read, and when.
#[derive(Clone)]
pub(super) struct Remembered {
    pub(super) record: Record,
    pub(super) reading: Reading,
}

impl CachedToken {
    fn is_quiet(&self, now: OffsetDateTime) -> bool {
        self.due_at.is_none_or(|at| now < at)
    }

    pub(super) fn is_fresh(&self, now: OffsetDateTime) -> bool {
        self.expires_at.is_none_or(|at| now < at)
    }
}

impl Work {
    /// Has callers share a failure until it is time to try again; without one, none.
    pub(super) fn share_failure(
        &mut self,
        error: Option<TokenError>,
        now: OffsetDateTime,
        randomness: &dyn Randomness,
    ) {
        let Some(error) = error else {
            self.failure = None;
            return;
        };
        let count = self.failure.as_ref().map_or(0, |it| it.count);
        let length = match error.kind() {
            // The grant is not at fault: the next caller begins anew.
            TokenErrorKind::Interrupted => Duration::ZERO,
            TokenErrorKind::Reauthorize | TokenErrorKind::OutcomeUnknown => FINAL_BACKOFF,
            // At least a moment, so that callers who come right after share the failure.
            _ => (Duration::from_millis(100) + backoff(count, randomness))
                .max(error.retry_after().unwrap_or_default()),
        };
        let backoff = Backoff { from: now, length };
        self.failure =
            Some(Box::new(SharedFailure { error, count: count.saturating_add(1), backoff }));
    }
}

impl Work {
    /// Counts a refresh for a rejected token.
    pub(super) fn count_rejection(&mut self, now: OffsetDateTime) {
        let is_recent = |it: &&Rejections| {
            let Backoff { from, length } = it.backoff;
            Backoff { from, length: length + GOOD_FOR }.holds(now)
        };
        let count = self.rejections.as_deref().filter(is_recent).map_or(0, |it| it.count);
        let over = count.checked_sub(FREE_REJECTIONS);
        let doubled = |over: u32| FIRST_REJECTION.saturating_mul(1 << over.min(16));
        let length = over.map(doubled).unwrap_or_default().min(LAST_REJECTION);
        let (count, backoff) = (count.saturating_add(1), Backoff { from: now, length });
        self.rejections = Some(Box::new(Rejections { count, backoff, is_reported: false }));
    }

    /// Returns the error for a rejection that comes too soon after the last one, and whether it is
    /// the first such error. `None` if a refresh may help, or is under way, or has failed just now.
    pub(super) fn rejected_again(&mut self, now: OffsetDateTime) -> Option<(TokenError, bool)> {
        let is_failing = self.failure.as_ref().is_some_and(|it| it.backoff.holds(now));
        if self.flight.is_some() || is_failing {
            return None;
        }
        let rejections = self.rejections.as_mut()?;
        let left = rejections.backoff.left(now)?;
        let is_reported = std::mem::replace(&mut rejections.is_reported, true);
        Some((TokenError::rejected_again(left), !is_reported))
    }
}

impl<C> CachedGrant<C> {
    pub(super) fn new(key: GrantKey, client: Arc<C>) -> Self {
        Self {
            key,
            client,
            token: ArcSwapOption::empty(),
            work: Mutex::default(),
            nudge: Event::new(),
            progress: Event::new(),
            users: AtomicUsize::new(0),
        }
    }

    /// Returns the token if it is neither due nor expired.
    pub(super) fn quiet(&self, now: OffsetDateTime) -> Option<AccessToken> {
        let token = self.token.load();
        token.as_ref().filter(|it| it.is_quiet(now)).map(|it| it.token.clone())
    }

    /// Returns the token if it has not expired.
    pub(super) fn fresh(&self, now: OffsetDateTime) -> Option<AccessToken> {
        let token = self.token.load();
        token.as_ref().filter(|it| it.is_fresh(now)).map(|it| it.token.clone())
    }

    /// Returns whether `token` is the one in memory and has expired.
    pub(super) fn has_ended(&self, token: &AccessToken, now: OffsetDateTime) -> bool {
        let cached = self.token.load();
        cached.as_ref().is_some_and(|it| !it.is_fresh(now) && it.token.same_as(token))
    }

    /// Returns when the token expires.
    pub(super) fn expires_at(&self) -> Option<OffsetDateTime> {
        self.token.load().as_ref().and_then(|it| it.expires_at)
    }

    /// Returns whether callers share a failure now.
    pub(super) fn is_backing_off(&self, now: OffsetDateTime) -> bool {
        self.work().failure.as_ref().is_some_and(|it| it.backoff.holds(now))
    }

    pub(super) fn work(&self) -> MutexGuard<'_, Work> {
        // A panic under the lock leaves nothing half done.
        self.work.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Hands `token` out from now on, unless the grant has another incarnation. Returns whether it
    /// has not.
    pub(super) fn publish(&self, incarnation: u64, token: Option<CachedToken>) -> bool {
        let mut work = self.work();
        let is_current = work.incarnation == incarnation;
        if is_current {
            self.hand_out(&mut work, token);
        }
        is_current
    }

    /// Keeps the record in memory, unless the grant has another incarnation.
    pub(super) fn remember(&self, incarnation: u64, remembered: Option<Remembered>) {
        let mut work = self.work();
        if work.incarnation == incarnation {
            work.memory = remembered.map(Box::new);
        }
    }

    /// Stops handing `token` out, if it is the one in memory, until the store is read again.
    pub(super) fn retire(&self, token: &AccessToken) {
        let _work = self.work();
        if self.token.load().as_ref().is_some_and(|it| it.token.same_as(token)) {
            self.token.store(None);
        }
    }

    /// Begins another incarnation, in which nothing of the former is published or waited for.
    /// Returns its number.
    pub(super) fn begin_incarnation(&self) -> u64 {
        self.renew(&mut self.work(), None)
    }

    /// Begins the incarnation after `incarnation` with this token. Returns `None` if another one
    /// has begun already.
    pub(super) fn begin_incarnation_after(
        &self,
        incarnation: u64,
        token: Option<CachedToken>,
    ) -> Option<u64> {
        let mut work = self.work();
        (work.incarnation == incarnation).then(|| self.renew(&mut work, token))
    }

    fn renew(&self, work: &mut Work, token: Option<CachedToken>) -> u64 {
        let (incarnation, is_dropped) = (work.incarnation + 1, work.is_dropped);
        *work = Work { incarnation, is_dropped, ..Work::default() };
        self.hand_out(work, token);
        incarnation
    }

    fn hand_out(&self, work: &mut Work, token: Option<CachedToken>) {
        work.is_unsaved = token.as_ref().is_some_and(|it| !it.is_stored);
        self.token.store(token.map(Arc::new));
    }

    /// Counts another user, unless the grant was dropped. Returns whether it was not.
    pub(super) fn enter(&self) -> bool {
        let work = self.work();
        if !work.is_dropped {
            self.enter_again();
        }
        !work.is_dropped
    }

    /// Counts another user beside one who stays meanwhile.
    pub(super) fn enter_again(&self) {
        self.users.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts a user less. Returns whether that was the last one, and the grant is dropped.
    pub(super) fn leave(&self) -> bool {
        if self.users.fetch_sub(1, Ordering::AcqRel) > 1 {
            return false;
        }
        let mut work = self.work();
        // Another user may have entered before the lock was taken, or have dropped the grant.
        work.is_dropped |= self.users.load(Ordering::Acquire) == 0 && self.is_blank(&work);
        work.is_dropped
    }

    /// Returns whether nothing has to be remembered. That there is no such grant has not, nor that
    /// the store failed before anything was read, so that asking for unknown keys does not fill the
    /// memory.
    fn is_blank(&self, work: &Work) -> bool {
        let is_unknown = |it: &SharedFailure| {
            matches!(it.error.kind(), TokenErrorKind::UnknownGrant | TokenErrorKind::Store)
        };
        self.token.load().is_none()
            && work.flight.is_none()
            && !work.is_unsaved
            && work.memory.is_none()
            && work.left.is_none()
            && work.failure.as_deref().is_none_or(is_unknown)
    }
}

#[cfg(test)]
mod tests {
    use std::error::Error;
    use std::sync::Arc;
    use std::thread;

    use countersign_core::AccessToken;

    use super::{CachedGrant, CachedToken};
    use crate::key::GrantKey;

    /// One thread leaves unsaved tokens in memory, another begins incarnation after incarnation.
    #[test]
    fn g09_unsaved_tokens_belong_to_the_present_incarnation() -> Result<(), Box<dyn Error>> {
        let key = GrantKey::new("provider", "client", "user")?;
        let grant = CachedGrant::new(key, Arc::new(()));
        let token = AccessToken::new("token")?;
        let is_sound = || {
            let work = grant.work();
            work.is_unsaved == grant.token.load().is_some()
        };
        thread::scope(|scope| {
            scope.spawn(|| {
                for _ in 0..100_000 {
                    let incarnation = grant.begin_incarnation();
                    let token = token.clone();
                    let (due_at, expires_at) = (None, None);
                    let cached = CachedToken { token, due_at, expires_at, is_stored: false };
                    grant.publish(incarnation, Some(cached));
                    assert!(is_sound());
                }
            });
            scope.spawn(|| {
                for _ in 0..100_000 {
                    grant.begin_incarnation();
                }
            });
        });
        Ok(())
    }
}
