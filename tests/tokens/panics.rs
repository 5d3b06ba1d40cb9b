//! What panics wedges nobody, and takes no token with it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use async_trait::async_trait;
use countersign::{Body, Limits, ReqwestTransport, Runtime, Transport, TransportError, http};
use countersign_sandbox::Config;
use countersign_tests::{Fault as StoreFault, Step, TestResult};
use countersign_tokens::{Event, StoreErrorKind, TokenErrorKind, TokenManager, TokioExecutor};

use crate::support::{Effect, World};

/// Panics on demand, before it sends.
#[derive(Debug, Clone)]
struct Panicking {
    inner: ReqwestTransport,
    panics: Arc<AtomicU32>,
}

#[async_trait]
impl Transport for Panicking {
    async fn send(
        &self,
        request: http::Request<Body>,
        limits: Limits,
    ) -> Result<http::Response<Body>, TransportError> {
        let due =
            self.panics.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |it| it.checked_sub(1));
        assert!(due.is_err(), "the transport's own fault");
        self.inner.send(request, limits).await
    }

    fn runtime(&self) -> Runtime {
        self.inner.runtime()
    }
}

/// A world whose transport panics so often from now on.
async fn panicking(config: Config, times: u32) -> Result<World, Box<dyn std::error::Error>> {
    let panics = Arc::<AtomicU32>::default();
    let transport = Panicking { inner: ReqwestTransport::new()?, panics: Arc::clone(&panics) };
    let world = World::with_transport(config, transport).await?;
    world.tokens.insert(&world.key, world.at.authorized().await?.into_tokens()).await?;
    world.expire();
    panics.store(times, Ordering::SeqCst);
    Ok(world)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn g07_ten_thousand_callers_cost_one_refresh_though_the_transport_panics() -> TestResult {
    let world = panicking(Config::hellosign(), 1).await?;
    let callers: Vec<_> = (0..10_000)
        .map(|_| {
            let (tokens, key) = (world.tokens.clone(), world.key.clone());
            tokio::spawn(async move { tokens.token(&key).await })
        })
        .collect();
    let new = world.tokens.token(&world.key).await?;
    for caller in callers {
        assert!(caller.await??.same_as(&new));
    }
    assert_eq!(world.refreshes(), 1);
    Ok(())
}

#[tokio::test]
async fn g12_a_transport_that_panics_may_have_sent() -> TestResult {
    let world = panicking(Config::rfc6749(), 1).await?;
    for manager in [world.tokens.clone(), world.another()?] {
        let error = manager.token(&world.key).await.expect_err("nobody knows");
        assert_eq!(error.kind(), TokenErrorKind::OutcomeUnknown);
    }
    assert_eq!(world.refreshes(), 0);
    Ok(())
}

#[tokio::test]
async fn a_store_that_panics_is_a_store_that_fails() -> TestResult {
    for step in [Step::Load, Step::Begin] {
        for side in [StoreFault::Before, StoreFault::After] {
            let world = World::start(Config::rfc6749()).await?;
            world.expire();
            world.faults.set(step, side, Effect::Panic);
            let error = world.tokens.token(&world.key).await.expect_err("the store panics");
            assert_eq!(error.kind(), TokenErrorKind::Store, "{step:?} {side:?}");
            assert_eq!(error.store().map(|it| it.kind()), Some(StoreErrorKind::Other));
            assert_eq!(world.refreshes(), 0);
            world.faults.calm();
            world.at.advance(std::time::Duration::from_secs(61));
            world.tokens.token(&world.key).await?;
        }
    }
    Ok(())
}

#[tokio::test]
async fn g09_a_store_that_panics_when_it_saves_takes_no_token_with_it() -> TestResult {
    for side in [StoreFault::Before, StoreFault::After] {
        let world = World::start(Config::rfc6749()).await?;
        world.expire();
        world.faults.set(Step::Save, side, Effect::Panic);
        let token = world.tokens.token(&world.key).await?;
        world.event(|event| matches!(event, Event::NotStored { .. })).await;
        world.faults.calm();
        world.event(|event| matches!(event, Event::Stored { .. })).await;
        assert!(world.another()?.token(&world.key).await?.same_as(&token));
        assert_eq!(world.refreshes(), 1);
    }
    Ok(())
}

#[tokio::test]
async fn a_callback_that_panics_costs_nothing() -> TestResult {
    let world = World::start(Config::rfc6749()).await?;
    let tokens = TokenManager::builder(world.at.client.clone(), world.store.clone())
        .executor(TokioExecutor::current()?)
        .on_event(|_| panic!("the callback's own fault"))
        .build()?;
    for refreshes in 1..=2 {
        world.expire();
        tokens.token(&world.key).await?;
        assert_eq!(world.refreshes(), refreshes);
    }
    Ok(())
}
