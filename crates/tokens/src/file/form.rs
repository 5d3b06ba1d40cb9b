//! A record as the text of a file.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::key::GrantKey;
use crate::store::{Attempt, AttemptId, Epoch, GrantState, Lease, Payload, Record, StoreTime};

const VERSION: u32 = 1;

/// Why a file cannot be read.
pub(super) enum Unreadable {
    /// A later version wrote it.
    Later(u32),
    /// It is not what any version wrote. Says where, and quotes nothing.
    Damaged(String),
}

#[derive(Serialize, Deserialize)]
struct Written {
    version: u32,
    key: String,
    epoch: Epoch,
    generation: u64,
    revision: u64,
    state: GrantState,
    lease: Option<Lease>,
    fence: u64,
    attempts: Vec<Attempt>,
    written_by: Option<AttemptId>,
    expires_at: Option<StoreTime>,
    due_at: Option<StoreTime>,
    not_before: Option<StoreTime>,
    #[serde(default)]
    written_at: StoreTime,
    key_id: Option<String>,
    payload: Zeroizing<String>,
}

#[derive(Deserialize)]
struct Head {
    version: u32,
}

pub(super) fn write(key: &GrantKey, record: &Record) -> serde_json::Result<Zeroizing<Vec<u8>>> {
    let payload = record.payload.as_bytes();
    let mut encoded = Zeroizing::new(String::with_capacity(payload.len() / 3 * 4 + 4));
    STANDARD.encode_string(payload, &mut encoded);
    let written = Written {
        version: VERSION,
        key: key.as_str().to_owned(),
        epoch: record.epoch,
        generation: record.generation,
        revision: record.revision,
        state: record.state,
        lease: record.lease,
        fence: record.fence,
        attempts: record.attempts.clone(),
        written_by: record.written_by,
        expires_at: record.expires_at,
        due_at: record.due_at,
        not_before: record.not_before,
        written_at: record.read_at,
        key_id: record.key_id.clone(),
        payload: encoded,
    };
    // Large enough for all but attempts without number: what is outgrown is not wiped.
    let mut bytes = Zeroizing::new(Vec::with_capacity(written.payload.len() + 8 * 1024));
    serde_json::to_writer_pretty(&mut *bytes, &written)?;
    Ok(bytes)
}

/// As it was when it was written: that is its `read_at`.
pub(super) fn read(bytes: &[u8]) -> Result<(GrantKey, Record), Unreadable> {
    let head: Head = serde_json::from_slice(bytes).map_err(|error| damaged(&error))?;
    if head.version > VERSION {
        return Err(Unreadable::Later(head.version));
    }
    let written: Written = serde_json::from_slice(bytes).map_err(|error| damaged(&error))?;
    let key = GrantKey::read(&written.key)
        .map_err(|error| Unreadable::Damaged(format!("its key: {error}")))?;
    let payload = STANDARD
        .decode(written.payload.as_bytes())
        .map_err(|_| Unreadable::Damaged("its payload is not base64".to_owned()))?;
    let record = Record {
        epoch: written.epoch,
        generation: written.generation,
        revision: written.revision,
        state: written.state,
        lease: written.lease,
        fence: written.fence,
        attempts: written.attempts,
        written_by: written.written_by,
        expires_at: written.expires_at,
        due_at: written.due_at,
        not_before: written.not_before,
        key_id: written.key_id,
        payload: Payload::new(payload),
        read_at: written.written_at,
    };
    Ok((key, record))
}

/// Where a text ends to be JSON. serde's own words may quote what is there.
fn damaged(error: &serde_json::Error) -> Unreadable {
    let what = match error.classify() {
        serde_json::error::Category::Eof => "it ends too early",
        serde_json::error::Category::Syntax => "it is not JSON",
        _ => "a member is missing or of another type",
    };
    Unreadable::Damaged(format!("{what}, at line {} column {}", error.line(), error.column()))
}
