//! A store that hangs, fails or returns garbage: the error says so, and the grant goes on.

use std::time::Duration;

use countersign_sandbox::Config;
use countersign_tests::{Side, Step, TestResult};
use countersign_tokens::{
    Adopt, Epoch, Event, GrantState, GrantStore, KeyRing, Material, Payload, SealedStore,
    StoreErrorKind, TokenErrorKind, TokenManager, TokioExecutor,
};

use crate::support::{Whim, World};

#[tokio::test]
async fn a_store_that_hangs_is_given_up_and_a_good_token_is_served_without_it() -> TestResult {
    let world = World::start(Config::rfc6749()).await?;
    let tokens = TokenManager::builder(world.at.client.clone(), world.store.clone())
        .executor(TokioExecutor::current()?)
        .store_timeout(Duration::from_millis(20))
        .build()?;
    let good = tokens.token(&world.key).await?;
    for (step, side) in
        [(Step::Load, Side::Before), (Step::Begin, Side::Before), (Step::Begin, Side::After)]
    {
        world.mood.set(step, side, Whim::Hold);
        assert!(tokens.token(&world.key).await?.same_as(&good), "{step:?}");
    }
    world.mood.calm();
    for (refreshes, step) in [(0, Step::Load), (1, Step::Begin)] {
        world.expire();
        world.mood.set(step, Side::Before, Whim::Hold);
        let error = tokens.token(&world.key).await.expect_err("it hangs");
        assert_eq!(error.kind(), TokenErrorKind::Store, "{step:?}");
        assert_eq!(error.store().map(|it| it.kind()), Some(StoreErrorKind::Timeout));
        assert_eq!(world.refreshes(), refreshes);
        world.mood.calm();
        world.at.advance(Duration::from_secs(61));
        tokens.token(&world.key).await?;
    }
    Ok(())
}

#[tokio::test]
async fn g09_a_store_that_hangs_when_it_saves_costs_no_token() -> TestResult {
    let world = World::start(Config::rfc6749()).await?;
    let tokens = TokenManager::builder(world.at.client.clone(), world.store.clone())
        .executor(TokioExecutor::current()?)
        .store_timeout(Duration::from_millis(20))
        .build()?;
    for side in [Side::Before, Side::After] {
        world.expire();
        world.mood.set(Step::Save, side, Whim::Hold);
        let token = tokens.token(&world.key).await?;
        assert!(tokens.status(&world.key).await?.is_unsaved);
        assert!(tokens.token(&world.key).await?.same_as(&token));
        world.mood.calm();
        // Another process finds it once it is stored, and does not refresh before.
        assert!(world.another()?.token(&world.key).await?.same_as(&token), "{side:?}");
    }
    assert_eq!(world.refreshes(), 2);
    Ok(())
}

#[tokio::test]
async fn every_step_may_fail_on_either_side() -> TestResult {
    let steps = [Step::Load, Step::Begin, Step::Save, Step::Clear, Step::Renew, Step::Mark];
    for step in steps {
        for side in [Side::Before, Side::After] {
            let world = World::start(Config::rfc6749()).await?;
            world.expire();
            world.mood.set(step, side, Whim::Fail(StoreErrorKind::Unavailable));
            let token = world.tokens.token(&world.key).await;
            if let Err(error) = &token {
                assert_eq!(error.store().map(|it| it.kind()), Some(StoreErrorKind::Unavailable));
                assert_eq!(world.refreshes(), 0, "{step:?} {side:?}: what was bought is lost");
            }
            world.mood.calm();
            if step == Step::Save {
                world.event(|event| matches!(event, Event::Stored { .. })).await;
            }
            world.at.advance(Duration::from_secs(61));
            let again = world.tokens.token(&world.key).await?;
            assert!(token.is_err() || token.is_ok_and(|it| it.same_as(&again)));
            assert_eq!(world.refreshes(), 1, "{step:?} {side:?}");
            world.expire();
            world.another()?.token(&world.key).await?;
        }
    }
    Ok(())
}

#[tokio::test]
async fn garbage_is_told_and_not_overwritten() -> TestResult {
    let garbage: [&[u8]; 4] = [b"", b"{", b"{\"version\":2}", b"\xff\0garbage"];
    for garbage in garbage {
        let world = World::empty(Config::hellosign()).await?;
        let material = Material {
            payload: Payload::new(garbage.to_vec()),
            key_id: None,
            expires_in: None,
            due_in: Some(Duration::ZERO),
        };
        let adopt = Adopt { epoch: Epoch::random()?, replaces: None, material };
        assert!(world.store.adopt(&world.key, &adopt).await?.is_accepted());
        let before = world.store.load(&world.key).await?.ok_or("nothing there")?;
        for _ in 0..2 {
            let error = world.tokens.token(&world.key).await.expect_err("garbage");
            assert_eq!(error.kind(), TokenErrorKind::Unreadable);
            world.expire();
        }
        let after = world.store.load(&world.key).await?.ok_or("nothing there")?;
        assert_eq!((after.revision, &after.payload), (before.revision, &before.payload));
        assert_eq!(world.refreshes(), 0);
        // A new consent takes its place.
        world.tokens.adopt(&world.key, world.at.authorized().await?.into_tokens()).await?;
        world.tokens.token(&world.key).await?;
    }
    Ok(())
}

#[tokio::test]
async fn a_grant_whose_sealing_key_is_lost_can_be_replaced_and_forgotten() -> TestResult {
    let world = World::empty(Config::rfc6749()).await?;
    let over = |id: &str, byte: u8| -> Result<TokenManager, Box<dyn std::error::Error>> {
        let store = SealedStore::new(world.store.clone(), KeyRing::new(id, [byte; 32])?);
        let builder = TokenManager::builder(world.at.client.clone(), store);
        Ok(builder.executor(TokioExecutor::current()?).build()?)
    };
    let first = over("first", 1)?;
    first.adopt(&world.key, world.at.authorized().await?.into_tokens()).await?;
    for (id, byte, kind) in
        [("second", 2, StoreErrorKind::UnknownKey), ("first", 2, StoreErrorKind::Unsealable)]
    {
        let error = over(id, byte)?.token(&world.key).await.expect_err("sealed");
        assert_eq!(error.store().map(|it| it.kind()), Some(kind));
    }
    let second = over("second", 2)?;
    second.adopt(&world.key, world.at.authorized().await?.into_tokens()).await?;
    second.token(&world.key).await?;
    let third = over("third", 3)?;
    assert!(third.forget(&world.key).await.is_ok());
    let left = world.store.load(&world.key).await?;
    assert_eq!(left.map(|it| it.state), Some(GrantState::Gone));
    Ok(())
}

#[tokio::test]
async fn an_adoption_that_was_forgotten_before_it_was_stored_says_so() -> TestResult {
    let world = World::start(Config::rfc6749()).await?;
    let other = world.another()?;
    world.mood.set(Step::Adopt, Side::Before, Whim::Fail(StoreErrorKind::Unavailable));
    let tokens = world.at.authorized().await?.into_tokens();
    assert!(world.tokens.adopt(&world.key, tokens).await.is_err());
    assert!(other.forget(&world.key).await.is_ok());
    world.mood.calm();
    let is_it = |event: &Event| match event {
        Event::NotStored { error, .. } => error.kind() == TokenErrorKind::UnknownGrant,
        _ => false,
    };
    world.event(is_it).await;
    let left = world.store.load(&world.key).await?;
    assert_eq!(left.map(|it| it.state), Some(GrantState::Gone));
    let error = world.tokens.token(&world.key).await.expect_err("forgotten");
    assert_eq!(error.kind(), TokenErrorKind::UnknownGrant);
    Ok(())
}
