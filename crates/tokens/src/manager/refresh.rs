//! One refresh of one grant, by the protocol of [`GrantStore`](crate::GrantStore).

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use countersign_core::{AccessToken, Error, RefreshToken, TokenSet};
use futures_lite::FutureExt;
use time::OffsetDateTime;

use super::TokenManager;
use super::breaker::Leave;
use super::cached::Cached;
use super::flight::Flight;
use super::gate::Started;
use super::in_use::InUse;
use super::material;
use super::slot::{Cooling, Rest};
use super::timing::{backoff, time_of};
use crate::error::{TokenError, TokenErrorKind};
use crate::event::Event;
use crate::store::{
    AttemptId, Begin, Clear, GrantState, Record, StoreError, StoreErrorKind, Verdict,
};

/// Requests that one refresh may come to, when those before were surely or harmlessly lost.
pub(super) const MOST_REQUESTS: u32 = 3;

/// How often one refresh stores again what the store has lost, or seems to have.
const MOST_OFFERS: u32 = 3;

/// How long nobody asks again about a grant that cannot be refreshed.
const FINAL_REST: Duration = Duration::from_secs(30);

/// Joins the refresh that is under way, or begins one.
///
/// # Errors
///
/// The last failure, as long as it is not time to try again.
pub(super) fn begin(
    manager: &TokenManager,
    slot: &InUse,
    cause: Cause,
) -> Result<Arc<Flight<AccessToken>>, TokenError> {
    let mut work = slot.work();
    if let Some(flight) = &work.flight {
        return Ok(Arc::clone(flight));
    }
    if work.is_unsaved {
        return Err(TokenError::new(TokenErrorKind::NotStored));
    }
    let now = manager.0.now();
    if let Some(cooling) = work.cooling.as_ref().filter(|it| it.rest.holds(now)) {
        return Err(cooling.error.clone());
    }
    let refresh = Refresh {
        manager: manager.clone(),
        slot: slot.clone(),
        cause,
        life: work.life,
        attempts: 0,
        waited: Duration::ZERO,
        offers: 0,
        resent: false,
    };
    let (life, of_slot) = (work.life, slot.clone());
    let landed = move |outcome: &Result<AccessToken, TokenError>| landed(&of_slot, life, outcome);
    let (flight, task) = Flight::new(refresh.run(), landed);
    work.flight = Some(Arc::clone(&flight));
    // A task that is refused is dropped, which lands the flight, which takes the lock.
    drop(work);
    let _ = manager.0.spawner.spawn(task);
    Ok(flight)
}

fn landed(slot: &InUse, life: u64, outcome: &Result<AccessToken, TokenError>) {
    let inner = &slot.manager().0;
    let mut work = slot.work();
    if work.life != life {
        // It says nothing of the grant that is there now.
        return;
    }
    work.flight = None;
    let Err(error) = outcome else {
        work.cooling = None;
        return;
    };
    let strikes = work.cooling.as_ref().map_or(0, |it| it.strikes);
    let length = match error.kind() {
        // Not the grant's fault: who asks next begins anew.
        TokenErrorKind::Interrupted => Duration::ZERO,
        TokenErrorKind::Reauthorize | TokenErrorKind::OutcomeUnknown => FINAL_REST,
        // At least something, so that callers who come a moment later share the failure.
        _ => (Duration::from_millis(100) + backoff(strikes))
            .max(error.retry_after().unwrap_or_default()),
    };
    let rest = Rest { from: inner.now(), length };
    work.cooling =
        Some(Box::new(Cooling { error: error.clone(), strikes: strikes.saturating_add(1), rest }));
    drop(work);
    if error.kind() == TokenErrorKind::UnknownGrant {
        // Whoever asks for what is not there is told, and nothing fails.
        return;
    }
    let (key, error) = (slot.key.clone(), error.clone());
    inner.tell(&match error.kind() {
        TokenErrorKind::Reauthorize
        | TokenErrorKind::OutcomeUnknown
        | TokenErrorKind::NoRefreshToken => Event::NeedsReauthorization { key, error },
        _ => Event::Failing { key, error },
    });
}

/// Why a grant is refreshed.
pub(super) enum Cause {
    /// Somebody asked for a token.
    Asked,
    /// It is due, and its turn has come.
    Due,
    /// The API refused this token.
    Rejected(AccessToken),
}

/// A refresh under way.
pub(super) struct Refresh {
    pub(super) manager: TokenManager,
    pub(super) slot: InUse,
    cause: Cause,
    /// The life of the grant that this began in.
    pub(super) life: u64,
    /// How many requests were made.
    pub(super) attempts: u32,
    /// How long it has waited for others.
    pub(super) waited: Duration,
    /// How often it has stored again what the store had lost.
    offers: u32,
    /// Whether it has taken back what others had left.
    resent: bool,
}

/// What a part of a refresh leads to.
pub(super) enum Next {
    Done(AccessToken),
    /// Look at the store again, after this long.
    Again(Duration),
    /// Look at the store again when the grant has changed, at the latest after this long.
    Changed(Duration),
}

impl Refresh {
    async fn run(mut self) -> Result<AccessToken, TokenError> {
        self.clear_former().await?;
        loop {
            let inner = &self.manager.0;
            let asked = inner.now();
            let loaded = inner.store.wait(inner.store.store.load(&self.slot.key)).await;
            let record = loaded.inspect_err(|_| inner.outage.failed(inner.now(), None))?;
            let Some(record) = record.filter(|it| it.state != GrantState::Gone) else {
                self.slot.publish(self.life, None);
                return Err(TokenError::new(TokenErrorKind::UnknownGrant));
            };
            if self.offer_again(&record).await? {
                self.offers += 1;
                if self.offers > MOST_OFFERS {
                    return Err(TokenError::new(TokenErrorKind::Busy));
                }
                continue;
            }
            let tokens = material::read(&inner.client, &record)?.tokens;
            let cached = inner.cached(&record, &tokens, asked);
            if self.serves(&cached) {
                // Whatever becomes of the refresh: as long as this one is good, it serves.
                self.slot.publish(self.life, Some(cached));
                if !self.is_due(&record) || self.is_put_off(&record) {
                    return Ok(tokens.access_token().clone());
                }
            }
            if self.take_strays_back(&record).await? {
                continue;
            }
            match record.state {
                GrantState::Unknown if self.resend(&record).await => continue,
                GrantState::Unknown => return Err(TokenError::new(TokenErrorKind::OutcomeUnknown)),
                GrantState::Reauthorize => {
                    return Err(TokenError::new(TokenErrorKind::Reauthorize));
                }
                GrantState::Live | GrantState::Gone => {}
            }
            match self.attempt(&record, &tokens).await? {
                // To send once more would bring it once more.
                Next::Done(token) if self.is_rejected(&token) => {
                    return Err(TokenError::new(TokenErrorKind::SameToken));
                }
                Next::Done(token) => return Ok(token),
                next => self.wait(next).await,
            }
        }
    }

    /// Takes back what others have left of a refresh whose outcome is unknown, where that is wanted;
    /// whether it was done. Once in one refresh.
    async fn resend(&mut self, record: &Record) -> bool {
        let inner = Arc::clone(&self.manager.0);
        let is_wanted = inner.resends_unknown && !self.resent && record.live_lease().is_none();
        if !is_wanted || record.attempts.is_empty() {
            return false;
        }
        self.resent = true;
        for attempt in &record.attempts {
            let clear = Clear { attempt: attempt.id, epoch: record.epoch, rests_for: None };
            if inner.store.wait(inner.store.store.clear(&self.slot.key, &clear)).await.is_err() {
                return false;
            }
        }
        true
    }

    async fn wait(&self, next: Next) {
        let inner = &self.manager.0;
        match next {
            Next::Again(wait) if !wait.is_zero() => inner.timer.sleep(wait).await,
            Next::Changed(wait) => inner.store.changed(&self.slot.key, wait).await,
            Next::Again(_) | Next::Done(_) => {}
        }
    }

    /// Whether this token serves whoever asked.
    fn serves(&self, cached: &Cached) -> bool {
        !self.is_rejected(&cached.token) && cached.is_fresh(self.manager.0.now())
    }

    /// Whether the API refused this token.
    fn is_rejected(&self, token: &AccessToken) -> bool {
        matches!(&self.cause, Cause::Rejected(it) if it.same_as(token))
    }

    /// Whether the record is to be refreshed ahead of time.
    fn is_due(&self, record: &Record) -> bool {
        record.state == GrantState::Live && record.due_at.is_some_and(|at| at <= record.read_at)
    }

    /// Whether the record, whose token is good, came due in an outage and waits for its turn.
    fn is_put_off(&self, record: &Record) -> bool {
        let inner = &self.manager.0;
        let Some(due_at) = record.due_at.filter(|_| matches!(self.cause, Cause::Asked)) else {
            return false;
        };
        let now = inner.now();
        inner.outage.puts_off(now - time_of(record.read_at.since(due_at)), now)
            && !inner.outage.lets_through(now)
    }

    async fn attempt(&mut self, record: &Record, tokens: &TokenSet) -> Result<Next, TokenError> {
        let inner = Arc::clone(&self.manager.0);
        if tokens.refresh_token().is_none() {
            return Err(TokenError::new(TokenErrorKind::NoRefreshToken));
        }
        let leave = inner.breaker.admits(inner.now()).map_err(TokenError::paused)?;
        let attempt = AttemptId::random()?;
        let started = Started::now(&inner);
        let read_at = inner.now();
        let begin = Begin {
            attempt,
            epoch: record.epoch,
            generation: record.generation,
            lease: inner.timing.lease,
            takeover: inner.takeover(),
        };
        let begun = match inner.store.wait(inner.store.store.begin(&self.slot.key, &begin)).await {
            Ok(Verdict::Accepted(row)) => Some(row),
            Ok(Verdict::Refused(row)) => {
                drop(leave);
                return self.refused(record, row, attempt).await;
            }
            Err(error) => {
                inner.outage.failed(inner.now(), None);
                // It may have been written, or be yet; it led to nothing.
                self.remember_stray(record, attempt, &error);
                if inner.spends() {
                    self.clear(record, attempt, None).await;
                    return Err(error.into());
                }
                // Where a refresh spends nothing, a store that takes no writes costs requests: there
                // may be no lease, and so none has to last.
                None
            }
        };
        if begun.is_some() && started.took(&inner) > inner.time_to_send() {
            self.clear(record, attempt, None).await;
            return Err(StoreError::new(StoreErrorKind::Timeout).into());
        }
        let Some(begun) = begun else {
            return self.spend((record, read_at), attempt, tokens, leave).await;
        };
        let begun_at = inner.now();
        if begun.payload == record.payload {
            return self.spend((&begun, begun_at), attempt, tokens, leave).await;
        }
        // Refused tokens were replaced since they were read, which the generation does not tell.
        match material::read(&inner.client, &begun) {
            Ok(kept) => self.spend((&begun, begun_at), attempt, &kept.tokens, leave).await,
            Err(error) => {
                self.clear(&begun, attempt, None).await;
                Err(error)
            }
        }
    }

    /// Sends the refresh token of `tokens`, which are those of a row that was here at `read_at`, and
    /// does with the answer what is to be done with it.
    async fn spend(
        &mut self,
        (record, read_at): (&Record, OffsetDateTime),
        attempt: AttemptId,
        tokens: &TokenSet,
        leave: Leave<'_>,
    ) -> Result<Next, TokenError> {
        let inner = Arc::clone(&self.manager.0);
        let Some(refresh_token) = tokens.refresh_token() else {
            self.clear(record, attempt, None).await;
            return Err(TokenError::new(TokenErrorKind::NoRefreshToken));
        };
        leave.used();
        self.attempts += 1;
        match self.send(refresh_token).await {
            Ok(fresh) => {
                inner.breaker.answered();
                inner.outage.succeeded(inner.now());
                let fresh = carry_over(fresh, tokens);
                Ok(self.save(record, read_at, attempt, fresh).await)
            }
            Err(error) => self.failed(record, attempt, error).await,
        }
    }

    /// Sends the refresh token. `None` as error: the transport panicked.
    async fn send(&self, refresh_token: &RefreshToken) -> Result<TokenSet, Option<Error>> {
        let answer = AssertUnwindSafe(self.manager.0.client.refresh(refresh_token));
        match answer.catch_unwind().await {
            Ok(answer) => answer.map_err(Some),
            Err(_) => Err(None),
        }
    }
}

/// RFC 6749 section 6: scopes that are not told are unchanged.
fn carry_over(fresh: TokenSet, former: &TokenSet) -> TokenSet {
    match (fresh.scopes(), former.scopes()) {
        (None, Some(scopes)) => fresh.with_scopes(scopes.clone()),
        _ => fresh,
    }
}
