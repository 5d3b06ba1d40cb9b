//! The rival: the round trips alone.

use std::sync::Arc;

use countersign_core::{Client, Clock, SystemClock};
use countersign_tokens::GrantKey;

use crate::worker::Lane;
use crate::{Outcome, postgres, redis};

/// What a record of the rival is called by: as long as the key of a grant.
pub(crate) fn key(client: &Client, record: usize) -> GrantKey {
    GrantKey::of(client, &format!("bare-{record}")).expect("a key")
}

/// A way to the server.
pub(crate) enum Way {
    Postgres(postgres::Bare),
    Redis(redis::Bare),
}

/// What is written. The instants are milliseconds since 1970.
pub(crate) struct Values<'a> {
    pub(crate) attempt: [u8; 16],
    pub(crate) now: i64,
    pub(crate) lease_until: i64,
    pub(crate) expires_at: i64,
    pub(crate) due_at: i64,
    pub(crate) payload: &'a [u8],
}

/// The records that one task has to itself.
pub(crate) struct Bare {
    way: Way,
    keys: Vec<String>,
    payload: Arc<[u8]>,
    random: fastrand::Rng,
}

impl Bare {
    pub(crate) fn new(
        way: Way,
        client: &Client,
        records: impl Iterator<Item = usize>,
        payload: &Arc<[u8]>,
        random: fastrand::Rng,
    ) -> Self {
        let text = |record| match &way {
            Way::Postgres(_) => key(client, record).as_str().to_owned(),
            Way::Redis(_) => redis::name(&key(client, record)),
        };
        let keys = records.map(text).collect();
        Self { way, keys, payload: Arc::clone(payload), random }
    }
}

impl Lane for Bare {
    /// Three round trips, one after the other.
    async fn refresh(&mut self) -> Outcome {
        let key = &self.keys[self.random.usize(..self.keys.len())];
        let now = (SystemClock.now().unix_timestamp_nanos() / 1_000_000) as i64;
        let values = Values {
            attempt: self.random.u128(..).to_be_bytes(),
            now,
            lease_until: now + 45_000,
            expires_at: now + 3_600_000,
            // As early as grants are that are refreshed ahead of time.
            due_at: now + self.random.i64(3_200_000..3_450_000),
            payload: &self.payload,
        };
        match &mut self.way {
            Way::Postgres(way) => way.refresh(key, &values).await,
            Way::Redis(way) => way.refresh(key, &values).await,
        }
    }
}
