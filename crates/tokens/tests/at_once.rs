//! A refresh may be over before its caller looks.

use std::error::Error;
use std::time::Duration;

use countersign_core::{AccessToken, Client, Provider, TokenSet};
use countersign_testkit::NeverTransport;

use countersign_tokens::{MemoryStore, NotSpawned, Spawner, Task, Timer, TokenManager};

/// Runs a task to its end before `spawn` returns, as another thread may.
#[derive(Debug, Clone)]
struct AtOnce;

impl Spawner for AtOnce {
    fn spawn(&self, task: Task) -> Result<(), NotSpawned> {
        futures_lite::future::block_on(task);
        Ok(())
    }
}

impl Timer for AtOnce {
    fn sleep(&self, _: Duration) -> Task {
        Box::pin(std::future::pending())
    }
}

#[test]
fn a_refresh_that_is_over_at_once_has_an_outcome() -> Result<(), Box<dyn Error>> {
    let client = Client::builder(Provider::hellosign(), "id")
        .secret("secret")
        .transport(NeverTransport::new())
        .build()?;
    let store = MemoryStore::new();
    let manager = || TokenManager::builder(client.clone(), store.clone()).executor(AtOnce).build();
    let (first, second) = (manager()?, manager()?);
    let key = first.key("user")?;
    let stored = AccessToken::new("token")?;
    let hour = Duration::from_secs(3600);
    let tokens = TokenSet::new(stored.clone(), client.now()).with_lifetime(hour);
    futures_lite::future::block_on(first.insert(&key, tokens))?;
    assert!(futures_lite::future::block_on(second.token(&key))?.same_as(&stored));
    Ok(())
}
