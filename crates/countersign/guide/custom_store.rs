use std::ops::Bound::{self, Excluded, Included};
use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use countersign_tokens::{Due, GrantKey, GrantStore, ListPage, Loaded, Page, Record};
use countersign_tokens::{StoreError, StoreErrorKind, StoreTime, Swap, Version};
use redb::{Database, ReadableTable, TableDefinition};

/// Each record is stored under `(None, key)`, and again under `(due_at, key)` if it has an instant.
const GRANTS: TableDefinition<'_, (Option<i64>, &str), &[u8]> = TableDefinition::new("grants");
type Rows<'a> = (Bound<(Option<i64>, &'a str)>, Bound<(Option<i64>, &'a str)>);
type At<C> = fn(StoreTime, GrantKey) -> C;

/// Grants in a redb database, whose file one process opens at a time. redb blocks: move each step to
/// a thread if the async runtime has other work, for example by `tokio::task::spawn_blocking`.
#[derive(Debug, Clone)]
pub(crate) struct RedbStore(pub(crate) Arc<Database>);

#[async_trait::async_trait]
impl GrantStore for RedbStore {
    async fn load(&self, key: &GrantKey) -> Result<Loaded, StoreError> {
        // No record has this version, so this swap writes nothing and shows the record.
        match self.swap(key, Some(Version::from_bytes([0; 16])), None).await? {
            Swap::Conflict(loaded) => Ok(loaded),
            Swap::Done(read_at) => Ok(Loaded { record: None, read_at }),
        }
    }

    async fn swap(
        &self,
        key: &GrantKey,
        expected: Option<Version>,
        next: Option<&Record>,
    ) -> Result<Swap, StoreError> {
        // redb runs one write transaction at a time: nobody writes between comparison and commit.
        let (write, read_at) = (self.0.begin_write().map_err(failed)?, now());
        let mut grants = write.open_table(GRANTS).map_err(failed)?;
        let row = grants.get((None, key.as_str())).map_err(failed)?;
        let record = row.map(|row| Record::decode(key, row.value())).transpose()?;
        let version = record.as_ref().map(|record| record.version);
        if version == next.map(|next| next.version) {
            return Ok(Swap::Done(read_at));
        } else if version != expected {
            return Ok(Swap::Conflict(Loaded { record, read_at }));
        }
        let place = |at: Option<StoreTime>| (at.map(StoreTime::as_millis), key.as_str());
        grants.remove(place(None)).map_err(failed)?;
        grants.remove(place(record.and_then(|record| record.due_at))).map_err(failed)?;
        for (at, next) in next.iter().flat_map(|next| [(None, next), (next.due_at, next)]) {
            grants.insert(place(at), next.encode(key)?.as_slice()).map_err(failed)?;
        }
        drop(grants);
        write.commit().map_err(failed).map(|()| Swap::Done(read_at))
    }

    async fn due(
        &self,
        within: Duration,
        after: Option<&Due>,
        limit: usize,
    ) -> Result<Page<Due>, StoreError> {
        let (at, key) = after.map_or((i64::MIN, ""), |it| (it.due_at.as_millis(), it.key.as_str()));
        // Keys are ASCII, so each stands before "\x7f".
        let until = Included((Some(now().plus(within).as_millis()), "\x7f"));
        page(&self.0, (Excluded((Some(at), key)), until), limit, |due_at, key| Due { due_at, key })
    }

    async fn list(&self, after: Option<&GrantKey>, limit: usize) -> Result<ListPage, StoreError> {
        let after = Excluded((None, after.map_or("", GrantKey::as_str)));
        page(&self.0, (after, Included((None, "\x7f"))), limit, |_, key| key)
    }
}

fn page<C>(db: &Database, rows: Rows<'_>, limit: usize, at: At<C>) -> Result<Page<C>, StoreError> {
    let write = db.begin_write().map_err(failed)?;
    let (mut page, grants) = (Page::new(now()), write.open_table(GRANTS).map_err(failed)?);
    for row in grants.range(rows).map_err(failed)? {
        let (row, bytes) = row.map_err(failed)?;
        if page.records.len() == limit || !page.fits(bytes.value().len()) {
            return Ok(page.full());
        }
        let due_at = StoreTime::from_millis(row.value().0.unwrap_or_default());
        page.push(row.value().1, bytes.value(), |key| at(due_at, key));
    }
    Ok(page)
}

fn now() -> StoreTime {
    StoreTime::default().plus(UNIX_EPOCH.elapsed().unwrap_or_default())
}

fn failed(error: impl Into<redb::Error>) -> StoreError {
    StoreError::new(StoreErrorKind::Unavailable).with_source(error.into())
}
