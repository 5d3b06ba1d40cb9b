//! Who lists what is due, and what an idle fleet costs its store.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use countersign::Clock;
use countersign_testkit::{ManualClock, VirtualExecutor};
use countersign_tests::{Step, TestResult};
use countersign_tokens::{GrantKey, KeyRing, MemoryStore};

use crate::support::{Fleet, Process};

const HOUR: u64 = 3600;

fn steps(process: &Process) -> HashMap<Step, u32> {
    process.view.steps()
}

#[test]
fn an_idle_fleet_costs_one_scan_and_one_read_a_minute_of_each_other() -> TestResult {
    let fleet = Fleet::new();
    let processes = [fleet.process()?, fleet.process()?, fleet.process()?];
    fleet.run(async {
        let mut guards = Vec::new();
        for process in &processes {
            guards.push(process.tokens.keep_fresh()?);
            fleet.pass(7).await;
        }
        processes.iter().for_each(|process| drop(steps(process)));
        fleet.pass(10 * HOUR).await;
        let scan = HashMap::from([(Step::Lead, 600), (Step::Due, 600)]);
        assert_eq!(steps(&processes[0]), scan);
        for standby in &processes[1..] {
            let steps = steps(standby);
            assert!(steps.keys().all(|step| *step == Step::Load), "{steps:?}");
            let reads = steps[&Step::Load];
            assert!((500..=600).contains(&reads), "{reads} reads in 600 minutes");
        }
        Ok(())
    })
}

#[test]
fn a_leader_needs_no_former_sealing_key() -> TestResult {
    let fleet = Fleet::new();
    let ring = |id: &str, byte: u8| KeyRing::new(id, [byte; 32]);
    let (old, new) = (ring("old", 1)?, ring("new", 2)?);
    let before = fleet.process_with(fleet.clock.clone(), |it| it.sealed_by(old))?;
    let after = fleet.process_with(fleet.clock.clone(), |it| it.sealed_by(new))?;
    fleet.run(async {
        let guard = before.tokens.keep_fresh()?;
        fleet.pass(60).await;
        drop(guard);
        let key = fleet.insert(&after, 0).await?;
        let _guard = after.tokens.keep_fresh()?;
        fleet.pass(2 * HOUR).await;
        let record = fleet.record(&key).await?;
        assert!(record.generation > 1, "nobody has refreshed it");
        Ok(())
    })
}

#[test]
fn another_process_goes_on_when_the_one_that_lists_is_gone() -> TestResult {
    let fleet = Fleet::new();
    let (mut first, second) = (Some(fleet.process()?), fleet.process()?);
    fleet.run(async {
        let key = fleet.insert(&second, 0).await?;
        let mut guard = first.as_ref().map(|it| it.tokens.keep_fresh()).transpose()?;
        let _standby = second.tokens.keep_fresh()?;
        for hour in 1..=20 {
            if hour == 10 {
                // As if it had died: nobody tells the store.
                (guard, first) = (None, None);
            }
            fleet.pass(HOUR).await;
            let record = fleet.record(&key).await?;
            let ends = record.expires_at.ok_or("no expiry")?;
            assert!(fleet.store_time().await? < ends, "in hour {hour} nobody had refreshed it");
        }
        assert!(guard.is_none() && first.is_none());
        assert!((20..=23).contains(&fleet.refreshed(0)), "{} refreshes", fleet.refreshed(0));
        // The attempts of leaders that died do not add up.
        let leaders = fleet.record(&GrantKey::parse("rfc6749/client/")?).await?;
        assert_eq!(leaders.attempts.len(), 1, "{:?}", leaders.attempts);
        assert!(leaders.due_at.is_none() && leaders.payload.as_bytes().is_empty());
        Ok(())
    })
}

/// A store's clock that is set back.
#[derive(Debug, Clone)]
struct SetBack(ManualClock, Arc<AtomicI64>);

impl Clock for SetBack {
    fn now(&self) -> time::OffsetDateTime {
        self.0.now() - time::Duration::hours(self.1.load(Ordering::SeqCst))
    }
}

#[test]
fn another_process_goes_on_when_the_clock_was_set_back_and_the_one_that_lists_is_gone() -> TestResult
{
    let executor = VirtualExecutor::default();
    let clock = SetBack(executor.clock(), Arc::default());
    let fleet = Fleet::on(executor, MemoryStore::with_clock(clock.clone()));
    let (first, standby) = (fleet.process()?, fleet.process()?);
    fleet.run(async {
        let guard = first.tokens.keep_fresh()?;
        fleet.pass(10).await;
        let _standby = standby.tokens.keep_fresh()?;
        fleet.pass(10).await;
        // As if it had died, its lease ends in a day.
        drop((guard, first));
        clock.1.store(24, Ordering::SeqCst);
        let key = fleet.insert(&standby, 0).await?;
        fleet.pass(2 * HOUR).await;
        assert!(fleet.record(&key).await?.generation > 1, "nobody has refreshed it");
        Ok(())
    })
}
