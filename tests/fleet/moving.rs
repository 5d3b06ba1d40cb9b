//! Grants that move to another store while they live.

use std::error::Error;
use std::time::Duration;

use countersign::Rotation;
use countersign_tests::{Fault as StoreFault, Step, TestResult};
use countersign_tokens::{GrantState, KeyRing, MemoryStore, Spawner, TokenErrorKind};

use crate::support::{Fleet, LIFETIME, Process, Skewed};

/// Longer than a lease.
const A_WHILE: u64 = 120;

const GRACE: Rotation =
    Rotation::Grace { window: Duration::from_secs(600), ends_when_child_used: true };

/// Two fleets at one provider, each with a store of its own. The clock of the second store shows
/// another time.
fn two_fleets(rotation: Rotation) -> (Fleet, Fleet) {
    let from = Fleet::new().rotating(rotation);
    let clock = Skewed(from.clock.clone(), time::Duration::days(-100));
    let to = Fleet::on(from.executor.clone(), MemoryStore::with_clock(clock));
    let to = to.at(from.server.clone());
    (from, to)
}

/// A process with a manager for each store.
fn process(from: &Fleet, to: &Fleet) -> Result<(Process, Process), Box<dyn Error>> {
    Ok((from.process()?, to.process()?))
}

#[test]
fn a_grant_that_was_moved_is_served_and_refreshed_from_the_other_store() -> TestResult {
    for rotation in [Rotation::Strict, Rotation::Never, GRACE] {
        let (from, to) = two_fleets(rotation);
        let (old, new) = process(&from, &to)?;
        from.run(async {
            let key = from.insert(&old, 0).await?;
            let before = from.record(&key).await?;
            old.tokens.move_to(&key, &new.tokens).await?;
            assert_eq!(from.store.load(&key).await?.record, None);
            let record = to.record(&key).await?;
            assert_eq!(record.state, GrantState::Live);
            assert!(record.attempts.is_empty());
            assert_ne!(record.epoch, before.epoch);
            // By the clock of its store the token lives as long as before.
            let left = record.expires_at.ok_or("no end")?.since(to.store_time().await?);
            assert!(left.abs_diff(LIFETIME) < Duration::from_secs(2), "{left:?}");
            let token = new.tokens.token(&key).await?;
            from.judge(&token)?;
            let error = old.tokens.token(&key).await.err().ok_or("it is there still")?;
            assert_eq!(error.kind(), TokenErrorKind::UnknownGrant);
            for refreshes in 1..=3 {
                from.pass(2 * LIFETIME.as_secs()).await;
                from.judge(&new.tokens.token(&key).await?)?;
                assert_eq!(from.refreshed(0), refreshes);
            }
            Ok::<_, Box<dyn Error>>(())
        })?;
    }
    Ok(())
}

/// Whoever moves dies before or after each of its steps. Processes then ask both stores, and
/// another process moves the grant again.
#[test]
fn a_move_that_was_killed_at_any_point_loses_nothing_and_goes_on() -> TestResult {
    let points = [
        (true, Step::Load),
        (false, Step::Load),
        (false, Step::Vacate),
        (false, Step::Insert),
        (true, Step::Remove),
        (false, Step::Clear),
        (true, Step::Purge),
    ];
    for rotation in [Rotation::Strict, Rotation::Never, GRACE] {
        for (is_old, step) in points {
            for side in [StoreFault::Before, StoreFault::After] {
                for asks in [false, true] {
                    let point = format!("{rotation:?} {is_old} {step:?} {side:?} {asks}");
                    killed_at(rotation, (is_old, step, side), asks)
                        .map_err(|error| format!("{point}: {error}"))?;
                }
            }
        }
    }
    Ok(())
}

fn killed_at(
    rotation: Rotation,
    (is_old, step, side): (bool, Step, StoreFault),
    asks: bool,
) -> TestResult {
    let (from, to) = two_fleets(rotation);
    let (old, new) = process(&from, &to)?;
    from.run(async {
        let key = from.insert(&old, 0).await?;
        let dying = if is_old { &old } else { &new };
        dying.view.die(step, side);
        let (tokens, others, moved) = (old.tokens.clone(), new.tokens.clone(), key.clone());
        let moving = async move { drop(tokens.move_to(&moved, &others).await) };
        from.executor.spawn(Box::pin(moving))?;
        from.pass(A_WHILE).await;
        if !dying.view.is_dead() {
            return Err("it did not come there".into());
        }

        let (old, new) = process(&from, &to)?;
        let mut refreshes = 0;
        if asks {
            from.pass(2 * LIFETIME.as_secs()).await;
            let tokens = [old.tokens.token(&key).await, new.tokens.token(&key).await];
            for token in tokens.iter().flatten() {
                from.judge(token)?;
            }
            let served = tokens.iter().flatten().count();
            if rotation != Rotation::Never && served > 1 {
                return Err("the grant is refreshed from both stores".into());
            }
            refreshes = from.refreshed(0);
        }
        let moved = old.tokens.move_to(&key, &new.tokens).await;
        let is_over = is_old && step == Step::Purge && side == StoreFault::After;
        match moved {
            Err(error) if is_over && error.kind() == TokenErrorKind::UnknownGrant => {}
            moved => moved?,
        }
        from.judge(&new.tokens.token(&key).await?)?;
        from.pass(2 * LIFETIME.as_secs()).await;
        from.judge(&new.tokens.token(&key).await?)?;
        let error = old.tokens.token(&key).await.err().ok_or("it is in both stores")?;
        assert_eq!(error.kind(), TokenErrorKind::UnknownGrant);
        assert!(from.refreshed(0) <= refreshes + 2);
        assert_eq!(old.tokens.sweep().await?.failed, 0);
        assert_eq!(from.store.load(&key).await?.record, None);
        Ok(())
    })
}

/// Whoever refreshes meanwhile makes the copy an old one.
#[test]
fn a_refresh_of_another_process_during_a_move_is_moved_too() -> TestResult {
    let (from, to) = two_fleets(Rotation::Strict);
    let (old, new) = process(&from, &to)?;
    let other = from.process()?;
    from.run(async {
        let key = from.insert(&old, 0).await?;
        let token = other.tokens.token(&key).await?;
        old.view.slow(Step::Remove, StoreFault::Before, Duration::from_secs(3));
        let (moved, refreshed) = tokio::join!(old.tokens.move_to(&key, &new.tokens), async {
            from.pass(1).await;
            other.tokens.reject(&key, &token).await
        });
        let refreshed = refreshed?;
        moved?;
        assert!(new.tokens.token(&key).await?.same_as(&refreshed));
        from.pass(2 * LIFETIME.as_secs()).await;
        from.judge(&new.tokens.token(&key).await?)?;
        assert_eq!(from.refreshed(0), 2);
        Ok(())
    })
}

#[test]
fn callers_of_the_other_store_wait_for_a_move() -> TestResult {
    let (from, to) = two_fleets(Rotation::Strict);
    let (old, new) = process(&from, &to)?;
    let asking = to.process()?;
    from.run(async {
        let key = from.insert(&old, 0).await?;
        from.pass(2 * LIFETIME.as_secs()).await;
        old.view.slow(Step::Remove, StoreFault::Before, Duration::from_secs(3));
        let (moved, token) = tokio::join!(old.tokens.move_to(&key, &new.tokens), async {
            from.pass(1).await;
            asking.tokens.token(&key).await
        });
        moved?;
        from.judge(&token?)?;
        assert_eq!(from.refreshed(0), 1);
        Ok(())
    })
}

#[test]
fn a_move_within_one_store_seals_the_grant_with_the_other_ring() -> TestResult {
    let fleet = Fleet::new();
    let plain = fleet.process()?;
    let ring = KeyRing::new("2026", [7; 32])?;
    let sealed = fleet.process_with(fleet.clock.clone(), move |builder| builder.sealed_by(ring))?;
    fleet.run(async {
        let key = fleet.insert(&plain, 0).await?;
        plain.tokens.move_to(&key, &sealed.tokens).await?;
        assert_eq!(fleet.record(&key).await?.key_id.as_deref(), Some("2026"));
        fleet.pass(2 * LIFETIME.as_secs()).await;
        fleet.judge(&sealed.tokens.token(&key).await?)?;
        assert_eq!(fleet.refreshed(0), 1);
        Ok(())
    })
}

#[test]
fn a_grant_that_cannot_be_refreshed_or_is_not_there_is_not_moved() -> TestResult {
    let (from, to) = two_fleets(Rotation::Strict);
    let (old, new) = process(&from, &to)?;
    from.run(async {
        let key = from.insert(&old, 0).await?;
        let nobody = old.tokens.key("nobody")?;
        let unknown = old.tokens.move_to(&nobody, &new.tokens).await;
        assert_eq!(unknown.err().map(|it| it.kind()), Some(TokenErrorKind::UnknownGrant));
        for (state, kind) in [
            (GrantState::Unknown, TokenErrorKind::OutcomeUnknown),
            (GrantState::Reauthorize, TokenErrorKind::Reauthorize),
        ] {
            from.rewrite(&key, |record, _| record.state = state).await?;
            let error = old.tokens.move_to(&key, &new.tokens).await.err().ok_or("it was moved")?;
            assert_eq!(error.kind(), kind);
        }
        from.rewrite(&key, |record, _| record.state = GrantState::Live).await?;
        // Another process refreshes it for as long as a move waits.
        from.begin_and_die(&key, Duration::from_secs(49)).await?;
        let error = old.tokens.move_to(&key, &new.tokens).await.err().ok_or("it was moved")?;
        assert_eq!(error.kind(), TokenErrorKind::OutcomeUnknown);
        assert_eq!(to.store.load(&key).await?.record, None);
        Ok(())
    })
}

/// A rest that the provider asked for goes along.
#[test]
fn a_grant_that_rests_is_moved_with_its_rest() -> TestResult {
    let (from, to) = two_fleets(Rotation::Strict);
    let (old, new) = process(&from, &to)?;
    from.run(async {
        let key = from.insert(&old, 0).await?;
        from.rewrite(&key, |record, now| {
            record.retry_at = Some(now.plus(Duration::from_secs(2 * 3600)));
        })
        .await?;
        old.tokens.move_to(&key, &new.tokens).await?;
        from.pass(LIFETIME.as_secs() + 60).await;
        let error = new.tokens.token(&key).await.err().ok_or("it was refreshed")?;
        assert_eq!(error.kind(), TokenErrorKind::Paused);
        from.pass(LIFETIME.as_secs()).await;
        from.judge(&new.tokens.token(&key).await?)
    })
}
