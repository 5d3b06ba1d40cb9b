//! Another store's payloads, encrypted.

mod envelope;
mod ring;

use std::time::Duration;

use async_trait::async_trait;

pub use ring::{InvalidRing, KeyRing};

use crate::key::GrantKey;
use crate::store::{
    Adopt, Begin, Clear, Due, DuePage, Epoch, Forget, GrantState, GrantStore, Mark, Material,
    Payload, Record, Renew, Reseal, Save, StoreError, StoreErrorKind, Verdict,
};
use envelope::Place;

/// Encrypts the tokens of another store's records, with XChaCha20-Poly1305.
///
/// A sealed payload opens only in the place that it was sealed for: key of the grant, epoch and
/// generation are bound to it, so that records cannot be exchanged. All else of a record is in
/// clear. A payload that is not sealed, or was changed, is refused and left as it is.
///
/// An error of a step that came after the inner store's, such as a record that does not open, does
/// not undo the step.
#[derive(Debug)]
pub struct SealedStore<S> {
    inner: S,
    ring: KeyRing,
}

impl<S: GrantStore> SealedStore<S> {
    /// Seals what `inner` keeps with the current key of `ring`, and opens it with any.
    pub fn new(inner: S, ring: KeyRing) -> Self {
        Self { inner, ring }
    }

    /// Seals a record again, with the current key, after a key was added to the ring; whether that
    /// was needed. A record that is written at the same time is sealed by that.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when it does not open, or the inner store fails.
    pub async fn seal_again(&self, key: &GrantKey) -> Result<bool, StoreError> {
        let Some(record) = self.load(key).await? else { return Ok(false) };
        let is_current = record.key_id.as_deref() == Some(self.ring.current().id());
        if record.state == GrantState::Gone || is_current {
            return Ok(false);
        }
        let reseal = Reseal {
            epoch: record.epoch,
            generation: record.generation,
            revision: record.revision,
            payload: record.payload,
            key_id: None,
        };
        Ok(self.reseal(key, &reseal).await?.is_accepted())
    }

    fn seal(&self, place: &Place<'_>, payload: &Payload) -> Result<Payload, StoreError> {
        envelope::seal(self.ring.current(), place, payload.as_bytes())
    }

    fn material(&self, place: &Place<'_>, material: &Material) -> Result<Material, StoreError> {
        // There is no secret in nothing, and what has none outlives every key.
        if material.payload.as_bytes().is_empty() {
            return Ok(Material { key_id: None, ..material.clone() });
        }
        Ok(Material {
            payload: self.seal(place, &material.payload)?,
            key_id: Some(self.ring.current().id().to_owned()),
            ..material.clone()
        })
    }

    fn open(&self, key: &GrantKey, record: Record) -> Result<Record, StoreError> {
        if record.payload.as_bytes().is_empty() && record.key_id.is_none() {
            return Ok(record);
        }
        let Some(id) = &record.key_id else {
            return Err(
                StoreError::new(StoreErrorKind::Unsealable).with_source("the record is not sealed")
            );
        };
        let Some(sealing) = self.ring.get(id) else {
            return Err(StoreError::new(StoreErrorKind::UnknownKey)
                .with_source(format!("the key `{id}` is not in the ring")));
        };
        let place = Place { key, epoch: record.epoch, generation: record.generation };
        let payload = envelope::open(sealing, &place, record.payload.as_bytes())?;
        Ok(Record { payload, ..record })
    }

    fn answer(&self, key: &GrantKey, verdict: Verdict) -> Result<Verdict, StoreError> {
        Ok(match verdict {
            Verdict::Accepted(record) => Verdict::Accepted(self.open(key, record)?),
            Verdict::Refused(record) => {
                Verdict::Refused(record.map(|record| self.open(key, record)).transpose()?)
            }
        })
    }
}

impl<S: GrantStore> SealedStore<S> {
    /// The answer to a step that needs no tokens: those that do not open are left out of it, so
    /// that a grant whose key was lost can be replaced and forgotten.
    fn answer_without(&self, key: &GrantKey, verdict: Verdict) -> Verdict {
        let opened = |record: Record| {
            let empty = || Record { payload: Payload::empty(), ..record.clone() };
            self.open(key, record.clone()).unwrap_or_else(|_| empty())
        };
        match verdict {
            Verdict::Accepted(record) => Verdict::Accepted(opened(record)),
            Verdict::Refused(record) => Verdict::Refused(record.map(opened)),
        }
    }
}

#[async_trait]
impl<S: GrantStore> GrantStore for SealedStore<S> {
    async fn load(&self, key: &GrantKey) -> Result<Option<Record>, StoreError> {
        self.inner.load(key).await?.map(|record| self.open(key, record)).transpose()
    }

    async fn begin(&self, key: &GrantKey, begin: &Begin) -> Result<Verdict, StoreError> {
        self.answer(key, self.inner.begin(key, begin).await?)
    }

    async fn save(&self, key: &GrantKey, save: &Save) -> Result<Verdict, StoreError> {
        let generation = save.generation.saturating_add(1);
        let place = Place { key, epoch: save.epoch, generation };
        let sealed = Save { material: self.material(&place, &save.material)?, ..save.clone() };
        self.answer(key, self.inner.save(key, &sealed).await?)
    }

    async fn clear(&self, key: &GrantKey, clear: &Clear) -> Result<Verdict, StoreError> {
        self.answer(key, self.inner.clear(key, clear).await?)
    }

    async fn renew(&self, key: &GrantKey, renew: &Renew) -> Result<Verdict, StoreError> {
        self.answer(key, self.inner.renew(key, renew).await?)
    }

    async fn mark(&self, key: &GrantKey, mark: &Mark) -> Result<Verdict, StoreError> {
        self.answer(key, self.inner.mark(key, mark).await?)
    }

    async fn reseal(&self, key: &GrantKey, reseal: &Reseal) -> Result<Verdict, StoreError> {
        let place = Place { key, epoch: reseal.epoch, generation: reseal.generation };
        let sealed = Reseal {
            payload: self.seal(&place, &reseal.payload)?,
            key_id: Some(self.ring.current().id().to_owned()),
            ..reseal.clone()
        };
        self.answer(key, self.inner.reseal(key, &sealed).await?)
    }

    async fn adopt(&self, key: &GrantKey, adopt: &Adopt) -> Result<Verdict, StoreError> {
        let place = Place { key, epoch: adopt.epoch, generation: 1 };
        let sealed = Adopt { material: self.material(&place, &adopt.material)?, ..adopt.clone() };
        Ok(self.answer_without(key, self.inner.adopt(key, &sealed).await?))
    }

    async fn forget(&self, key: &GrantKey, forget: &Forget) -> Result<Verdict, StoreError> {
        Ok(self.answer_without(key, self.inner.forget(key, forget).await?))
    }

    async fn purge(&self, key: &GrantKey, tombstone: Epoch) -> Result<(), StoreError> {
        self.inner.purge(key, tombstone).await
    }

    async fn due(
        &self,
        within: Duration,
        after: Option<&Due>,
        limit: usize,
    ) -> Result<DuePage, StoreError> {
        self.inner.due(within, after, limit).await
    }

    async fn changed(&self, key: &GrantKey) {
        self.inner.changed(key).await;
    }
}
