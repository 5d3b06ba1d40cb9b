//! What comes due in an outage is put off, and the end of an outage is noticed.

use std::error::Error;

use countersign::Clock;
use countersign_tests::TestResult;
use countersign_tokens::GrantKey;

use crate::support::{Fleet, Process};

/// Grants in the order in which they are due.
async fn adopt_all(
    fleet: &Fleet,
    by: &Process,
) -> Result<Vec<(u64, usize, GrantKey)>, Box<dyn Error>> {
    let mut grants = Vec::new();
    for grant in 0..4 {
        let key = fleet.insert(by, grant).await?;
        let record = fleet.record(&key).await?;
        let due_in = record.due_at.ok_or("never due")?.since(fleet.store_time().await?);
        grants.push((due_in.as_secs(), grant, key));
    }
    grants.sort_unstable();
    Ok(grants)
}

/// The refresh of the first grant fails once, and nobody asks for that grant again.
fn is_over_when_one_succeeds(is_cold: bool) -> TestResult {
    let fleet = Fleet::new();
    let (adopting, asking) = (fleet.process()?, fleet.process()?);
    let adopting = if is_cold { &adopting } else { &asking };
    fleet.run(async {
        let grants = adopt_all(&fleet, adopting).await?;
        let (first, last) = (&grants[0], &grants[3]);
        assert!(first.0 + 10 < last.0);
        fleet.pass(first.0 + 2).await;
        let now = fleet.clock.now().unix_timestamp();
        fleet.server.seen().unavailable = Some((now, now + 1));
        fleet.judge(&asking.tokens.token(&first.2).await?)?;
        fleet.pass(last.0 - first.0).await;
        assert_eq!(fleet.server.seen().turned_away, 1);

        // It is good for longer than this.
        for _ in 0..100 {
            let asked = fleet.clock.now();
            fleet.judge(&asking.tokens.token(&last.2).await?)?;
            assert_eq!(fleet.clock.now(), asked, "it was waited for");
            fleet.pass(1).await;
        }
        assert_eq!(fleet.refreshed(last.1), 1, "it was put off for as long as it was good");
        Ok(())
    })
}

#[test]
fn g14_a_failure_puts_off_what_comes_due_until_a_refresh_succeeds() -> TestResult {
    is_over_when_one_succeeds(false)
}

#[test]
fn g14_a_failure_puts_off_what_was_not_read_before_until_a_refresh_succeeds() -> TestResult {
    is_over_when_one_succeeds(true)
}
