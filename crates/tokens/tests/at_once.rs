//! Spawners that end a task before its caller looks: by running it, or by refusing it.

use std::error::Error;
use std::time::Duration;

use countersign_core::{AccessToken, Client, Provider, TokenSet};
use countersign_testkit::NeverTransport;

use countersign_tokens::{
    MemoryStore, NotSpawned, Spawner, Task, Timer, TokenErrorKind, TokenManager,
};

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

/// Drops each task, as a runtime does that is being shut down.
#[derive(Debug, Clone)]
struct Refusing;

impl Spawner for Refusing {
    fn spawn(&self, _: Task) -> Result<(), NotSpawned> {
        Err(NotSpawned)
    }
}

impl Timer for Refusing {
    fn sleep(&self, _: Duration) -> Task {
        Box::pin(std::future::pending())
    }
}

#[test]
fn g07_work_that_is_not_spawned_is_interrupted() -> Result<(), Box<dyn Error>> {
    let client = Client::builder(Provider::hellosign(), "id")
        .secret("secret")
        .transport(NeverTransport::new())
        .build()?;
    let tokens = TokenManager::builder(client.clone(), MemoryStore::new()).executor(Refusing);
    let tokens = tokens.build()?;
    let key = tokens.key("user")?;
    let new = TokenSet::new(AccessToken::new("token")?, client.now());
    let outcomes = futures_lite::future::block_on(async {
        let inserted = tokens.insert(&key, new).await.err();
        let removed = tokens.remove(&key).await.err();
        [inserted, removed, tokens.token(&key).await.err()]
    });
    for error in outcomes {
        assert_eq!(error.map(|it| it.kind()), Some(TokenErrorKind::Interrupted));
    }
    Ok(())
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
