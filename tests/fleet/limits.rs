//! What one grant's limits, and too many requests, do to the other grants.

use std::error::Error;
use std::time::Duration;

use countersign::{Clock, Recovery};
use countersign_tests::TestResult;
use countersign_tokens::TokenErrorKind;
use futures_util::future::join_all;

use crate::support::{Fleet, LIFETIME};

const DAY: i64 = 86_400;

/// The wait of one user's quota says nothing of the other users.
#[test]
fn g13_a_grant_that_is_asked_to_wait_for_a_day_holds_up_no_other() -> TestResult {
    for wait in [DAY, 3600, 30] {
        let fleet = Fleet::new();
        let process = fleet.process()?;
        fleet.run(async {
            let (one, other) = (fleet.insert(&process, 0).await?, fleet.insert(&process, 1).await?);
            fleet.pass(2 * LIFETIME.as_secs()).await;
            let until = fleet.clock.now().unix_timestamp() + wait;
            fleet.server.seen().limited.insert(0, until);
            let error = process.tokens.token(&one).await.err().ok_or("it was served")?;
            let seconds = u64::try_from(wait)?;
            let after = Some(Duration::from_secs(seconds));
            assert_eq!(error.recovery(), Recovery::Retry { after });

            fleet.pass(2).await;
            fleet.judge(&process.tokens.token(&other).await?)?;
            // The grant itself waits, whoever asks.
            fleet.pass(seconds - 10).await;
            assert!(process.tokens.token(&one).await.is_err());
            assert!(fleet.process()?.tokens.token(&one).await.is_err());
            assert_eq!(fleet.server.seen().turned_away, 1);
            fleet.pass(10).await;
            fleet.judge(&process.tokens.token(&one).await?)
        })?;
    }
    Ok(())
}

#[test]
fn g13_a_wait_that_several_grants_are_asked_for_holds_for_all() -> TestResult {
    let fleet = Fleet::new();
    let process = fleet.process()?;
    fleet.run(async {
        let mut keys = Vec::new();
        for grant in 0..4 {
            keys.push(fleet.insert(&process, grant).await?);
        }
        fleet.pass(2 * LIFETIME.as_secs()).await;
        let now = fleet.clock.now().unix_timestamp();
        // The longest of these is that of one grant alone.
        fleet.server.seen().limited.extend([(0, now + DAY), (1, now + 600), (2, now + 660)]);
        for key in &keys[..3] {
            assert!(process.tokens.token(key).await.is_err());
            // The rest after one or two of them is a short one.
            fleet.pass(5).await;
        }
        assert_eq!(fleet.server.seen().turned_away, 3);
        let error = process.tokens.token(&keys[3]).await.err().ok_or("it was served")?;
        assert_eq!(error.kind(), TokenErrorKind::Paused);
        fleet.pass(500).await;
        assert!(process.tokens.token(&keys[3]).await.is_err());
        assert_eq!(fleet.refreshed(3), 0);
        fleet.pass(100).await;
        fleet.judge(&process.tokens.token(&keys[3]).await?)
    })
}

/// One of them is the probe, and the others wait for its outcome.
#[test]
fn g13_after_a_rest_one_request_shows_whether_the_others_may_follow() -> TestResult {
    let fleet = Fleet::new().with_latency(Duration::from_secs(1));
    let process = fleet.process()?;
    fleet.run(async {
        let mut keys = Vec::new();
        for grant in 0..4 {
            keys.push(fleet.insert(&process, grant).await?);
        }
        fleet.pass(2 * LIFETIME.as_secs()).await;
        let now = fleet.clock.now().unix_timestamp();
        fleet.server.seen().limited.insert(0, now + DAY);
        assert!(process.tokens.token(&keys[0]).await.is_err());
        fleet.pass(2).await;
        fleet.server.seen().most_under_way = 0;
        let outcomes = join_all(keys[1..].iter().map(|key| process.tokens.token(key))).await;
        assert_eq!(outcomes.iter().filter(|it| it.is_ok()).count(), 1);
        assert_eq!(fleet.server.seen().most_under_way, 1);
        for key in &keys[1..] {
            fleet.pass(1).await;
            fleet.judge(&process.tokens.token(key).await?)?;
        }
        Ok(())
    })
}

#[test]
fn requests_under_way_at_one_provider_are_bounded() -> TestResult {
    const GRANTS: usize = 200;
    for (most, expected) in [(None, 64), (Some(1), 1), (Some(7), 7)] {
        let fleet = Fleet::of(GRANTS).with_latency(Duration::from_millis(100));
        let process = fleet.process_with(fleet.clock.clone(), |builder| match most {
            Some(most) => builder.max_requests(most),
            None => builder,
        })?;
        fleet.run(async {
            let mut keys = Vec::new();
            for grant in 0..GRANTS {
                keys.push(fleet.insert(&process, grant).await?);
            }
            fleet.pass(2 * LIFETIME.as_secs()).await;
            let outcomes = join_all(keys.iter().map(|key| process.tokens.token(key))).await;
            for token in outcomes {
                fleet.judge(&token?)?;
            }
            assert_eq!(fleet.server.seen().most_under_way, expected);
            assert!((0..GRANTS).all(|grant| fleet.refreshed(grant) == 1));
            Ok::<_, Box<dyn Error>>(())
        })?;
    }
    Ok(())
}

#[test]
fn a_manager_that_may_send_nothing_is_not_built() -> TestResult {
    let fleet = Fleet::new();
    let built = fleet.process_with(fleet.clock.clone(), |builder| builder.max_requests(0));
    assert!(built.err().ok_or("it was built")?.to_string().contains("max_requests"));
    Ok(())
}
