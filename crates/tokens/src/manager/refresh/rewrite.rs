//! Writing the tokens of a generation in another form.

use countersign_core::TokenSet;

#[cfg(feature = "sealed")]
use crate::error::TokenError;
use crate::manager::engine::{GrantInUse, Swapped};
use crate::rules::{Judged, Origin};
#[cfg(feature = "sealed")]
use crate::store::Record;
use crate::store::{Epoch, GrantState, Version};

/// How often it is tried to keep a superseded answer.
const MOST_KEEPS: u32 = 16;

/// Keeps an answer beside the tokens that superseded it: the provider may take either.
pub(super) async fn keep_later(grant: GrantInUse, epoch: Epoch, answer: TokenSet) {
    for failures in 0..MOST_KEEPS {
        grant.engine.sleep(grant.engine.backoff(failures)).await;
        if keep(&grant, epoch, &answer).await.is_some() {
            return;
        }
    }
}

/// Returns `None` if keeping the answer is to be tried again.
pub(super) async fn keep(grant: &GrantInUse, epoch: Epoch, answer: &TokenSet) -> Option<()> {
    let (engine, client) = (&grant.engine, &grant.client.client);
    let (record, _) = engine.load(&grant.key).await.ok()?;
    let Some(record) = record.filter(|it| it.epoch == epoch) else { return Some(()) };
    let Ok(tokens) = engine.codec.read(client, &grant.key, &record) else { return Some(()) };
    let Some(tokens) = tokens.with_superseded(answer.clone()) else { return Some(()) };
    let origin = Origin::of(&record);
    let (payload, key_id) = engine.write(&grant.client, &grant.key, origin, &tokens).ok()?;
    let version = Version::draw(&*engine.randomness).ok()?;
    // While an attempt is pending nobody else writes: it is tried again.
    let Judged::Write(next) = grant.client.rules.reseal(&record, payload, key_id, version) else {
        return (record.state == GrantState::Gone).then_some(());
    };
    match engine.swap(&grant.key, Some(record.version), Some(&next)).await.ok()? {
        Swapped::Done(_) => Some(()),
        Swapped::Conflict(..) => None,
    }
}

/// Seals `record` again with the current key.
#[cfg(feature = "sealed")]
pub(in crate::manager) fn resealed(
    grant: &GrantInUse,
    record: &Record,
) -> Result<Judged, TokenError> {
    let engine = &grant.engine;
    let tokens = engine.codec.read(&grant.client.client, &grant.key, record)?;
    let (payload, key_id) = engine.write(&grant.client, &grant.key, Origin::of(record), &tokens)?;
    let version = Version::draw(&*engine.randomness)?;
    Ok(grant.client.rules.reseal(record, payload, key_id, version))
}
