//! The rival: the round trips alone.

use std::sync::Arc;

use countersign_core::{Client, Clock, SystemClock};
use countersign_tokens::{Attempt, AttemptId, GrantKey, Record, StoreTime};

use crate::worker::Lane;
use crate::{Outcome, ours, postgres, redis};

/// Returns the key of a record of the rival, which is as long as that of a grant.
pub(crate) fn key(client: &Client, record: usize) -> GrantKey {
    GrantKey::of(client, &format!("bare-{record}")).expect("a key")
}

/// A connection to the server.
pub(crate) enum Way {
    Postgres(postgres::Bare),
    Redis(redis::Bare),
}

/// What is written. The instants are milliseconds since 1970.
pub(crate) struct Values<'a> {
    pub(crate) version: [u8; 16],
    pub(crate) now: i64,
    pub(crate) lease_until: i64,
    pub(crate) expires_at: i64,
    pub(crate) due_at: i64,
    pub(crate) records: &'a Records,
}

/// Encoded records of the size that a manager writes.
pub(crate) struct Records {
    /// With a pending attempt.
    pub(crate) begun: Vec<u8>,
    /// Without one.
    pub(crate) saved: Vec<u8>,
}

impl Records {
    /// Returns the records that a refresh of `record` writes.
    pub(crate) fn of(client: &Client, record: &Record) -> Outcome<Self> {
        let (id, at) = (AttemptId::random()?, StoreTime::from_millis(millis()));
        let attempt = Attempt { id, at, lease_until: at };
        let begun = Record { attempts: vec![attempt], ..record.clone() };
        let bytes = |record: &Record| Outcome::Ok(record.encode(&ours::key(client, 0))?.to_vec());
        Ok(Self { begun: bytes(&begun)?, saved: bytes(record)? })
    }
}

/// The records that one task has to itself.
pub(crate) struct Bare {
    way: Way,
    /// Each with whether it was read.
    keys: Vec<(String, bool)>,
    records: Arc<Records>,
    random: fastrand::Rng,
}

impl Bare {
    pub(crate) fn new(
        way: Way,
        client: &Client,
        numbers: impl Iterator<Item = usize>,
        records: &Arc<Records>,
        random: fastrand::Rng,
    ) -> Self {
        let text = |number| match &way {
            Way::Postgres(_) => key(client, number).as_str().to_owned(),
            Way::Redis(_) => redis::name(&key(client, number)),
        };
        let keys = numbers.map(|number| (text(number), false)).collect();
        Self { way, keys, records: Arc::clone(records), random }
    }
}

impl Lane for Bare {
    /// Makes two round trips, one after the other, and before them a read of a record that was not
    /// read yet.
    async fn refresh(&mut self) -> Outcome<bool> {
        let at = self.random.usize(..self.keys.len());
        let (key, is_read) = &mut self.keys[at];
        let is_first = !std::mem::replace(is_read, true);
        let now = millis();
        let values = Values {
            version: self.random.u128(..).to_be_bytes(),
            now,
            lease_until: now + 45_000,
            expires_at: now + 3_600_000,
            // As early as grants that are refreshed ahead of time.
            due_at: now + self.random.i64(3_200_000..3_450_000),
            records: &self.records,
        };
        match &mut self.way {
            Way::Postgres(way) => way.refresh(key, is_first, &values).await?,
            Way::Redis(way) => way.refresh(key, is_first, &values).await?,
        }
        Ok(is_first)
    }
}

fn millis() -> i64 {
    (SystemClock.now().unix_timestamp_nanos() / 1_000_000) as i64
}
