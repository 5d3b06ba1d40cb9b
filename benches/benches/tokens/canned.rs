//! A store that has the same record for every key, and allocates nothing but copies of it.

use std::time::Duration;

use async_trait::async_trait;
use countersign_tokens::{
    Due, DuePage, GrantKey, GrantStore, ListPage, Loaded, Payload, Record, StoreError,
    StoreErrorKind, Swap, Version,
};

#[derive(Debug, Clone)]
pub(crate) struct Canned(pub(crate) Loaded);

fn nothing<T>() -> Result<T, StoreError> {
    Err(StoreError::new(StoreErrorKind::ReadOnly))
}

#[async_trait]
impl GrantStore for Canned {
    async fn load(&self, _: &GrantKey) -> Result<Loaded, StoreError> {
        let mut loaded = self.0.clone();
        if let Some(record) = &mut loaded.record {
            // Clones of a payload share its bytes, and records that were read do not.
            record.payload = Payload::new(record.payload.as_bytes().to_vec());
        }
        Ok(loaded)
    }

    async fn swap(
        &self,
        _: &GrantKey,
        _: Option<Version>,
        _: Option<&Record>,
    ) -> Result<Swap, StoreError> {
        nothing()
    }

    async fn due(&self, _: Duration, _: Option<&Due>, _: usize) -> Result<DuePage, StoreError> {
        nothing()
    }

    async fn list(&self, _: Option<&GrantKey>, _: usize) -> Result<ListPage, StoreError> {
        nothing()
    }
}
