//! The table `countersign_grants`, as both databases have it.

use std::future::Future;
use std::time::Duration;

use countersign_tokens::{
    Due, DuePage, GrantKey, ListPage, Loaded, Page, Record, StoreError, StoreTime, Swap, Version,
};
use zeroize::Zeroizing;

use crate::error::damaged;
use crate::statements::Statements;

/// The longest duration that a statement adds to the time: 146 million years.
const LONGEST: i64 = i64::MAX / 2;

/// A table in one of the databases.
pub(crate) trait Table: Sync {
    const STATEMENTS: Statements;

    /// Runs a statement on a connection of the pool. `written` is the key whose record the
    /// statement writes. `values` are the parameters from `$2` on; `$1` is the time in SQLite, and
    /// in PostgreSQL the notification that the write sends.
    fn rows(
        &self,
        statement: &'static str,
        written: Option<&GrantKey>,
        values: &[Value<'_>],
    ) -> impl Future<Output = Result<Vec<Row>, StoreError>> + Send;
}

/// A parameter of a statement.
#[derive(Clone, Copy)]
pub(crate) enum Value<'a> {
    Number(Option<i64>),
    Text(Option<&'a str>),
    Bytes(&'a [u8]),
}

/// The columns of every statement: the database's time, `key`, `due_at` and `record`.
pub(crate) type Row = (i64, Option<String>, Option<i64>, Option<Vec<u8>>);

pub(crate) async fn load<T: Table>(table: &T, key: &GrantKey) -> Result<Loaded, StoreError> {
    let values = [Value::Text(Some(key.as_str()))];
    let rows = table.rows(T::STATEMENTS.load, None, &values).await?;
    let Some((now, _, _, record)) = rows.into_iter().next() else {
        return Err(damaged("the database returned no row"));
    };
    let record = record.map(|bytes| Record::decode(key, &Zeroizing::new(bytes))).transpose()?;
    Ok(Loaded { record, read_at: StoreTime::from_millis(now) })
}

/// One statement if the comparison succeeds. Otherwise a second statement loads the record: within
/// the first one, PostgreSQL would show the record from before the comparison.
pub(crate) async fn swap<T: Table>(
    table: &T,
    key: &GrantKey,
    expected: Option<Version>,
    next: Option<&Record>,
) -> Result<Swap, StoreError> {
    let encoded = next.map(|next| next.encode(key)).transpose()?;
    let mut values = vec![Value::Text(Some(key.as_str()))];
    if let (Some(next), Some(encoded)) = (next, &encoded) {
        let millis = |at: Option<StoreTime>| Value::Number(at.map(StoreTime::as_millis));
        values.extend([
            Value::Bytes(next.version.as_bytes()),
            Value::Bytes(encoded),
            millis(next.due_at),
            Value::Text(Some(next.state.name())),
            millis(next.expires_at),
            millis(next.oldest_attempt_at()),
            millis(next.lease_until()),
            Value::Text(next.key_id.as_deref()),
        ]);
    }
    values.extend(expected.as_ref().map(|it| Value::Bytes(it.as_bytes())));
    let statement = match (expected, next) {
        (None, None) => None,
        (None, Some(_)) => Some(T::STATEMENTS.insert),
        (Some(_), Some(_)) => Some(T::STATEMENTS.update),
        (Some(_), None) => Some(T::STATEMENTS.delete),
    };
    if let Some(statement) = statement {
        let rows = table.rows(statement, Some(key), &values).await?;
        if let Some((now, ..)) = rows.first() {
            return Ok(Swap::Done(StoreTime::from_millis(*now)));
        }
    }
    // If the statement was repeated, its first copy may be done.
    let loaded = load(table, key).await.map_err(StoreError::with_unknown_outcome)?;
    let version = loaded.record.as_ref().map(|record| record.version);
    Ok(if version == next.map(|next| next.version) {
        Swap::Done(loaded.read_at)
    } else {
        Swap::Conflict(loaded)
    })
}

pub(crate) async fn due<T: Table>(
    table: &T,
    within: Duration,
    after: Option<&Due>,
    limit: usize,
) -> Result<DuePage, StoreError> {
    let within = i64::try_from(within.as_millis()).map_or(LONGEST, |it| it.min(LONGEST));
    let after = after.map(|due| (due.due_at.as_millis(), due.key.as_str().to_owned()));
    let after = after.unwrap_or((i64::MIN, String::new()));
    let cursor = |key, due_at| Due { due_at: StoreTime::from_millis(due_at), key };
    page(table, T::STATEMENTS.due, &[Value::Number(Some(within))], after, limit, cursor).await
}

pub(crate) async fn list<T: Table>(
    table: &T,
    after: Option<&GrantKey>,
    limit: usize,
) -> Result<ListPage, StoreError> {
    let after = (0, after.map_or(String::new(), |key| key.as_str().to_owned()));
    page(table, T::STATEMENTS.list, &[], after, limit, |key, _| key).await
}

/// Reads the rows after the place `after` until the page is full. A cursor is the place of a record
/// that can be read, so rows that cannot be read do not end a page.
async fn page<T: Table, C>(
    table: &T,
    statement: &'static str,
    more: &[Value<'_>],
    mut after: (i64, String),
    limit: usize,
    cursor: impl Fn(GrantKey, i64) -> C,
) -> Result<Page<C>, StoreError> {
    let number = |it: usize| Value::Number(Some(i64::try_from(it).unwrap_or(i64::MAX)));
    let mut page = Page::new(StoreTime::default());
    loop {
        // One row more tells whether this page is the last.
        let most = (limit - page.records.len()).saturating_add(1);
        let mut values = vec![
            number(most),
            number(Page::<C>::MOST_BYTES),
            Value::Number(Some(after.0)),
            Value::Text(Some(&after.1)),
        ];
        values.extend_from_slice(more);
        let mut rows = table.rows(statement, None, &values).await?;
        // A join need not keep the order of its rows.
        rows.sort_unstable_by(|a, b| (a.2, &a.1).cmp(&(b.2, &b.1)));
        let mut is_last = rows.len() < most;
        for (now, key, due_at, record) in rows {
            page.read_at = StoreTime::from_millis(now);
            let Some(key) = key else { return Ok(page) };
            let record = record.map(Zeroizing::new);
            let fits = record.as_ref().is_some_and(|record| page.fits(record.len()));
            if page.records.len() == limit || (!page.records.is_empty() && !fits) {
                return Ok(page.full());
            }
            let Some(record) = record else {
                // All rows before this one were skipped.
                is_last = false;
                break;
            };
            after = (due_at.unwrap_or_default(), key);
            page.push(&after.1, &record, |key| cursor(key, after.0));
        }
        if is_last {
            return Ok(page);
        }
    }
}
