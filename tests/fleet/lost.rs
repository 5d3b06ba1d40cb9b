//! What gets lost between a process and its store.

use std::error::Error;
use std::time::Duration;

use countersign_tests::{Fault as StoreFault, Step, TestResult};
use countersign_tokens::{GrantKey, GrantState, Record, Swap, TokenErrorKind};

use crate::support::{Fleet, Process};

const LONGER_THAN_A_LIFE: u64 = 2 * 3600;
const LONGER_THAN_A_LEASE: u64 = 120;

#[test]
fn g12_an_attempt_whose_acknowledgement_was_lost_is_cleared_by_its_author() -> TestResult {
    let fleet = Fleet::new();
    let (author, other) = (fleet.process()?, fleet.process()?);
    fleet.run(async {
        let key = fleet.insert(&author, 0).await?;
        fleet.pass(LONGER_THAN_A_LIFE).await;
        author.view.fail(Step::Begin, StoreFault::After);
        author.view.fail(Step::Clear, StoreFault::Before);
        let error = author.tokens.token(&key).await.err().ok_or("it was served")?;
        assert_eq!(error.kind(), TokenErrorKind::Store);
        // To the others it looks like that of one who died.
        fleet.pass(LONGER_THAN_A_LEASE).await;
        let error = other.tokens.token(&key).await.err().ok_or("it was served")?;
        assert_eq!(error.kind(), TokenErrorKind::OutcomeUnknown);
        // Nor does the author take its own for somebody else's.
        let error = author.tokens.token(&key).await.err().ok_or("it was served")?;
        assert_eq!(error.kind(), TokenErrorKind::Store);

        author.view.heal();
        fleet.pass(60).await;
        assert_eq!(fleet.record(&key).await?.state, GrantState::Live);
        fleet.judge(&other.tokens.token(&key).await?)?;
        fleet.judge(&author.tokens.token(&key).await?)?;
        assert_eq!(fleet.refreshed(0), 1);
        Ok(())
    })
}

/// A grant whose refresh `author` has begun, with no answer: the write arrives `after` that.
async fn begun_late(
    fleet: &Fleet,
    author: &Process,
    after: Duration,
) -> Result<GrantKey, Box<dyn Error>> {
    let key = fleet.insert(author, 0).await?;
    fleet.pass(LONGER_THAN_A_LIFE).await;
    author.view.delay_writes(Step::Begin, after);
    let error = author.tokens.token(&key).await.err().ok_or("it was served")?;
    assert_eq!(error.kind(), TokenErrorKind::Store);
    author.view.heal();
    Ok(key)
}

#[test]
fn g12_a_begin_without_an_answer_is_repeated_until_it_is_settled() -> TestResult {
    for after in [Duration::from_secs(7), Duration::from_secs(600)] {
        let fleet = Fleet::new();
        let (author, other) = (fleet.process()?, fleet.process()?);
        fleet.run(async {
            let key = begun_late(&fleet, &author, after).await?;
            // Nobody asks its author, which settles it by itself.
            fleet.pass(LONGER_THAN_A_LEASE).await;
            assert!(fleet.record(&key).await?.attempts.is_empty(), "the attempt stands");
            // The first copy arrives, and is not written any more.
            fleet.pass(after.as_secs()).await;
            assert!(fleet.record(&key).await?.attempts.is_empty(), "it was written late");
            fleet.judge(&other.tokens.token(&key).await?)?;
            fleet.judge(&author.tokens.token(&key).await?)?;
            assert_eq!(fleet.refreshed(0), 1);
            TestResult::Ok(())
        })?;
    }
    Ok(())
}

/// Brings the store back to this record, as a fail-over or a restored backup does.
async fn bring_back(fleet: &Fleet, key: &GrantKey, before: &Record) -> TestResult {
    let present = fleet.record(key).await?.version;
    let swapped = fleet.store.swap(key, Some(present), Some(before)).await?;
    assert!(matches!(swapped, Swap::Done(_)));
    Ok(())
}

#[test]
fn a_store_that_has_lost_a_write_is_offered_it_again() -> TestResult {
    let fleet = Fleet::new();
    let (writer, other) = (fleet.process()?, fleet.process()?);
    fleet.run(async {
        let key = fleet.insert(&writer, 0).await?;
        let before = fleet.record(&key).await?;
        fleet.pass(LONGER_THAN_A_LIFE).await;
        fleet.judge(&writer.tokens.token(&key).await?)?;
        bring_back(&fleet, &key, &before).await?;

        // The process with the newest tokens notices when it looks next.
        fleet.pass(LONGER_THAN_A_LIFE).await;
        fleet.judge(&writer.tokens.token(&key).await?)?;
        fleet.pass(LONGER_THAN_A_LIFE).await;
        fleet.judge(&other.tokens.token(&key).await?)?;
        assert_eq!(fleet.refreshed(0), 3);
        Ok(())
    })
}

#[test]
fn g11_of_those_who_offer_what_a_store_has_lost_the_one_with_the_newest_prevails() -> TestResult {
    let fleet = Fleet::new();
    let (former, newest) = (fleet.process()?, fleet.process()?);
    fleet.run(async {
        let key = fleet.insert(&former, 0).await?;
        let before = fleet.record(&key).await?;
        for process in [&former, &former, &former, &former, &newest] {
            fleet.pass(LONGER_THAN_A_LIFE).await;
            fleet.judge(&process.tokens.token(&key).await?)?;
        }
        bring_back(&fleet, &key, &before).await?;

        // What the first of them stores has a lower generation than what the other holds.
        for (process, refreshed) in [(&newest, 6), (&former, 7), (&newest, 8)] {
            fleet.pass(LONGER_THAN_A_LIFE).await;
            fleet.judge(&process.tokens.token(&key).await?)?;
            assert_eq!(fleet.refreshed(0), refreshed);
        }
        Ok(())
    })
}

#[test]
fn danger_a_token_of_unknown_outcome_is_sent_again_where_that_is_wanted() -> TestResult {
    let fleet = Fleet::new();
    let reporting = fleet.process()?;
    let resending = fleet.process_with(fleet.clock.clone(), |it| it.danger_resend_unknown())?;
    fleet.run(async {
        let key = fleet.insert(&reporting, 0).await?;
        fleet.pass(LONGER_THAN_A_LIFE).await;
        fleet.begin_and_die(&key, Duration::from_secs(LONGER_THAN_A_LEASE / 2)).await?;
        fleet.pass(LONGER_THAN_A_LEASE).await;
        let error = reporting.tokens.token(&key).await.err().ok_or("it was served")?;
        assert_eq!(error.kind(), TokenErrorKind::OutcomeUnknown);
        assert_eq!(fleet.refreshed(0), 0);

        fleet.judge(&resending.tokens.token(&key).await?)?;
        assert_eq!(fleet.refreshed(0), 1);
        Ok(())
    })
}
