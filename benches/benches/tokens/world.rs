//! Managers to be measured.

use std::time::Duration;

use async_trait::async_trait;
use countersign_core::{Body, Client, Limits, Runtime, Transport, TransportError, http};
use countersign_tokens::{GrantKey, GrantStore, MemoryStore, TokenManager};

use crate::canned::Canned;
pub(crate) use crate::common::{access_token, client, grant, manager};

pub(crate) fn key(tokens: &TokenManager, index: usize) -> GrantKey {
    tokens.key(&format!("user {index}")).expect("a key")
}

/// The same grant under every key, good for a year.
pub(crate) async fn canned(client: &Client) -> Canned {
    let store = MemoryStore::new();
    let tokens = manager(client.clone(), store.clone());
    let key = key(&tokens, 0);
    let year = Duration::from_secs(365 * 24 * 3600);
    tokens.adopt(&key, grant(client.now(), year)).await.expect("adopted");
    let record = store.load(&key).await.expect("loaded").expect("a record");
    // Its first refresh was put anywhere in its year.
    let due_at = record.expires_at;
    Canned(countersign_tokens::Record { due_at, ..record })
}

/// A provider that is so far away.
#[derive(Debug)]
pub(crate) struct Far(pub(crate) Duration);

#[async_trait]
impl Transport for Far {
    #[expect(clippy::disallowed_methods, reason = "the provider's distance")]
    async fn send(
        &self,
        _: http::Request<Body>,
        _: Limits,
    ) -> Result<http::Response<Body>, TransportError> {
        tokio::time::sleep(self.0).await;
        Ok(crate::common::answer(""))
    }

    fn runtime(&self) -> Runtime {
        Runtime::Tokio
    }
}
