//! Storing what a refresh brought: before it is handed out, and until it is stored.

use std::sync::Arc;
use std::time::Duration;

use countersign_core::TokenSet;
use time::OffsetDateTime;

use super::in_use::InUse;
use super::refresh::{Next, Refresh};
use super::timing::{backoff, usable};
use super::{Inner, TokenManager, material};
use crate::error::{TokenError, TokenErrorKind};
use crate::event::Event;
use crate::store::{AttemptId, Material, Record, Renew, Save, StoreTime, Verdict};

impl Refresh {
    /// Stores `fresh`, which the refresh token of `read` bought, and hands it out.
    /// `read_at` is when that row was here, at the latest.
    pub(super) async fn save(
        &self,
        read: &Record,
        read_at: OffsetDateTime,
        attempt: AttemptId,
        fresh: TokenSet,
    ) -> Next {
        let ends_by = ends_by(read, read_at, &fresh);
        let unsaved = Unsaved {
            manager: self.manager.clone(),
            slot: self.slot.clone(),
            life: self.life,
            read: read.clone(),
            attempt,
            ends_by,
            fresh,
        };
        match unsaved.store().await {
            Ok(Verdict::Accepted(row)) => unsaved.stored(&row),
            // Superseded: whatever took its place is the grant now.
            Ok(Verdict::Refused(row)) => {
                unsaved.keep_as_alternate(row).await;
                return Next::Again(Duration::ZERO);
            }
            Err(error) => return unsaved.keep(error),
        }
        Next::Done(unsaved.fresh.access_token().clone())
    }
}

/// Tokens that were had and are not known to be stored.
pub(super) struct Unsaved {
    pub(super) manager: TokenManager,
    pub(super) slot: InUse,
    life: u64,
    pub(super) read: Record,
    attempt: AttemptId,
    ends_by: Option<StoreTime>,
    pub(super) fresh: TokenSet,
}

impl Unsaved {
    async fn store(&self) -> Result<Verdict, TokenError> {
        let inner = &self.manager.0;
        let save = Save {
            attempt: self.attempt,
            epoch: self.read.epoch,
            generation: self.read.generation,
            material: inner.material(&self.fresh, false)?,
            ends_by: self.ends_by,
            rests_for: inner.contested_rest(),
        };
        Ok(inner.store.wait(inner.store.store.save(&self.slot.key, &save)).await?)
    }

    fn stored(&self, row: &Record) {
        let inner = &self.manager.0;
        inner.hold(&self.slot, self.life, row, self.attempt, &self.fresh);
        self.slot.publish(self.life, Some(inner.stored(row, &self.fresh)));
        let key = self.slot.key.clone();
        inner.tell(&Event::Refreshed { key, generation: row.generation });
    }

    /// Lets the grant serve from memory, says so, and goes on trying to store it (G9).
    fn keep(self, error: TokenError) -> Next {
        let inner = Arc::clone(&self.manager.0);
        let token = self.fresh.access_token().clone();
        if !self.slot.publish(self.life, Some(inner.unstored(&self.fresh))) {
            return Next::Again(Duration::ZERO);
        }
        inner.tell(&Event::NotStored { key: self.slot.key.clone(), error: not_stored(error) });
        let _ = inner.spawner.spawn(Box::pin(self.store_until_done()));
        Next::Done(token)
    }

    async fn store_until_done(self) {
        let inner = &self.manager.0;
        let mut strikes = 0;
        loop {
            inner.timer.sleep(Duration::from_millis(50) + backoff(strikes)).await;
            strikes += 1;
            let (attempt, epoch) = (self.attempt, self.read.epoch);
            let renew = Renew { attempt, epoch, lease: inner.timing.lease };
            // It may have run out, which forbids nothing: saves are not fenced.
            let _ = inner.store.wait(inner.store.store.renew(&self.slot.key, &renew)).await;
            let Ok(verdict) = self.store().await else { continue };
            if self.slot.work().life != self.life {
                return;
            }
            match verdict {
                Verdict::Accepted(row) => {
                    self.stored(&row);
                    inner.tell(&Event::Stored { key: self.slot.key.clone() });
                }
                // Superseded: who asks next reads what took its place.
                Verdict::Refused(row) => {
                    self.keep_as_alternate(row).await;
                    self.slot.publish(self.life, None);
                }
            }
            return;
        }
    }
}

impl Inner {
    /// These tokens as a store takes them, reckoned from now.
    pub(super) fn material(
        &self,
        tokens: &TokenSet,
        is_first: bool,
    ) -> Result<Material, TokenError> {
        let now = self.now();
        let usable = usable(&self.client, tokens, now);
        let ends = tokens.expires_at().map(|at| Duration::try_from(at - now).unwrap_or_default());
        let can_refresh = tokens.refresh_token().is_some();
        Ok(Material {
            payload: material::write(&self.client, &tokens.clone().into())?,
            key_id: None,
            expires_in: ends,
            due_in: usable.filter(|_| can_refresh).map(|it| self.timing.due_in(it, is_first)),
        })
    }
}

/// When the tokens end by the clock of the store, which told its time with a row that was here at
/// `read_at`. It may be sooner than they do, by as long as the row was under way, and is no later.
pub(super) fn ends_by(
    row: &Record,
    read_at: OffsetDateTime,
    tokens: &TokenSet,
) -> Option<StoreTime> {
    let left = tokens.expires_at()? - read_at;
    Some(row.read_at.plus(Duration::try_from(left).unwrap_or_default()))
}

/// The error of tokens that serve from memory alone.
pub(super) fn not_stored(error: TokenError) -> TokenError {
    match error.store() {
        Some(store) => TokenError::of_store(TokenErrorKind::NotStored, store.clone()),
        None => error,
    }
}
