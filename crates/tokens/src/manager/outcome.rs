//! What follows from each way in which a refresh ends without tokens.

use std::sync::Arc;
use std::time::Duration;

use countersign_core::{Error, Outcome, Recovery};

use super::refresh::{MOST_REQUESTS, Next, Refresh};
use super::timing::backoff;
use crate::error::{TokenError, TokenErrorKind};
use crate::store::{
    AttemptId, GrantState, Mark, Negative, Record, Renew, StoreError, StoreErrorKind, Verdict,
};

/// A rest that callers wait for, rather than to be told of it.
const SHORT_REST: Duration = Duration::from_secs(1);

/// What the store has when the provider has refused what was read from it.
enum Look {
    /// The generation has moved.
    Moved,
    /// An answer that was overtaken has taken the place of what was refused.
    Another,
    /// The same, and somebody else is at it.
    Contested,
    /// The same.
    Same,
}

impl Refresh {
    /// What follows when the store did not let it begin.
    pub(super) async fn refused(
        &mut self,
        read: &Record,
        row: Option<Record>,
        attempt: AttemptId,
    ) -> Result<Next, TokenError> {
        let Some(row) = row.filter(|it| is_same(it, read) && it.state == GrantState::Live) else {
            return Ok(Next::Again(Duration::ZERO));
        };
        if self.take_strays_back(&row).await? {
            return Ok(Next::Again(Duration::ZERO));
        }
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

    /// What follows when no tokens came.
    pub(super) async fn failed(
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
        if outcome == Outcome::Refused {
            inner.breaker.answered();
        } else {
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
            // Begin knows whether the grace still runs, and marks the grant when it is over.
            Outcome::Unknown if inner.has_grace() => {
                self.leave_intent(record, attempt).await;
                if self.attempts < MOST_REQUESTS {
                    return Ok(Next::Again(backoff(self.attempts)));
                }
                return Err(told);
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
        let (negative, kind) = match self.look_again(record, attempt).await {
            Ok(Look::Moved) => return Ok(Next::Again(Duration::ZERO)),
            // Another token, which this intent says nothing of.
            Ok(Look::Another) => {
                return match self.clear(record, attempt, None).await {
                    true => Ok(Next::Again(Duration::ZERO)),
                    false => Err(StoreError::new(StoreErrorKind::Unavailable).into()),
                };
            }
            Ok(Look::Contested) => (Negative::Unknown, TokenErrorKind::OutcomeUnknown),
            Ok(Look::Same) => (Negative::Reauthorize, TokenErrorKind::Reauthorize),
            // The intent has its answer. Standing, it would be taken for one that has none.
            Err(error) => {
                self.clear(record, attempt, None).await;
                return Err(error);
            }
        };
        self.mark(record, attempt, negative, kind, error).await
    }

    /// Looks whether the store has another token than the one that was refused.
    async fn look_again(&self, read: &Record, attempt: AttemptId) -> Result<Look, TokenError> {
        let inner = &self.manager.0;
        let row = inner.store.wait(inner.store.store.load(&self.slot.key)).await?;
        let Some(row) = row.filter(|it| is_same(it, read)) else { return Ok(Look::Moved) };
        if row.attempts_of_others(attempt).next().is_some() {
            return Ok(Look::Contested);
        }
        Ok(if self.promote_alternate(&row).await? { Look::Another } else { Look::Same })
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
            // Something has moved; or there is no intent to be unknown of, since its author has
            // taken it back.
            Ok(Verdict::Refused(row)) => {
                let stands = row.is_some_and(|row| {
                    let is_groundless = row.attempts.is_empty() && negative == Negative::Unknown;
                    is_same(&row, record) && !is_groundless
                });
                if stands { Err(told) } else { Ok(Next::Again(Duration::ZERO)) }
            }
        }
    }

    /// Lets others begin. The intent stays, and says since when the grace has run; where an earlier
    /// one of this process does, it goes, lest they add up.
    async fn leave_intent(&self, begun: &Record, attempt: AttemptId) {
        let left = self.slot.work().left_intent();
        if left.is_some_and(|left| begun.attempts.iter().any(|it| it.id == left)) {
            self.clear(begun, attempt, None).await;
            return;
        }
        {
            let mut work = self.slot.work();
            if work.life == self.life {
                work.intents().left = Some(attempt);
            }
        }
        let inner = &self.manager.0;
        let renew = Renew { attempt, epoch: begun.epoch, lease: Duration::ZERO };
        let _ = inner.store.wait(inner.store.store.renew(&self.slot.key, &renew)).await;
    }
}

fn is_same(row: &Record, read: &Record) -> bool {
    row.epoch == read.epoch && row.generation == read.generation
}

fn is_refusal_of_grant(error: &Error) -> bool {
    error.recovery() == Recovery::Reauthorize
}
