//! Refreshes through a manager.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use async_trait::async_trait;
use countersign_core::{
    AccessToken, Body, Client, Limits, Runtime, SystemClock, Transport, TransportError, http,
};
use countersign_tokens::{GrantKey, GrantStore, Record, Swap, TokenManager, Version};

use crate::Outcome;
use crate::common::{access_token, answer, client, manager};
use crate::counted::Counted;
use crate::message::Steps;
use crate::server::Kind;
use crate::worker::Lane;

/// Returns the key of a grant, which is the same for all processes.
pub(crate) fn key(client: &Client, grant: usize) -> GrantKey {
    GrantKey::of(client, &format!("user-{grant}")).expect("a key")
}

/// Sets that the grant is not due before its access token expires.
pub(crate) async fn put_off(store: &impl GrantStore, key: &GrantKey) -> Outcome<Record> {
    let record = store.load(key).await?.record.ok_or("the grant is not in the store")?;
    let next = Record { version: Version::random()?, due_at: record.expires_at, ..record.clone() };
    match store.swap(key, Some(record.version), Some(&next)).await? {
        Swap::Done(_) => Ok(next),
        Swap::Conflict(_) => Err("another program uses the grants of the benchmark".into()),
    }
}

/// A client whose provider answers at once.
#[expect(clippy::disallowed_methods, reason = "the tokens of two processes have to differ")]
pub(crate) fn at_once() -> Client {
    client(AtOnce(AtomicU64::new(fastrand::u64(..))), SystemClock)
}

/// The grants that one task has to itself.
pub(crate) struct Ours {
    tokens: TokenManager,
    /// Each with its last token, and whether the manager has its record in memory.
    grants: Vec<(GrantKey, AccessToken, bool)>,
    random: fastrand::Rng,
}

impl Ours {
    pub(crate) fn new(
        tokens: &TokenManager,
        client: &Client,
        grants: impl Iterator<Item = usize>,
        random: fastrand::Rng,
    ) -> Self {
        let first = access_token();
        let grants = grants.map(|grant| (key(client, grant), first.clone(), false)).collect();
        Self { tokens: tokens.clone(), grants, random }
    }
}

impl Lane for Ours {
    /// Rejects a token, which refreshes the grant as the end of the token does: a swap begins an
    /// attempt, the provider answers, and a swap saves the answer. The first refresh of a grant by
    /// this process loads the record before.
    async fn refresh(&mut self) -> Outcome<bool> {
        let at = self.random.usize(..self.grants.len());
        let (key, token, is_known) = &mut self.grants[at];
        *token = self.tokens.reject(key, token).await?;
        Ok(!std::mem::replace(is_known, true))
    }
}

/// Returns the steps of the store for the token of a grant that is not in memory.
pub(crate) async fn cold(kind: Kind, url: &str) -> Outcome<Steps> {
    let store = Counted::new(kind.open(url).await?);
    let client = at_once();
    let tokens = manager(client.clone(), store.clone());
    tokens.token(&key(&client, 1)).await?;
    Ok(store.take())
}

/// A provider that answers at once, each time with other tokens.
#[derive(Debug)]
struct AtOnce(AtomicU64);

#[async_trait]
impl Transport for AtOnce {
    async fn send(
        &self,
        _: http::Request<Body>,
        _: Limits,
    ) -> Result<http::Response<Body>, TransportError> {
        Ok(answer(&format!("{:x}-", self.0.fetch_add(1, Relaxed))))
    }

    fn runtime(&self) -> Runtime {
        Runtime::Any
    }
}
