//! Grants that are gone stay gone.

use countersign_tokens::{GrantState, Negative, Record, Takeover};

use crate::Verdict;
use crate::store_conformance::Judged;
use crate::store_conformance::steps::{LEASE, accepted, attempt, epoch, refused};
use crate::verdict::hold;

/// What is left holds no token.
pub fn a_forgotten_grant_leaves_a_tombstone(at: &Judged<'_>) -> Verdict {
    let (_, tombstone) = (at.adopt()?, epoch()?);
    accepted(at.begin(attempt()?, Takeover::Never)?)?;
    accepted(at.forget(&at.load()?, tombstone)?)?;
    let record = at.load()?;
    hold!((record.epoch, record.state) == (tombstone, GrantState::Gone), "left: {record:?}");
    hold!(record.payload.as_bytes().is_empty(), "its tokens are there still");
    hold!(record.key_id.is_none(), "sealed by {:?}", record.key_id);
    hold!(record.lease.is_none() && record.attempts.is_empty(), "somebody is at it: {record:?}");
    let times = (record.expires_at, record.due_at, record.not_before);
    hold!(times == (None, None, None), "it has times: {record:?}");
    Ok(())
}

/// It may have been adopted anew since it was read.
pub fn forget_compares_the_epoch(at: &Judged<'_>) -> Verdict {
    let foreign = Record { epoch: epoch()?, ..at.adopt()? };
    refused(at.forget(&foreign, epoch()?)?, "forgetting another life")?;
    hold!(at.load()?.state == GrantState::Live, "it is gone");
    Ok(())
}

/// Its answer may be lost, and it be told again.
pub fn forget_repeated_changes_nothing(at: &Judged<'_>) -> Verdict {
    let (read, tombstone) = (at.adopt()?, epoch()?);
    let first = accepted(at.forget(&read, tombstone)?)?;
    let again = accepted(at.forget(&read, tombstone)?)?;
    hold!(again.revision == first.revision, "it was written again");
    Ok(())
}

/// Whatever was under way.
pub fn nothing_late_brings_back_what_was_forgotten(at: &Judged<'_>) -> Verdict {
    let (read, late) = (at.adopt()?, attempt()?);
    accepted(at.begin(late, Takeover::Never)?)?;
    let tombstone = epoch()?;
    accepted(at.forget(&read, tombstone)?)?;
    refused(at.save(&read, late)?, "a late save")?;
    refused(at.clear(&read, late)?, "a late clear")?;
    refused(at.renew(&read, late, LEASE)?, "a late renewal")?;
    refused(at.mark(&read, late, Negative::Unknown)?, "a late mark")?;
    refused(at.begin(late, Takeover::Always)?, "begin on a tombstone")?;
    refused(at.save(&at.load()?, late)?, "a save into a tombstone")?;
    refused(at.reseal(&at.load()?, "late")?, "a reseal of a tombstone")?;
    at.run(at.one().purge(&at.key()?, tombstone))
        .map_err(|it| crate::Broken::new(format!("purging: {it}")))?;
    hold!(at.find()?.is_none(), "the tombstone is there still");
    let answer = at.save(&read, late)?;
    hold!(!answer.is_accepted() && at.find()?.is_none(), "a late save brought it back");
    Ok(())
}

/// It names the tombstone that it means, and takes nothing that lives.
pub fn purge_takes_the_tombstone_that_it_names(at: &Judged<'_>) -> Verdict {
    let read = at.adopt()?;
    at.run(at.one().purge(&at.key()?, read.epoch))?;
    hold!(at.find()?.is_some(), "a live grant was purged");
    let tombstone = epoch()?;
    accepted(at.forget(&read, tombstone)?)?;
    at.run(at.one().purge(&at.key()?, epoch()?))?;
    hold!(at.find()?.is_some(), "another's tombstone was purged");
    at.run(at.one().purge(&at.key()?, tombstone))?;
    at.run(at.one().purge(&at.key()?, tombstone))?;
    hold!(at.find()?.is_none(), "the tombstone is there still");
    Ok(())
}
