//! Grants that nobody can refresh do not hold up the others.

use std::error::Error;
use std::time::Duration;

use countersign_tests::TestResult;
use countersign_tokens::{Adopt, Epoch, GrantKey, Material, Payload};

use crate::support::{Fleet, LIFETIME};

/// Stores a grant whose tokens nobody can read, due in so many seconds.
async fn adopt_unreadable(fleet: &Fleet, key: &GrantKey, due_in: u64) -> TestResult {
    let material = Material {
        payload: Payload::new(b"unreadable".to_vec()),
        key_id: None,
        expires_in: None,
        due_in: Some(Duration::from_secs(due_in)),
    };
    let adopt = Adopt { epoch: Epoch::random()?, replaces: None, material };
    assert!(fleet.store.adopt(key, &adopt).await?.is_accepted());
    Ok(())
}

/// How often the one grant that can be refreshed was, so many seconds after somebody began to keep
/// it fresh, when these have been overdue for longer than it.
fn refreshed_behind(
    unreadable: u64,
    key: impl Fn(u64) -> Result<GrantKey, Box<dyn Error>>,
    within: u64,
) -> Result<u32, Box<dyn Error>> {
    let fleet = Fleet::new();
    let process = fleet.process()?;
    fleet.run(async {
        for index in 0..unreadable {
            adopt_unreadable(&fleet, &key(index)?, index).await?;
        }
        fleet.pass(unreadable).await;
        fleet.adopt(&process, 0).await?;
        fleet.pass(LIFETIME.as_secs()).await;
        let _guard = process.tokens.keep_fresh()?;
        fleet.pass(within).await;
        Ok(fleet.refreshed(0))
    })
}

fn own(index: u64) -> Result<GrantKey, Box<dyn Error>> {
    Ok(GrantKey::new("rfc6749", "client", &format!("unreadable {index}"))?)
}

#[test]
fn those_that_fail_for_ever_do_not_hold_up_another() -> TestResult {
    assert!(refreshed_behind(100, own, 10 * 60)? >= 1, "its turn did not come");
    Ok(())
}

#[test]
fn not_even_when_they_fill_a_page() -> TestResult {
    assert!(refreshed_behind(1100, own, 30 * 60)? >= 1, "its turn did not come");
    Ok(())
}

#[test]
fn those_of_another_client_are_passed_over() -> TestResult {
    let others = |index| Ok(GrantKey::new("rfc6749", "another", &format!("user {index}"))?);
    assert!(refreshed_behind(10_000, others, 10 * 60)? >= 1, "its turn did not come");
    Ok(())
}
