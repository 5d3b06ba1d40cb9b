//! After rests one request tries whether the provider is back.

use std::error::Error;

use countersign::{AccessToken, Clock, RefreshToken, TokenSet};
use countersign_tests::{Fault as StoreFault, Step, TestResult};
use countersign_tokens::{GrantKey, TokenErrorKind};

use crate::support::{Fleet, LIFETIME, Process};

/// Longer than a rest.
const A_WHILE: u64 = 120;

/// Has the provider turn requests away until it is given rests, and waits for the end of one.
async fn turn_away(fleet: &Fleet, process: &Process, key: &GrantKey) -> TestResult {
    fleet.pass(2 * LIFETIME.as_secs()).await;
    for turned_away in 1..=5 {
        let now = fleet.clock.now().unix_timestamp();
        fleet.server.seen().unavailable = Some((now, now + 1));
        assert!(process.tokens.token(key).await.is_err());
        assert_eq!(fleet.server.seen().turned_away, turned_away);
        fleet.pass(A_WHILE).await;
    }
    Ok(())
}

#[test]
fn g13_a_trial_that_was_not_made_is_there_for_another_grant() -> TestResult {
    let fleet = Fleet::new();
    let process = fleet.process()?;
    fleet.run(async {
        let (one, other) = (fleet.insert(&process, 0).await?, fleet.insert(&process, 1).await?);
        turn_away(&fleet, &process, &one).await?;
        process.view.fail(Step::Begin, StoreFault::Before);
        let error = process.tokens.token(&one).await.err().ok_or("it was served")?;
        assert_eq!(error.kind(), TokenErrorKind::Store);
        process.view.heal();
        fleet.judge(&process.tokens.token(&other).await?)
    })
}

#[test]
fn g13_a_refusal_of_one_grant_shows_that_the_provider_is_back() -> TestResult {
    let fleet = Fleet::new();
    let process = fleet.process()?;
    fleet.run(async {
        let key = fleet.insert(&process, 0).await?;
        let refused = process.tokens.key("refused")?;
        process.tokens.insert(&refused, nobodys(&fleet)?).await?;
        turn_away(&fleet, &process, &key).await?;
        let error = process.tokens.token(&refused).await.err().ok_or("it was served")?;
        assert_eq!(error.kind(), TokenErrorKind::Reauthorize);
        fleet.judge(&process.tokens.token(&key).await?)
    })
}

/// Tokens that the provider does not take.
fn nobodys(fleet: &Fleet) -> Result<TokenSet, Box<dyn Error>> {
    Ok(TokenSet::new(AccessToken::new("access-77-0")?, fleet.clock.now())
        .with_refresh_token(RefreshToken::new("refresh-77-0")?)
        .with_lifetime(LIFETIME))
}
