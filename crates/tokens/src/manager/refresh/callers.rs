//! How callers get the token of a grant: from memory, or by a refresh that they share.

use std::sync::Arc;

use countersign_core::AccessToken;

use super::driver::{Cause, Joined, start};
use crate::error::{TokenError, TokenErrorKind};
use crate::event::Event;
use crate::manager::backoff::Early;
use crate::manager::engine::GrantInUse;
use crate::manager::single_flight::SingleFlight;

/// How many refreshes a rejection may find under way that do not know of it.
const MOST_UNAWARE: u32 = 4;

/// Returns a fresh token of the grant, from memory or by a refresh.
pub(in crate::manager) async fn token_of(grant: &GrantInUse) -> Result<AccessToken, TokenError> {
    let now = grant.engine.now();
    match grant.fresh(now) {
        Some(token) if grant.quiet(now).is_some() => Ok(token),
        Some(token) => {
            // A grant that could not begin must not use up a probe.
            if !grant.is_backing_off(now) && grant.client.circuit.early(now) == Early::Yes {
                // Nobody waits for it. Events report the outcome.
                let _ = start(grant, Cause::Due);
            }
            Ok(token)
        }
        None => refreshed(grant, None).await,
    }
}

/// Returns another token than `rejected`.
pub(in crate::manager) async fn reject(
    grant: &GrantInUse,
    rejected: &AccessToken,
) -> Result<AccessToken, TokenError> {
    let (engine, now) = (&grant.engine, grant.engine.now());
    if let Some(newer) = grant.fresh(now).filter(|it| !it.same_as(rejected)) {
        return Ok(newer);
    }
    let rejected_again = grant.work().rejected_again(now);
    if let Some((error, is_first)) = rejected_again {
        if is_first {
            let (key, error) = (grant.key.clone(), error.clone());
            engine.notify(&Event::Failing { key, error });
        }
        return Err(error);
    }
    grant.retire(rejected);
    refreshed(grant, Some(rejected.clone())).await
}

/// Returns the token of a refresh, which may be under way or have failed just now.
async fn refreshed(
    grant: &GrantInUse,
    rejected: Option<AccessToken>,
) -> Result<AccessToken, TokenError> {
    let is_rejected = |token: &AccessToken| rejected.as_ref().is_some_and(|it| it.same_as(token));
    let mut has_ended = false;
    for _ in 0..=MOST_UNAWARE {
        let cause = rejected.clone().map_or(Cause::Asked, Cause::Rejected);
        let incarnation = grant.work().incarnation;
        let Joined { flight, is_settling } = start(grant, cause)?;
        if is_settling && settled(grant, &flight).await {
            continue;
        }
        match flight.outcome().await {
            // That refresh was under way, and saw nothing wrong with the token.
            Ok(token) if is_rejected(&token) => grant.retire(&token),
            // The process was paused for longer than the token lives, with the answer in the socket.
            // Once: a provider may give tokens that have ended already.
            Ok(token) if !has_ended && grant.has_ended(&token, grant.engine.now()) => {
                has_ended = true;
            }
            Ok(token) => return Ok(token),
            // That refresh was of the grant that was there before.
            Err(error)
                if error.kind() == TokenErrorKind::Interrupted
                    && grant.work().incarnation != incarnation => {}
            // The old token may still be good, although it was due (G13).
            Err(error) => {
                if is_settling {
                    look(grant, incarnation, &error).await;
                }
                let fresh = grant.fresh(grant.engine.now()).filter(|token| !is_rejected(token));
                return fresh.ok_or(error);
            }
        }
    }
    Err(TokenError::new(match rejected {
        Some(_) => TokenErrorKind::SameToken,
        None => TokenErrorKind::Interrupted,
    }))
}

/// Has a refresh that has failed try at once to settle its last write. Returns whether it is over.
async fn settled(grant: &GrantInUse, flight: &Arc<SingleFlight<AccessToken>>) -> bool {
    let progress = grant.progress.listen();
    grant.nudge.notify(usize::MAX);
    let is_over = || !grant.work().flight.as_ref().is_some_and(|it| Arc::ptr_eq(it, flight));
    if !is_over() {
        progress.await;
    }
    is_over()
}

/// Hands out what the store has, while a refresh that has failed goes on settling its last write.
async fn look(grant: &GrantInUse, incarnation: u64, error: &TokenError) {
    let engine = &grant.engine;
    grant.work().share_failure(Some(error.clone()), engine.now(), &*engine.randomness);
    let Ok((Some(record), reading)) = engine.load(&grant.key).await else { return };
    let client = &grant.client;
    if let Ok(tokens) = engine.codec.read(&client.client, &grant.key, &record) {
        let cached = client.cached(&record, &tokens.main, &reading);
        grant.publish(incarnation, Some(cached));
    }
}
