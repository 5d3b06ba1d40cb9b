//! What would come at once is spread.

use std::collections::BTreeSet;
use std::time::Duration;

use countersign::{Clock, Rotation};
use countersign_tests::TestResult;
use countersign_tokens::KeyRing;

use crate::support::{Fleet, LIFETIME};

/// The margin by which a token expires early.
const MARGIN: Duration = Duration::from_secs(30);

#[test]
fn refreshes_of_grants_that_were_inserted_together_are_spread() -> TestResult {
    let fleet = Fleet::new();
    let process = fleet.process()?;
    let usable = LIFETIME - MARGIN;
    fleet.run(async {
        let (mut first, mut later) = (Vec::new(), Vec::new());
        for user in 0..200 {
            let key = process.tokens.key(&format!("spread {user}"))?;
            process.tokens.insert(&key, fleet.server.tokens(0)?).await?;
            let due_at = fleet.record(&key).await?.due_at.ok_or("never due")?;
            first.push(due_at.since(fleet.store_time().await?).div_duration_f64(usable));
        }
        for _ in 0..50 {
            let key = fleet.insert(&process, 1).await?;
            fleet.pass(2 * LIFETIME.as_secs()).await;
            fleet.server.seen().refreshed[1] = 0;
            process.tokens.token(&key).await?;
            let due_at = fleet.record(&key).await?.due_at.ok_or("never due")?;
            later.push(due_at.since(fleet.store_time().await?).div_duration_f64(usable));
        }
        // The first refresh of each: over the mean time of the later ones.
        assert!(first.iter().all(|it| (0.0..0.936).contains(it)), "{first:?}");
        assert!(first.iter().any(|it| *it < 0.1) && first.iter().any(|it| *it > 0.8));
        // The later ones: over most of the last tenth.
        assert!(later.iter().all(|it| (0.899..0.971).contains(it)), "{later:?}");
        assert!(later.iter().any(|it| *it < 0.92) && later.iter().any(|it| *it > 0.95));
        Ok(())
    })
}

#[test]
fn waits_between_tries_differ() -> TestResult {
    let fleet = Fleet::new().rotating(Rotation::Never);
    fleet.run(async {
        let mut waits = BTreeSet::new();
        for _ in 0..20 {
            let process = fleet.process()?;
            let key = fleet.insert(&process, 0).await?;
            fleet.pass(2 * LIFETIME.as_secs()).await;
            fleet.server.seen().is_broken = true;
            let asked = fleet.clock.now();
            assert!(process.tokens.token(&key).await.is_err());
            fleet.server.seen().is_broken = false;
            let waited = fleet.clock.now() - asked;
            // Up to 400 ms after the first request, and up to 800 ms after the second.
            assert!(waited <= time::Duration::milliseconds(1202), "{waited}");
            waits.insert(waited.whole_milliseconds());
        }
        assert!(waits.len() > 10, "{waits:?}");
        Ok(())
    })
}

/// Ids, times and sealed payloads: nothing of a record comes from another source.
#[test]
fn the_same_random_bytes_give_the_same_records() -> TestResult {
    let records = || -> Result<_, Box<dyn std::error::Error>> {
        let fleet = Fleet::new();
        let ring = KeyRing::new("a key", [7; 32])?;
        let process = fleet.process_with(fleet.clock.clone(), |it| it.sealed_by(ring))?;
        fleet.run(async {
            let key = fleet.insert(&process, 0).await?;
            let first = fleet.record(&key).await?;
            fleet.pass(2 * LIFETIME.as_secs()).await;
            process.tokens.token(&key).await?;
            Ok([first, fleet.record(&key).await?])
        })
    };
    assert_eq!(records()?, records()?);
    Ok(())
}
