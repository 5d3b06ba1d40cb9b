//! A row as a record, and a record as a row.

use countersign_tokens::{
    AttemptId, Epoch, GrantKey, Lease, Payload, Record, StoreError, StoreTime,
};
use sqlx::query::Query;
use sqlx::sqlite::{SqliteArguments, SqliteRow};
use sqlx::{Row, Sqlite};

use crate::error::{damaged, failed};
use crate::values::{count, id, state, state_name};

type Statement = Query<'static, Sqlite, SqliteArguments>;

pub(super) const LOAD: &str = "SELECT * FROM countersign_grants WHERE key = ?";

/// A record where there is none.
const INSERT: &str = "INSERT INTO countersign_grants (
    epoch, generation, revision, state, lease_owner, lease_until, fence, attempts, written_by,
    expires_at, due_at, not_before, key_id, payload, written_at, key
) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING";

/// A record in the place of the one that was read.
const UPDATE: &str = "UPDATE countersign_grants SET
    epoch = ?, generation = ?, revision = ?, state = ?, lease_owner = ?, lease_until = ?,
    fence = ?, attempts = ?, written_by = ?, expires_at = ?, due_at = ?, not_before = ?,
    key_id = ?, payload = ?, written_at = ?
WHERE key = ? AND epoch = ? AND revision = ?";

const DELETE: &str = "DELETE FROM countersign_grants WHERE key = ? AND epoch = ? AND revision = ?";

/// What tells one write of a grant from every other.
pub(super) type Version = (Epoch, u64);

/// The statement that writes `after`, or nothing, in the place of `before`, or nothing. It changes
/// one row, or none when something else is there. `None` when nothing is to be written.
pub(super) fn write(
    key: &GrantKey,
    before: Option<Version>,
    after: Option<&Record>,
) -> Result<Option<Statement>, StoreError> {
    let key = key.as_str().to_owned();
    Ok(match (before, after) {
        (None, None) => None,
        (None, Some(record)) => Some(bind(INSERT, record)?.bind(key)),
        (Some(before), None) => Some(bind_version(sqlx::query(DELETE).bind(key), before)),
        (Some(before), Some(record)) if before == (record.epoch, record.revision) => None,
        (Some(before), Some(record)) => Some(bind_version(bind(UPDATE, record)?.bind(key), before)),
    })
}

fn bind_version(statement: Statement, (epoch, revision): Version) -> Statement {
    statement.bind(epoch.as_bytes().to_vec()).bind(number(revision))
}

fn bind(statement: &'static str, record: &Record) -> Result<Statement, StoreError> {
    let bytes = |id: AttemptId| id.as_bytes().to_vec();
    let attempts = serde_json::to_string(&record.attempts).map_err(|it| damaged(it.to_string()))?;
    Ok(sqlx::query(statement)
        .bind(record.epoch.as_bytes().to_vec())
        .bind(number(record.generation))
        .bind(number(record.revision))
        .bind(state_name(record.state))
        .bind(record.lease.map(|lease| bytes(lease.owner)))
        .bind(record.lease.map(|lease| lease.until.as_millis()))
        .bind(number(record.fence))
        .bind(attempts)
        .bind(record.written_by.map(bytes))
        .bind(record.expires_at.map(StoreTime::as_millis))
        .bind(record.due_at.map(StoreTime::as_millis))
        .bind(record.not_before.map(StoreTime::as_millis))
        .bind(record.key_id.clone())
        .bind(record.payload.as_bytes().to_vec())
        .bind(record.read_at.as_millis()))
}

pub(super) fn record(row: &SqliteRow, now: StoreTime) -> Result<Record, StoreError> {
    let instant = |column| -> Result<Option<StoreTime>, StoreError> {
        let millis: Option<i64> = row.try_get(column).map_err(failed)?;
        Ok(millis.map(StoreTime::from_millis))
    };
    let attempt = |column| -> Result<Option<AttemptId>, StoreError> {
        let bytes: Option<&[u8]> = row.try_get(column).map_err(failed)?;
        bytes.map(|it| id(it).map(AttemptId::from_bytes)).transpose()
    };
    let number = |column| count(row.try_get(column).map_err(failed)?);
    let attempts: &str = row.try_get("attempts").map_err(failed)?;
    Ok(Record {
        epoch: Epoch::from_bytes(id(row.try_get("epoch").map_err(failed)?)?),
        generation: number("generation")?,
        revision: number("revision")?,
        state: state(row.try_get("state").map_err(failed)?)?,
        lease: match (attempt("lease_owner")?, instant("lease_until")?) {
            (Some(owner), Some(until)) => Some(Lease { owner, until }),
            _ => None,
        },
        fence: number("fence")?,
        attempts: serde_json::from_str(attempts).map_err(|it| damaged(it.to_string()))?,
        written_by: attempt("written_by")?,
        expires_at: instant("expires_at")?,
        due_at: instant("due_at")?,
        not_before: instant("not_before")?,
        key_id: row.try_get("key_id").map_err(failed)?,
        payload: Payload::new(row.try_get("payload").map_err(failed)?),
        read_at: now,
    })
}

/// Counts are far below the column's limit.
fn number(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
