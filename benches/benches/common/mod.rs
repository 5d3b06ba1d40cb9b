//! What the benchmarks of grants share: a client, a manager, tokens of a typical length, and a
//! provider's answer.

use std::time::Duration;

use countersign_core::{
    AccessToken, Body, Client, Clock, Provider, RefreshToken, Rotation, TokenSet, Transport, http,
};
use countersign_tokens::{GrantStore, TokenManager, TokioExecutor};

/// How long a token is, in bytes: a typical length.
const LENGTH: usize = 200;

pub(crate) fn access_token() -> AccessToken {
    AccessToken::new(&"t".repeat(LENGTH)).expect("a token")
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
        .with_refresh_token(RefreshToken::new(&"r".repeat(LENGTH)).expect("a token"))
        .with_lifetime(lifetime)
}

/// What a provider says to a refresh: tokens that begin with this, and are good for an hour.
pub(crate) fn answer(begins: &str) -> http::Response<Body> {
    let (access, refresh) = (format!("{begins:a<LENGTH$}"), format!("{begins:r<LENGTH$}"));
    let body = format!(
        r#"{{"access_token":"{access}","refresh_token":"{refresh}","token_type":"Bearer","expires_in":3600}}"#
    );
    http::Response::new(Body::from(body.into_bytes()))
}
