//! Answers that were overtaken, and kept beside the tokens that took their place.

use std::error::Error;
use std::time::Duration;

use countersign::{AccessToken, RefreshToken, TokenSet};
use countersign_tests::{Fault as StoreFault, Step, TestResult};
use countersign_tokens::{GrantKey, GrantState, TokenErrorKind};

use crate::support::{Fleet, LIFETIME, Process};

const LONGER_THAN_A_LIFE: u64 = 2 * 3600;

/// A grant that is due, whose tokens the provider does not take; beside them is an answer that it
/// does take, which was overtaken.
async fn overtaken(
    fleet: &Fleet,
    late: &Process,
    other: &Process,
) -> Result<GrantKey, Box<dyn Error>> {
    let key = fleet.insert(late, 0).await?;
    // Tokens that the provider does not take, in the place where somebody else's would be.
    let refused = fleet.server.client()?.adopt(
        TokenSet::new(AccessToken::new("access-77-0")?, time::OffsetDateTime::UNIX_EPOCH)
            .with_refresh_token(RefreshToken::new("refresh-77-0")?)
            .with_lifetime(LIFETIME),
    );
    let of_refused = other.tokens.key("refused")?;
    other.tokens.insert(&of_refused, refused.into_tokens()).await?;
    let payload = fleet.record(&of_refused).await?.payload;

    fleet.pass(LONGER_THAN_A_LIFE).await;
    late.view.fail(Step::Save, StoreFault::Before);
    late.tokens.token(&key).await?;
    fleet
        .rewrite(&key, |record, at| {
            record.generation += 1;
            record.attempts.clear();
            (record.expires_at, record.due_at) = (Some(at), Some(at));
            record.payload = payload;
        })
        .await?;
    late.view.heal();
    fleet.pass(60).await;
    fleet.pass(LONGER_THAN_A_LIFE).await;
    Ok(key)
}

#[test]
fn g11_an_answer_that_was_overtaken_is_tried_before_the_grant_is_given_up() -> TestResult {
    let fleet = Fleet::new();
    let (late, other) = (fleet.process()?, fleet.process()?);
    fleet.run(async {
        let key = overtaken(&fleet, &late, &other).await?;
        fleet.judge(&other.tokens.token(&key).await?)?;
        assert_eq!(fleet.refreshed(0), 2);
        Ok(())
    })
}

#[test]
fn g11_who_read_what_is_refused_before_it_was_replaced_sends_what_replaced_it() -> TestResult {
    let fleet = Fleet::new();
    let (late, other) = (fleet.process()?, fleet.process()?);
    fleet.run(async {
        let key = overtaken(&fleet, &late, &other).await?;
        // Reads the tokens that are refused, and begins when the others are in their place.
        late.view.slow(Step::Load, StoreFault::After, Duration::from_secs(2));
        other.view.slow(Step::Clear, StoreFault::After, Duration::from_secs(4));
        let (reading, replacing) = tokio::join!(late.tokens.token(&key), other.tokens.token(&key));
        fleet.judge(&reading?)?;
        fleet.judge(&replacing?)?;
        assert_eq!(fleet.record(&key).await?.state, GrantState::Live);
        assert_eq!(fleet.refreshed(0), 2);
        Ok(())
    })
}

#[test]
fn g11_an_answer_outlives_a_store_that_fails_when_the_tokens_are_refused() -> TestResult {
    let failing = [
        (Step::Load, StoreFault::Before),
        (Step::Reseal, StoreFault::Before),
        (Step::Reseal, StoreFault::After),
    ];
    for (step, side) in failing {
        let fleet = Fleet::new();
        let (late, other) = (fleet.process()?, fleet.process()?);
        fleet.run(async {
            let key = overtaken(&fleet, &late, &other).await?;
            // It fails when the provider has answered.
            other.view.slow(Step::Begin, StoreFault::After, Duration::from_secs(2));
            let failing = async {
                fleet.pass(1).await;
                other.view.fail(step, side);
            };
            let (token, ()) = tokio::join!(other.tokens.token(&key), failing);
            let error = token.err().ok_or_else(|| format!("{step:?} {side:?}: it was served"))?;
            assert_eq!(error.kind(), TokenErrorKind::Store);
            other.view.heal();
            fleet.pass(10).await;
            let record = fleet.record(&key).await?;
            assert!(record.attempts.is_empty(), "{step:?} {side:?}: the attempt stands");
            fleet.judge(&late.tokens.token(&key).await?)?;
            assert_eq!(fleet.refreshed(0), 2);
            TestResult::Ok(())
        })?;
    }
    Ok(())
}
