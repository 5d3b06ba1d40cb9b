//! Grants that are forgotten: revoked where the provider can, and gone from here in any case.

use std::time::Duration;

use countersign::{ExposeSecret, Recovery, RefreshToken, TokenSet};
use countersign_sandbox::{Answer, Config, Fault, GrantStatus, Target, When};
use countersign_tests::{Fault as StoreFault, Step, TestResult};
use countersign_tokens::{
    Event, GrantState, GrantStore, Removed, StoreErrorKind, TokenError, TokenErrorKind,
};
use http::header::RETRY_AFTER;
use http::{HeaderValue, StatusCode};

use crate::support::{Effect, World, others_go_on};

impl World {
    fn grant_status(&self) -> GrantStatus {
        self.at.sandbox.grants()[0].status
    }

    /// Waits until the provider has revoked the grant.
    async fn is_revoked(&self) {
        while self.grant_status() != GrantStatus::Revoked {
            tokio::task::yield_now().await;
        }
    }

    fn revocations(&self) -> u64 {
        self.at.sandbox.counts().revoke
    }

    /// Whether nobody gets a token any more, and nothing but a tombstone is left in the store.
    async fn is_forgotten(&self) -> Result<bool, Box<dyn std::error::Error>> {
        for manager in [&self.tokens, &self.another()?] {
            let error = manager.token(&self.key).await.err();
            if error.map(|it| it.kind()) != Some(TokenErrorKind::UnknownGrant) {
                return Ok(false);
            }
        }
        let left = self.store.load(&self.key).await?.record;
        Ok(left.is_none_or(|it| it.state == GrantState::Gone && it.payload.as_bytes().is_empty()))
    }

    /// A grant that is adopted, and its tokens.
    async fn adopted(config: Config) -> Result<(Self, TokenSet), Box<dyn std::error::Error>> {
        let world = Self::empty(config).await?;
        let tokens = world.at.authorized().await?.into_tokens();
        world.tokens.insert(&world.key, tokens.clone()).await?;
        Ok((world, tokens))
    }
}

fn unavailable(retry_after: Option<&'static str>) -> Fault {
    let body = r#"{"error":"temporarily_unavailable"}"#;
    let answer = Answer::new(StatusCode::SERVICE_UNAVAILABLE).body(body);
    Fault::Answer(match retry_after {
        Some(after) => answer.header(RETRY_AFTER, HeaderValue::from_static(after)),
        None => answer,
    })
}

/// Why a grant may be live.
fn why(forgotten: Removed) -> Option<TokenError> {
    match forgotten {
        Removed::MayBeLive(error) => Some(error),
        _ => None,
    }
}

#[tokio::test]
async fn a_forgotten_grant_is_revoked() -> TestResult {
    let (world, tokens) = World::adopted(Config::rfc6749()).await?;
    let client = &world.at.client;
    let forgotten = world.tokens.remove(&world.key).await?;
    assert!(matches!(forgotten, Removed::Revoked), "{forgotten:?}");
    assert_eq!((world.grant_status(), world.revocations()), (GrantStatus::Revoked, 1));
    assert!(format!("{:?}", world.tokens).contains("grants: 0"), "nothing of it is in memory");
    let refresh_token = tokens.refresh_token().ok_or("a refresh token")?;
    let error = client.refresh(refresh_token).await.expect_err("revoked");
    assert_eq!(error.server().map(|it| it.code()), Some("invalid_grant"));
    assert!(world.is_forgotten().await?);
    let again = world.tokens.remove(&world.key).await.expect_err("gone");
    assert_eq!(again.kind(), TokenErrorKind::UnknownGrant);
    assert_eq!(world.revocations(), 1);
    Ok(())
}

#[tokio::test]
async fn the_newest_refresh_token_is_revoked() -> TestResult {
    let (world, first) = World::adopted(Config::rfc6749()).await?;
    world.expire();
    world.tokens.token(&world.key).await?;
    let record = world.store.load(&world.key).await?.record.ok_or("a record")?;
    let held = String::from_utf8(record.payload.as_bytes().to_vec())?;
    let first = first.refresh_token().map(|it: &RefreshToken| it.expose_secret().to_owned());
    assert!(!held.contains(&first.ok_or("a refresh token")?));
    // Of another process, which knows the grant by the store alone.
    let forgotten = world.another()?.remove(&world.key).await?;
    assert!(matches!(forgotten, Removed::Revoked), "{forgotten:?}");
    assert_eq!(world.grant_status(), GrantStatus::Revoked);
    Ok(())
}

#[tokio::test]
async fn without_a_refresh_token_the_access_token_is_revoked() -> TestResult {
    let world = World::empty(Config::rfc6749()).await?;
    let tokens = world.at.authorized().await?.into_tokens();
    let tokens = TokenSet::new(tokens.access_token().clone(), tokens.requested_at());
    world.tokens.insert(&world.key, tokens).await?;
    let forgotten = world.tokens.remove(&world.key).await?;
    assert!(matches!(forgotten, Removed::Revoked), "{forgotten:?}");
    assert_eq!((world.grant_status(), world.revocations()), (GrantStatus::Active, 1));
    // It named the grant, and did not end it as a whole: that was the access token.
    assert_eq!(world.at.sandbox.grants()[0].counts.revoke, 1);
    Ok(())
}

#[tokio::test]
async fn hellosign_has_nothing_to_revoke_with() -> TestResult {
    let world = World::start(Config::hellosign()).await?;
    let forgotten = world.tokens.remove(&world.key).await?;
    assert!(matches!(forgotten, Removed::NotRevocable), "{forgotten:?}");
    assert_eq!((world.grant_status(), world.revocations()), (GrantStatus::Active, 0));
    assert!(world.is_forgotten().await?);
    Ok(())
}

#[tokio::test]
async fn a_grant_that_could_not_be_revoked_is_reported_and_gone() -> TestResult {
    let refused =
        Fault::Answer(Answer::new(StatusCode::BAD_REQUEST).body(r#"{"error":"invalid_request"}"#));
    // What is worth to be tried again is, three times; what is not, and what takes too long, is not.
    for (fault, requests) in [
        (unavailable(None), 3),
        (unavailable(Some("86400")), 1),
        (refused, 1),
        (Fault::Reset { when: When::Before }, 3),
    ] {
        let world = World::start(Config::rfc6749()).await?;
        world.at.sandbox.fail_next(fault.clone().on(Target::Revoke).times(9));
        let error = why(world.tokens.remove(&world.key).await?).ok_or("it is not revoked")?;
        assert_eq!(error.kind(), TokenErrorKind::NotRevoked, "{fault:?}");
        assert!(error.provider().is_some(), "{fault:?}");
        // It cannot be forgotten again, whatever the provider asked for.
        assert_eq!(error.recovery(), Recovery::Fix, "{fault:?}");
        assert_eq!((world.grant_status(), world.revocations()), (GrantStatus::Active, requests));
        assert!(world.is_forgotten().await?, "{fault:?}");
    }
    Ok(())
}

#[tokio::test]
async fn a_revocation_is_tried_again() -> TestResult {
    for fault in [
        unavailable(None),
        unavailable(Some("1")),
        Fault::status(StatusCode::INTERNAL_SERVER_ERROR),
        Fault::Reset { when: When::After },
        Fault::Truncated,
    ] {
        let world = World::start(Config::rfc6749()).await?;
        world.at.sandbox.fail_next(fault.clone().on(Target::Revoke).times(2));
        let forgotten = world.tokens.remove(&world.key).await?;
        assert!(matches!(forgotten, Removed::Revoked), "{fault:?}: {forgotten:?}");
        assert_eq!(world.grant_status(), GrantStatus::Revoked, "{fault:?}");
    }
    Ok(())
}

#[tokio::test]
async fn g08_a_caller_that_goes_away_does_not_stop_the_revocation() -> TestResult {
    for when in [When::Before, When::After] {
        let world = World::start(Config::rfc6749()).await?;
        world.at.sandbox.fail_next(Fault::Hold { when }.on(Target::Revoke));
        let (tokens, key) = (world.tokens.clone(), world.key.clone());
        let caller = tokio::spawn(async move { tokens.remove(&key).await.is_ok() });
        world.at.sandbox.wait_for_held(1).await;
        caller.abort();
        assert!(caller.await.is_err_and(|it| it.is_cancelled()));
        // The tombstone comes first.
        let state = world.store.load(&world.key).await?.record.map(|it| it.state);
        assert_eq!(state, Some(GrantState::Gone));
        let error = world.tokens.token(&world.key).await.expect_err("forgotten");
        assert_eq!(error.kind(), TokenErrorKind::UnknownGrant);
        world.at.sandbox.release();
        world.is_revoked().await;
        assert_eq!(world.revocations(), 1);
    }
    Ok(())
}

#[tokio::test]
async fn g08_a_caller_that_goes_away_before_the_tombstone_stops_nothing_either() -> TestResult {
    let world = World::start(Config::rfc6749()).await?;
    world.faults.set(Step::Remove, StoreFault::Before, Effect::Hold);
    let (tokens, key) = (world.tokens.clone(), world.key.clone());
    let caller = tokio::spawn(async move { tokens.remove(&key).await.is_ok() });
    world.faults.wait_for_held().await;
    caller.abort();
    assert!(caller.await.is_err_and(|it| it.is_cancelled()));
    world.faults.calm();
    world.at.sandbox.wait_for(|counts| counts.revoke == 1).await;
    world.is_revoked().await;
    Ok(())
}

#[tokio::test]
async fn a_refresh_in_flight_ends_first_and_what_it_brought_is_revoked() -> TestResult {
    let world = World::start(Config::rfc6749()).await?;
    // In this process, and in another, whose lease lives.
    for late in [world.tokens.clone(), world.another()?] {
        world.tokens.insert(&world.key, world.at.authorized().await?.into_tokens()).await?;
        world.expire();
        world.at.sandbox.fail_next(Fault::Hold { when: When::After }.on(Target::TokenRefresh));
        let (key, tokens) = (world.key.clone(), world.tokens.clone());
        let late = tokio::spawn(async move { late.token(&key).await });
        world.at.sandbox.wait_for_held(1).await;
        let key = world.key.clone();
        let forgetting = tokio::spawn(async move { tokens.remove(&key).await });
        others_go_on().await;
        assert!(!forgetting.is_finished());
        world.at.sandbox.release();
        assert!(late.await?.is_ok());
        let forgotten = forgetting.await??;
        assert!(matches!(forgotten, Removed::Revoked), "{forgotten:?}");
        let grants = world.at.sandbox.grants();
        let last = grants.last().ok_or("a grant")?;
        assert_eq!((last.status, last.refreshes), (GrantStatus::Revoked, 1));
        assert!(world.is_forgotten().await?);
    }
    Ok(())
}

#[tokio::test]
async fn g11_a_late_refresh_does_not_bring_it_back_and_its_tokens_are_not_vouched_for() -> TestResult
{
    let world = World::start(Config::rfc6749()).await?;
    let other = world.another()?;
    world.expire();
    world.at.sandbox.fail_next(Fault::Hold { when: When::After }.on(Target::TokenRefresh));
    let (late, key) = (other.clone(), world.key.clone());
    let late = tokio::spawn(async move { late.token(&key).await });
    world.at.sandbox.wait_for_held(1).await;
    // Its lease has run out, and so nobody waits for it.
    world.at.advance(Duration::from_secs(3600));
    let forgotten = world.tokens.remove(&world.key).await?;
    // RFC 7009 has a server say success of a token that was replaced, whatever it does with it.
    let error = why(forgotten).ok_or("the newest token is not known")?;
    assert_eq!(error.kind(), TokenErrorKind::NotRevoked);
    assert_eq!(world.revocations(), 1);
    world.at.sandbox.release();
    let error = late.await?.expect_err("forgotten");
    assert_eq!(error.kind(), TokenErrorKind::UnknownGrant);
    assert!(world.is_forgotten().await?);
    Ok(())
}

#[tokio::test]
async fn an_unreadable_payload_is_forgotten_and_reported() -> TestResult {
    for payload in [&b"}{"[..], b"{\"version\":99}", b""] {
        for config in [Config::rfc6749(), Config::hellosign()] {
            let world = World::empty(config).await?;
            world.write_payload(payload).await?;
            let forgotten = world.tokens.remove(&world.key).await?;
            if world.at.client.can_revoke() {
                let error = why(forgotten).ok_or("there was nothing to revoke")?;
                assert_eq!(error.kind(), TokenErrorKind::Unreadable);
            } else {
                assert!(matches!(forgotten, Removed::NotRevocable), "{forgotten:?}");
            }
            assert_eq!(world.revocations(), 0);
            assert!(world.is_forgotten().await?);
        }
    }
    Ok(())
}

#[tokio::test]
async fn a_store_that_cannot_bury_keeps_the_grant_and_nothing_is_revoked() -> TestResult {
    for (step, side) in [(Step::Load, StoreFault::Before), (Step::Remove, StoreFault::Before)] {
        let world = World::start(Config::rfc6749()).await?;
        world.faults.set(step, side, Effect::Fail(StoreErrorKind::Unavailable));
        let error = world.tokens.remove(&world.key).await.expect_err("the store failed");
        assert_eq!(error.kind(), TokenErrorKind::Store, "{step:?}");
        assert_eq!((world.grant_status(), world.revocations()), (GrantStatus::Active, 0));
        world.faults.calm();
        world.tokens.token(&world.key).await?;
        let forgotten = world.tokens.remove(&world.key).await?;
        assert!(matches!(forgotten, Removed::Revoked), "{forgotten:?}");
    }
    Ok(())
}

#[tokio::test]
async fn a_tombstone_whose_answer_was_lost_does_not_cost_the_revocation() -> TestResult {
    let world = World::start(Config::rfc6749()).await?;
    world.faults.set(Step::Remove, StoreFault::After, Effect::Fail(StoreErrorKind::Timeout));
    let (tokens, key) = (world.tokens.clone(), world.key.clone());
    let forgetting = tokio::spawn(async move { tokens.remove(&key).await });
    while world.faults.had() == 0 {
        tokio::task::yield_now().await;
    }
    world.faults.calm();
    let forgotten = forgetting.await??;
    assert!(matches!(forgotten, Removed::Revoked), "{forgotten:?}");
    assert_eq!(world.grant_status(), GrantStatus::Revoked);
    assert!(world.is_forgotten().await?);
    Ok(())
}

#[tokio::test]
async fn a_tombstone_that_stays_hides_nothing_and_is_not_vouched_for() -> TestResult {
    let world = World::start(Config::rfc6749()).await?;
    world.faults.set(Step::Purge, StoreFault::Before, Effect::Fail(StoreErrorKind::Unavailable));
    let forgotten = world.tokens.remove(&world.key).await?;
    assert!(matches!(forgotten, Removed::Revoked), "{forgotten:?}");
    world.faults.calm();
    let error = world.tokens.token(&world.key).await.expect_err("forgotten");
    assert_eq!(error.kind(), TokenErrorKind::UnknownGrant);
    // As after a process that died between the tombstone and the revocation.
    let other = world.another()?;
    let error = why(other.remove(&world.key).await?).ok_or("whether is not known")?;
    assert_eq!((error.kind(), world.revocations()), (TokenErrorKind::NotRevoked, 1));
    assert!(world.is_forgotten().await?);
    Ok(())
}

#[tokio::test]
async fn a_refresh_that_has_not_begun_yet_ends_first_too() -> TestResult {
    let world = World::start(Config::rfc6749()).await?;
    world.expire();
    world.faults.set(Step::Begin, StoreFault::Before, Effect::Hold);
    let (tokens, key) = (world.tokens.clone(), world.key.clone());
    let late = tokio::spawn(async move { tokens.token(&key).await });
    world.faults.wait_for_held().await;
    let (tokens, key) = (world.tokens.clone(), world.key.clone());
    let forgetting = tokio::spawn(async move { tokens.remove(&key).await });
    others_go_on().await;
    world.faults.calm();
    assert!(late.await?.is_ok());
    let forgotten = forgetting.await??;
    assert!(matches!(forgotten, Removed::Revoked), "{forgotten:?}");
    assert!(world.is_forgotten().await?);
    Ok(())
}

#[tokio::test]
async fn tokens_in_memory_alone_are_stored_before_they_are_forgotten() -> TestResult {
    for is_refreshed in [true, false] {
        let world = World::empty(Config::rfc6749()).await?;
        let tokens = world.at.authorized().await?.into_tokens();
        if is_refreshed {
            world.tokens.insert(&world.key, tokens).await?;
            world.expire();
            world.faults.break_writes();
            world.tokens.token(&world.key).await?;
        } else {
            world.faults.break_writes();
            let error = world.tokens.insert(&world.key, tokens).await.expect_err("not stored");
            assert_eq!(error.kind(), TokenErrorKind::NotStored);
        }
        let (tokens, key) = (world.tokens.clone(), world.key.clone());
        let forgetting = tokio::spawn(async move { tokens.remove(&key).await });
        others_go_on().await;
        assert!(!forgetting.is_finished());
        world.faults.calm();
        let forgotten = forgetting.await??;
        assert!(matches!(forgotten, Removed::Revoked), "{is_refreshed} {forgotten:?}");
        assert_eq!(world.grant_status(), GrantStatus::Revoked);
        assert!(world.is_forgotten().await?);
    }
    Ok(())
}

#[tokio::test]
async fn a_grant_that_is_adopted_while_the_former_is_buried_serves_from_memory() -> TestResult {
    let world = World::start(Config::rfc6749()).await?;
    world.faults.set(Step::Remove, StoreFault::After, Effect::Hold);
    let (tokens, key) = (world.tokens.clone(), world.key.clone());
    let forgetting = tokio::spawn(async move { tokens.remove(&key).await });
    world.faults.wait_for_held().await;
    world.faults.break_writes();
    let second = world.at.authorized().await?.into_tokens();
    let error = world.tokens.insert(&world.key, second.clone()).await.expect_err("not stored");
    assert_eq!(error.kind(), TokenErrorKind::NotStored);
    world.faults.calm();
    let forgotten = forgetting.await??;
    assert!(matches!(forgotten, Removed::Revoked), "{forgotten:?}");
    assert!(world.tokens.token(&world.key).await?.same_as(second.access_token()));
    world.event(|event| matches!(event, Event::Stored { .. })).await;
    assert!(world.another()?.token(&world.key).await?.same_as(second.access_token()));
    Ok(())
}

#[tokio::test]
async fn a_grant_that_is_adopted_while_the_former_is_revoked_stays() -> TestResult {
    let world = World::start(Config::rfc6749()).await?;
    world.at.sandbox.fail_next(Fault::Hold { when: When::Before }.on(Target::Revoke));
    let (tokens, key) = (world.tokens.clone(), world.key.clone());
    let forgetting = tokio::spawn(async move { tokens.remove(&key).await });
    world.at.sandbox.wait_for_held(1).await;
    let second = world.at.authorized().await?.into_tokens();
    world.tokens.insert(&world.key, second.clone()).await?;
    world.at.sandbox.release();
    let forgotten = forgetting.await??;
    assert!(matches!(forgotten, Removed::Revoked), "{forgotten:?}");
    for manager in [&world.tokens, &world.another()?] {
        assert!(manager.token(&world.key).await?.same_as(second.access_token()));
    }
    let statuses: Vec<_> = world.at.sandbox.grants().iter().map(|grant| grant.status).collect();
    assert_eq!(statuses, [GrantStatus::Revoked, GrantStatus::Active]);
    Ok(())
}

#[tokio::test]
async fn g05_what_became_of_a_forgotten_grant_shows_no_token() -> TestResult {
    let (world, tokens) = World::adopted(Config::rfc6749()).await?;
    let secret = tokens.refresh_token().ok_or("a refresh token")?.expose_secret().to_owned();
    let body = format!(r#"{{"error":"invalid_request","error_description":"of {secret}"}}"#);
    let fault = Fault::Answer(Answer::new(StatusCode::BAD_REQUEST).body(body));
    world.at.sandbox.fail_next(fault.on(Target::Revoke));
    let forgotten = world.tokens.remove(&world.key).await?;
    let mut shown = format!("{forgotten:?} {forgotten:#?}");
    let error = why(forgotten).ok_or("it was refused")?;
    let mut layer: Option<&dyn std::error::Error> = Some(&error);
    while let Some(error) = layer {
        shown += &format!("{error} {error:?}");
        layer = error.source();
    }
    assert!(shown.contains("invalid_request"), "the test is blind: {shown}");
    assert!(!shown.contains(&secret), "{shown}");
    Ok(())
}
