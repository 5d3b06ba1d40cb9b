//! Pages of what is due, and of all records. Keys come first, merged from all buckets, and then the
//! records of the page.

use std::time::Duration;

use countersign_tokens::{GrantKey, Page, Record, StoreError, StoreErrorKind, StoreTime};
use redis::cmd;

use crate::RedisStore;
use crate::connection::read;
use crate::error::failed;
use crate::key::BUCKETS;
use crate::script;

/// The longest duration that a script adds to the time: 140,000 years. Doubles are exact up to twice
/// that.
const LONGEST: u128 = 1 << 52;

/// The place of a key in a page: the instant at which it is due, or 0 in a list, and the key as it
/// is stored.
pub(crate) type Place = (i64, Vec<u8>);

#[derive(Clone, Copy)]
pub(crate) enum Scan {
    Due(Duration),
    List,
}

impl RedisStore {
    /// Reads records after the place `after` until the page is full. A cursor is the place of a
    /// record that can be read, so records that cannot be read do not end a page.
    pub(crate) async fn page<C>(
        &self,
        scan: Scan,
        mut after: Option<Place>,
        limit: usize,
        cursor: impl Fn(GrantKey, i64) -> C,
    ) -> Result<Page<C>, StoreError> {
        let mut page = Page::new(StoreTime::default());
        loop {
            let (now, places, is_end) = self.places(scan, after.as_ref(), limit).await?;
            page.read_at = now;
            let mut rest = places.as_slice();
            while !rest.is_empty() {
                let most = rest.len().min(limit - page.records.len());
                if most == 0 {
                    return Ok(page.full());
                }
                let found = self.records::<C>(&rest[..most]).await?;
                let (batch, later) = rest.split_at(found.len());
                rest = later;
                for ((due_at, key), found) in batch.iter().zip(found) {
                    let text = String::from_utf8_lossy(key);
                    let is_key = GrantKey::parse(&text).is_ok();
                    let bytes = match found {
                        _ if !is_key => Vec::new(),
                        Ok(Some(bytes)) => bytes,
                        // Removed meanwhile.
                        Ok(None) => continue,
                        Err(error) => {
                            page.skipped.push(unreadable(&error, &text)?);
                            continue;
                        }
                    };
                    if !page.fits(bytes.len()) {
                        return Ok(page.full());
                    }
                    page.push(&text, &bytes, |key| cursor(key, *due_at));
                    page.records.pop_if(|(_, record)| !scan.has(record, now));
                }
            }
            if is_end {
                return Ok(page);
            }
            if page.records.len() == limit {
                return Ok(page.full());
            }
            after = places.into_iter().next_back();
        }
    }

    /// Returns the store's time, the next places, and whether there are no more. The places are
    /// about as many as `limit`.
    async fn places(
        &self,
        scan: Scan,
        after: Option<&Place>,
        limit: usize,
    ) -> Result<(StoreTime, Vec<Place>, bool), StoreError> {
        // Keys are spread over the buckets, so twice an even share is mostly enough.
        let portion = (limit / BUCKETS as usize).saturating_mul(2).clamp(2, 1 << 30);
        let mut arguments = vec![portion.to_string().into()];
        let (name, script) = match scan {
            Scan::Due(within) => {
                arguments.push(within.as_millis().min(LONGEST).to_string().into());
                arguments.push(after.map(|(at, _)| at.to_string()).unwrap_or_default().into());
                ("due", &script::DUE)
            }
            Scan::List => ("keys", &script::LIST),
        };
        arguments.push(after.map(|(_, key)| key.clone()).unwrap_or_default());
        let (mut now, mut places, mut bound) = (i64::MAX, Vec::new(), None::<Place>);
        let sets = self.prefix.all_sets(name);
        for answer in self.connection.run_each(script, &sets, &arguments).await? {
            let answer = answer.map_err(|error| failed(&error))?;
            let (read_at, found): (_, Vec<Place>) = match scan {
                Scan::Due(_) => {
                    let (read_at, found) = read::<(_, Vec<(_, f64)>)>(answer)?;
                    (read_at, found.into_iter().map(|(key, due_at)| (due_at as i64, key)).collect())
                }
                Scan::List => {
                    let (read_at, found) = read::<(_, Vec<_>)>(answer)?;
                    (read_at, found.into_iter().map(|key| (0, key)).collect())
                }
            };
            now = now.min(read_at);
            if let Some(end) = found.last().filter(|_| found.len() == portion) {
                bound = bound.into_iter().chain([end.clone()]).min();
            }
            places.extend(found);
        }
        places.sort_unstable();
        // After the first bucket's end, a bucket may have places that were not returned.
        if let Some(bound) = &bound {
            places.retain(|place| place < bound);
        }
        Ok((StoreTime::from_millis(now), places, bound.is_none()))
    }

    /// Returns the encoded records of the first of these places: as many as fit into a page, and at
    /// least one. `None` is a record that is not there.
    async fn records<C>(
        &self,
        places: &[Place],
    ) -> Result<Vec<Result<Option<Vec<u8>>, StoreError>>, StoreError> {
        let name = |(_, key): &Place| self.prefix.record(&String::from_utf8_lossy(key));
        let names: Vec<_> = places.iter().map(name).collect();
        let length = |name| cmd("HSTRLEN").arg(name).arg("record").to_owned();
        let lengths = self.connection.ask_each(names.iter().map(length)).await?;
        let mut sum = 0;
        let fits = |length: &usize| {
            let is_first = sum == 0;
            sum += length;
            is_first || sum <= Page::<C>::MOST_BYTES
        };
        // What has no length is an error or nothing when it is read.
        let lengths = lengths.into_iter().map(|it| it.ok().and_then(|it| read(it).ok()));
        let count = lengths.map(Option::unwrap_or_default).take_while(fits).count();
        let answers = self.connection.run_each(&script::LOAD, &names[..count], &[]).await?;
        let record = |answer| read::<(i64, _)>(answer).map(|(_, record)| record);
        let answers = answers.into_iter().map(|it| it.map_err(|error| failed(&error)));
        Ok(answers.map(|answer| answer.and_then(record)).collect())
    }
}

impl Scan {
    /// Returns whether the record is still one of the scan: a record that was refreshed meanwhile is
    /// due later.
    fn has(self, record: &Record, now: StoreTime) -> bool {
        match self {
            Self::Due(within) => record.due_at.is_some_and(|due_at| due_at <= now.plus(within)),
            Self::List => true,
        }
    }
}

/// Names the record that cannot be read. An error that does not come from the record fails the page.
fn unreadable(error: &StoreError, key: &str) -> Result<StoreError, StoreError> {
    if !matches!(error.kind(), StoreErrorKind::Damaged | StoreErrorKind::UnknownVersion) {
        return Err(error.clone());
    }
    let why = std::error::Error::source(error).map(ToString::to_string).unwrap_or_default();
    Ok(StoreError::new(error.kind()).with_source(format!("the record under `{key}`: {why}")))
}
