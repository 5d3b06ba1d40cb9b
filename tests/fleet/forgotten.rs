//! What was forgotten stays forgotten, and what lives is not marked.

use countersign_tests::{Side, Step, TestResult};
use countersign_tokens::{
    AttemptId, Begin, Clear, GrantState, Mark, Negative, Takeover, TokenErrorKind,
};

use crate::support::Fleet;

const HOUR: u64 = 3600;

#[test]
fn g11_an_adoption_that_is_repeated_brings_back_nothing_that_was_forgotten_meanwhile() -> TestResult
{
    let fleet = Fleet::new();
    let (adopting, forgetting) = (fleet.process()?, fleet.process()?);
    fleet.run(async {
        adopting.view.fail(Step::Adopt, Side::After);
        let key = adopting.tokens.key("user 0")?;
        let adopted = adopting.tokens.adopt(&key, fleet.server.tokens(0)?).await;
        assert_eq!(adopted.err().map(|it| it.kind()), Some(TokenErrorKind::NotStored));
        // It is there all the same, and somebody forgets it.
        let _ = forgetting.tokens.forget(&key).await?;
        adopting.view.heal();
        fleet.pass(HOUR / 4).await;
        for process in [&adopting, &forgetting] {
            let error = process.tokens.token(&key).await.err().ok_or("it is back")?;
            assert_eq!(error.kind(), TokenErrorKind::UnknownGrant);
        }
        // Its tombstone is purged when nothing can bring it back any more.
        fleet.pass(HOUR).await;
        assert!(fleet.store.load(&key).await?.is_none(), "the tombstone is there still");
        Ok(())
    })
}

#[test]
fn g11_an_adoption_is_repeated_for_no_longer_than_a_tombstone_would_tell_of_it() -> TestResult {
    let fleet = Fleet::new();
    let (adopting, forgetting) = (fleet.process()?, fleet.process()?);
    fleet.run(async {
        adopting.view.fail(Step::Adopt, Side::After);
        let key = adopting.tokens.key("user 0")?;
        assert!(adopting.tokens.adopt(&key, fleet.server.tokens(0)?).await.is_err());
        adopting.view.fail(Step::Adopt, Side::Before);
        let _ = forgetting.tokens.forget(&key).await?;
        fleet.pass(2 * HOUR).await;
        assert!(fleet.store.load(&key).await?.is_none(), "the tombstone is there still");
        adopting.view.heal();
        fleet.pass(HOUR).await;
        assert!(fleet.store.load(&key).await?.is_none(), "it is back");
        Ok(())
    })
}

#[test]
fn a_tombstone_that_could_not_be_purged_is_purged_later() -> TestResult {
    let fleet = Fleet::new();
    let process = fleet.process()?;
    fleet.run(async {
        let mut keys = Vec::new();
        for grant in 0..2 {
            let key = fleet.adopt(&process, grant).await?;
            let _ = process.tokens.forget(&key).await?;
            keys.push(key);
            fleet.pass(HOUR / 4).await;
        }
        process.view.fail(Step::Purge, Side::Before);
        fleet.pass(2 * HOUR).await;
        process.view.heal();
        fleet.pass(HOUR / 4).await;
        for key in keys {
            assert!(fleet.store.load(&key).await?.is_none(), "the tombstone is there still");
        }
        Ok(())
    })
}

#[test]
fn g11_a_grant_whose_intent_was_taken_back_is_not_unknown() -> TestResult {
    let fleet = Fleet::new();
    let process = fleet.process()?;
    fleet.run(async {
        let key = fleet.adopt(&process, 0).await?;
        fleet.pass(2 * HOUR).await;
        let read = fleet.record(&key).await?;
        let (attempt, epoch, generation) = (AttemptId::random()?, read.epoch, read.generation);
        let lease = std::time::Duration::from_secs(1);
        let begin = Begin { attempt, epoch, generation, lease, takeover: Takeover::Never };
        assert!(fleet.store.begin(&key, &begin).await?.is_accepted());
        fleet.pass(2).await;
        // Somebody was refused for that intent, which its author takes back before the mark.
        let clear = Clear { attempt, epoch, rests_for: None };
        assert!(fleet.store.clear(&key, &clear).await?.is_accepted());
        let as_state = Negative::Unknown;
        let mark = Mark { attempt: AttemptId::random()?, epoch, generation, as_state };
        assert!(!fleet.store.mark(&key, &mark).await?.is_accepted());
        assert_eq!(fleet.record(&key).await?.state, GrantState::Live);
        fleet.judge(&process.tokens.token(&key).await?)
    })
}
