//! Grants that cannot be refreshed.

use countersign_tokens::{GrantState, Negative, Record, Takeover};

use crate::Verdict;
use crate::store_conformance::Judged;
use crate::store_conformance::steps::{accepted, attempt, epoch, refused};
use crate::verdict::hold;

/// It is not due any more, and the same token as before.
pub fn a_mark_changes_the_state_alone(at: &Judged<'_>) -> Verdict {
    for (negative, state) in
        [(Negative::Unknown, GrantState::Unknown), (Negative::Reauthorize, GrantState::Reauthorize)]
    {
        let (read, holder) = (at.adopt()?, attempt()?);
        accepted(at.begin(holder, Takeover::Never)?)?;
        accepted(at.mark(&read, holder, negative)?)?;
        let record = at.load()?;
        hold!(record.state == state, "{negative:?} became {:?}", record.state);
        hold!(record.generation == read.generation, "the generation moved");
        hold!(record.payload == read.payload, "the payload changed");
        hold!(record.due_at.is_none(), "it is due: {:?}", record.due_at);
        hold!(record.lease.is_none(), "the lease stands: {:?}", record.lease);
        hold!(record.attempts.len() == 1, "the intent is gone, which its author may take back");
    }
    Ok(())
}

/// While somebody lives who is at it, nothing is lost.
pub fn a_mark_waits_for_the_lease_of_another(at: &Judged<'_>) -> Verdict {
    let (read, holder) = (at.adopt()?, attempt()?);
    accepted(at.begin(holder, Takeover::Never)?)?;
    refused(at.mark(&read, attempt()?, Negative::Unknown)?, "a mark under another's lease")?;
    at.lapse();
    accepted(at.mark(&read, attempt()?, Negative::Unknown)?)?;
    Ok(())
}

/// Theirs may be the answer that the refusal comes from.
pub fn reauthorize_waits_for_the_attempts_of_others(at: &Judged<'_>) -> Verdict {
    let (read, dead, holder) = (at.adopt()?, attempt()?, attempt()?);
    accepted(at.begin(dead, Takeover::Always)?)?;
    at.lapse();
    accepted(at.begin(holder, Takeover::Always)?)?;
    refused(at.mark(&read, holder, Negative::Reauthorize)?, "`Reauthorize` beside an intent")?;
    accepted(at.clear(&read, dead)?)?;
    accepted(at.mark(&read, holder, Negative::Reauthorize)?)?;
    Ok(())
}

/// It is said of one token, not of those that came after.
pub fn a_mark_compares_the_generation(at: &Judged<'_>) -> Verdict {
    let (read, holder) = (at.adopt()?, attempt()?);
    accepted(at.begin(holder, Takeover::Never)?)?;
    accepted(at.save(&read, holder)?)?;
    refused(at.mark(&read, holder, Negative::Reauthorize)?, "a mark of an older generation")?;
    hold!(at.load()?.state == GrantState::Live, "a live grant was marked");
    Ok(())
}

/// Nor of another life's.
pub fn a_mark_compares_the_epoch(at: &Judged<'_>) -> Verdict {
    let (read, holder) = (at.adopt()?, attempt()?);
    accepted(at.begin(holder, Takeover::Never)?)?;
    let foreign = Record { epoch: epoch()?, ..read };
    refused(at.mark(&foreign, holder, Negative::Unknown)?, "a mark of another epoch")?;
    Ok(())
}

/// Whose intent would be taken back to undo it?
pub fn unknown_is_marked_for_an_intent(at: &Judged<'_>) -> Verdict {
    let (read, author) = (at.adopt()?, attempt()?);
    refused(at.mark(&read, attempt()?, Negative::Unknown)?, "`Unknown` though nobody tried")?;
    accepted(at.begin(author, Takeover::Never)?)?;
    accepted(at.clear(&read, author)?)?;
    refused(at.mark(&read, attempt()?, Negative::Unknown)?, "`Unknown` for what was cleared")?;
    hold!(at.load()?.state == GrantState::Live, "a live grant was marked");
    Ok(())
}

/// Its answer may be lost, and it be told again; the first word stays.
pub fn a_mark_repeated_changes_nothing(at: &Judged<'_>) -> Verdict {
    let (read, marker) = (at.adopt()?, attempt()?);
    accepted(at.begin(marker, Takeover::Never)?)?;
    let first = accepted(at.mark(&read, marker, Negative::Unknown)?)?;
    let again = accepted(at.mark(&read, marker, Negative::Unknown)?)?;
    hold!(again.revision == first.revision, "it was written again");
    refused(at.mark(&read, marker, Negative::Reauthorize)?, "a second mark over the first")?;
    Ok(())
}
