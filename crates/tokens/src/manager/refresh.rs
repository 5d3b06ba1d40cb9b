//! One refresh of one grant, by the protocol of [`GrantStore`](crate::GrantStore).

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use countersign_core::{AccessToken, Error, Outcome, Recovery, RefreshToken, Rotation, TokenSet};
use futures_lite::FutureExt;

use super::TokenManager;
use super::flight::Flight;
use super::gate::Started;
use super::slot::{Cooling, Rest, Slot};
use super::timing::{backoff, time_of};
use super::{Inner, material};
use crate::error::{TokenError, TokenErrorKind};
use crate::event::Event;
use crate::store::{
    AttemptId, Begin, Clear, GrantState, Mark, Negative, Record, Renew, StoreError, StoreErrorKind,
    Takeover, Verdict,
};

/// Requests that one refresh may come to, when those before were surely or harmlessly lost.
const MOST_REQUESTS: u32 = 3;

/// How often one refresh stores again what the store has lost, or seems to have.
const MOST_OFFERS: u32 = 3;

/// A rest that callers wait for, rather than to be told of it.
const SHORT_REST: Duration = Duration::from_secs(1);

/// How long nobody asks again about a grant that cannot be refreshed.
const FINAL_REST: Duration = Duration::from_secs(30);

/// Joins the refresh that is under way, or begins one.
///
/// # Errors
///
/// The last failure, as long as it is not time to try again.
pub(super) fn begin(
    manager: &TokenManager,
    slot: &Arc<Slot>,
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
        slot: Arc::clone(slot),
        cause,
        life: work.life,
        attempts: 0,
        waited: Duration::ZERO,
        offers: 0,
        resent: false,
    };
    let (inner, of_slot) = (Arc::clone(&manager.0), Arc::clone(slot));
    let landed = move |outcome: &Result<AccessToken, TokenError>| landed(&inner, &of_slot, outcome);
    let (flight, task) = Flight::new(refresh.run(), landed);
    work.flight = Some(Arc::clone(&flight));
    // A task that is refused is dropped, which lands the flight, which takes the lock.
    drop(work);
    let _ = manager.0.spawner.spawn(task);
    Ok(flight)
}

fn landed(inner: &Inner, slot: &Slot, outcome: &Result<AccessToken, TokenError>) {
    let mut work = slot.work();
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
    /// It is due, by the list.
    Due,
    /// The API refused this token.
    Rejected(AccessToken),
}

/// A refresh under way.
pub(super) struct Refresh {
    pub(super) manager: TokenManager,
    pub(super) slot: Arc<Slot>,
    /// The token that the API refused.
    cause: Cause,
    /// The life of the grant that this began in.
    pub(super) life: u64,
    /// How many requests were made.
    attempts: u32,
    /// How long it has waited for others.
    waited: Duration,
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
            if self.serves(&record, &tokens) {
                // Whatever becomes of the refresh: as long as this one is good, it serves.
                self.publish(&record, &tokens);
                if !self.is_due(&record) || self.is_put_off(&record) {
                    return Ok(tokens.access_token().clone());
                }
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

    /// Whether these tokens serve whoever asked.
    fn serves(&self, record: &Record, tokens: &TokenSet) -> bool {
        let was_rejected = match &self.cause {
            Cause::Rejected(token) => token.same_as(tokens.access_token()),
            Cause::Asked | Cause::Due => false,
        };
        !was_rejected && self.manager.0.cached(record, tokens).is_fresh(self.manager.0.now())
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
    }

    pub(super) fn publish(&self, record: &Record, tokens: &TokenSet) -> bool {
        self.slot.publish(self.life, Some(self.manager.0.cached(record, tokens)))
    }

    async fn attempt(&mut self, record: &Record, tokens: &TokenSet) -> Result<Next, TokenError> {
        let inner = Arc::clone(&self.manager.0);
        let Some(refresh_token) = tokens.refresh_token() else {
            return Err(TokenError::new(TokenErrorKind::NoRefreshToken));
        };
        inner.breaker.admits(inner.now()).map_err(TokenError::paused)?;
        let attempt = AttemptId::random()?;
        let started = Started::now(&inner);
        let begin = Begin {
            attempt,
            epoch: record.epoch,
            generation: record.generation,
            lease: inner.timing.lease,
            takeover: inner.takeover(),
        };
        match inner.store.wait(inner.store.store.begin(&self.slot.key, &begin)).await {
            Ok(Verdict::Accepted(_)) => {}
            Ok(Verdict::Refused(row)) => return self.refused(record, row, attempt).await,
            Err(error) => {
                inner.outage.failed(inner.now(), None);
                // It may have been written; it led to nothing.
                self.clear(record, attempt, None).await;
                // Where a refresh spends nothing, a store that takes no writes costs requests.
                if inner.spends() {
                    return Err(error.into());
                }
            }
        }
        if started.took(&inner) > inner.time_to_send() {
            self.clear(record, attempt, None).await;
            return Err(StoreError::new(StoreErrorKind::Timeout).into());
        }
        self.attempts += 1;
        match self.send(refresh_token).await {
            Ok(fresh) => {
                inner.breaker.succeeded();
                inner.outage.succeeded(inner.now());
                let fresh = carry_over(fresh, tokens);
                Ok(self.save(record, attempt, fresh).await)
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

    /// What follows when the store did not let it begin.
    async fn refused(
        &mut self,
        read: &Record,
        row: Option<Record>,
        attempt: AttemptId,
    ) -> Result<Next, TokenError> {
        let Some(row) = row.filter(|it| is_same(it, read) && it.state == GrantState::Live) else {
            return Ok(Next::Again(Duration::ZERO));
        };
        let inner = &self.manager.0;
        let rest = row.not_before.map(|it| it.since(row.read_at)).filter(|rest| !rest.is_zero());
        if let Some(rest) = rest.filter(|rest| *rest > SHORT_REST) {
            return Err(TokenError::paused(rest));
        }
        if row.live_lease().is_some() || rest.is_some() {
            if self.waited > inner.timing.lease {
                return Err(TokenError::new(TokenErrorKind::Busy));
            }
            let wait = Duration::from_millis(fastrand::u64(50..250));
            self.waited += wait;
            return Ok(Next::Changed(wait));
        }
        // Somebody has begun, and neither ended nor lives: the refresh token may be spent.
        self.mark(read, attempt, Negative::Unknown, TokenErrorKind::OutcomeUnknown, None).await
    }

    async fn failed(
        &mut self,
        record: &Record,
        attempt: AttemptId,
        error: Option<Error>,
    ) -> Result<Next, TokenError> {
        let inner = Arc::clone(&self.manager.0);
        let outcome = error.as_ref().map_or(Outcome::Unknown, Error::outcome);
        let failure = |kind| match error.clone() {
            Some(error) => TokenError::of_provider(kind, error),
            None => TokenError::new(TokenErrorKind::Interrupted),
        };
        let told = failure(TokenErrorKind::Refresh);
        if outcome != Outcome::Refused {
            inner.breaker.failed(inner.now(), told.retry_after());
            inner.outage.failed(inner.now(), told.retry_after());
        }
        let is_final = matches!(
            error.as_ref().map(Error::recovery),
            Some(Recovery::Reauthorize | Recovery::Fix)
        );
        match outcome {
            Outcome::Refused if error.as_ref().is_some_and(is_refusal_of_grant) => {
                return self.refused_by_provider(record, attempt, error).await;
            }
            Outcome::Unknown if inner.has_grace() && self.attempts < MOST_REQUESTS => {
                // The intent stays, and says since when the grace has run: begin looks at it.
                self.release(record, attempt).await;
                return Ok(Next::Again(backoff(self.attempts)));
            }
            Outcome::Unknown if inner.spends() => {
                let kind = TokenErrorKind::OutcomeUnknown;
                return self.mark(record, attempt, Negative::Unknown, kind, error).await;
            }
            _ => {}
        }
        let is_cleared = self.clear(record, attempt, told.retry_after()).await;
        let is_lost = matches!(outcome, Outcome::NotSent | Outcome::Unknown);
        let may_repeat = is_cleared || !inner.spends();
        if is_lost && !is_final && may_repeat && self.attempts < MOST_REQUESTS {
            return Ok(Next::Again(backoff(self.attempts)));
        }
        Err(told)
    }

    /// `invalid_grant` is believed when nothing has moved and nobody else is at it (G11).
    async fn refused_by_provider(
        &mut self,
        record: &Record,
        attempt: AttemptId,
        error: Option<Error>,
    ) -> Result<Next, TokenError> {
        let inner = &self.manager.0;
        let row = inner.store.wait(inner.store.store.load(&self.slot.key)).await?;
        let Some(row) = row.filter(|it| is_same(it, record)) else {
            return Ok(Next::Again(Duration::ZERO));
        };
        let is_contested = row.attempts_of_others(attempt).next().is_some();
        if !is_contested && self.promote_alternate(&row).await? {
            // Another token, which this intent says nothing of.
            return match self.clear(record, attempt, None).await {
                true => Ok(Next::Again(Duration::ZERO)),
                false => Err(StoreError::new(StoreErrorKind::Unavailable).into()),
            };
        }
        let (negative, kind) = if is_contested {
            (Negative::Unknown, TokenErrorKind::OutcomeUnknown)
        } else {
            (Negative::Reauthorize, TokenErrorKind::Reauthorize)
        };
        self.mark(record, attempt, negative, kind, error).await
    }

    async fn mark(
        &self,
        record: &Record,
        attempt: AttemptId,
        negative: Negative,
        kind: TokenErrorKind,
        error: Option<Error>,
    ) -> Result<Next, TokenError> {
        let inner = &self.manager.0;
        let mark = Mark {
            attempt,
            epoch: record.epoch,
            generation: record.generation,
            as_state: negative,
        };
        let marked = inner.store.wait(inner.store.store.mark(&self.slot.key, &mark)).await;
        let told = match error {
            Some(error) => TokenError::of_provider(kind, error),
            None => TokenError::new(kind),
        };
        match marked {
            // Not marked for sure: the intent stands, and says the same to whoever reads it.
            Ok(Verdict::Accepted(_)) | Err(_) => Err(told),
            // There is no intent to be unknown of: its author has taken it back.
            Ok(Verdict::Refused(Some(row)))
                if is_same(&row, record)
                    && !(row.attempts.is_empty() && negative == Negative::Unknown) =>
            {
                Err(told)
            }
            Ok(Verdict::Refused(_)) => Ok(Next::Again(Duration::ZERO)),
        }
    }

    /// Lets others begin, without taking the own intent back.
    async fn release(&self, record: &Record, attempt: AttemptId) {
        let inner = &self.manager.0;
        let renew = Renew { attempt, epoch: record.epoch, lease: Duration::ZERO };
        let _ = inner.store.wait(inner.store.store.renew(&self.slot.key, &renew)).await;
    }
}

impl Inner {
    /// Whether a refresh spends the refresh token.
    pub(super) fn spends(&self) -> bool {
        self.client.provider().rotation != Rotation::Never
    }

    pub(super) fn has_grace(&self) -> bool {
        matches!(self.client.provider().rotation, Rotation::Grace { .. })
    }

    /// What is made of the intents of others, by how the provider rotates.
    fn takeover(&self) -> Takeover {
        match self.client.provider().rotation {
            Rotation::Never => Takeover::Always,
            Rotation::Grace { window, .. } => {
                Takeover::Within(window.saturating_sub(self.time_to_arrive()))
            }
            _ => Takeover::Never,
        }
    }
}

fn is_same(row: &Record, read: &Record) -> bool {
    row.epoch == read.epoch && row.generation == read.generation
}

fn is_refusal_of_grant(error: &Error) -> bool {
    error.recovery() == Recovery::Reauthorize
}

/// RFC 6749 section 6: scopes that are not told are unchanged.
fn carry_over(fresh: TokenSet, former: &TokenSet) -> TokenSet {
    match (fresh.scopes(), former.scopes()) {
        (None, Some(scopes)) => fresh.with_scopes(scopes.clone()),
        _ => fresh,
    }
}
