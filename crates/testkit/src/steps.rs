//! Records and swaps in short, for tests and benchmarks of stores.

use countersign_tokens::{
    AttemptId, Epoch, GrantKey, GrantState, GrantStore, Payload, Record, StoreError, Swap, Version,
};

/// Draws a version. The generator is not fit for secrets.
#[must_use]
pub fn version() -> Version {
    Version::from_bytes(draw())
}

/// Draws an epoch. The generator is not fit for secrets.
#[must_use]
pub fn epoch() -> Epoch {
    Epoch::from_bytes(draw())
}

/// Draws the id of an attempt. The generator is not fit for secrets.
#[must_use]
pub fn attempt() -> AttemptId {
    AttemptId::from_bytes(draw())
}

#[expect(clippy::disallowed_methods, reason = "a test of a store needs no seed")]
fn draw() -> [u8; 16] {
    fastrand::u128(..).to_be_bytes()
}

/// Creates a live record with a new version and epoch, without attempts and times, whose payload
/// is `text`.
#[must_use]
pub fn record(text: &str) -> Record {
    Record {
        state: GrantState::Live,
        payload: Payload::new(text.as_bytes().to_vec()),
        ..Record::tombstone(epoch(), 1, version())
    }
}

/// Swaps `next` in the place of what is there, with one load and one swap.
///
/// # Errors
///
/// The errors of the store.
pub async fn put(
    store: &impl GrantStore,
    key: &GrantKey,
    next: &Record,
) -> Result<Swap, StoreError> {
    let present = store.load(key).await?.record;
    store.swap(key, present.map(|record| record.version), Some(next)).await
}
