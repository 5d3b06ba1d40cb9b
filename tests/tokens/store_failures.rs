//! A store that hangs, fails or returns garbage: the error says so, and the grant goes on.

use std::time::Duration;

use countersign_sandbox::{Answer, Config, Fault, Target, When};
use countersign_tests::Fault::{After, Before};
use countersign_tests::{Step, TestResult};
use countersign_tokens::{
    Event, GrantStore, KeyRing, StoreErrorKind, TokenErrorKind, TokenManager, TokioExecutor,
};

use http::header::RETRY_AFTER;
use http::{HeaderValue, StatusCode};

use crate::support::{Effect, World};

#[tokio::test]
async fn a_store_that_hangs_is_given_up_and_a_good_token_is_served_without_it() -> TestResult {
    let world = World::start(Config::rfc6749()).await?;
    let tokens = TokenManager::builder(world.at.client.clone(), world.store.clone())
        .executor(TokioExecutor::current()?)
        .store_timeout(Duration::from_millis(20))
        .build()?;
    let good = tokens.token(&world.key).await?;
    for (step, side) in [(Step::Load, Before), (Step::Begin, Before), (Step::Begin, After)] {
        world.faults.set(step, side, Effect::Hold);
        assert!(tokens.token(&world.key).await?.same_as(&good), "{step:?}");
    }
    world.faults.calm();
    for (refreshes, step) in [(0, Step::Load), (1, Step::Begin)] {
        world.expire();
        world.faults.set(step, Before, Effect::Hold);
        let error = tokens.token(&world.key).await.expect_err("it hangs");
        assert_eq!(error.kind(), TokenErrorKind::Store, "{step:?}");
        assert_eq!(error.store().map(|it| it.kind()), Some(StoreErrorKind::Timeout));
        assert_eq!(world.refreshes(), refreshes);
        world.faults.calm();
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
    for side in [Before, After] {
        world.expire();
        world.faults.set(Step::Save, side, Effect::Hold);
        let token = tokens.token(&world.key).await?;
        assert!(tokens.status(&world.key).await?.is_unsaved);
        assert!(tokens.token(&world.key).await?.same_as(&token));
        world.faults.calm();
        // Another process finds it once it is stored, and does not refresh before.
        assert!(world.another()?.token(&world.key).await?.same_as(&token), "{side:?}");
    }
    assert_eq!(world.refreshes(), 2);
    Ok(())
}

/// Has the provider answer so that a refresh takes this step.
fn provoke(world: &World, step: Step) {
    let answer = match step {
        Step::Clear => {
            let busy = Answer::new(StatusCode::TOO_MANY_REQUESTS);
            Fault::Answer(busy.header(RETRY_AFTER, HeaderValue::from_static("60")))
        }
        Step::Leave => Fault::Reset { when: When::After },
        Step::Mark => {
            let body = r#"{"error":"invalid_grant"}"#;
            Fault::Answer(Answer::new(StatusCode::BAD_REQUEST).body(body))
        }
        _ => return,
    };
    world.at.sandbox.fail_next(answer.on(Target::TokenRefresh));
}

#[tokio::test]
async fn every_step_of_a_refresh_may_fail_on_either_side() -> TestResult {
    let steps = [Step::Load, Step::Begin, Step::Save, Step::Clear, Step::Leave, Step::Mark];
    for (step, side) in steps.into_iter().flat_map(|it| [(it, Before), (it, After)]) {
        let world = World::start(Config::rfc6749()).await?;
        world.expire();
        provoke(&world, step);
        world.faults.set(step, side, Effect::Fail(StoreErrorKind::Unavailable));
        // Another process, which has to load the record first.
        let tokens = world.another()?;
        let first = tokens.token(&world.key).await;
        assert!(world.faults.had() >= 1, "{step:?} {side:?}: nothing failed");
        let (kind, refreshes) = match step {
            Step::Load | Step::Begin => (Some(TokenErrorKind::Store), 0),
            Step::Clear => (Some(TokenErrorKind::Refresh), 1),
            Step::Leave => (Some(TokenErrorKind::OutcomeUnknown), 1),
            Step::Mark => (Some(TokenErrorKind::Reauthorize), 1),
            _ => (None, 1),
        };
        assert_eq!(first.as_ref().err().map(|it| it.kind()), kind, "{step:?} {side:?}");
        assert_eq!(world.refreshes(), refreshes, "{step:?} {side:?}");
        world.faults.calm();
        if step == Step::Save {
            world.event(|event| matches!(event, Event::Stored { .. })).await;
        }
        world.at.advance(Duration::from_secs(61));
        let again = tokens.token(&world.key).await;
        match step {
            // It has settled what it wrote, and gone on.
            Step::Load | Step::Begin | Step::Clear => drop(again?),
            Step::Save => assert!(again?.same_as(&first?), "{step:?} {side:?}"),
            _ => assert_eq!(again.err().map(|it| it.kind()), kind, "{step:?} {side:?}"),
        }
        let record = world.store.load(&world.key).await?.record.ok_or("nothing there")?;
        let is_left = step == Step::Leave;
        assert_eq!(record.attempts.len(), usize::from(is_left), "{step:?} {side:?}");
        let other = world.another()?.token(&world.key).await;
        assert_eq!(other.is_err(), matches!(step, Step::Leave | Step::Mark), "{step:?} {side:?}");
        assert_eq!(world.refreshes(), refreshes.max(1) + u64::from(step == Step::Clear));
    }
    Ok(())
}

#[tokio::test]
async fn garbage_is_told_and_not_overwritten() -> TestResult {
    let garbage: [&[u8]; 4] = [b"", b"{", b"{\"version\":2}", b"\xff\0garbage"];
    for garbage in garbage {
        let world = World::empty(Config::hellosign()).await?;
        world.write_payload(garbage).await?;
        let before = world.store.load(&world.key).await?.record.ok_or("nothing there")?;
        for _ in 0..2 {
            let error = world.tokens.token(&world.key).await.expect_err("garbage");
            assert_eq!(error.kind(), TokenErrorKind::Unreadable);
            world.expire();
        }
        let after = world.store.load(&world.key).await?.record.ok_or("nothing there")?;
        assert_eq!(after, before);
        assert_eq!(world.refreshes(), 0);
        // A new consent takes its place.
        world.tokens.insert(&world.key, world.at.authorized().await?.into_tokens()).await?;
        world.tokens.token(&world.key).await?;
    }
    Ok(())
}

#[tokio::test]
async fn a_grant_whose_sealing_key_is_lost_can_be_replaced_and_forgotten() -> TestResult {
    let world = World::empty(Config::rfc6749()).await?;
    let over = |id: &str, byte: u8| -> Result<TokenManager, Box<dyn std::error::Error>> {
        let builder = TokenManager::builder(world.at.client.clone(), world.store.clone());
        let builder = builder.sealed_by(KeyRing::new(id, [byte; 32])?);
        Ok(builder.executor(TokioExecutor::current()?).build()?)
    };
    let first = over("first", 1)?;
    first.insert(&world.key, world.at.authorized().await?.into_tokens()).await?;
    for (id, byte, kind) in
        [("second", 2, StoreErrorKind::UnknownKey), ("first", 2, StoreErrorKind::Unsealable)]
    {
        let error = over(id, byte)?.token(&world.key).await.expect_err("sealed");
        assert_eq!(error.store().map(|it| it.kind()), Some(kind));
    }
    let second = over("second", 2)?;
    second.insert(&world.key, world.at.authorized().await?.into_tokens()).await?;
    second.token(&world.key).await?;
    let third = over("third", 3)?;
    assert!(third.remove(&world.key).await.is_ok());
    let left = world.store.load(&world.key).await?.record;
    assert!(left.is_none(), "{left:?}");
    Ok(())
}

#[tokio::test]
async fn an_adoption_that_was_forgotten_before_it_was_stored_says_so() -> TestResult {
    let world = World::start(Config::rfc6749()).await?;
    let other = world.another()?;
    world.faults.set(Step::Insert, Before, Effect::Fail(StoreErrorKind::Unavailable));
    let tokens = world.at.authorized().await?.into_tokens();
    assert!(world.tokens.insert(&world.key, tokens).await.is_err());
    assert!(other.remove(&world.key).await.is_ok());
    world.faults.calm();
    let is_it = |event: &Event| match event {
        Event::NotStored { error, .. } => error.kind() == TokenErrorKind::UnknownGrant,
        _ => false,
    };
    world.event(is_it).await;
    let left = world.store.load(&world.key).await?.record;
    assert!(left.is_none(), "{left:?}");
    let error = world.tokens.token(&world.key).await.expect_err("forgotten");
    assert_eq!(error.kind(), TokenErrorKind::UnknownGrant);
    Ok(())
}
