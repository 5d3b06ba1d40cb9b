//! Grants that nobody can refresh do not hold up the others.

use std::error::Error;
use std::time::Duration;

use countersign_tests::TestResult;
use countersign_tokens::{Epoch, GrantKey, GrantState, Payload, Record, Swap, Timer, Version};

use crate::support::{Fleet, LIFETIME};

/// Stores a grant whose tokens nobody can read, due in so many seconds.
async fn insert_unreadable(fleet: &Fleet, key: &GrantKey, due_in: u64) -> TestResult {
    let due_at = fleet.store_time().await?.plus(Duration::from_secs(due_in));
    let record = Record {
        state: GrantState::Live,
        due_at: Some(due_at),
        payload: Payload::new(b"unreadable".to_vec()),
        ..Record::tombstone(Epoch::random()?, 1, Version::random()?)
    };
    assert!(matches!(fleet.store.swap(key, None, Some(&record)).await?, Swap::Done(_)));
    Ok(())
}

/// Returns how often the one grant that can be refreshed was refreshed within the first moments
/// of a scheduler, when these grants have been overdue for longer.
fn refreshed_behind(
    unreadable: u64,
    key: impl Fn(u64) -> Result<GrantKey, Box<dyn Error>>,
) -> Result<u32, Box<dyn Error>> {
    let fleet = Fleet::new();
    let process = fleet.process()?;
    fleet.run(async {
        for index in 0..unreadable {
            insert_unreadable(&fleet, &key(index)?, index).await?;
        }
        fleet.pass(unreadable).await;
        fleet.insert(&process, 0).await?;
        fleet.pass(LIFETIME.as_secs()).await;
        let first = fleet.store.due(Duration::ZERO, None, 1).await?;
        assert_ne!(first.records[0].0.subject(), "user 0", "nothing is before it");
        let _guard = process.tokens.keep_fresh()?;
        fleet.executor.sleep(AT_ONCE).await;
        Ok(fleet.refreshed(0))
    })
}

/// Long enough for a scan, and shorter than the time between two.
const AT_ONCE: Duration = Duration::from_millis(500);

fn own(index: u64) -> Result<GrantKey, Box<dyn Error>> {
    Ok(GrantKey::new("rfc6749", "client", &format!("unreadable {index}"))?)
}

#[test]
fn grants_that_always_fail_do_not_hold_up_another() -> TestResult {
    assert_eq!(refreshed_behind(100, own)?, 1, "its turn did not come at once");
    Ok(())
}

#[test]
fn grants_that_always_fail_do_not_hold_up_another_when_they_fill_pages() -> TestResult {
    // More than wait in memory at a time.
    assert_eq!(refreshed_behind(10_000, own)?, 1, "its turn did not come at once");
    Ok(())
}

#[test]
fn grants_of_another_client_are_passed_over() -> TestResult {
    let others = |index| Ok(GrantKey::new("rfc6749", "another", &format!("other {index}"))?);
    assert_eq!(refreshed_behind(10_000, others)?, 1, "its turn did not come at once");
    Ok(())
}

/// An attempt without a lease keeps its grant from being refreshed for good.
#[test]
fn g12_a_grant_of_unknown_outcome_is_left_alone_and_marked_after_an_hour() -> TestResult {
    let fleet = Fleet::new();
    let process = fleet.process()?;
    fleet.run(async {
        let key = fleet.insert(&process, 0).await?;
        fleet.pass(2 * LIFETIME.as_secs()).await;
        fleet.begin_and_die(&key, Duration::from_secs(60)).await?;
        fleet.pass(61).await;
        let _guard = process.tokens.keep_fresh()?;
        fleet.pass(3000).await;
        let record = fleet.record(&key).await?;
        assert_eq!((record.state, record.due_at.is_some()), (GrantState::Live, true));
        // Callers learn it before.
        assert_eq!(process.tokens.status(&key).await?.state, GrantState::Unknown);
        fleet.pass(1200).await;
        let record = fleet.record(&key).await?;
        assert_eq!((record.state, record.due_at), (GrantState::Unknown, None));
        assert_eq!(record.attempts.len(), 1, "its author could not clear it");
        assert_eq!(fleet.refreshed(0), 0);
        Ok(())
    })
}
