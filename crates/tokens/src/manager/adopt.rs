use std::sync::Arc;
use std::time::Duration;

use countersign_core::TokenSet;

use super::TokenManager;
use super::cached::Cached;
use super::flight::Flight;
use super::gate::Started;
use super::in_use::InUse;
use super::save::not_stored;
use super::timing::backoff;
use super::tombstones::TOMBSTONE_LIFE;
use crate::error::{TokenError, TokenErrorKind};
use crate::event::Event;
use crate::key::GrantKey;
use crate::store::{Adopt, Epoch, GrantState, Record, Verdict};

impl TokenManager {
    /// Takes over a grant, such as [`into_tokens`] of a completed flow, in the place of whatever
    /// there was. It is stored when this returns. Dropping the future does not stop it.
    ///
    /// The refresh token of a former grant is not revoked: [`forget`](Self::forget) it before if
    /// it should be.
    ///
    /// [`into_tokens`]: countersign_core::AuthorizationFlow::into_tokens
    ///
    /// # Errors
    ///
    /// [`TokenErrorKind::NotStored`] when it could not be stored: it serves this process from memory
    /// as long as its access token is good, and storing it is tried again.
    /// [`TokenErrorKind::UnknownGrant`] when somebody forgot the grant while it was being stored: it
    /// is gone. [`TokenErrorKind::ForeignKey`] for a key of another provider or client.
    pub async fn adopt(&self, key: &GrantKey, tokens: TokenSet) -> Result<(), TokenError> {
        let slot = self.slot(key)?;
        let adoption = Adoption {
            manager: self.clone(),
            life: slot.begin_life(),
            slot,
            epoch: Epoch::random()?,
            tokens,
            written_over: None,
        };
        let (flight, task) = Flight::new(adoption.run(), |_| {});
        let _ = self.0.spawner.spawn(task);
        flight.outcome().await
    }
}

/// A grant that is being taken over.
struct Adoption {
    manager: TokenManager,
    slot: InUse,
    life: u64,
    epoch: Epoch,
    tokens: TokenSet,
    /// The epoch that was there when it was written first, once it was, with an answer or without,
    /// and since when.
    written_over: Option<(Option<Epoch>, Started)>,
}

/// What became of tokens that were to be stored.
enum Fate {
    Stored,
    /// Somebody has adopted the grant since.
    Superseded,
    /// Somebody has forgotten it since, or may have forgotten the one before.
    Forgotten,
}

/// How long an adoption is repeated of which it is not known whether it was stored where nothing
/// was: a tombstone that would tell that it was, and was forgotten since, is there for twice as
/// long.
const LONGEST_REPEATED: Duration = Duration::from_secs(TOMBSTONE_LIFE.as_secs() / 2);

/// How many others may adopt the same grant at the same moment.
const MOST_RIVALS: u32 = 8;

impl Adoption {
    async fn run(mut self) -> Result<(), TokenError> {
        match self.store().await {
            Ok(Fate::Stored | Fate::Superseded) => Ok(()),
            Ok(Fate::Forgotten) => Err(TokenError::new(TokenErrorKind::UnknownGrant)),
            Err(error) => {
                let inner = Arc::clone(&self.manager.0);
                let error = not_stored(error);
                if self.serves_now(Some(inner.unstored(&self.tokens))) {
                    let key = self.slot.key.clone();
                    inner.tell(&Event::NotStored { key, error: error.clone() });
                    let _ = inner.spawner.spawn(Box::pin(self.store_until_done()));
                }
                Err(error)
            }
        }
    }

    /// Stores it in the place of what is there.
    async fn store(&mut self) -> Result<Fate, TokenError> {
        let inner = Arc::clone(&self.manager.0);
        let store = &inner.store;
        for _ in 0..MOST_RIVALS {
            let is_repeated = self.written_over.is_some();
            let (replaces, since) = match self.written_over {
                // It may be there, and have been replaced since, which is not undone.
                Some(first) => first,
                None => {
                    let present = store.present(&self.slot.key).await?;
                    (present.map(|record| record.epoch), Started::now(&inner))
                }
            };
            self.written_over = Some((replaces, since));
            if replaces.is_none() && since.took(&inner) > LONGEST_REPEATED {
                let present = store.present(&self.slot.key).await?;
                return Ok(self.found(present.as_ref()));
            }
            let material = inner.material(&self.tokens, true)?;
            let adopt = Adopt { epoch: self.epoch, replaces, material };
            match store.wait(store.store.adopt(&self.slot.key, &adopt)).await? {
                Verdict::Accepted(row) => {
                    self.serves_now(Some(inner.stored(&row, &self.tokens)));
                    return Ok(Fate::Stored);
                }
                // Whether that came before or after cannot be told: what is there is kept, and
                // what is forgotten stays so.
                Verdict::Refused(row) if is_repeated => {
                    return Ok(self.found(row.as_ref()));
                }
                // Somebody adopted or forgot between reading and writing: the later one stays.
                Verdict::Refused(_) => self.written_over = None,
            }
        }
        Err(TokenError::new(TokenErrorKind::Busy))
    }

    /// What became of it, by what is there.
    fn found(&mut self, row: Option<&Record>) -> Fate {
        match row {
            Some(row) if row.epoch == self.epoch => return Fate::Stored,
            _ => self.serves_now(None),
        };
        let is_there = row.is_some_and(|row| row.state != GrantState::Gone);
        if is_there { Fate::Superseded } else { Fate::Forgotten }
    }

    /// Has this token serve, or none, unless the grant was given another life meanwhile; whether it
    /// was not. What was read of the former grant until now is not published any more.
    fn serves_now(&mut self, cached: Option<Cached>) -> bool {
        let next = self.slot.begin_life_after(self.life, cached);
        self.life = next.unwrap_or(self.life);
        next.is_some()
    }

    async fn store_until_done(mut self) {
        let inner = Arc::clone(&self.manager.0);
        let mut strikes = 0;
        loop {
            inner.timer.sleep(Duration::from_millis(50) + backoff(strikes)).await;
            strikes += 1;
            if self.slot.work().life != self.life {
                return;
            }
            let Ok(fate) = self.store().await else { continue };
            let mut work = self.slot.work();
            if work.life == self.life {
                work.is_unsaved = false;
            }
            drop(work);
            let key = self.slot.key.clone();
            match fate {
                Fate::Stored => inner.tell(&Event::Stored { key }),
                Fate::Superseded => {}
                Fate::Forgotten => {
                    let error = TokenError::new(TokenErrorKind::UnknownGrant);
                    inner.tell(&Event::NotStored { key, error });
                }
            }
            return;
        }
    }
}
