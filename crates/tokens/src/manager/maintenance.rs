//! Work on all grants of a store: sealing anew, marking after a restored backup, sweeping.

use std::sync::Arc;

#[cfg(feature = "sealed")]
use super::engine::GrantInUse;
use super::engine::{Engine, Swapped};
#[cfg(feature = "sealed")]
use super::refresh::rewrite;
use crate::error::TokenError;
#[cfg(feature = "sealed")]
use crate::error::TokenErrorKind;
use crate::key::GrantKey;
use crate::rules::Judged;
use crate::store::{GrantState, Record, StoreError, Version};

/// What a call such as [`TokenManager::sweep`](crate::TokenManager::sweep) did to the records of
/// the manager's clients.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct Maintained {
    /// The records that were written or removed.
    pub changed: u64,
    /// The records that have to be changed and could not be, since a refresh is pending. Call
    /// again later.
    pub pending: u64,
    /// The records that could not be read or written. Call again once the cause is removed.
    pub failed: u64,
    /// The first 100 failures.
    pub failures: Vec<(GrantKey, TokenError)>,
    /// The first 100 rows of the store that hold no record that can be read.
    pub skipped: Vec<StoreError>,
}

/// What is done to each record.
#[derive(Debug, Clone, Copy)]
pub(super) enum Change {
    #[cfg(feature = "sealed")]
    Reseal,
    MarkRestored,
    Sweep,
}

/// What a record needs.
enum Needs {
    Nothing,
    /// To be changed, when no attempt is pending any more.
    Later,
    /// To be replaced, or removed.
    Swap(Option<Box<Record>>),
}

/// The most records of one page.
const PAGE: usize = 256;

/// The most failures that are reported one by one.
const MOST_FAILURES: usize = 100;

/// Changes all records of the manager's clients.
pub(super) async fn change_all(
    engine: &Arc<Engine>,
    change: Change,
) -> Result<Maintained, TokenError> {
    let (mut done, mut after) = (Maintained::default(), None);
    loop {
        engine.closing.check()?;
        let page = engine.list(after.as_ref(), PAGE).await?;
        let room = MOST_FAILURES.saturating_sub(done.skipped.len());
        done.skipped.extend(page.skipped.into_iter().take(room));
        for (key, record) in page.records {
            if key.is_reserved() || engine.client_of(&key).is_err() {
                continue;
            }
            match change_one(engine, change, &key, record).await {
                Ok(Some(true)) => done.changed += 1,
                Ok(Some(false)) => done.pending += 1,
                Ok(None) => {}
                Err(error) => {
                    done.failed += 1;
                    if done.failures.len() < MOST_FAILURES {
                        done.failures.push((key, error));
                    }
                }
            }
        }
        match page.next {
            Some(next) => after = Some(next),
            None => return Ok(done),
        }
    }
}

/// Returns whether the record was changed, or has to be later. `None` if it is as it should be.
async fn change_one(
    engine: &Arc<Engine>,
    change: Change,
    key: &GrantKey,
    record: Record,
) -> Result<Option<bool>, TokenError> {
    let mut present = Some(record);
    while let Some(record) = present {
        let next = match change.needs(engine, key, &record)? {
            Needs::Nothing => return Ok(None),
            Needs::Later => return Ok(Some(false)),
            Needs::Swap(next) => next,
        };
        match engine.swap(key, Some(record.version), next.as_deref()).await? {
            Swapped::Done(_) => return Ok(Some(true)),
            Swapped::Conflict(found, _) => present = found,
        }
    }
    Ok(None)
}

impl Change {
    fn needs(
        self,
        engine: &Arc<Engine>,
        key: &GrantKey,
        record: &Record,
    ) -> Result<Needs, TokenError> {
        let judged = match self {
            Self::Sweep => {
                let is_gone = record.state == GrantState::Gone;
                return Ok(if is_gone { Needs::Swap(None) } else { Needs::Nothing });
            }
            Self::MarkRestored => engine
                .client_of(key)?
                .rules
                .mark_restored(record, Version::draw(&*engine.randomness)?),
            #[cfg(feature = "sealed")]
            Self::Reseal => {
                if record.state == GrantState::Gone || engine.codec.is_current(record) {
                    return Ok(Needs::Nothing);
                }
                rewrite::resealed(&engine.grant(key)?, record)?
            }
        };
        Ok(match judged {
            Judged::Write(next) => Needs::Swap(Some(Box::new(next))),
            _ if matches!(self, Self::MarkRestored) => Needs::Nothing,
            _ => Needs::Later,
        })
    }
}

/// Seals one grant again. Returns whether its record was written.
#[cfg(feature = "sealed")]
pub(super) async fn reseal(grant: &GrantInUse) -> Result<bool, TokenError> {
    let (record, _) = grant.engine.load(&grant.key).await?;
    let record = record.filter(|it| it.state != GrantState::Gone);
    let record = record.ok_or_else(|| TokenError::new(TokenErrorKind::UnknownGrant))?;
    let changed = change_one(&grant.engine, Change::Reseal, &grant.key, record).await?;
    Ok(changed == Some(true))
}
