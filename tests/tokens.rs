//! Grants that a manager keeps fresh, counted at the server.

#[path = "tokens/bearer.rs"]
mod bearer;
#[path = "tokens/dropped.rs"]
mod dropped;
#[path = "tokens/forgetting.rs"]
mod forgetting;
#[path = "tokens/panics.rs"]
mod panics;
#[path = "tokens/store_failures.rs"]
mod store_failures;
#[path = "tokens/support.rs"]
mod support;

use std::collections::HashMap;
use std::time::Duration;

use countersign::{Client, Clock, ExposeSecret, Recovery, ReqwestTransport, Scopes};
use countersign_sandbox::{Answer, Config, Fault, Rotation, Target, When};
use countersign_tests::Fault::Before;
use countersign_tests::{Step, TestResult};
use countersign_tokens::{
    Event, GrantState, GrantStore, ThreadExecutor, TokenErrorKind, TokenManager, TokioExecutor,
};
use http::StatusCode;
use support::{Effect, World, others_go_on};

fn invalid_grant() -> Fault {
    Fault::Answer(Answer::new(StatusCode::BAD_REQUEST).body(r#"{"error":"invalid_grant"}"#))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn g07_ten_thousand_callers_cost_one_refresh() -> TestResult {
    for config in [Config::hellosign(), Config::rfc6749()] {
        let world = World::start(config).await?;
        let old = world.tokens.token(&world.key).await?;
        world.expire();
        world.faults.steps();
        let callers: Vec<_> = (0..10_000)
            .map(|_| {
                let (tokens, key) = (world.tokens.clone(), world.key.clone());
                tokio::spawn(async move { tokens.token(&key).await })
            })
            .collect();
        let mut new = None;
        for caller in callers {
            let token = caller.await??;
            assert!(!token.same_as(&old));
            assert!(new.get_or_insert_with(|| token.clone()).same_as(&token));
        }
        assert_eq!(world.refreshes(), 1);
        let steps = HashMap::from([(Step::Load, 1), (Step::Begin, 1), (Step::Save, 1)]);
        assert_eq!(world.faults.steps(), steps);
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn g07_ten_thousand_callers_share_one_failure() -> TestResult {
    let world = World::start(Config::hellosign()).await?;
    world.expire();
    world.faults.steps();
    world.at.sandbox.fail_next(
        Fault::Answer(
            Answer::new(StatusCode::TOO_MANY_REQUESTS)
                .header(http::header::RETRY_AFTER, http::HeaderValue::from_static("60")),
        )
        .on(Target::TokenRefresh)
        .times(100),
    );
    let callers: Vec<_> = (0..10_000)
        .map(|_| {
            let (tokens, key) = (world.tokens.clone(), world.key.clone());
            tokio::spawn(async move { tokens.token(&key).await })
        })
        .collect();
    for caller in callers {
        let error = caller.await?.expect_err("the provider wants a rest");
        assert_eq!(error.kind(), TokenErrorKind::Refresh);
        assert_eq!(error.recovery(), Recovery::Retry { after: Some(Duration::from_secs(60)) });
    }
    assert_eq!(world.refreshes(), 1);
    assert_eq!(
        world.faults.steps(),
        HashMap::from([(Step::Load, 1), (Step::Begin, 1), (Step::Clear, 1)])
    );
    // G13: `Retry-After` is obeyed, and then it is tried again.
    world.at.sandbox.clear_faults();
    assert!(world.tokens.token(&world.key).await.is_err());
    assert_eq!(world.refreshes(), 1);
    world.at.advance(Duration::from_secs(61));
    world.tokens.token(&world.key).await?;
    assert_eq!(world.refreshes(), 2);
    Ok(())
}

#[tokio::test]
async fn g08_a_refresh_goes_on_without_the_caller_that_began_it() -> TestResult {
    let world = World::start(Config::rfc6749()).await?;
    world.expire();
    world.at.sandbox.fail_next(Fault::Hold { when: When::After }.on(Target::TokenRefresh));
    let (tokens, key) = (world.tokens.clone(), world.key.clone());
    let caller = tokio::spawn(async move { tokens.token(&key).await });
    world.at.sandbox.wait_for_held(1).await;
    caller.abort();
    assert!(caller.await.expect_err("dropped").is_cancelled());
    world.at.sandbox.release();
    world.event(|event| matches!(event, Event::Refreshed { .. })).await;
    // Rotation is strict: had the answer been lost, so were the grant.
    world.tokens.token(&world.key).await?;
    assert_eq!(world.refreshes(), 1);
    world.expire();
    world.tokens.token(&world.key).await?;
    assert_eq!(world.refreshes(), 2);
    Ok(())
}

#[tokio::test]
async fn g09_a_new_token_is_handed_out_after_it_is_stored() -> TestResult {
    for step in [Step::Begin, Step::Save] {
        let world = World::start(Config::rfc6749()).await?;
        world.expire();
        world.faults.set(step, Before, Effect::Hold);
        let (tokens, key) = (world.tokens.clone(), world.key.clone());
        let caller = tokio::spawn(async move { tokens.token(&key).await });
        world.faults.wait_for_held().await;
        others_go_on().await;
        assert!(!caller.is_finished(), "{step:?}: the caller has a token that is not stored");
        let status = world.tokens.status(&world.key).await?;
        assert!(status.fresh_until.is_none_or(|it| it < world.at.clock.now()), "{step:?}");
        assert_eq!(status.generation, 1, "{step:?}");
        world.faults.calm();
        let token = caller.await??;
        assert_eq!(world.tokens.status(&world.key).await?.generation, 2, "{step:?}");
        assert!(world.another()?.token(&world.key).await?.same_as(&token), "{step:?}");
    }
    Ok(())
}

#[tokio::test]
async fn g09_an_insert_returns_after_the_grant_is_stored() -> TestResult {
    let world = World::empty(Config::rfc6749()).await?;
    world.faults.set(Step::Insert, Before, Effect::Hold);
    let (tokens, key) = (world.tokens.clone(), world.key.clone());
    let grant = world.at.authorized().await?.into_tokens();
    let inserting = tokio::spawn(async move { tokens.insert(&key, grant).await });
    world.faults.wait_for_held().await;
    others_go_on().await;
    assert!(!inserting.is_finished(), "it is not stored");
    assert!(world.tokens.token(&world.key).await.is_err(), "it is handed out");
    world.faults.calm();
    inserting.await??;
    assert!(world.tokens.token(&world.key).await.is_ok());
    Ok(())
}

#[tokio::test]
async fn scopes_that_a_refresh_does_not_name_are_carried_over() -> TestResult {
    let world = World::empty(Config::rfc6749()).await?;
    let tokens = world.at.authorized().await?.into_tokens();
    let scopes = Scopes::new(["carried"])?;
    world.tokens.insert(&world.key, tokens.with_scopes(scopes)).await?;
    for refreshes in 1..=2 {
        world.expire();
        let answer = Answer::new(StatusCode::OK).body(format!(
            r#"{{"access_token":"at-{refreshes}","token_type":"Bearer","expires_in":3600,
                "refresh_token":"rt-{refreshes}"}}"#
        ));
        world.at.sandbox.fail_next(Fault::Answer(answer).on(Target::TokenRefresh));
        world.tokens.token(&world.key).await?;
        let record = world.store.load(&world.key).await?.record.ok_or("a record")?;
        let payload = String::from_utf8(record.payload.as_bytes().to_vec())?;
        assert!(payload.contains("carried"), "after {refreshes} refreshes the scopes are gone");
    }
    Ok(())
}

#[tokio::test]
async fn g09_tokens_that_cannot_be_stored_serve_and_are_stored_later() -> TestResult {
    let world = World::start(Config::rfc6749()).await?;
    world.expire();
    world.faults.break_writes();
    let token = world.tokens.token(&world.key).await?;
    let event = world.event(|event| matches!(event, Event::NotStored { .. })).await;
    let Event::NotStored { error, .. } = event else { unreachable!() };
    assert_eq!(error.kind(), TokenErrorKind::NotStored);
    assert!(world.tokens.status(&world.key).await?.is_unsaved);
    assert!(world.tokens.token(&world.key).await?.same_as(&token));
    assert_eq!(world.refreshes(), 1);
    world.faults.calm();
    world.event(|event| matches!(event, Event::Stored { .. })).await;
    assert!(!world.tokens.status(&world.key).await?.is_unsaved);
    assert!(world.faults.had() >= 1);
    // What is stored is the new one: another process goes on with it.
    assert!(world.another()?.token(&world.key).await?.same_as(&token));
    assert_eq!(world.refreshes(), 1);
    Ok(())
}

#[tokio::test]
async fn g09_an_adoption_that_cannot_be_stored_is_reported_and_serves() -> TestResult {
    let world = World::empty(Config::hellosign()).await?;
    let tokens = world.at.authorized().await?.into_tokens();
    let access = tokens.access_token().clone();
    world.faults.break_writes();
    let error = world.tokens.insert(&world.key, tokens).await.expect_err("the store is full");
    assert_eq!(error.kind(), TokenErrorKind::NotStored);
    assert!(world.tokens.token(&world.key).await?.same_as(&access));
    world.faults.calm();
    world.event(|event| matches!(event, Event::Stored { .. })).await;
    assert!(world.another()?.token(&world.key).await?.same_as(&access));
    Ok(())
}

#[tokio::test]
async fn g11_a_refusal_is_final_and_asked_for_once() -> TestResult {
    let world = World::start(Config::rfc6749()).await?;
    world.expire();
    world.at.sandbox.fail_next(invalid_grant().on(Target::TokenRefresh).times(100));
    for manager in [world.tokens.clone(), world.tokens.clone(), world.another()?] {
        let error = manager.token(&world.key).await.expect_err("refused");
        assert_eq!(error.kind(), TokenErrorKind::Reauthorize);
        world.at.advance(Duration::from_secs(3600));
    }
    assert_eq!(world.refreshes(), 1);
    assert_eq!(world.tokens.status(&world.key).await?.state, GrantState::Reauthorize);
    // A new consent ends it.
    world.at.sandbox.clear_faults();
    world.tokens.insert(&world.key, world.at.authorized().await?.into_tokens()).await?;
    world.tokens.token(&world.key).await?;
    Ok(())
}

#[tokio::test]
async fn g12_a_lost_answer_is_reported_where_tokens_rotate() -> TestResult {
    let world = World::start(Config::rfc6749().rotation(Rotation::Strict)).await?;
    world.expire();
    world.at.sandbox.fail_next(Fault::Reset { when: When::After }.on(Target::TokenRefresh));
    for manager in [world.tokens.clone(), world.another()?] {
        let error = manager.token(&world.key).await.expect_err("lost");
        assert_eq!(error.kind(), TokenErrorKind::OutcomeUnknown);
        assert_eq!(error.recovery(), Recovery::OutcomeUnknown);
    }
    assert_eq!(world.refreshes(), 1);
    Ok(())
}

#[tokio::test]
async fn g12_a_lost_answer_is_asked_for_again_where_they_do_not() -> TestResult {
    let world = World::start(Config::hellosign()).await?;
    world.expire();
    world.at.sandbox.fail_next(Fault::Reset { when: When::After }.on(Target::TokenRefresh));
    world.tokens.token(&world.key).await?;
    assert_eq!(world.refreshes(), 2);
    Ok(())
}

#[tokio::test]
async fn g12_a_lost_answer_is_asked_for_again_within_the_grace() -> TestResult {
    let window = Duration::from_secs(120);
    for (window, is_enough) in [(window, true), (Duration::from_secs(30), false)] {
        let rotation = Rotation::Grace { window };
        let world = World::empty(Config::rfc6749().rotation(rotation)).await?;
        let of_client = countersign::Rotation::Grace { window, ends_when_child_used: true };
        let provider = world.at.client.provider().clone().with_rotation(of_client);
        let client = Client::builder(provider, Config::CLIENT_ID)
            .secret(Config::CLIENT_SECRET)
            .transport(ReqwestTransport::new()?)
            .clock(world.at.clock.clone())
            .build()?;
        let tokens = TokenManager::builder(client, world.store.clone())
            .executor(TokioExecutor::current()?)
            .build()?;
        tokens.insert(&world.key, world.at.authorized().await?.into_tokens()).await?;
        world.expire();
        world.at.sandbox.fail_next(Fault::Reset { when: When::After }.on(Target::TokenRefresh));
        let token = tokens.token(&world.key).await;
        if is_enough {
            token?;
            assert_eq!(world.refreshes(), 2);
            world.expire();
            tokens.token(&world.key).await?;
        } else {
            // 30 s are less than a request may take: it might arrive too late.
            assert_eq!(token.expect_err("lost").kind(), TokenErrorKind::OutcomeUnknown);
            assert_eq!(world.refreshes(), 1);
        }
    }
    Ok(())
}

#[tokio::test]
async fn g13_a_good_token_outlives_failures_and_g14_is_handed_out_meanwhile() -> TestResult {
    let world = World::start(Config::rfc6749()).await?;
    let old = world.tokens.token(&world.key).await?;
    // Due at the latest, by 30 seconds of margin, and good for another 10.
    world.at.advance(Duration::from_secs(3600 - 40));
    world.at.sandbox.fail_next(Fault::Hold { when: When::Before }.on(Target::TokenRefresh));
    for _ in 0..100 {
        assert!(world.tokens.token(&world.key).await?.same_as(&old));
    }
    world.at.sandbox.wait_for_held(1).await;
    assert!(world.tokens.token(&world.key).await?.same_as(&old));
    world.at.sandbox.release();
    world.event(|event| matches!(event, Event::Refreshed { .. })).await;
    assert!(!world.tokens.token(&world.key).await?.same_as(&old));
    assert_eq!(world.refreshes(), 1);

    let old = world.tokens.token(&world.key).await?;
    world.at.advance(Duration::from_secs(3600 - 40));
    world.at.sandbox.fail_next(
        Fault::status(StatusCode::TOO_MANY_REQUESTS).on(Target::TokenRefresh).times(100),
    );
    assert!(world.tokens.token(&world.key).await?.same_as(&old));
    world.event(|event| matches!(event, Event::Failing { .. })).await;
    for _ in 0..100 {
        assert!(world.tokens.token(&world.key).await?.same_as(&old));
    }
    assert_eq!(world.refreshes(), 2);
    Ok(())
}

#[tokio::test]
async fn g13_a_process_that_starts_while_the_provider_fails_goes_on_with_what_is_stored()
-> TestResult {
    let world = World::start(Config::rfc6749()).await?;
    let old = world.tokens.token(&world.key).await?;
    world.at.advance(Duration::from_secs(3600 - 40));
    world.at.sandbox.fail_next(
        Fault::status(StatusCode::TOO_MANY_REQUESTS).on(Target::TokenRefresh).times(100),
    );
    let other = world.another()?;
    for _ in 0..10 {
        assert!(other.token(&world.key).await?.same_as(&old));
    }
    assert_eq!(world.refreshes(), 1);
    Ok(())
}

#[tokio::test]
async fn g13_what_the_provider_asks_of_a_grant_holds_for_every_process() -> TestResult {
    let reset = http::HeaderName::from_static("x-ratelimit-reset");
    // 60 s from where the sandbox's clock will be.
    let at = (1_767_225_600 + 7200 + 60).to_string();
    for (name, value) in [(http::header::RETRY_AFTER, "60"), (reset, at.as_str())] {
        let world = World::start(Config::hellosign()).await?;
        let other_key = world.tokens.key("user 43")?;
        world.tokens.insert(&other_key, world.at.authorized().await?.into_tokens()).await?;
        world.expire();
        let busy = Answer::new(StatusCode::TOO_MANY_REQUESTS).header(name, value.parse()?);
        world.at.sandbox.fail_next(Fault::Answer(busy).on(Target::TokenRefresh));
        let error = world.tokens.token(&world.key).await.expect_err("refused");
        assert_eq!(error.kind(), TokenErrorKind::Refresh);
        // The other grants of the process rest for a second.
        for (manager, key, seconds) in
            [(world.another()?, &world.key, 56..=60), (world.tokens.clone(), &other_key, 1..=1)]
        {
            let error = manager.token(key).await.expect_err("a rest");
            assert_eq!(error.kind(), TokenErrorKind::Paused);
            let Recovery::Retry { after: Some(after) } = error.recovery() else {
                return Err("it does not say for how long".into());
            };
            assert!(seconds.contains(&after.as_secs()), "{after:?}");
        }
        assert_eq!(world.refreshes(), 1);
        world.at.advance(Duration::from_secs(61));
        world.another()?.token(&world.key).await?;
        world.tokens.token(&other_key).await?;
        assert_eq!(world.refreshes(), 3);
    }
    Ok(())
}

#[tokio::test]
async fn a_rejected_token_is_refreshed_once_however_many_say_so() -> TestResult {
    let world = World::start(Config::rfc6749()).await?;
    let old = world.tokens.token(&world.key).await?;
    for _ in 0..10 {
        assert!(!world.tokens.reject(&world.key, &old).await?.same_as(&old));
    }
    assert_eq!(world.refreshes(), 1);
    Ok(())
}

#[tokio::test]
async fn two_managers_on_one_store_refresh_once() -> TestResult {
    let world = World::start(Config::rfc6749()).await?;
    let other = world.another()?;
    for expiry in 1..=10 {
        world.expire();
        let (one, two) = tokio::join!(world.tokens.token(&world.key), other.token(&world.key));
        assert!(one?.same_as(&two?));
        assert_eq!(world.refreshes(), expiry);
    }
    Ok(())
}

#[tokio::test]
async fn g06_a_clock_that_jumps_hands_out_nothing_longer_than_the_jump() -> TestResult {
    let world = World::start(Config::rfc6749()).await?;
    let old = world.tokens.token(&world.key).await?;
    let hour = Duration::from_secs(3600);
    // Forward, or after a suspension: it has ended by this clock, and is not handed out.
    world.at.advance(hour);
    let second = world.tokens.token(&world.key).await?;
    assert!(!second.same_as(&old));
    // Back by an hour: good for that much longer by this clock, and no more.
    world.at.clock.set_back(hour);
    world.at.advance(2 * hour);
    assert!(!world.tokens.token(&world.key).await?.same_as(&second));
    Ok(())
}

#[tokio::test]
async fn keep_fresh_refreshes_without_being_asked() -> TestResult {
    let world = World::start(Config::rfc6749()).await?;
    world.expire();
    let _guard = world.tokens.keep_fresh()?;
    world.event(|event| matches!(event, Event::Refreshed { .. })).await;
    assert_eq!(world.refreshes(), 1);
    Ok(())
}

#[tokio::test]
async fn what_cannot_work_is_refused_when_it_is_built() -> TestResult {
    let world = World::start(Config::hellosign()).await?;
    let refused = TokenManager::builder(world.at.client.clone(), world.store.clone())
        .executor(ThreadExecutor)
        .build()
        .expect_err("reqwest needs tokio");
    assert!(refused.to_string().contains("needs a tokio runtime"), "{refused}");
    // What it has to cover is 40 s.
    for (lease, is_enough) in [(39, false), (40, false), (41, true)] {
        let built = TokenManager::builder(world.at.client.clone(), world.store.clone())
            .executor(TokioExecutor::current()?)
            .lease(Duration::from_secs(lease))
            .build();
        assert_eq!(built.is_ok(), is_enough, "{lease} s");
        let told = built.err().map(|it| it.to_string()).unwrap_or_default();
        assert!(is_enough || told.contains("the lease leaves no time to begin"), "{told}");
    }
    let foreign = countersign_tokens::GrantKey::new("another", "client", "user")?;
    let error = world.tokens.token(&foreign).await.expect_err("foreign");
    assert_eq!(error.kind(), TokenErrorKind::ForeignKey);
    Ok(())
}

#[tokio::test]
async fn g05_nothing_of_a_manager_shows_a_token() -> TestResult {
    let world = World::start(Config::hellosign()).await?;
    let token = world.tokens.token(&world.key).await?;
    let source = world.tokens.source(&world.key)?;
    let status = world.tokens.status(&world.key).await?;
    let shown = format!("{:?} {source:?} {status:?} {:?}", world.tokens, world.store);
    assert!(!shown.contains(token.expose_secret()), "{shown}");
    Ok(())
}
