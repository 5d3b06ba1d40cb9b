//! Tokens that the API refuses.

use countersign_tests::TestResult;
use countersign_tokens::TokenErrorKind;

use crate::support::Fleet;

/// A token that the provider has given within a second is the same: its text is of when it ends.
#[test]
fn a_provider_that_gives_the_rejected_token_again_is_asked_once() -> TestResult {
    let fleet = Fleet::new();
    let process = fleet.process()?;
    fleet.run(async {
        let key = fleet.adopt(&process, 0).await?;
        let token = process.tokens.token(&key).await?;
        let rejecting = || process.tokens.reject(&key, &token);
        let (one, two) = tokio::join!(rejecting(), rejecting());
        for rejected in [one, two, rejecting().await] {
            let error = rejected.err().ok_or("it is another token")?;
            assert_eq!(error.kind(), TokenErrorKind::SameToken);
        }
        assert_eq!(fleet.refreshed(0), 1);
        // The next rejection, some time later, is worth a refresh, which brings another.
        fleet.pass(60).await;
        assert!(process.tokens.token(&key).await?.same_as(&token));
        let newer = process.tokens.reject(&key, &token).await?;
        assert!(!newer.same_as(&token));
        assert_eq!(fleet.refreshed(0), 2);
        fleet.judge(&process.tokens.token(&key).await?)
    })
}

/// Whoever asks while the token is being rejected gets what there is.
#[test]
fn a_token_that_was_rejected_and_given_again_serves_those_who_ask() -> TestResult {
    let fleet = Fleet::new();
    let process = fleet.process()?;
    fleet.run(async {
        let key = fleet.adopt(&process, 0).await?;
        let token = process.tokens.token(&key).await?;
        let rejecting = process.tokens.reject(&key, &token);
        let (rejected, asked) = tokio::join!(rejecting, process.tokens.token(&key));
        assert_eq!(rejected.err().map(|it| it.kind()), Some(TokenErrorKind::SameToken));
        assert!(asked?.same_as(&token));
        assert_eq!(fleet.refreshed(0), 1);
        Ok(())
    })
}
