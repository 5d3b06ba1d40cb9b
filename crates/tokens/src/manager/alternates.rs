//! Answers that came when others had moved the generation: kept beside the tokens that took their
//! place, and tried before a grant is given up.

use std::sync::Arc;

use super::Inner;
use super::material::{self, Kept};
use super::refresh::Refresh;
use super::save::Unsaved;
use crate::error::TokenError;
use crate::key::GrantKey;
use crate::store::{GrantState, Record, Reseal, StoreError, Verdict};

/// How often somebody may write at the same moment.
const MOST_RIVALS: u32 = 4;

impl Unsaved {
    /// Keeps the answer beside what is there now.
    pub(super) async fn keep_as_alternate(&self, row: Option<Record>) {
        let inner = &self.manager.0;
        if self.fresh.refresh_token().is_none() || !inner.spends() {
            return;
        }
        let mut row = row;
        for _ in 0..MOST_RIVALS {
            let moved = row.filter(|it| {
                it.epoch == self.read.epoch
                    && it.generation > self.read.generation
                    && it.state != GrantState::Gone
            });
            let Some(record) = moved else { return };
            // What cannot be read or written now is told to whoever asks for the grant.
            let Ok(kept) = material::read(&inner.client, &record) else { return };
            let kept = kept.with_alternate(self.fresh.clone());
            match inner.reseal(&self.slot.key, &record, &kept).await {
                Ok(Verdict::Refused(newer)) => row = newer,
                Ok(Verdict::Accepted(_)) | Err(_) => return,
            }
        }
    }
}

impl Refresh {
    /// Puts the first alternate in the place of tokens that the provider refused, unless somebody
    /// has written meanwhile; whether there was one.
    pub(super) async fn promote_alternate(&self, row: &Record) -> Result<bool, TokenError> {
        let inner: &Arc<Inner> = &self.manager.0;
        let Some(promoted) = material::read(&inner.client, row)?.promoted() else {
            return Ok(false);
        };
        inner.reseal(&self.slot.key, row, &promoted).await?;
        Ok(true)
    }
}

impl Inner {
    /// Puts this in the place of the payload that was read.
    async fn reseal(
        &self,
        key: &GrantKey,
        record: &Record,
        kept: &Kept,
    ) -> Result<Verdict, StoreError> {
        let unwritable = |_| StoreError::new(crate::store::StoreErrorKind::Other);
        let reseal = Reseal {
            epoch: record.epoch,
            generation: record.generation,
            revision: record.revision,
            payload: material::write(&self.client, kept).map_err(unwritable)?,
            key_id: None,
        };
        self.store.wait(self.store.store.reseal(key, &reseal)).await
    }
}
