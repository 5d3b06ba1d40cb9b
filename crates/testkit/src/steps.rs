//! Steps of a store in short, for its own tests and benchmarks.

use std::time::Duration;

use countersign_tokens::{
    Adopt, AttemptId, Begin, Epoch, GrantKey, GrantStore, Material, Payload, Record, Save,
    StoreError, StoreErrorKind, Takeover, Verdict,
};

/// Another attempt, from a generator that is none for secrets.
#[must_use]
pub fn attempt() -> AttemptId {
    AttemptId::from_bytes(fastrand::u128(..).to_be_bytes())
}

/// Another epoch, from a generator that is none for secrets.
#[must_use]
pub fn epoch() -> Epoch {
    Epoch::from_bytes(fastrand::u128(..).to_be_bytes())
}

/// The bytes of this text as tokens that are good for an hour and due in fifty minutes.
#[must_use]
pub fn material(text: &str) -> Material {
    Material {
        payload: Payload::new(text.as_bytes().to_vec()),
        key_id: None,
        expires_in: Some(Duration::from_secs(3600)),
        due_in: Some(Duration::from_secs(3000)),
    }
}

/// Begins on the record that was read.
#[must_use]
pub fn begin(read: &Record, attempt: AttemptId, lease: Duration, takeover: Takeover) -> Begin {
    Begin { attempt, epoch: read.epoch, generation: read.generation, lease, takeover }
}

/// Saves what the refresh token of the record that was read has brought.
#[must_use]
pub fn save(read: &Record, attempt: AttemptId, text: &str) -> Save {
    let (epoch, generation) = (read.epoch, read.generation);
    Save { attempt, epoch, generation, material: material(text), ends_by: None, rests_for: None }
}

/// Stores a new grant in the place of what is there.
///
/// # Errors
///
/// Those of the store, and [`StoreErrorKind::Other`] when somebody else was faster.
pub async fn adopt(
    store: &impl GrantStore,
    key: &GrantKey,
    text: &str,
) -> Result<Record, StoreError> {
    let replaces = store.load(key).await?.map(|record| record.epoch);
    let adopt = Adopt { epoch: epoch(), replaces, material: material(text) };
    match store.adopt(key, &adopt).await? {
        Verdict::Accepted(record) => Ok(record),
        Verdict::Refused(_) => {
            Err(StoreError::new(StoreErrorKind::Other).with_source("somebody else was faster"))
        }
    }
}
