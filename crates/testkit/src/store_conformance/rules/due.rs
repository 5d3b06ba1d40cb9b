//! Which grants are to be refreshed.

use std::time::Duration;

use countersign_tokens::{Adopt, Negative, Takeover};

use crate::Verdict;
use crate::store_conformance::Judged;
use crate::store_conformance::steps::{accepted, attempt, epoch, material};
use crate::verdict::{Broken, hold};

const HOUR: Duration = Duration::from_secs(3600);

fn adopt_due(at: &Judged<'_>, subject: &str, due_in: Option<Duration>) -> Result<(), Broken> {
    let material = countersign_tokens::Material { due_in, ..material("due") };
    let adopt = Adopt { epoch: epoch()?, replaces: None, material };
    accepted(at.run(at.one().adopt(&at.key_of(subject)?, &adopt))?)?;
    Ok(())
}

/// The earliest first, and none that is later than asked for.
pub fn due_lists_what_lives_in_order(at: &Judged<'_>) -> Verdict {
    for minutes in [30_u64, 10, 20, 90] {
        adopt_due(at, &format!("in {minutes}"), Some(Duration::from_secs(minutes * 60)))?;
    }
    adopt_due(at, "never", None)?;
    let found = at.due_subjects(HOUR, 1000)?;
    hold!(found == ["in 10", "in 20", "in 30"], "listed {found:?}");
    at.advance(Duration::from_secs(31 * 60));
    let found = at.due_subjects(HOUR, 1000)?;
    hold!(found == ["in 10", "in 20", "in 30", "in 90"], "later listed {found:?}");
    Ok(())
}

/// Nothing twice, nothing left out, where many are due at the same instant too.
pub fn due_pages_join_without_gaps(at: &Judged<'_>) -> Verdict {
    for index in 0..9 {
        adopt_due(at, &format!("user {index}"), Some(Duration::ZERO))?;
    }
    let mut found = at.due_subjects(HOUR, 2)?;
    found.sort_unstable();
    let expected: Vec<_> = (0..9).map(|index| format!("user {index}")).collect();
    hold!(found == expected, "in pages of two: {found:?}");
    Ok(())
}

/// What cannot be refreshed is not due.
pub fn due_leaves_out_what_cannot_be_refreshed(at: &Judged<'_>) -> Verdict {
    let read = at.adopt()?;
    hold!(at.due(HOUR, 1000)?.len() == 1, "it is not due to begin with");
    let author = attempt()?;
    accepted(at.begin(author, Takeover::Never)?)?;
    accepted(at.mark(&read, author, Negative::Unknown)?)?;
    hold!(at.due(HOUR, 1000)?.is_empty(), "an `Unknown` one is due");
    let read = at.adopt()?;
    accepted(at.mark(&read, attempt()?, Negative::Reauthorize)?)?;
    hold!(at.due(HOUR, 1000)?.is_empty(), "a `Reauthorize` one is due");
    let read = at.adopt()?;
    accepted(at.forget(&read, epoch()?)?)?;
    hold!(at.due(HOUR, 1000)?.is_empty(), "a tombstone is due");
    Ok(())
}

/// A refresh moves it on.
pub fn due_follows_a_save(at: &Judged<'_>) -> Verdict {
    adopt_due(at, "user", Some(Duration::ZERO))?;
    let (read, attempt) = (at.load()?, attempt()?);
    accepted(at.begin(attempt, Takeover::Never)?)?;
    let later = countersign_tokens::Material { due_in: Some(HOUR * 2), ..material("saved") };
    accepted(at.save_this(&read, attempt, later)?)?;
    hold!(at.due(HOUR, 1000)?.is_empty(), "it is due as before");
    at.advance(HOUR * 3 / 2);
    hold!(at.due(HOUR, 1000)?.len() == 1, "it is not due any more");
    Ok(())
}

/// It could not be begun before.
pub fn what_rests_is_due_when_its_rest_is_over(at: &Judged<'_>) -> Verdict {
    adopt_due(at, "user", Some(Duration::ZERO))?;
    let (read, attempt) = (at.load()?, attempt()?);
    accepted(at.begin(attempt, Takeover::Never)?)?;
    accepted(at.clear_and_rest(&read, attempt, Some(HOUR * 2))?)?;
    hold!(at.due(HOUR, 1000)?.is_empty(), "it is due while it rests");
    at.advance(HOUR * 3 / 2);
    hold!(at.due(HOUR, 1000)?.len() == 1, "it is never due again");
    Ok(())
}

/// Instants mean something beside the store's clock alone.
pub fn due_tells_the_stores_time(at: &Judged<'_>) -> Verdict {
    let key = at.key()?;
    for _ in 0..2 {
        let page = at.run(at.other().due(HOUR, None, 1))?;
        at.adopt()?;
        let record = at.run(at.other().load(&key))?.ok_or_else(|| Broken::new("nothing"))?;
        let (before, after) =
            (record.read_at.since(page.read_at), page.read_at.since(record.read_at));
        let apart = before.max(after);
        hold!(apart < Duration::from_secs(10), "a page and a record are {apart:?} apart");
        at.advance(HOUR);
    }
    Ok(())
}
