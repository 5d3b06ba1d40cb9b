//! Managers that are closed, as at a deploy.

use std::sync::Arc;
use std::time::Duration;

use countersign::{Clock, Recovery};
use countersign_tests::{Fault as StoreFault, Step, TestResult};
use countersign_tokens::{GrantState, Spawner, Timer, TokenErrorKind};

use crate::support::{Fleet, LIFETIME};

const A_WHILE: Duration = Duration::from_secs(40);

fn slow_fleet() -> Fleet {
    Fleet::new().with_latency(Duration::from_secs(10))
}

#[test]
fn g12_closing_waits_for_the_answer_and_stores_it() -> TestResult {
    let fleet = slow_fleet();
    let process = fleet.process()?;
    fleet.run(async {
        let key = fleet.insert(&process, 0).await?;
        fleet.pass(2 * LIFETIME.as_secs()).await;
        let began = fleet.clock.now();
        let (token, closed) = tokio::join!(process.tokens.token(&key), async {
            fleet.pass(1).await;
            process.tokens.close(A_WHILE).await
        });
        assert_eq!(closed, Default::default());
        assert_eq!(
            (fleet.clock.now() - began).whole_seconds(),
            10,
            "it waits for the answer alone"
        );
        fleet.judge(&token?)?;
        // Another process reads what was stored.
        fleet.judge(&fleet.process()?.tokens.token(&key).await?)?;
        assert_eq!(fleet.refreshed(0), 1);
        // Tokens in memory are handed out still.
        fleet.judge(&process.tokens.token(&key).await?)
    })
}

#[test]
fn g12_what_could_not_be_finished_in_time_is_named() -> TestResult {
    let fleet = slow_fleet();
    let process = fleet.process()?;
    fleet.run(async {
        let (slow, unsaved) = (fleet.insert(&process, 0).await?, fleet.insert(&process, 1).await?);
        fleet.pass(2 * LIFETIME.as_secs()).await;
        process.view.fail(Step::Save, StoreFault::Before);
        process.tokens.token(&unsaved).await?;
        let (token, closed) = tokio::join!(process.tokens.token(&slow), async {
            fleet.pass(1).await;
            process.tokens.close(Duration::from_secs(2)).await
        });
        assert_eq!(closed.unsaved, std::slice::from_ref(&unsaved));
        assert_eq!(closed.unfinished, [slow.clone(), unsaved.clone()]);
        // Both go on as long as the process does.
        fleet.judge(&token?)?;
        process.view.heal();
        assert_eq!(process.tokens.close(A_WHILE).await, Default::default());
        let next = fleet.process()?;
        for (key, grant) in [(&slow, 0), (&unsaved, 1)] {
            fleet.judge(&next.tokens.token(key).await?)?;
            assert_eq!(fleet.refreshed(grant), 1);
        }
        Ok(())
    })
}

/// Of two tokens one has expired.
#[test]
fn a_closed_manager_serves_what_it_has_and_begins_nothing() -> TestResult {
    let fleet = Fleet::new();
    let process = fleet.process()?;
    fleet.run(async {
        let old = fleet.insert(&process, 0).await?;
        fleet.pass(2 * LIFETIME.as_secs()).await;
        let young = fleet.insert(&process, 1).await?;
        let tokens = &process.tokens;
        tokens.close(A_WHILE).await;
        process.view.steps();

        let token = tokens.token(&young).await?;
        assert!(tokens.source(&young)?.token().await?.same_as(&token));
        let errors = [
            tokens.token(&old).await.err(),
            tokens.source(&old)?.token().await.err(),
            tokens.reject(&young, &token).await.err(),
            tokens.insert(&old, fleet.server.tokens(2)?).await.err(),
            tokens.remove(&old).await.err(),
            tokens.status(&old).await.err(),
            tokens.list(None, 10).await.err(),
            tokens.mark_restored().await.err(),
            tokens.sweep().await.err(),
            tokens.move_to(&old, &fleet.process()?.tokens).await.err(),
            fleet.process()?.tokens.move_to(&old, tokens).await.err(),
            tokens.keep_fresh().err(),
        ];
        for error in errors {
            let error = error.ok_or("it was done")?;
            assert_eq!(error.kind(), TokenErrorKind::Closed);
            assert_eq!(error.recovery(), Recovery::Retry { after: None });
        }
        assert!(process.view.steps().is_empty(), "the store was asked");
        assert_eq!(fleet.refreshed(0) + fleet.refreshed(1), 0);
        Ok(())
    })
}

/// A refresh that waits for another process has begun nothing yet.
#[test]
fn closing_does_not_wait_for_other_processes() -> TestResult {
    let fleet = Fleet::new();
    let process = fleet.process()?;
    fleet.run(async {
        let key = fleet.insert(&process, 0).await?;
        fleet.pass(2 * LIFETIME.as_secs()).await;
        fleet.begin_and_die(&key, Duration::from_secs(45)).await?;
        let began = fleet.clock.now();
        let (token, closed) = tokio::join!(process.tokens.token(&key), async {
            fleet.pass(1).await;
            process.tokens.close(A_WHILE).await
        });
        assert_eq!(token.err().map(|it| it.kind()), Some(TokenErrorKind::Closed));
        assert_eq!(closed, Default::default());
        assert!(fleet.clock.now() - began < Duration::from_secs(2));
        Ok(())
    })
}

#[test]
fn a_leader_that_is_closed_lets_another_process_lead_at_once() -> TestResult {
    let fleet = Fleet::new();
    let (one, two) = (fleet.process()?, fleet.process()?);
    fleet.run(async {
        fleet.insert(&one, 0).await?;
        let _leading = one.tokens.keep_fresh()?;
        fleet.pass(1).await;
        let _standby = two.tokens.keep_fresh()?;
        fleet.pass(1).await;
        assert_eq!(one.tokens.close(A_WHILE).await, Default::default());
        let page = fleet.store.list(None, 10).await?;
        let mut leaders = page.records.iter().filter(|(key, _)| key.is_reserved());
        assert!(leaders.next().ok_or("no leader")?.1.attempts.is_empty(), "the lease stands");
        // The standby refreshes the grant although nobody asks for it.
        fleet.pass(2 * LIFETIME.as_secs()).await;
        assert!(fleet.refreshed(0) >= 1);
        assert_eq!(fleet.server.seen().double_spends, 0);
        Ok(())
    })
}

/// Deploys under load: the processes of a fleet come and go, and none is killed.
#[test]
fn g12_a_thousand_starts_and_stops_cost_no_grant() -> TestResult {
    let fleet = Fleet::new().with_latency(Duration::from_millis(150));
    fleet.run(async {
        let first = fleet.process()?;
        let mut keys = Vec::new();
        for grant in 0..4 {
            keys.push(fleet.insert(&first, grant).await?);
        }
        for start in 0..1_000_u64 {
            let process = fleet.process()?;
            let _keeping = process.tokens.keep_fresh()?;
            fleet.pass(LIFETIME.as_secs()).await;
            let tokens = Arc::new(process.tokens);
            for key in keys.clone() {
                let tokens = Arc::clone(&tokens);
                let asking = async move { drop(tokens.token(&key).await) };
                fleet.executor.spawn(Box::pin(asking))?;
            }
            // At another moment of the refresh each time.
            fleet.executor.sleep(Duration::from_millis(start % 40 * 10)).await;
            let closed = tokens.close(A_WHILE).await;
            assert_eq!(closed, Default::default(), "start {start}");
            for key in &keys {
                let record = fleet.record(key).await?;
                assert!(record.attempts.is_empty(), "start {start}: an attempt was left");
                assert_eq!(record.state, GrantState::Live);
            }
        }
        // Most of them were closed while the requests of all four grants were under way.
        assert!(fleet.server.seen().refreshed.iter().sum::<u32>() > 2_000);
        assert_eq!(fleet.server.seen().double_spends, 0);
        let last = fleet.process()?;
        fleet.pass(LIFETIME.as_secs()).await;
        for key in &keys {
            fleet.judge(&last.tokens.token(key).await?)?;
        }
        Ok(())
    })
}
