//! Callers that go away at every point of a refresh (G8).

use countersign_sandbox::{Config, Fault, Target, When};
use countersign_tests::{Fault as StoreFault, Step, TestResult};
use countersign_tokens::Event;

use crate::support::{Effect, World};

/// Where a refresh stands while its callers go away.
#[derive(Debug, Clone, Copy)]
enum Point {
    Store(Step, StoreFault),
    Provider(When),
}

const POINTS: [Point; 8] = [
    Point::Store(Step::Load, StoreFault::Before),
    Point::Store(Step::Begin, StoreFault::Before),
    Point::Store(Step::Begin, StoreFault::After),
    Point::Provider(When::Before),
    Point::Provider(When::After),
    Point::Store(Step::Save, StoreFault::Before),
    Point::Store(Step::Save, StoreFault::After),
    Point::Store(Step::Load, StoreFault::After),
];

/// Lets ten callers wait for a refresh that stands at `point`, and drops them all.
async fn drop_callers_at(world: &World, point: Point) -> TestResult {
    match point {
        Point::Store(step, side) => world.faults.set(step, side, Effect::Hold),
        Point::Provider(when) => {
            world.at.sandbox.fail_next(Fault::Hold { when }.on(Target::TokenRefresh));
        }
    }
    let callers: Vec<_> = (0..10)
        .map(|_| {
            let (tokens, key) = (world.tokens.clone(), world.key.clone());
            tokio::spawn(async move { tokens.token(&key).await })
        })
        .collect();
    match point {
        Point::Store(..) => world.faults.wait_for_held().await,
        Point::Provider(_) => world.at.sandbox.wait_for_held(1).await,
    }
    for caller in callers {
        caller.abort();
        assert!(caller.await.is_err_and(|it| it.is_cancelled()), "{point:?}");
    }
    world.faults.calm();
    world.at.sandbox.release();
    Ok(())
}

#[tokio::test]
async fn g08_callers_dropped_at_any_point_lose_nothing() -> TestResult {
    for config in [Config::rfc6749(), Config::hellosign()] {
        for point in POINTS {
            let world = World::start(config.clone()).await?;
            world.expire();
            drop_callers_at(&world, point).await?;
            world.event(|event| matches!(event, Event::Refreshed { .. })).await;
            // Where tokens rotate strictly, an answer that was lost would have cost the grant.
            let token = world.tokens.token(&world.key).await?;
            assert_eq!(world.refreshes(), 1, "{point:?}");
            assert!(world.another()?.token(&world.key).await?.same_as(&token), "{point:?}");
            world.expire();
            world.tokens.token(&world.key).await?;
            assert_eq!(world.refreshes(), 2, "{point:?}");
        }
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn g07_the_caller_that_began_a_refresh_is_dropped_and_the_others_are_served() -> TestResult {
    let world = World::start(Config::rfc6749()).await?;
    world.expire();
    world.at.sandbox.fail_next(Fault::Hold { when: When::Before }.on(Target::TokenRefresh));
    let ask = || {
        let (tokens, key) = (world.tokens.clone(), world.key.clone());
        tokio::spawn(async move { tokens.token(&key).await })
    };
    let first = ask();
    world.at.sandbox.wait_for_held(1).await;
    let others: Vec<_> = (0..10_000).map(|_| ask()).collect();
    first.abort();
    assert!(first.await.expect_err("dropped").is_cancelled());
    world.at.sandbox.release();
    let new = world.tokens.token(&world.key).await?;
    for other in others {
        assert!(other.await??.same_as(&new));
    }
    assert_eq!(world.refreshes(), 1);
    Ok(())
}

#[tokio::test]
async fn an_executor_that_shuts_down_wedges_nobody() -> TestResult {
    let world = World::start(Config::hellosign()).await?;
    world.expire();
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let executor = countersign_tokens::TokioExecutor::new(runtime.handle().clone());
    let tokens =
        countersign_tokens::TokenManager::builder(world.at.client.clone(), world.store.clone())
            .executor(executor)
            .build()?;
    world.at.sandbox.fail_next(Fault::Hold { when: When::Before }.on(Target::TokenRefresh));
    let (caller, key) = (tokens.clone(), world.key.clone());
    let caller = tokio::spawn(async move { caller.token(&key).await });
    world.at.sandbox.wait_for_held(1).await;
    runtime.shutdown_background();
    // Now, and whenever it is asked from now on.
    let error = caller.await?.expect_err("interrupted");
    assert_eq!(error.kind(), countersign_tokens::TokenErrorKind::Interrupted);
    assert!(tokens.token(&world.key).await.is_err());
    world.at.sandbox.release();
    // Another process, or this one with another executor, goes on.
    world.at.advance(std::time::Duration::from_secs(60));
    world.another()?.token(&world.key).await?;
    Ok(())
}
