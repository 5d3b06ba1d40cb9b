//! The clocks of processes need not agree, nor stand where they stood.

use std::error::Error;
use std::time::Duration;

use countersign::Clock;
use countersign_testkit::{ManualClock, VirtualExecutor};
use countersign_tests::{Fault as StoreFault, Step, TestResult};
use countersign_tokens::{MemoryStore, StoreErrorKind, Task, Timer, TokenManagerBuilder};

use crate::support::{Fleet, LIFETIME, Process, Skewed};

/// The answer lay in the socket while the process was paused, for longer than the token lives.
#[test]
fn g06_a_token_that_ended_before_its_answer_was_read_is_refreshed_again() -> TestResult {
    let fleet = Fleet::new().with_latency(2 * LIFETIME);
    let patient = |builder: TokenManagerBuilder| builder.lease(10 * LIFETIME);
    let process = fleet.process_with(fleet.clock.clone(), patient)?;
    fleet.run(async {
        let key = fleet.insert(&process, 0).await?;
        fleet.pass(2 * LIFETIME.as_secs()).await;
        let (first, second) = tokio::join!(process.tokens.token(&key), async {
            fleet.pass(LIFETIME.as_secs()).await;
            process.tokens.token(&key).await
        });
        // The provider is as slow again: each caller asks once more, and not for ever.
        assert!(first?.same_as(&second?));
        assert_eq!(fleet.refreshed(0), 2);
        Ok(())
    })
}

#[test]
fn g10_processes_whose_clocks_differ_refresh_once_for_each_expiry() -> TestResult {
    let fleet = Fleet::new();
    let mut processes = Vec::new();
    for minutes in [-20, -5, 0, 5, 20] {
        let clock = Skewed(fleet.clock.clone(), time::Duration::minutes(minutes));
        processes.push(fleet.process_with(clock, |it| it)?);
    }
    fleet.run(async {
        let key = fleet.insert(&processes[2], 0).await?;
        for second in (0..24 * 3600).step_by(10) {
            let process = &processes[second / 10 % processes.len()];
            fleet.judge(&process.tokens.token(&key).await?)?;
            fleet.pass(10).await;
        }
        // The first refresh comes early, to be spread; the later ones at nine tenths and more. The
        // process whose clock is 20 minutes ahead takes the tokens of others for expired that much
        // earlier.
        let refreshed = fleet.refreshed(0);
        assert!((24..=24 * 60 / 40 + 2).contains(&refreshed), "{refreshed} refreshes");
        Ok(())
    })
}

/// While a virtual machine is paused, the time since its start stands still. The wall clock is set
/// when it goes on.
#[test]
fn g06_a_token_that_ended_while_the_machine_was_paused_is_refreshed() -> TestResult {
    for (paused, served) in [(8 * 3600, false), (LIFETIME.as_secs() + 1, false), (60, true)] {
        let executor = VirtualExecutor::default();
        let since_start = ManualClock::new(executor.clock().now());
        let fleet = Fleet::on(executor, MemoryStore::with_clock(since_start.clone()));
        fleet.run(async {
            let key = fleet.insert(&fleet.process()?, 0).await?;
            fleet.rewrite(&key, |record, now| record.due_at = Some(now.plus(LIFETIME))).await?;
            fleet.pass(paused).await;
            let process = fleet.process()?;
            fleet.judge(&process.tokens.token(&key).await?)?;
            assert_eq!(fleet.refreshed(0), u32::from(!served), "{paused}");
            Ok::<_, Box<dyn Error>>(())
        })?;
    }
    Ok(())
}

/// What remains of the shortest lease for sending: the rest is for the request and for storing.
const TO_SEND: Duration = Duration::from_secs(1);
const LEASE: Duration = Duration::from_secs(30 + 5 + 5 + 1);

/// Begins so slowly that its answer could not be stored within the lease.
fn nothing_is_sent_too_late(fleet: &Fleet, process: &Process) -> TestResult {
    fleet.run(async {
        // By another, so that it has to look into the store.
        let key = fleet.insert(&fleet.process()?, 0).await?;
        fleet.pass(2 * LIFETIME.as_secs()).await;
        process.view.slow(Step::Begin, StoreFault::Before, TO_SEND * 2);
        let error = process.tokens.token(&key).await.err().ok_or("it was sent")?;
        let store = error.store().ok_or("not the store's")?;
        assert_eq!(store.kind(), StoreErrorKind::Timeout);
        assert_eq!(fleet.refreshed(0), 0);
        assert!(fleet.record(&key).await?.attempts.is_empty(), "the intent stands");

        process.view.heal();
        fleet.pass(60).await;
        Ok::<_, Box<dyn Error>>(())
    })
}

#[test]
fn g10_a_wall_clock_that_is_set_back_leaves_the_gate_closed() -> TestResult {
    let fleet = Fleet::new();
    // It is set back as fast as time passes.
    let process = fleet.process_with(ManualClock::default(), |it| it.lease(LEASE))?;
    nothing_is_sent_too_late(&fleet, &process)
}

/// Knows no clock that runs on while the machine sleeps.
#[derive(Debug, Clone)]
struct WithoutElapsed(VirtualExecutor);

impl Timer for WithoutElapsed {
    fn sleep(&self, duration: Duration) -> Task {
        self.0.sleep(duration)
    }

    fn elapsed(&self) -> Option<Duration> {
        None
    }
}

#[test]
fn g10_without_another_clock_the_wall_clock_closes_the_gate() -> TestResult {
    let fleet = Fleet::new();
    let timer = WithoutElapsed(fleet.executor.clone());
    let process = fleet.process_with(fleet.clock.clone(), |it| it.lease(LEASE).timer(timer))?;
    nothing_is_sent_too_late(&fleet, &process)
}

#[test]
fn g06_what_remains_of_a_token_is_counted_from_when_the_store_was_asked() -> TestResult {
    let fleet = Fleet::new();
    let (adopting, asking) = (fleet.process()?, fleet.process()?);
    fleet.run(async {
        let key = fleet.insert(&adopting, 0).await?;
        // Two seconds before the margin of thirty begins, with an answer that takes four.
        fleet.pass(LIFETIME.as_secs() - 32).await;
        let now = fleet.clock.now().unix_timestamp();
        fleet.server.seen().unavailable = Some((now, now + 60));
        asking.view.slow(Step::Load, StoreFault::After, Duration::from_secs(4));
        let token = asking.tokens.token(&key).await;
        assert!(token.is_err(), "a token was handed out within its margin");
        Ok(())
    })
}

#[test]
fn g06_a_save_that_is_repeated_for_long_says_what_is_left_by_then() -> TestResult {
    let fleet = Fleet::new();
    let (writer, reader) = (fleet.process()?, fleet.process()?);
    fleet.run(async {
        let key = fleet.insert(&writer, 0).await?;
        fleet.pass(2 * LIFETIME.as_secs()).await;
        writer.view.fail(Step::Save, StoreFault::Before);
        writer.tokens.token(&key).await?;
        // Half of its life passes until it is stored, and the rest but for its margin after.
        fleet.pass(LIFETIME.as_secs() / 2).await;
        writer.view.heal();
        fleet.pass(LIFETIME.as_secs() / 2 - 15).await;
        assert_eq!(fleet.record(&key).await?.generation, 2, "it was not stored");
        fleet.judge(&reader.tokens.token(&key).await?)?;
        assert_eq!(fleet.refreshed(0), 2);
        Ok(())
    })
}

#[test]
fn g06_a_save_that_comes_late_ends_when_its_tokens_do() -> TestResult {
    let fleet = Fleet::new();
    let writer = fleet.process()?;
    fleet.run(async {
        let key = fleet.insert(&writer, 0).await?;
        fleet.pass(2 * LIFETIME.as_secs()).await;
        // As when the process is stopped with the step in its hands.
        writer.view.slow(Step::Save, StoreFault::Before, Duration::from_secs(4));
        let asked = fleet.clock.now();
        writer.tokens.token(&key).await?;
        let gone = Duration::try_from(fleet.clock.now() - asked)?;
        assert!(gone >= Duration::from_secs(4), "it was not late");
        let record = fleet.record(&key).await?;
        let left = record.expires_at.ok_or("no end")?.since(fleet.store_time().await?);
        assert!(left + gone <= LIFETIME, "{left:?} are left after {gone:?}");
        Ok(())
    })
}
