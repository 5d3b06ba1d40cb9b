use std::sync::Arc;
use std::time::Duration;

use countersign_core::{Extra, Scopes};
use time::OffsetDateTime;

use super::engine::Engine;
use super::store_clock::Reading;
use crate::error::{TokenError, TokenErrorKind};
use crate::key::GrantKey;
use crate::rules::Obstacle;
use crate::store::{GrantState, Record, StoreError};

/// How a grant stands, without its secrets.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct GrantStatus {
    /// The key of the grant.
    pub key: GrantKey,
    /// Whether the grant can be refreshed. It is [`GrantState::Unknown`] as soon as an attempt
    /// whose lease has ended forbids refreshes, whether or not the store says so yet.
    pub state: GrantState,
    /// The scopes that were granted. `None` if the provider did not say, or if the tokens cannot be
    /// read.
    pub scopes: Option<Scopes>,
    /// The members of the provider's last answer that have no name here. They may hold secrets such
    /// as an ID token, which `Debug` does not show.
    pub extra: Extra,
    /// Counts the refresh tokens since the grant was inserted, from 1.
    pub generation: u64,
    /// How much longer the access token is valid, by the store's clock. `None` if the provider did
    /// not say.
    pub expires_in: Option<Duration>,
    /// In how long the grant is to be refreshed. `None` if it is not.
    pub due_in: Option<Duration>,
    /// Whether a process is refreshing the grant now.
    pub is_leased: bool,
    /// Whether this process holds tokens of the grant that could not be stored yet.
    pub is_unsaved: bool,
    /// Until when this process hands out the token that it holds.
    pub fresh_until: Option<OffsetDateTime>,
    /// The last failure of this process, if the grant was not refreshed since, or why the tokens
    /// cannot be read.
    pub last_error: Option<TokenError>,
}

/// Some grants, and where the next page begins.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct GrantList {
    /// The grants, in the order of their keys.
    pub grants: Vec<GrantStatus>,
    /// The rows of the store that could not be read: one error each.
    pub skipped: Vec<StoreError>,
    /// The cursor of the next page. `None` if this page is the last.
    pub next: Option<GrantKey>,
}

/// Reads how the grant stands.
pub(super) async fn status(
    engine: &Arc<Engine>,
    key: &GrantKey,
) -> Result<GrantStatus, TokenError> {
    engine.client_of(key)?;
    let (record, reading) = engine.load(key).await?;
    match record.filter(|it| it.state != GrantState::Gone) {
        Some(record) => of_record(engine, key, &record, &reading),
        None => Err(TokenError::new(TokenErrorKind::UnknownGrant)),
    }
}

/// Lists grants of the manager's clients.
pub(super) async fn list(
    engine: &Arc<Engine>,
    after: Option<&GrantKey>,
    limit: usize,
) -> Result<GrantList, TokenError> {
    let asked = engine.moment();
    let page = engine.list(after, limit).await?;
    let reading = Reading { read_at: page.read_at, asked, came: engine.moment() };
    let grants = page.records.iter().filter(|(key, record)| {
        !key.is_reserved() && record.state != GrantState::Gone && engine.client_of(key).is_ok()
    });
    let grants = grants.map(|(key, record)| of_record(engine, key, record, &reading));
    Ok(GrantList {
        grants: grants.collect::<Result<_, _>>()?,
        skipped: page.skipped,
        next: page.next,
    })
}

fn of_record(
    engine: &Arc<Engine>,
    key: &GrantKey,
    record: &Record,
    reading: &Reading,
) -> Result<GrantStatus, TokenError> {
    let grant = engine.grant(key)?;
    let now = reading.now(engine.moment());
    let state = match grant.client.rules.obstacle(record, now) {
        Some(Obstacle::Unknown) => GrantState::Unknown,
        _ => record.state,
    };
    let (tokens, unreadable) = match engine.codec.read(&grant.client.client, key, record) {
        Ok(tokens) => (Some(tokens.main), None),
        Err(error) => (None, Some(error)),
    };
    let work = grant.work();
    Ok(GrantStatus {
        key: key.clone(),
        state,
        scopes: tokens.as_ref().and_then(|it| it.scopes().cloned()),
        extra: tokens.map(|it| it.extra().clone()).unwrap_or_default(),
        generation: record.generation,
        expires_in: record.expires_at.map(|at| at.since(reading.read_at)),
        due_in: record.due_at.map(|at| at.since(reading.read_at)),
        is_leased: record.is_leased(reading.read_at),
        is_unsaved: work.is_unsaved,
        last_error: work.failure.as_ref().map(|it| it.error.clone()).or(unreadable),
        fresh_until: grant.expires_at(),
    })
}
