//! What operators do to all grants of a store.

use std::error::Error;
use std::time::Duration;

use countersign::{ExposeSecret, Rotation, Scopes};
use countersign_tests::TestResult;
use countersign_tokens::{
    Epoch, GrantKey, GrantState, KeyRing, Payload, Record, Swap, TokenErrorKind, Version,
};

use crate::support::{Fleet, LIFETIME};

const GRACE: Rotation =
    Rotation::Grace { window: Duration::from_secs(600), ends_when_child_used: true };

/// More than a page of the store.
const MANY: usize = 600;

#[test]
fn all_grants_are_sealed_again_and_pending_ones_are_counted() -> TestResult {
    let fleet = Fleet::of(MANY);
    let old = || KeyRing::new("old", [1; 32]);
    let new = || KeyRing::new("new", [2; 32])?.with_other("old", [1; 32]);
    let first = fleet.process_with(fleet.clock.clone(), |it| match old() {
        Ok(ring) => it.sealed_by(ring),
        Err(_) => it,
    })?;
    let ring = new()?;
    let next = fleet.process_with(fleet.clock.clone(), |it| it.sealed_by(ring))?;
    fleet.run(async {
        let mut keys = Vec::new();
        for grant in 0..MANY {
            keys.push(fleet.insert(&first, grant).await?);
        }
        fleet.begin_and_die(&keys[3], Duration::from_secs(30)).await?;
        fleet.rewrite(&keys[4], |record, _| record.payload = Payload::new(vec![1])).await?;
        let done = next.tokens.reseal_all().await?;
        assert_eq!((done.changed, done.pending, done.failed), (MANY as u64 - 2, 1, 1));
        let (key, error) = done.failures.first().ok_or("no failure is named")?;
        assert_eq!((key, error.kind()), (&keys[4], TokenErrorKind::Store));
        let again = next.tokens.reseal_all().await?;
        assert_eq!((again.changed, again.pending, again.failed), (0, 1, 1));
        let alone = KeyRing::new("new", [2; 32])?;
        let last = fleet.process_with(fleet.clock.clone(), |it| it.sealed_by(alone))?;
        fleet.judge(&last.tokens.token(&keys[5]).await?)?;
        Ok(())
    })
}

/// The refresh tokens of the backup may have been used since it was made.
#[test]
fn g10_what_a_backup_brought_back_is_not_sent_again() -> TestResult {
    for rotation in [Rotation::Strict, GRACE, Rotation::Never] {
        let fleet = Fleet::new().rotating(rotation);
        let process = fleet.process()?;
        fleet.run(async {
            let key = fleet.insert(&process, 0).await?;
            let backup = fleet.record(&key).await?;
            fleet.pass(2 * LIFETIME.as_secs()).await;
            process.tokens.token(&key).await?;
            let lost = fleet.record(&key).await?;
            let restored = fleet.store.swap(&key, Some(lost.version), Some(&backup)).await?;
            assert!(matches!(restored, Swap::Done(_)));

            let operator = fleet.process()?;
            let marked = operator.tokens.mark_restored().await?;
            let rotates = rotation != Rotation::Never;
            assert_eq!((marked.changed, marked.failed), (u64::from(rotates), 0));
            assert_eq!(operator.tokens.mark_restored().await?.changed, 0);
            let token = operator.tokens.token(&key).await;
            if rotates {
                let error = token.err().ok_or("it was sent again")?;
                assert_eq!(error.kind(), TokenErrorKind::OutcomeUnknown);
                assert_eq!(fleet.refreshed(0), 1);
                // A process that has the newer tokens stores them again.
                fleet.pass(2 * LIFETIME.as_secs()).await;
                fleet.judge(&process.tokens.token(&key).await?)?;
                assert_eq!(fleet.record(&key).await?.state, GrantState::Live);
            } else {
                fleet.judge(&token?)?;
            }
            Ok::<_, Box<dyn Error>>(())
        })?;
    }
    Ok(())
}

#[test]
fn tombstones_are_swept_and_nothing_else() -> TestResult {
    let fleet = Fleet::new();
    let process = fleet.process()?;
    fleet.run(async {
        let key = fleet.insert(&process, 0).await?;
        let _leading = process.tokens.keep_fresh()?;
        fleet.pass(1).await;
        let others = GrantKey::new("another provider", "client", "user")?;
        for gone in [process.tokens.key("gone")?, process.tokens.key("gone too")?, others] {
            let tombstone = Record::tombstone(Epoch::random()?, 3, Version::random()?);
            fleet.store.swap(&gone, None, Some(&tombstone)).await?;
        }
        let before = fleet.store.list(None, 10).await?.records.len();
        assert_eq!(process.tokens.sweep().await?.changed, 2);
        assert_eq!(fleet.store.list(None, 10).await?.records.len(), before - 2);
        assert_eq!(process.tokens.sweep().await?.changed, 0);
        fleet.judge(&process.tokens.token(&key).await?)
    })
}

#[test]
fn the_status_has_scopes_and_extra_members_and_the_list_too() -> TestResult {
    let fleet = Fleet::new();
    let process = fleet.process()?;
    fleet.run(async {
        let key = process.tokens.key("user 0")?;
        let tokens = fleet.server.tokens(0)?.with_scopes(Scopes::new(["sign", "account"])?);
        process.tokens.insert(&key, tokens).await?;
        let status = process.tokens.status(&key).await?;
        let scopes = status.scopes.as_ref().ok_or("no scopes")?;
        assert!(scopes.iter().eq(["sign", "account"]));
        assert_eq!(process.tokens.list(None, 10).await?.grants[0].scopes, status.scopes);
        let token = process.tokens.token(&key).await?;
        assert!(!format!("{status:?}").contains(token.expose_secret()));

        // What cannot be read is in the list with the reason.
        fleet.rewrite(&key, |record, _| record.payload = Payload::new(vec![1])).await?;
        let listed = fleet.process()?.tokens.list(None, 10).await?;
        let error = listed.grants[0].last_error.as_ref().ok_or("no error")?;
        assert_eq!(error.kind(), TokenErrorKind::Unreadable);
        assert_eq!(listed.grants[0].scopes, None);
        Ok(())
    })
}

/// The store is not asked about a grant that is not the manager's.
#[test]
fn the_status_of_a_foreign_key_is_refused_before_the_store_is_read() -> TestResult {
    let fleet = Fleet::new();
    let process = fleet.process()?;
    fleet.run(async {
        let key = GrantKey::new("another provider", "client", "user")?;
        let error = process.tokens.status(&key).await.err().ok_or("it was read")?;
        assert_eq!(error.kind(), TokenErrorKind::ForeignKey);
        assert!(process.view.steps().is_empty());
        Ok(())
    })
}
