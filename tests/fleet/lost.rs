//! What gets lost between a process and its store.

use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use countersign::Clock;
use countersign_testkit::VirtualExecutor;
use countersign_tests::{Side, Step, TestResult};
use countersign_tokens::{
    AttemptId, Begin, FileStore, GrantKey, GrantState, Takeover, Timer, TokenErrorKind, Verdict,
};

use crate::support::{Fleet, Process};

const LONGER_THAN_A_LIFE: u64 = 2 * 3600;
const LONGER_THAN_A_LEASE: u64 = 120;

#[test]
fn g12_an_intent_whose_acknowledgement_was_lost_is_taken_back_by_its_author() -> TestResult {
    let fleet = Fleet::new();
    let (author, other) = (fleet.process()?, fleet.process()?);
    fleet.run(async {
        let key = fleet.adopt(&author, 0).await?;
        fleet.pass(LONGER_THAN_A_LIFE).await;
        author.view.fail(Step::Begin, Side::After);
        author.view.fail(Step::Clear, Side::Before);
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

/// The file of the one grant of a folder.
fn file_in(folder: &Path) -> Result<PathBuf, Box<dyn Error>> {
    let mut paths = fs::read_dir(folder)?.filter_map(|it| Some(it.ok()?.path()));
    Ok(paths.find(|it| it.extension().is_some_and(|it| it == "json")).ok_or("no file")?)
}

/// A grant whose refresh `author` has begun, with no answer: it comes to the store `after` it was
/// sent, when its author has taken it back.
async fn begun_late(
    fleet: &Fleet,
    author: &Process,
    after: Duration,
) -> Result<GrantKey, Box<dyn Error>> {
    let key = fleet.adopt(author, 0).await?;
    fleet.pass(LONGER_THAN_A_LIFE).await;
    let began = fleet.clock.now();
    author.view.late_begins(after);
    let error = author.tokens.token(&key).await.err().ok_or("it was served")?;
    assert_eq!(error.kind(), TokenErrorKind::Store);
    author.view.heal();
    assert_eq!(author.view.steps().get(&Step::Clear), Some(&1), "it was not taken back");
    assert!(fleet.record(&key).await?.attempts.is_empty());
    let waited = Duration::try_from(fleet.clock.now() - began)?;
    fleet.executor.sleep(after.saturating_sub(waited) + Duration::from_millis(500)).await;
    assert_eq!(fleet.record(&key).await?.attempts.len(), 1, "it has not come");
    Ok(key)
}

#[test]
fn g12_a_begin_that_comes_after_its_own_clear_is_looked_for() -> TestResult {
    let fleet = Fleet::new();
    let (author, other) = (fleet.process()?, fleet.process()?);
    fleet.run(async {
        let key = begun_late(&fleet, &author, Duration::from_secs(7)).await?;
        // Nobody asks its author, who is in time before others take it for that of one who died.
        fleet.judge(&other.tokens.token(&key).await?)?;
        fleet.judge(&author.tokens.token(&key).await?)?;
        assert_eq!(fleet.refreshed(0), 1);
        Ok(())
    })
}

#[test]
fn a_begin_that_comes_after_its_own_clear_holds_nobody_up() -> TestResult {
    let fleet = Fleet::new();
    let author = fleet.process()?;
    fleet.run(async {
        let key = begun_late(&fleet, &author, Duration::from_secs(7)).await?;
        let asked = fleet.clock.now();
        fleet.judge(&author.tokens.token(&key).await?)?;
        assert_eq!(fleet.clock.now(), asked, "it waited for itself");
        Ok(())
    })
}

#[test]
fn g12_a_begin_that_comes_very_late_is_taken_back_by_its_author() -> TestResult {
    let fleet = Fleet::new();
    let (author, other) = (fleet.process()?, fleet.process()?);
    fleet.run(async {
        let key = begun_late(&fleet, &author, Duration::from_secs(600)).await?;
        fleet.pass(LONGER_THAN_A_LEASE).await;
        let error = other.tokens.token(&key).await.err().ok_or("it was served")?;
        assert_eq!(error.kind(), TokenErrorKind::OutcomeUnknown);
        fleet.judge(&author.tokens.token(&key).await?)?;
        fleet.pass(60).await;
        fleet.judge(&other.tokens.token(&key).await?)?;
        assert_eq!(fleet.refreshed(0), 1);
        Ok(())
    })
}

#[test]
fn a_store_that_has_lost_a_write_is_offered_it_again() -> TestResult {
    let executor = VirtualExecutor::default();
    let folder = tempfile::tempdir()?;
    let folder = folder.path().join("grants");
    let fleet = Fleet::on(executor.clone(), FileStore::open_with_clock(&folder, executor.clock())?);
    let (writer, other) = (fleet.process()?, fleet.process()?);
    fleet.run(async {
        let key = fleet.adopt(&writer, 0).await?;
        let file = file_in(&folder)?;
        let before = fs::read(&file)?;
        fleet.pass(LONGER_THAN_A_LIFE).await;
        fleet.judge(&writer.tokens.token(&key).await?)?;
        fs::write(&file, before)?;

        // Whoever has the newest notices when it looks next.
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
    let executor = VirtualExecutor::default();
    let folder = tempfile::tempdir()?;
    let folder = folder.path().join("grants");
    let fleet = Fleet::on(executor.clone(), FileStore::open_with_clock(&folder, executor.clock())?);
    let (former, newest) = (fleet.process()?, fleet.process()?);
    fleet.run(async {
        let key = fleet.adopt(&former, 0).await?;
        let file = file_in(&folder)?;
        let before = fs::read(&file)?;
        for process in [&former, &former, &former, &former, &newest] {
            fleet.pass(LONGER_THAN_A_LIFE).await;
            fleet.judge(&process.tokens.token(&key).await?)?;
        }
        fs::write(&file, before)?;

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
        let key = fleet.adopt(&reporting, 0).await?;
        fleet.pass(LONGER_THAN_A_LIFE).await;
        // Somebody begins, and dies before it sends.
        let read = fleet.record(&key).await?;
        let begin = Begin {
            attempt: AttemptId::random()?,
            epoch: read.epoch,
            generation: read.generation,
            lease: Duration::from_secs(LONGER_THAN_A_LEASE / 2),
            takeover: Takeover::Never,
        };
        let begun = fleet.store.begin(&key, &begin).await?;
        assert!(matches!(begun, Verdict::Accepted(_)));
        fleet.pass(LONGER_THAN_A_LEASE).await;
        let error = reporting.tokens.token(&key).await.err().ok_or("it was served")?;
        assert_eq!(error.kind(), TokenErrorKind::OutcomeUnknown);
        assert_eq!(fleet.refreshed(0), 0);

        fleet.judge(&resending.tokens.token(&key).await?)?;
        assert_eq!(fleet.refreshed(0), 1);
        Ok(())
    })
}
