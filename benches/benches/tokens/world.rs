//! Managers to be measured.

use std::time::Duration;

use async_trait::async_trait;
use countersign_core::{
    AccessToken, Body, Client, Clock, Limits, Provider, RefreshToken, Rotation, Runtime, TokenSet,
    Transport, TransportError, http,
};
use countersign_tokens::{GrantKey, GrantStore, MemoryStore, TokenManager, TokioExecutor};

use crate::canned::Canned;

/// A token of a typical length: 200 bytes.
pub(crate) fn access_token() -> AccessToken {
    AccessToken::new(&"t".repeat(200)).expect("a token")
}

pub(crate) fn client(transport: impl Transport, clock: impl Clock) -> Client {
    let provider = Provider::rfc6749("https://id.example/authorize", "https://id.example/token")
        .with_rotation(Rotation::Strict);
    let builder = Client::builder(provider, "client").secret("secret");
    builder.transport(transport).clock(clock).build().expect("a client")
}

pub(crate) fn manager(client: Client, store: impl GrantStore) -> TokenManager {
    let executor = TokioExecutor::current().expect("in a runtime");
    TokenManager::builder(client, store).executor(executor).build().expect("a manager")
}

pub(crate) fn grant(now: time::OffsetDateTime, lifetime: Duration) -> TokenSet {
    TokenSet::new(access_token(), now)
        .with_refresh_token(RefreshToken::new(&"r".repeat(200)).expect("a token"))
        .with_lifetime(lifetime)
}

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
        let (access, refresh) = ("a".repeat(200), "r".repeat(200));
        let body = format!(
            r#"{{"access_token":"{access}","refresh_token":"{refresh}","token_type":"Bearer","expires_in":3600}}"#
        );
        Ok(http::Response::new(Body::from(body.into_bytes())))
    }

    fn runtime(&self) -> Runtime {
        Runtime::Tokio
    }
}
