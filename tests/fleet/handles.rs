//! Handles to a grant, and work on it, while others forget it and adopt another.

use std::error::Error;
use std::time::Duration;

use countersign_tests::{Fault as StoreFault, Step, TestResult};
use countersign_tokens::{GrantKey, TokenErrorKind};

use crate::support::{Fleet, Process};

const LONGER_THAN_A_LIFE: u64 = 2 * 3600;

impl Process {
    /// Whether nothing of any grant is in memory.
    fn remembers_nothing(&self) -> bool {
        format!("{:?}", self.tokens).contains("grants: 0")
    }

    /// Whether there is no such grant, for whoever asks by its key.
    async fn has_none(&self, key: &GrantKey) -> bool {
        let error = self.tokens.token(key).await.err();
        error.is_some_and(|it| it.kind() == TokenErrorKind::UnknownGrant)
    }
}

/// A grant that will not be due soon, as one that was just adopted may be.
async fn refreshed(fleet: &Fleet, process: &Process) -> Result<GrantKey, Box<dyn Error>> {
    let key = fleet.insert(process, 0).await?;
    fleet.pass(LONGER_THAN_A_LIFE).await;
    process.tokens.token(&key).await?;
    Ok(key)
}

#[test]
fn g11_a_handle_follows_its_grant_through_forgetting_and_another_adoption() -> TestResult {
    for is_forgotten in [true, false] {
        let fleet = Fleet::new();
        let process = fleet.process()?;
        fleet.run(async {
            let key = process.tokens.key("user 0")?;
            let source = process.tokens.source(&key)?;
            if is_forgotten {
                fleet.insert(&process, 0).await?;
                source.token().await?;
                let _ = process.tokens.remove(&key).await?;
            }
            assert!(process.has_none(&key).await);
            let error = source.token().await.err().ok_or("there is none")?;
            assert_eq!(error.kind(), TokenErrorKind::UnknownGrant);

            process.tokens.insert(&key, fleet.server.tokens(1)?).await?;
            let second = source.token().await?;
            assert!(process.tokens.token(&key).await?.same_as(&second));
            // What the one knows of a token the other knows.
            fleet.pass(60).await;
            let newer = source.reject(&second).await?;
            assert!(source.token().await?.same_as(&newer));
            assert!(process.tokens.token(&key).await?.same_as(&newer));
            // One refresh, with one begin and one save.
            fleet.pass(LONGER_THAN_A_LIFE).await;
            process.view.steps();
            let (one, two) = tokio::join!(source.token(), process.tokens.token(&key));
            assert!(one?.same_as(&two?));
            let steps = std::collections::HashMap::from([(Step::Begin, 1), (Step::Save, 1)]);
            assert_eq!(process.view.steps(), steps);
            assert_eq!(fleet.refreshed(1), 2);

            process.tokens.insert(&key, fleet.server.tokens(2)?).await?;
            assert!(source.token().await?.same_as(&process.tokens.token(&key).await?));
            let _ = process.tokens.remove(&key).await?;
            let error = source.token().await.err().ok_or("it is handed out still")?;
            assert_eq!(error.kind(), TokenErrorKind::UnknownGrant);
            drop(source);
            assert!(process.remembers_nothing());
            TestResult::Ok(())
        })?;
    }
    Ok(())
}

#[test]
fn handles_to_grants_that_are_not_there_do_not_fill_the_memory() -> TestResult {
    let fleet = Fleet::new();
    let process = fleet.process()?;
    fleet.run(async {
        for subject in ["asked", "not asked"] {
            let key = process.tokens.key(subject)?;
            let source = process.tokens.source(&key)?;
            let clone = source.clone();
            drop(source);
            if subject == "asked" {
                assert!(clone.token().await.is_err());
                assert!(process.tokens.status(&key).await.is_err());
            }
            drop(clone);
            assert!(process.remembers_nothing(), "{subject}");
        }
        Ok(())
    })
}

/// Nor does asking for them while the store is down, which is not asked for each of them.
#[test]
fn keys_that_are_asked_for_while_the_store_is_down_do_not_fill_the_memory() -> TestResult {
    let fleet = Fleet::new();
    let process = fleet.process()?;
    fleet.run(async {
        let known = fleet.insert(&fleet.process()?, 0).await?;
        process.view.fail(Step::Load, StoreFault::Before);
        process.view.steps();
        for user in 0..100 {
            let key = process.tokens.key(&format!("nobody {user}"))?;
            let error = process.tokens.token(&key).await.err().ok_or("it is there")?;
            assert_eq!(error.kind(), TokenErrorKind::Store);
        }
        assert!(process.remembers_nothing());
        assert_eq!(process.view.steps().get(&Step::Load), Some(&1));
        // A grant that is there is found soon after the store is back.
        process.view.heal();
        assert!(process.tokens.token(&known).await.is_err());
        fleet.pass(1).await;
        fleet.judge(&process.tokens.token(&known).await?)
    })
}

/// A grant that this process has read is not one of them.
#[test]
fn a_store_that_is_down_for_unknown_keys_stops_no_refresh_of_a_known_grant() -> TestResult {
    let fleet = Fleet::new();
    let process = fleet.process()?;
    fleet.run(async {
        let known = fleet.insert(&process, 0).await?;
        fleet.pass(LONGER_THAN_A_LIFE).await;
        process.view.fail(Step::Load, StoreFault::Before);
        assert!(process.tokens.token(&process.tokens.key("nobody")?).await.is_err());
        // It begins from memory.
        fleet.judge(&process.tokens.token(&known).await?)?;
        assert_eq!(fleet.refreshed(0), 1);
        Ok(())
    })
}

#[test]
fn g09_an_adoption_is_not_lost_to_one_who_finds_nothing_in_the_store() -> TestResult {
    // Who asks has begun before the adoption, and after it.
    for (asks_at, adopts_at) in [(0, 1), (1, 0)] {
        let fleet = Fleet::new();
        let process = fleet.process()?;
        fleet.run(async {
            let key = process.tokens.key("user 0")?;
            process.view.slow(Step::Load, StoreFault::After, Duration::from_secs(3));
            process.view.slow(Step::Insert, StoreFault::Before, Duration::from_secs(3));
            process.view.fail(Step::Insert, StoreFault::Before);
            let asked = async {
                fleet.pass(asks_at).await;
                process.has_none(&key).await
            };
            let tokens = fleet.server.tokens(0)?;
            let adopted = async {
                fleet.pass(adopts_at).await;
                process.tokens.insert(&key, tokens.clone()).await
            };
            let (has_none, adopted) = tokio::join!(asked, adopted);
            assert!(has_none);
            assert_eq!(adopted.err().map(|it| it.kind()), Some(TokenErrorKind::NotStored));
            let serves = process.tokens.token(&key).await?;
            assert!(serves.same_as(tokens.access_token()));
            process.view.heal();
            let _ = process.tokens.remove(&key).await?;
            fleet.pass(60).await;
            assert!(process.has_none(&key).await, "{asks_at}: it is stored after all");
            TestResult::Ok(())
        })?;
    }
    Ok(())
}

#[test]
fn g09_a_late_look_at_the_store_does_not_replace_what_an_adoption_left_in_memory() -> TestResult {
    let fleet = Fleet::new();
    let process = fleet.process()?;
    fleet.run(async {
        let key = refreshed(&fleet, &process).await?;
        process.view.slow(Step::Load, StoreFault::After, Duration::from_secs(3));
        process.view.fail(Step::Insert, StoreFault::Before);
        let tokens = fleet.server.tokens(1)?;
        let asked = async {
            fleet.pass(1).await;
            process.tokens.token(&key).await
        };
        let (asked, adopted) = tokio::join!(asked, process.tokens.insert(&key, tokens.clone()));
        fleet.judge(&asked?)?;
        assert_eq!(adopted.err().map(|it| it.kind()), Some(TokenErrorKind::NotStored));
        assert!(process.tokens.token(&key).await?.same_as(tokens.access_token()));
        Ok(())
    })
}

#[test]
fn g11_a_look_at_the_store_that_ends_after_the_burial_brings_nothing_back() -> TestResult {
    let fleet = Fleet::new();
    let process = fleet.process()?;
    fleet.run(async {
        let key = refreshed(&fleet, &process).await?;
        let source = process.tokens.source(&key)?;
        process.view.slow(Step::Load, StoreFault::After, Duration::from_secs(3));
        let early = async {
            fleet.pass(1).await;
            source.token().await
        };
        let late = async {
            let _ = process.tokens.remove(&key).await?;
            // Nor does one who asks now get what the other has read.
            source.token().await
        };
        let (early, late) = tokio::join!(early, late);
        fleet.judge(&early?)?;
        assert_eq!(late.err().map(|it| it.kind()), Some(TokenErrorKind::UnknownGrant));
        assert!(source.token().await.is_err());
        drop(source);
        assert!(process.remembers_nothing());
        Ok(())
    })
}
