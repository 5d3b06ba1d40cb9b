use std::fmt;

use super::error::{StoreError, StoreErrorKind};
use super::record::Record;
use super::time::StoreTime;
use crate::key::GrantKey;

/// Some records of a store, and where the next page begins.
///
/// A page has at most as many records as were asked for and at most [`Page::MOST_BYTES`], but at
/// least one record if there is one, however long.
///
/// A store [adds](Self::push) records in order until one does not [fit](Self::fits), or the page has
/// as many as were asked for. Then the page is [full](Self::full).
#[derive(Clone)]
pub struct Page<C> {
    /// The records, in order.
    pub records: Vec<(GrantKey, Record)>,
    /// The rows that could not be read: one error each. They are not part of `records`.
    pub skipped: Vec<StoreError>,
    /// The cursor of the next page. `None` if this page is the last.
    pub next: Option<C>,
    /// The store's clock when the page was read.
    pub read_at: StoreTime,
    bytes: usize,
    /// The cursor of the last record, and the number of rows that were skipped before it.
    last: Option<(C, usize)>,
}

/// A page of [`GrantStore::due`](super::GrantStore::due).
pub type DuePage = Page<Due>;

/// A page of [`GrantStore::list`](super::GrantStore::list).
pub type ListPage = Page<GrantKey>;

/// The place of a record among those that are due.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Due {
    /// When the record is due, by the store's clock.
    pub due_at: StoreTime,
    /// Its key.
    pub key: GrantKey,
}

impl<C> Page<C> {
    /// The most bytes of encoded records in one page: 1 MiB. A longer record is a page of its own.
    pub const MOST_BYTES: usize = 1 << 20;

    /// Creates an empty page.
    #[must_use]
    pub fn new(read_at: StoreTime) -> Self {
        Self { records: Vec::new(), skipped: Vec::new(), next: None, read_at, bytes: 0, last: None }
    }

    /// Returns whether a record of `bytes` encoded bytes still fits.
    #[must_use]
    pub fn fits(&self, bytes: usize) -> bool {
        self.records.is_empty() || self.bytes.saturating_add(bytes) <= Self::MOST_BYTES
    }

    /// Adds a record of `bytes` encoded bytes, whose place is `cursor`.
    pub(crate) fn add(&mut self, cursor: C, key: GrantKey, record: Record, bytes: usize) {
        self.bytes = self.bytes.saturating_add(bytes);
        self.records.push((key, record));
        self.last = Some((cursor, self.skipped.len()));
    }

    /// Adds the record that a store keeps as `bytes` under the key `key`. `cursor` returns its place.
    /// Adds to [`skipped`](Self::skipped) if the key or the record cannot be read.
    pub fn push(&mut self, key: &str, bytes: &[u8], cursor: impl FnOnce(GrantKey) -> C) {
        let read = GrantKey::parse(key).map_err(|error| {
            StoreError::new(StoreErrorKind::Damaged).with_source(error.to_string())
        });
        match read.and_then(|key| Ok((Record::decode(&key, bytes)?, key))) {
            Ok((record, key)) => self.add(cursor(key.clone()), key, record, bytes.len()),
            Err(error) => self.skipped.push(error.of_row(key)),
        }
    }

    /// Ends this page although there are more rows. The next page begins after the last record. It
    /// reads the rows that were skipped after that record again, so they are not part of this page.
    #[must_use]
    pub fn full(mut self) -> Self {
        if let Some((cursor, skipped)) = self.last.take() {
            self.next = Some(cursor);
            self.skipped.truncate(skipped);
        }
        self
    }
}

/// Prints the keys.
impl<C: fmt::Debug> fmt::Debug for Page<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let keys: Vec<_> = self.records.iter().map(|(key, _)| key).collect();
        f.debug_struct("Page")
            .field("keys", &keys)
            .field("skipped", &self.skipped)
            .field("next", &self.next)
            .field("read_at", &self.read_at)
            .finish_non_exhaustive()
    }
}
