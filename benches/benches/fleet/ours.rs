//! Refreshes through a manager.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use async_trait::async_trait;
use countersign_core::{
    AccessToken, Body, Client, Limits, Runtime, SystemClock, Transport, TransportError, http,
};
use countersign_tokens::{GrantKey, TokenManager};

use crate::Outcome;
use crate::common::{access_token, answer, client, manager};
use crate::counted::Counted;
use crate::message::Steps;
use crate::server::Kind;
use crate::worker::Lane;

/// The key of a grant, which all processes have.
pub(crate) fn key(client: &Client, grant: usize) -> GrantKey {
    GrantKey::of(client, &format!("user-{grant}")).expect("a key")
}

/// A client whose provider answers at once.
pub(crate) fn at_once() -> Client {
    client(AtOnce(AtomicU64::new(fastrand::u64(..))), SystemClock)
}

/// The grants that one task has to itself.
pub(crate) struct Ours {
    tokens: TokenManager,
    /// Each with the token that was had last.
    grants: Vec<(GrantKey, AccessToken)>,
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
        let grants = grants.map(|grant| (key(client, grant), first.clone())).collect();
        Self { tokens: tokens.clone(), grants, random }
    }
}

impl Lane for Ours {
    /// Has a token that it holds refreshed, as one is that has ended: the store is read, an intent
    /// written, the provider asked, the answer stored.
    async fn refresh(&mut self) -> Outcome {
        let at = self.random.usize(..self.grants.len());
        let (key, token) = &mut self.grants[at];
        *token = self.tokens.reject(key, token).await?;
        Ok(())
    }
}

/// The steps of the store that it takes to have the token of a grant that is not in memory.
pub(crate) async fn cold(kind: Kind, url: &str) -> Outcome<Steps> {
    let store = Counted::new(kind.open(url).await?);
    let client = at_once();
    let tokens = manager(client.clone(), store.clone());
    tokens.token(&key(&client, 1)).await?;
    Ok(store.take())
}

/// A provider that has new tokens at once, none twice.
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
