//! Managers to be measured.

use std::time::Duration;

use async_trait::async_trait;
use countersign_core::{Body, Client, Limits, Runtime, Transport, TransportError, http};
use countersign_tokens::{GrantKey, GrantStore, Loaded, MemoryStore, Record, TokenManager};

use crate::canned::Canned;
pub(crate) use crate::common::{access_token, client, grant, manager};

pub(crate) fn key(tokens: &TokenManager, index: usize) -> GrantKey {
    tokens.key(&format!("user {index}")).expect("a key")
}

/// Returns a store with the same grant under every key, whose token is valid for a year.
pub(crate) async fn canned(client: &Client) -> Canned {
    let store = MemoryStore::new();
    let tokens = manager(client.clone(), store.clone());
    let key = key(&tokens, 0);
    let year = Duration::from_secs(365 * 24 * 3600);
    tokens.insert(&key, grant(client.now(), year)).await.expect("inserted");
    let loaded = store.load(&key).await.expect("loaded");
    let record = loaded.record.expect("a record");
    // The first refresh may be due at once.
    let due_at = record.expires_at;
    Canned(Loaded { record: Some(Record { due_at, ..record }), ..loaded })
}

/// A provider that answers after this time.
#[derive(Debug)]
pub(crate) struct Far(pub(crate) Duration);

#[async_trait]
impl Transport for Far {
    #[expect(clippy::disallowed_methods, reason = "the provider takes real time")]
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
