//! Taking an own intent back.

use std::time::Duration;

use countersign_tokens::{GrantState, Negative, Record, Takeover};

use crate::Verdict;
use crate::store_conformance::Judged;
use crate::store_conformance::steps::{accepted, attempt, epoch, refused};
use crate::verdict::hold;

/// And nobody else's.
pub fn clear_takes_back_the_own_intent_alone(at: &Judged<'_>) -> Verdict {
    let (read, one, other) = (at.adopt()?, attempt()?, attempt()?);
    accepted(at.begin(one, Takeover::Never)?)?;
    at.lapse();
    accepted(at.begin(other, Takeover::Always)?)?;
    accepted(at.clear(&read, one)?)?;
    let record = at.load()?;
    hold!(record.attempts.iter().map(|it| it.id).eq([other]), "intents: {:?}", record.attempts);
    hold!(record.lease.is_some_and(|it| it.owner == other), "lease: {:?}", record.lease);
    Ok(())
}

/// What others have left forbids as before, although nobody has the lease.
pub fn the_intents_of_others_outlast_a_clear(at: &Judged<'_>) -> Verdict {
    let (read, dead, other, next) = (at.adopt()?, attempt()?, attempt()?, attempt()?);
    accepted(at.begin(dead, Takeover::Always)?)?;
    at.lapse();
    accepted(at.begin(other, Takeover::Always)?)?;
    accepted(at.clear(&read, other)?)?;
    refused(at.begin(next, Takeover::Never)?, "a begin beside the intent of another")?;
    accepted(at.begin(next, Takeover::Always)?)?;
    let attempts = at.load()?.attempts;
    hold!(attempts.iter().map(|it| it.id).eq([dead, next]), "intents: {attempts:?}");
    Ok(())
}

/// Whoever comes next may begin.
pub fn clear_releases(at: &Judged<'_>) -> Verdict {
    let (read, attempt_of_one) = (at.adopt()?, attempt()?);
    accepted(at.begin(attempt_of_one, Takeover::Never)?)?;
    accepted(at.clear(&read, attempt_of_one)?)?;
    accepted(at.begin(attempt()?, Takeover::Never)?)?;
    Ok(())
}

/// Its answer may be lost, and it be told again; or it is told of what never came to be.
pub fn clear_repeated_changes_nothing(at: &Judged<'_>) -> Verdict {
    let (read, attempt_of_one) = (at.adopt()?, attempt()?);
    accepted(at.begin(attempt_of_one, Takeover::Never)?)?;
    let first = accepted(at.clear(&read, attempt_of_one)?)?;
    for attempt in [attempt_of_one, attempt()?] {
        let again = accepted(at.clear(&read, attempt)?)?;
        hold!(again.revision == first.revision, "it was written again");
    }
    Ok(())
}

/// Once nobody is left whose answer was lost, nothing was lost.
pub fn clear_takes_unknown_back(at: &Judged<'_>) -> Verdict {
    let (read, one, other) = (at.adopt()?, attempt()?, attempt()?);
    accepted(at.begin(one, Takeover::Never)?)?;
    at.lapse();
    accepted(at.begin(other, Takeover::Always)?)?;
    at.lapse();
    accepted(at.mark(&read, attempt()?, Negative::Unknown)?)?;
    accepted(at.clear(&read, one)?)?;
    hold!(at.load()?.state == GrantState::Unknown, "taken back while another intent stands");
    accepted(at.clear(&read, other)?)?;
    let record = at.load()?;
    hold!(record.state == GrantState::Live, "not taken back");
    hold!(record.due_at.is_some_and(|it| it <= record.read_at), "it is not due: {record:?}");
    accepted(at.begin(attempt()?, Takeover::Never)?)?;
    Ok(())
}

/// What the provider refused it goes on refusing.
pub fn clear_leaves_reauthorize(at: &Judged<'_>) -> Verdict {
    let (read, attempt) = (at.adopt()?, attempt()?);
    accepted(at.begin(attempt, Takeover::Never)?)?;
    accepted(at.mark(&read, attempt, Negative::Reauthorize)?)?;
    accepted(at.clear(&read, attempt)?)?;
    hold!(at.load()?.state == GrantState::Reauthorize, "taken back");
    Ok(())
}

/// A former life's intents are nobody's now.
pub fn clear_compares_the_epoch(at: &Judged<'_>) -> Verdict {
    let (read, attempt) = (at.adopt()?, attempt()?);
    accepted(at.begin(attempt, Takeover::Never)?)?;
    let foreign = Record { epoch: epoch()?, ..read };
    refused(at.clear(&foreign, attempt)?, "a clear in another epoch")?;
    hold!(at.load()?.attempts.len() == 1, "the intent is gone");
    Ok(())
}

/// The longer rest counts.
pub fn clear_lets_the_grant_rest(at: &Judged<'_>) -> Verdict {
    let (read, first, second) = (at.adopt()?, attempt()?, attempt()?);
    accepted(at.begin(first, Takeover::Always)?)?;
    at.lapse();
    accepted(at.begin(second, Takeover::Always)?)?;
    accepted(at.clear_and_rest(&read, first, Some(Duration::from_secs(100)))?)?;
    accepted(at.clear_and_rest(&read, second, Some(Duration::from_secs(10)))?)?;
    at.advance(Duration::from_secs(50));
    refused(at.begin(attempt()?, Takeover::Always)?, "begin within a rest")?;
    at.advance(Duration::from_secs(51));
    accepted(at.begin(attempt()?, Takeover::Always)?)?;
    Ok(())
}
