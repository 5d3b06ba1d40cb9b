//! Ten thousand grants through seven days of virtual time.

use std::error::Error;
use std::time::Duration;

use countersign_testkit::VirtualExecutor;
use countersign_tests::{TestResult, VirtualProvider};
use countersign_tokens::{MemoryStore, Timer, TokenManager};

const GRANTS: usize = 10_000;
const DAYS: u64 = 7;
const LIFETIME: Duration = Duration::from_secs(3600);
const WINDOW: usize = 60;

#[test]
fn ten_thousand_grants_live_through_seven_days() -> TestResult {
    let executor = VirtualExecutor::default();
    let clock = executor.clock();
    let server = VirtualProvider::new(clock.clone(), GRANTS, LIFETIME);
    let tokens = TokenManager::builder(server.client()?, MemoryStore::with_clock(clock))
        .executor(executor.clone())
        .build()?;

    executor.block_on(async {
        let mut keys = Vec::new();
        for grant in 0..GRANTS {
            let key = tokens.key(&format!("user {grant}"))?;
            tokens.insert(&key, server.tokens(grant)?).await?;
            keys.push(key);
        }
        let _guard = tokens.keep_fresh()?;
        // A hundred callers a minute, each grant in its turn; at the end everybody.
        for minute in 0..DAYS * 24 * 60 {
            executor.sleep(Duration::from_secs(60)).await;
            for key in keys.iter().cycle().skip(minute as usize * 100 % GRANTS).take(100) {
                server.serves(&tokens.token(key).await?)?;
            }
        }
        for key in &keys {
            server.serves(&tokens.token(key).await?)?;
        }
        Ok::<_, Box<dyn Error>>(())
    })?;

    let seen = server.seen();
    assert_eq!(seen.double_spends, 0);
    let after = &seen.seconds[3600..];
    let mean = f64::from(after.iter().sum::<u32>()) / after.len() as f64 * WINDOW as f64;
    let fullest = seen.fullest(3600, WINDOW);
    let most = seen.refreshed.iter().max().ok_or("none")?;
    let least = seen.refreshed.iter().min().ok_or("none")?;
    println!("{mean:.1} refreshes a minute, {fullest} in the fullest; {least} to {most} a grant");
    assert!(
        f64::from(fullest) < 2.0 * mean,
        "a peak: {fullest} in a minute, the mean is {mean:.1}"
    );
    let needed = DAYS * 24;
    assert!(f64::from(*most) <= 1.1 * needed as f64, "{most} refreshes where {needed} will do");
    assert!(u64::from(*least) >= needed, "{least} refreshes where {needed} are needed");
    Ok(())
}
