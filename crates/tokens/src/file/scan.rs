//! Pages over all files of a folder.

use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::name::Name;
use super::{clock, disk};
use crate::key::GrantKey;
use crate::store::{Due, Page, StoreError, StoreErrorKind, StoreTime};

/// What is kept of a record while all of them are sorted.
struct Row {
    path: PathBuf,
    key: GrantKey,
    due_at: Option<StoreTime>,
}

#[derive(Deserialize)]
struct Head {
    key: String,
    #[serde(default)]
    due_at: Option<StoreTime>,
}

/// Returns the place among the records that are due until `until`.
pub(super) fn due(key: &GrantKey, due_at: Option<StoreTime>, until: StoreTime) -> Option<Due> {
    Some(Due { due_at: due_at.filter(|due_at| *due_at <= until)?, key: key.clone() })
}

/// Reads a page of the records that have a `place`, in the order of their places.
pub(super) fn page<C: Ord + Clone>(
    folder: &Path,
    read_at: StoreTime,
    after: Option<&C>,
    limit: usize,
    place: impl Fn(&GrantKey, Option<StoreTime>) -> Option<C>,
) -> Result<Page<C>, StoreError> {
    let (mut page, mut rows) = (Page::new(read_at), Vec::new());
    for path in disk::files(folder, disk::RECORD)?.filter(|path| !clock::is_file(path)) {
        match row(path) {
            Ok(Some(row)) => rows.extend(place(&row.key, row.due_at).map(|place| (place, row))),
            Ok(None) => {}
            // Such a file has no place: the first page tells of it.
            Err(error) if after.is_none() => page.skipped.push(error),
            Err(_) => {}
        }
    }
    rows.retain(|(place, _)| after.is_none_or(|after| place > after));
    rows.sort_unstable_by(|(one, _), (other, _)| one.cmp(other));
    for (at, row) in rows {
        let read = disk::bytes(&row.path).unwrap_or_else(|error| {
            page.skipped.push(error);
            None
        });
        let Some(bytes) = read else { continue };
        if page.records.len() == limit || !page.fits(bytes.len()) {
            return Ok(page.full());
        }
        page.push(row.key.as_str(), &bytes, |_| at.clone());
        // Another process may have given the record another place since its row was read.
        let is_moved = page.records.last().is_some_and(|(key, record)| {
            *key == row.key && place(key, record.due_at).as_ref() != Some(&at)
        });
        if is_moved {
            page.records.pop();
        }
    }
    Ok(page)
}

/// Reads the key and the instant of a record. Returns `None` if the file is gone.
fn row(path: PathBuf) -> Result<Option<Row>, StoreError> {
    let Some(bytes) = disk::bytes(&path)? else { return Ok(None) };
    let head: Option<Head> = serde_json::from_slice(&bytes).ok();
    let key = head.as_ref().and_then(|head| GrantKey::parse(&head.key).ok());
    let key = key.filter(|key| path.file_stem().is_some_and(|it| *it == *Name::new(key).hash));
    match (head, key) {
        (Some(head), Some(key)) => Ok(Some(Row { path, key, due_at: head.due_at })),
        _ => Err(StoreError::new(StoreErrorKind::Damaged)
            .with_source(format!("{} is not the record of a key", path.display()))),
    }
}
