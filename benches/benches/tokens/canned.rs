//! A store that has the same record for every key, and weighs nothing.

use std::time::Duration;

use async_trait::async_trait;
use countersign_tokens::{
    Adopt, Begin, Clear, Due, DuePage, Epoch, Forget, GrantKey, GrantStore, Mark, Record, Renew,
    Reseal, Save, StoreError, StoreErrorKind, Verdict,
};

#[derive(Debug, Clone)]
pub(crate) struct Canned(pub(crate) Record);

fn nothing<T>() -> Result<T, StoreError> {
    Err(StoreError::new(StoreErrorKind::ReadOnly))
}

#[async_trait]
impl GrantStore for Canned {
    async fn load(&self, _: &GrantKey) -> Result<Option<Record>, StoreError> {
        Ok(Some(self.0.clone()))
    }
    async fn begin(&self, _: &GrantKey, _: &Begin) -> Result<Verdict, StoreError> {
        nothing()
    }
    async fn save(&self, _: &GrantKey, _: &Save) -> Result<Verdict, StoreError> {
        nothing()
    }
    async fn clear(&self, _: &GrantKey, _: &Clear) -> Result<Verdict, StoreError> {
        nothing()
    }
    async fn renew(&self, _: &GrantKey, _: &Renew) -> Result<Verdict, StoreError> {
        nothing()
    }
    async fn mark(&self, _: &GrantKey, _: &Mark) -> Result<Verdict, StoreError> {
        nothing()
    }
    async fn reseal(&self, _: &GrantKey, _: &Reseal) -> Result<Verdict, StoreError> {
        nothing()
    }
    async fn adopt(&self, _: &GrantKey, _: &Adopt) -> Result<Verdict, StoreError> {
        nothing()
    }
    async fn forget(&self, _: &GrantKey, _: &Forget) -> Result<Verdict, StoreError> {
        nothing()
    }
    async fn purge(&self, _: &GrantKey, _: Epoch) -> Result<(), StoreError> {
        nothing()
    }
    async fn due(&self, _: Duration, _: Option<&Due>, _: usize) -> Result<DuePage, StoreError> {
        nothing()
    }
}
