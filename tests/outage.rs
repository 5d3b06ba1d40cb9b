//! Half a minute without a store, or without the provider, in virtual time: what is good is served
//! throughout, nothing is lost, and what came due meanwhile does not come all at once.

use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use countersign::Clock;
use countersign_testkit::{SeededRandomness, VirtualExecutor};
use countersign_tests::{
    Fault as StoreFault, FaultyStore, Injector, Step, TestResult, VirtualProvider,
};
use countersign_tokens::{MemoryStore, Spawner, StoreError, StoreErrorKind, Timer, TokenManager};

/// A hundred refreshes a second, so that its chance variations are small beside it.
const GRANTS: usize = 168_000;
const LIFETIME: Duration = Duration::from_secs(1800);
const PROCESSES: usize = 4;
/// Seconds since the grants were adopted.
const BEGINS: usize = 60;
const ENDS: usize = 90;
const WATCHED: usize = 240;

/// Whether the store is away. A step that finds it so may have been done.
#[derive(Debug, Default)]
struct Switch {
    is_away: AtomicBool,
    failed: AtomicU32,
}

#[async_trait]
impl Injector for Switch {
    async fn at(&self, _: Step, _: StoreFault) -> Result<(), StoreError> {
        if self.is_away.load(Ordering::SeqCst) {
            self.failed.fetch_add(1, Ordering::SeqCst);
            return Err(StoreError::new(StoreErrorKind::Unavailable));
        }
        Ok(())
    }
}

/// What one run came to.
struct Run {
    server: VirtualProvider,
    switch: Arc<Switch>,
    /// Callers that had to wait, or got an error, by second.
    waited: Arc<AtomicU32>,
}

fn run(is_store: bool) -> Result<Run, Box<dyn Error>> {
    let executor = VirtualExecutor::default();
    let clock = executor.clock();
    let began = clock.now();
    let server = VirtualProvider::new(clock.clone(), GRANTS, LIFETIME);
    let switch = Arc::<Switch>::default();
    let memory = MemoryStore::with_clock(clock.clone());
    let store = FaultyStore::new(memory, Arc::clone(&switch) as Arc<dyn Injector>);
    let mut fleet = Vec::new();
    for seed in 0..PROCESSES {
        let builder = TokenManager::builder(server.client()?, store.clone());
        let builder = builder.danger_randomness(SeededRandomness::new(seed as u64));
        fleet.push(builder.executor(executor.clone()).build()?);
    }
    let waited = Arc::<AtomicU32>::default();
    executor.block_on(async {
        let mut keys = Vec::new();
        for grant in 0..GRANTS {
            let key = fleet[0].key(&format!("user {grant}"))?;
            fleet[grant % PROCESSES].insert(&key, server.tokens(grant)?).await?;
            keys.push(key);
        }
        let _guards = fleet.iter().map(TokenManager::keep_fresh).collect::<Result<Vec<_>, _>>()?;
        if !is_store {
            let second =
                |second: usize| began.unix_timestamp() + i64::try_from(second).unwrap_or(0);
            server.seen().unavailable = Some((second(BEGINS), second(ENDS)));
        }
        for second in 0..WATCHED {
            if is_store {
                switch.is_away.store((BEGINS..ENDS).contains(&second), Ordering::SeqCst);
            }
            // Each grant is asked for once in a minute or so, by whatever process.
            for (index, key) in keys.iter().enumerate().skip(second % 61).step_by(61) {
                let (tokens, key) = (fleet[(index + second) % PROCESSES].clone(), key.clone());
                let (server, clock, waited) = (server.clone(), clock.clone(), Arc::clone(&waited));
                let asked = clock.now();
                let call = async move {
                    let token = tokens.token(&key).await;
                    let is_bad = token.is_ok_and(|token| server.serves(&token).is_err());
                    assert!(!is_bad, "a token was served that had ended");
                    if clock.now() != asked {
                        waited.fetch_add(1, Ordering::SeqCst);
                    }
                };
                executor.spawn(Box::pin(call))?;
            }
            executor.sleep(Duration::from_secs(1)).await;
        }
        // Nothing is lost: every grant has a token, and is refreshed once more.
        executor.sleep(LIFETIME).await;
        for key in keys.iter().step_by(7) {
            server.serves(&fleet[1].token(key).await?)?;
        }
        Ok::<_, Box<dyn Error>>(())
    })?;
    Ok(Run { server, switch, waited })
}

fn judge(run: &Run) {
    let seen = run.server.seen();
    assert_eq!(seen.double_spends, 0);
    let steady = f64::from(seen.seconds[..BEGINS].iter().sum::<u32>()) / BEGINS as f64;
    let burst = *seen.seconds[ENDS..WATCHED].iter().max().unwrap_or(&0);
    let waited = run.waited.load(Ordering::SeqCst);
    let meanwhile: u32 = seen.seconds[BEGINS + 1..ENDS].iter().sum();
    let since: u32 = seen.seconds[BEGINS..WATCHED].iter().sum();
    println!(
        "{steady:.1} a second before, {meanwhile} in all meanwhile, {burst} in the fullest second \
         afterwards; {waited} callers waited"
    );
    assert!(steady > 80.0, "only {steady:.1} a second");
    assert!(f64::from(burst) <= 2.0 * steady + f64::from(waited), "{burst} in one second");
    // Within two minutes what came due in the outage has followed.
    let due = steady * (WATCHED - BEGINS) as f64;
    assert!(f64::from(since) > 0.95 * due, "{since} refreshes where {due:.0} were due");
    assert!(waited < 100, "{waited} callers waited, whose tokens were good");
}

#[test]
fn g13_a_store_that_is_away_for_half_a_minute_costs_no_grant_and_no_burst() -> TestResult {
    let run = run(true)?;
    assert!(run.switch.failed.load(Ordering::SeqCst) > 100, "it was not missed");
    judge(&run);
    Ok(())
}

#[test]
fn g13_a_provider_that_is_away_for_half_a_minute_costs_no_grant_and_no_burst() -> TestResult {
    let run = run(false)?;
    let turned_away = run.server.seen().turned_away;
    println!("{turned_away} were turned away");
    assert!((1..100).contains(&turned_away), "{turned_away} asked while it was away");
    judge(&run);
    Ok(())
}
