use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::error::{StoreError, StoreErrorKind};
use super::id::{AttemptId, Epoch, Version};
use super::payload::Payload;
use super::time::StoreTime;
use crate::key::GrantKey;

/// A grant as a store keeps it. Everything but the payload is in clear.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Record {
    /// Identifies this write. Each write has its own.
    pub version: Version,
    /// Identifies the grant under its key: another grant under the same key has another epoch.
    pub epoch: Epoch,
    /// Counts the refresh tokens of this epoch, from 1. It moves with each refresh and with
    /// nothing else.
    pub generation: u64,
    /// Whether the grant can be refreshed.
    pub state: GrantState,
    /// The pending attempts to refresh this generation, the earliest first.
    pub attempts: Vec<Attempt>,
    /// When the access token expires. `None` if the provider did not say.
    pub expires_at: Option<StoreTime>,
    /// When the grant is to be refreshed. `None` if it is not.
    pub due_at: Option<StoreTime>,
    /// The instant before which the grant must not be refreshed.
    pub retry_at: Option<StoreTime>,
    /// The id of the key that seals the payload. `None` if the payload is not sealed.
    pub key_id: Option<String>,
    /// The tokens.
    pub payload: Payload,
}

/// Whether a grant can be refreshed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GrantState {
    /// It can.
    Live,
    /// An attempt may have used the refresh token, and its answer was lost. A late answer makes
    /// the grant live again.
    Unknown,
    /// The provider refused the refresh token: the user has to be asked again.
    Reauthorize,
    /// The grant was removed. This record is its tombstone.
    Gone,
}

impl GrantState {
    /// Returns the name that records are stored with, such as `live`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::Unknown => "unknown",
            Self::Reauthorize => "reauthorize",
            Self::Gone => "gone",
        }
    }
}

/// A pending attempt to use the refresh token, written before the token is sent.
///
/// The attempt holds a lease: until it ends, no other process begins an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Attempt {
    /// Identifies the attempt.
    pub id: AttemptId,
    /// When the attempt began, by the store's clock.
    pub at: StoreTime,
    /// When its lease ends, by the store's clock.
    pub lease_until: StoreTime,
}

impl Record {
    /// Creates the tombstone of a grant that was removed.
    #[must_use]
    pub fn tombstone(epoch: Epoch, generation: u64, version: Version) -> Self {
        Self {
            version,
            epoch,
            generation,
            state: GrantState::Gone,
            attempts: Vec::new(),
            expires_at: None,
            due_at: None,
            retry_at: None,
            key_id: None,
            payload: Payload::empty(),
        }
    }

    /// Returns when the last lease ends. `None` if there is no pending attempt.
    #[must_use]
    pub fn lease_until(&self) -> Option<StoreTime> {
        self.attempts.iter().map(|attempt| attempt.lease_until).max()
    }

    /// Returns whether a pending attempt holds a lease at `now`.
    #[must_use]
    pub fn is_leased(&self, now: StoreTime) -> bool {
        self.lease_until().is_some_and(|until| now < until)
    }

    /// Returns when the oldest pending attempt began. `None` if there is none.
    #[must_use]
    pub fn oldest_attempt_at(&self) -> Option<StoreTime> {
        self.attempts.iter().map(|attempt| attempt.at).min()
    }

    /// Returns the pending attempt of this id.
    #[must_use]
    pub fn attempt(&self, id: AttemptId) -> Option<&Attempt> {
        self.attempts.iter().find(|attempt| attempt.id == id)
    }

    /// Returns whether another attempt than `id` is pending.
    #[must_use]
    pub fn has_other_attempts(&self, id: AttemptId) -> bool {
        self.attempts.iter().any(|attempt| attempt.id != id)
    }

    /// Returns the record of `key` as the bytes that a store keeps: JSON, with the payload in
    /// base64. The bytes hold the payload and are wiped on drop.
    ///
    /// # Errors
    ///
    /// [`StoreErrorKind::Other`] if the record cannot be written as JSON, which no record causes.
    pub fn encode(&self, key: &GrantKey) -> Result<Zeroizing<Vec<u8>>, StoreError> {
        let payload = self.payload.as_bytes();
        let mut encoded = Zeroizing::new(String::with_capacity(payload.len() / 3 * 4 + 4));
        STANDARD.encode_string(payload, &mut encoded);
        let stored = Stored {
            format: FORMAT,
            key: key.as_str().into(),
            version: self.version,
            epoch: self.epoch,
            generation: self.generation,
            state: self.state,
            attempts: self.attempts.clone(),
            expires_at: self.expires_at,
            due_at: self.due_at,
            retry_at: self.retry_at,
            key_id: self.key_id.clone(),
            payload: encoded,
        };
        // A buffer that is outgrown is not wiped, so this one has room for everything.
        let mut bytes = Zeroizing::new(Vec::with_capacity(self.most_bytes(key)));
        serde_json::to_writer(&mut *bytes, &stored)
            .map_err(|error| StoreError::new(StoreErrorKind::Other).with_source(error))?;
        Ok(bytes)
    }

    /// Returns a bound on the number of bytes of [`encode`](Self::encode).
    pub(crate) fn most_bytes(&self, key: &GrantKey) -> usize {
        let key_id = self.key_id.as_ref().map_or(0, |id| 6 * id.len());
        let payload = self.payload.as_bytes().len() / 3 * 4 + 4;
        payload + key.as_str().len() + 160 * self.attempts.len() + key_id + 512
    }

    /// Returns the record of `key` from the bytes of [`encode`](Self::encode).
    ///
    /// # Errors
    ///
    /// [`StoreErrorKind::UnknownVersion`] if another version of this library wrote the bytes.
    /// [`StoreErrorKind::Damaged`] if the bytes are no record, or that of another key. The error
    /// quotes none of the bytes.
    pub fn decode(key: &GrantKey, bytes: &[u8]) -> Result<Self, StoreError> {
        let damaged = |error: serde_json::Error| {
            let what = match error.classify() {
                serde_json::error::Category::Eof => "it ends too early",
                serde_json::error::Category::Syntax => "it is not JSON",
                _ => "a member is missing or of another type",
            };
            // The library's own words may quote the bytes.
            let (line, column) = (error.line(), error.column());
            StoreError::new(StoreErrorKind::Damaged)
                .with_source(format!("{what}, at line {line} column {column}"))
        };
        let head: Head = serde_json::from_slice(bytes).map_err(damaged)?;
        if head.format != Some(FORMAT) {
            let found = head.format.map_or_else(|| "no format".into(), |it| format!("format {it}"));
            return Err(StoreError::new(StoreErrorKind::UnknownVersion)
                .with_source(format!("the record has {found}, and this version reads {FORMAT}")));
        }
        let stored: Stored = serde_json::from_slice(bytes).map_err(damaged)?;
        if stored.key != key.as_str() {
            return Err(StoreError::new(StoreErrorKind::Damaged)
                .with_source(format!("it is the record of {}", stored.key)));
        }
        let payload = STANDARD.decode(stored.payload.as_bytes()).map_err(|_| {
            StoreError::new(StoreErrorKind::Damaged).with_source("its payload is not base64")
        })?;
        Ok(Self {
            version: stored.version,
            epoch: stored.epoch,
            generation: stored.generation,
            state: stored.state,
            attempts: stored.attempts,
            expires_at: stored.expires_at,
            due_at: stored.due_at,
            retry_at: stored.retry_at,
            key_id: stored.key_id,
            payload: Payload::new(payload),
        })
    }
}

/// The form of encoded records. Records of another form are not read.
const FORMAT: u32 = 2;

#[derive(Deserialize)]
struct Head {
    #[serde(default)]
    format: Option<u32>,
}

#[derive(Serialize, Deserialize)]
struct Stored {
    format: u32,
    key: String,
    version: Version,
    epoch: Epoch,
    generation: u64,
    state: GrantState,
    attempts: Vec<Attempt>,
    expires_at: Option<StoreTime>,
    due_at: Option<StoreTime>,
    retry_at: Option<StoreTime>,
    key_id: Option<String>,
    payload: Zeroizing<String>,
}

#[cfg(test)]
mod tests {
    use std::error::Error;

    use super::{Attempt, Record};
    use crate::key::GrantKey;
    use crate::store::{AttemptId, Epoch, Payload, StoreTime, Version};

    #[test]
    fn g05_the_buffer_of_an_encoded_record_is_not_outgrown() -> Result<(), Box<dyn Error>> {
        let key = GrantKey::new("provider", "client", &"user".repeat(100))?;
        let time = StoreTime::from_millis(i64::MIN);
        let id = AttemptId::from_bytes([0xff; 16]);
        let attempt = Attempt { id, at: time, lease_until: time };
        for (attempts, key_id, payload) in
            [(0, 0, 0), (40, 0, 0), (0, 2000, 0), (0, 0, 100_000), (3, 30, 3000)]
        {
            let blank = Record::tombstone(
                Epoch::from_bytes([0xff; 16]),
                u64::MAX,
                Version::from_bytes([0xff; 16]),
            );
            let record = Record {
                attempts: vec![attempt; attempts],
                expires_at: Some(time),
                due_at: Some(time),
                retry_at: Some(time),
                // Six bytes each in JSON.
                key_id: Some("\u{1}".repeat(key_id)),
                payload: Payload::new(vec![0xff; payload]),
                ..blank
            };
            let length = record.encode(&key)?.len();
            let most = record.most_bytes(&key);
            assert!(length <= most, "{length} bytes where {most} were expected");
            assert!(most < 2 * length + 512, "{length} bytes where {most} were expected");
        }
        Ok(())
    }
}
