//! What is made of lost answers and of a store that fails, where a refresh token may be sent again.

use std::time::Duration;

use countersign::{Clock, Recovery, Rotation};
use countersign_tests::{Fault as StoreFault, Step, TestResult};
use countersign_tokens::{GrantState, TokenErrorKind};

use crate::support::Fleet;

const LONGER_THAN_A_LIFE: u64 = 2 * 3600;

fn with_grace(seconds: u64) -> Fleet {
    let window = Duration::from_secs(seconds);
    Fleet::new().rotating(Rotation::Grace { window, ends_when_child_used: true })
}

#[test]
fn g12_lost_answers_cost_no_grant_while_its_grace_runs() -> TestResult {
    let fleet = with_grace(24 * 3600);
    let (process, other) = (fleet.process()?, fleet.process()?);
    fleet.run(async {
        let key = fleet.insert(&process, 0).await?;
        fleet.pass(LONGER_THAN_A_LIFE).await;
        fleet.server.seen().is_broken = true;
        for round in 1..=20 {
            let error = process.tokens.token(&key).await.err().ok_or("it was served")?;
            assert!(matches!(error.recovery(), Recovery::Retry { .. }), "{round}: {error:?}");
            let record = fleet.record(&key).await?;
            assert_eq!(record.state, GrantState::Live, "{round}");
            assert!(!record.is_leased(fleet.store_time().await?), "{round}: others wait");
            // Since when the grace has run is said once.
            assert_eq!(record.attempts.len(), 1, "{round}");
            // Whoever asks again shares the failure.
            let sent = fleet.server.seen().turned_away;
            assert!(process.tokens.token(&key).await.is_err());
            assert_eq!(fleet.server.seen().turned_away, sent, "{round}");
            fleet.pass(61).await;
        }
        assert!(fleet.server.seen().turned_away <= 3 * 20);
        fleet.server.seen().is_broken = false;
        fleet.judge(&other.tokens.token(&key).await?)?;
        fleet.judge(&process.tokens.token(&key).await?)?;
        assert_eq!(fleet.refreshed(0), 1);
        Ok(())
    })
}

/// The request of an attempt that was left may still arrive. Within its grace the provider ends that
/// grace when the new token is used.
#[test]
fn g12_a_token_rests_when_it_was_saved_beside_a_pending_attempt() -> TestResult {
    for is_contested in [true, false] {
        let fleet = with_grace(24 * 3600);
        let process = fleet.process()?;
        fleet.run(async {
            let key = fleet.insert(&process, 0).await?;
            fleet.pass(LONGER_THAN_A_LIFE).await;
            if is_contested {
                fleet.begin_and_die(&key, Duration::from_secs(1)).await?;
                fleet.pass(2).await;
            }
            let token = process.tokens.token(&key).await?;
            let record = fleet.record(&key).await?;
            let now = fleet.store_time().await?;
            let rest = record.retry_at.map(|it| it.since(now).as_secs());
            assert_eq!(rest, is_contested.then_some(45));
            let rejected = process.tokens.reject(&key, &token).await;
            if is_contested {
                // The send window of 10 s, the time limit of 30 s and the margin of 5 s.
                let error = rejected.err().ok_or("the new token was used")?;
                assert_eq!(error.kind(), TokenErrorKind::Paused);
                assert_eq!(fleet.refreshed(0), 1);
                fleet.pass(43).await;
                assert!(process.tokens.reject(&key, &token).await.is_err(), "too soon");
                assert_eq!(fleet.refreshed(0), 1);
                fleet.pass(10).await;
                assert!(!process.tokens.reject(&key, &token).await?.same_as(&token));
            }
            TestResult::Ok(())
        })?;
    }
    Ok(())
}

#[test]
fn g12_lost_answers_are_reported_when_the_grace_is_over() -> TestResult {
    let fleet = with_grace(600);
    let process = fleet.process()?;
    fleet.run(async {
        let key = fleet.insert(&process, 0).await?;
        fleet.pass(LONGER_THAN_A_LIFE).await;
        fleet.server.seen().is_broken = true;
        let began = fleet.clock.now();
        let reported = loop {
            let error = process.tokens.token(&key).await.err().ok_or("it was served")?;
            if error.kind() == TokenErrorKind::OutcomeUnknown {
                break fleet.clock.now();
            }
            // The last failure may be shared for as long as the longest backoff, of a minute.
            assert!(fleet.clock.now() - began < time::Duration::seconds(600 + 70));
            fleet.pass(10).await;
        };
        let sent = fleet.server.seen().turned_away;
        // While a request would still have come in time, it was sent.
        assert!(reported - began > time::Duration::seconds(600 - 50), "{:?}", reported - began);
        assert_eq!(process.tokens.status(&key).await?.state, GrantState::Unknown);
        fleet.pass(120).await;
        assert!(process.tokens.token(&key).await.is_err());
        assert_eq!(fleet.server.seen().turned_away, sent);
        Ok(())
    })
}

#[test]
fn without_rotation_a_store_whose_writes_hang_does_not_stop_a_refresh() -> TestResult {
    let fleet = Fleet::new().rotating(Rotation::Never);
    // The time by default, less what elapses between two steps.
    let lease = Duration::from_millis(49_990);
    let process = fleet.process_with(fleet.clock.clone(), |it| it.lease(lease))?;
    let other = fleet.process()?;
    fleet.run(async {
        let key = fleet.insert(&process, 0).await?;
        fleet.pass(LONGER_THAN_A_LIFE).await;
        for step in [Step::Begin, Step::Clear, Step::Save, Step::Leave, Step::Mark] {
            process.view.slow(step, StoreFault::Before, Duration::from_secs(3600));
        }
        fleet.judge(&process.tokens.token(&key).await?)?;
        assert_eq!(fleet.refreshed(0), 1);
        // What may have been written is taken back beside.
        process.view.heal();
        process.view.slow(Step::Begin, StoreFault::After, Duration::from_secs(3600));
        fleet.pass(LONGER_THAN_A_LIFE).await;
        fleet.server.seen().is_broken = true;
        assert!(process.tokens.token(&key).await.is_err());
        fleet.server.seen().is_broken = false;
        fleet.pass(5).await;
        let asked = fleet.clock.now();
        fleet.judge(&other.tokens.token(&key).await?)?;
        assert_eq!(fleet.clock.now(), asked, "it waited for nobody");
        Ok(())
    })
}
