//! A row as a record.

use countersign_tokens::{
    Attempt, AttemptId, Epoch, Lease, Payload, Record, StoreError, StoreTime,
};
use sqlx::Row;
use sqlx::postgres::PgRow;

use crate::error::{damaged, failed};
use crate::values::{count, id, state};

/// Whether the step was accepted, as statements answer it.
pub(super) fn is_accepted(row: &PgRow) -> Result<bool, StoreError> {
    let verdict: i32 = row.try_get("verdict").map_err(failed)?;
    Ok(matches!(verdict, 1 | 2))
}

pub(super) fn record(row: &PgRow) -> Result<Record, StoreError> {
    let instant = |column| -> Result<Option<StoreTime>, StoreError> {
        let millis: Option<i64> = row.try_get(column).map_err(failed)?;
        Ok(millis.map(StoreTime::from_millis))
    };
    let attempt = |column| -> Result<Option<AttemptId>, StoreError> {
        let bytes: Option<&[u8]> = row.try_get(column).map_err(failed)?;
        bytes.map(|it| id(it).map(AttemptId::from_bytes)).transpose()
    };
    let number = |column| count(row.try_get(column).map_err(failed)?);
    Ok(Record {
        epoch: Epoch::from_bytes(id(row.try_get("epoch").map_err(failed)?)?),
        generation: number("generation")?,
        revision: number("revision")?,
        state: state(row.try_get("state").map_err(failed)?)?,
        lease: match (attempt("lease_owner")?, instant("lease_until")?) {
            (Some(owner), Some(until)) => Some(Lease { owner, until }),
            (None, None) => None,
            _ => return Err(damaged("a lease without its owner or its end")),
        },
        fence: number("fence")?,
        attempts: attempts(row)?,
        written_by: attempt("written_by")?,
        expires_at: instant("expires_at")?,
        due_at: instant("due_at")?,
        not_before: instant("not_before")?,
        key_id: row.try_get("key_id").map_err(failed)?,
        payload: Payload::new(row.try_get("payload").map_err(failed)?),
        read_at: instant("now")?.ok_or_else(|| damaged("the server told no time"))?,
    })
}

fn attempts(row: &PgRow) -> Result<Vec<Attempt>, StoreError> {
    let ids: Vec<Vec<u8>> = row.try_get("attempts").map_err(failed)?;
    let instants: Vec<i64> = row.try_get("attempted_at").map_err(failed)?;
    if ids.len() != instants.len() {
        return Err(damaged("there are more attempts than instants of theirs, or fewer"));
    }
    let attempts = ids.iter().zip(instants).map(|(bytes, at)| {
        Ok(Attempt { id: AttemptId::from_bytes(id(bytes)?), at: StoreTime::from_millis(at) })
    });
    attempts.collect()
}
