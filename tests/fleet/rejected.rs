//! Tokens that the API refuses.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use countersign::Recovery;
use countersign_tests::{Fault as StoreFault, Step, TestResult};
use countersign_tokens::{Event, TokenErrorKind};

use crate::support::{Fleet, LIFETIME};

/// A token that the provider has given within a second is the same: its text is of when it ends.
#[test]
fn a_provider_that_gives_the_rejected_token_again_is_asked_once() -> TestResult {
    let fleet = Fleet::new();
    let process = fleet.process()?;
    fleet.run(async {
        let key = fleet.insert(&process, 0).await?;
        let token = process.tokens.token(&key).await?;
        let rejecting = || process.tokens.reject(&key, &token);
        let (one, two) = tokio::join!(rejecting(), rejecting());
        for rejected in [one, two, rejecting().await] {
            let error = rejected.err().ok_or("it is another token")?;
            assert_eq!(error.kind(), TokenErrorKind::SameToken);
        }
        assert_eq!(fleet.refreshed(0), 1);
        // The next rejection, some time later, is worth a refresh, which brings another.
        fleet.pass(60).await;
        assert!(process.tokens.token(&key).await?.same_as(&token));
        let newer = process.tokens.reject(&key, &token).await?;
        assert!(!newer.same_as(&token));
        assert_eq!(fleet.refreshed(0), 2);
        fleet.judge(&process.tokens.token(&key).await?)
    })
}

/// An API that answers 401 whatever the token is.
#[test]
fn an_api_that_refuses_every_token_costs_few_refreshes() -> TestResult {
    let fleet = Fleet::new();
    let reported = Arc::new(AtomicU32::new(0));
    let count = Arc::clone(&reported);
    let process = fleet.process_with(fleet.clock.clone(), move |builder| {
        builder.on_event(move |event| {
            if let Event::Failing { error, .. } = event
                && error.kind() == TokenErrorKind::RejectedAgain
            {
                count.fetch_add(1, Ordering::SeqCst);
            }
        })
    })?;
    fleet.run(async {
        let key = fleet.insert(&fleet.process()?, 0).await?;
        // It is not refreshed for another reason.
        fleet.rewrite(&key, |record, now| record.due_at = Some(now.plus(LIFETIME))).await?;
        fleet.pass(60).await;
        let (mut refused, mut calls) = (0, 0);
        for second in 0..60 {
            // Within a second this provider gives the same token again.
            for _ in 0..if second < 3 { 1 } else { 10 } {
                calls += 1;
                let token = process.tokens.token(&key).await?;
                match process.tokens.reject(&key, &token).await {
                    Ok(newer) => assert!(!newer.same_as(&token)),
                    Err(error) => {
                        refused += 1;
                        assert_eq!(error.kind(), TokenErrorKind::RejectedAgain);
                        assert!(matches!(error.recovery(), Recovery::Retry { after: Some(_) }));
                    }
                }
            }
            fleet.pass(1).await;
        }
        // At 0, 1, 2, 3, 5, 9, 17 and 33 s.
        assert_eq!(fleet.refreshed(0), 8);
        assert_eq!((calls, refused), (573, 565));
        assert_eq!(reported.load(Ordering::SeqCst), 5);
        // A token that has been good for a while is refreshed at once.
        fleet.pass(120).await;
        let token = process.tokens.token(&key).await?;
        process.tokens.reject(&key, &token).await?;
        assert_eq!(fleet.refreshed(0), 9);
        fleet.judge(&process.tokens.token(&key).await?)
    })
}

/// The rejected token stays in memory: callers that do not use this API go on with it.
#[test]
fn a_rejection_that_refreshes_nothing_leaves_the_token() -> TestResult {
    let fleet = Fleet::new();
    let process = fleet.process()?;
    fleet.run(async {
        let key = fleet.insert(&fleet.process()?, 0).await?;
        fleet.rewrite(&key, |record, now| record.due_at = Some(now.plus(LIFETIME))).await?;
        fleet.pass(60).await;
        let token = process.tokens.token(&key).await?;
        let mut newer = token.clone();
        for _ in 0..3 {
            // Within a second this provider gives the same token again.
            fleet.pass(1).await;
            newer = process.tokens.reject(&key, &newer).await?;
        }
        process.view.steps();
        assert!(process.tokens.reject(&key, &newer).await.is_err());
        assert!(process.tokens.token(&key).await?.same_as(&newer));
        assert!(process.view.steps().is_empty(), "the store was asked");
        // Callers that still have the old token get the new one.
        assert!(process.tokens.reject(&key, &token).await?.same_as(&newer));
        Ok(())
    })
}

/// Whoever asks while the token is being rejected gets what there is.
#[test]
fn a_token_that_was_rejected_and_given_again_serves_those_who_ask() -> TestResult {
    let fleet = Fleet::new();
    let process = fleet.process()?;
    fleet.run(async {
        let key = fleet.insert(&process, 0).await?;
        let token = process.tokens.token(&key).await?;
        let rejecting = process.tokens.reject(&key, &token);
        let (rejected, asked) = tokio::join!(rejecting, process.tokens.token(&key));
        assert_eq!(rejected.err().map(|it| it.kind()), Some(TokenErrorKind::SameToken));
        assert!(asked?.same_as(&token));
        assert_eq!(fleet.refreshed(0), 1);
        Ok(())
    })
}

#[test]
fn g13_a_rejected_token_that_could_not_be_refreshed_serves_until_it_can_be() -> TestResult {
    let fleet = Fleet::new();
    let process = fleet.process()?;
    fleet.run(async {
        let key = fleet.insert(&process, 0).await?;
        let token = process.tokens.token(&key).await?;
        fleet.pass(60).await;
        process.view.fail(Step::Begin, StoreFault::Before);
        let error = process.tokens.reject(&key, &token).await.err().ok_or("it is refreshed")?;
        assert_eq!(error.kind(), TokenErrorKind::Store);
        // Nobody gets it while that failure rests, and then there is no other to be had.
        let error = process.tokens.token(&key).await.err().ok_or("it is handed out")?;
        assert_eq!(error.kind(), TokenErrorKind::Store);
        fleet.pass(1).await;
        assert!(process.tokens.token(&key).await?.same_as(&token));
        process.view.heal();
        fleet.pass(60).await;
        let newer = process.tokens.reject(&key, &token).await?;
        assert!(!newer.same_as(&token));
        assert!(process.tokens.token(&key).await?.same_as(&newer));
        assert_eq!(fleet.refreshed(0), 1);
        Ok(())
    })
}

#[test]
fn g09_a_token_in_memory_alone_that_has_ended_is_reported_and_refreshed_when_stored() -> TestResult
{
    let fleet = Fleet::new();
    let process = fleet.process()?;
    fleet.run(async {
        let key = fleet.insert(&process, 0).await?;
        fleet.pass(7200).await;
        process.view.fail(Step::Save, StoreFault::Before);
        fleet.judge(&process.tokens.token(&key).await?)?;
        fleet.pass(7200).await;
        let error = process.tokens.token(&key).await.err().ok_or("it has ended")?;
        assert_eq!(error.kind(), TokenErrorKind::NotStored);
        assert!(!error.to_string().contains("serves"), "{error}");
        process.view.heal();
        fleet.pass(120).await;
        fleet.judge(&process.tokens.token(&key).await?)?;
        assert_eq!(fleet.refreshed(0), 2);
        Ok(())
    })
}
