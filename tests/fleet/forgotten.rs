//! What was forgotten stays forgotten, and what lives is not marked.

use std::time::Duration;

use countersign_tests::{Fault as StoreFault, Step, TestResult};
use countersign_tokens::{GrantState, TokenErrorKind};

use crate::support::Fleet;

const HOUR: u64 = 3600;

#[test]
fn g11_an_adoption_that_is_repeated_brings_back_nothing_that_was_forgotten_meanwhile() -> TestResult
{
    let fleet = Fleet::new();
    let (adopting, forgetting) = (fleet.process()?, fleet.process()?);
    fleet.run(async {
        adopting.view.fail(Step::Insert, StoreFault::After);
        let key = adopting.tokens.key("user 0")?;
        let adopted = adopting.tokens.insert(&key, fleet.server.tokens(0)?).await;
        assert_eq!(adopted.err().map(|it| it.kind()), Some(TokenErrorKind::NotStored));
        // It is there all the same, and somebody forgets it.
        let _ = forgetting.tokens.remove(&key).await?;
        adopting.view.heal();
        fleet.pass(HOUR / 4).await;
        for process in [&adopting, &forgetting] {
            let error = process.tokens.token(&key).await.err().ok_or("it is back")?;
            assert_eq!(error.kind(), TokenErrorKind::UnknownGrant);
        }
        assert!(fleet.store.load(&key).await?.record.is_none(), "the tombstone is there still");
        Ok(())
    })
}

#[test]
fn a_tombstone_is_purged_at_once_or_by_the_next_removal() -> TestResult {
    let fleet = Fleet::new();
    let (process, other) = (fleet.process()?, fleet.process()?);
    fleet.run(async {
        let key = fleet.insert(&process, 0).await?;
        process.view.fail(Step::Purge, StoreFault::Before);
        let _ = process.tokens.remove(&key).await?;
        assert_eq!(fleet.record(&key).await?.state, GrantState::Gone);
        let _ = other.tokens.remove(&key).await?;
        assert!(fleet.store.load(&key).await?.record.is_none(), "the tombstone is there still");
        Ok(())
    })
}

#[test]
fn g11_a_grant_whose_attempt_was_cleared_is_not_unknown() -> TestResult {
    let fleet = Fleet::new();
    let process = fleet.process()?;
    fleet.run(async {
        let key = fleet.insert(&process, 0).await?;
        fleet.pass(2 * HOUR).await;
        let attempt = fleet.begin_and_die(&key, Duration::from_secs(1)).await?;
        fleet.pass(2).await;
        let error = process.tokens.token(&key).await.err().ok_or("it was served")?;
        assert_eq!(error.kind(), TokenErrorKind::OutcomeUnknown);
        assert_eq!(process.tokens.status(&key).await?.state, GrantState::Unknown);
        // Its author lives, and clears it.
        fleet.rewrite(&key, |record, _| record.attempts.retain(|it| it.id != attempt)).await?;
        assert_eq!(process.tokens.status(&key).await?.state, GrantState::Live);
        fleet.pass(60).await;
        fleet.judge(&process.tokens.token(&key).await?)
    })
}
