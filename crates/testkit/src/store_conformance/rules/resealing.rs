//! Another form of the same tokens.

use countersign_tokens::{Record, Takeover};

use crate::Verdict;
use crate::store_conformance::Judged;
use crate::store_conformance::steps::{accepted, attempt, epoch, refused};
use crate::verdict::hold;

/// Only the form: an answer that is under way is not to be lost by it.
pub fn reseal_leaves_everything_else(at: &Judged<'_>) -> Verdict {
    let (_, holder) = (at.adopt()?, attempt()?);
    accepted(at.begin(holder, Takeover::Never)?)?;
    let before = at.load()?;
    accepted(at.reseal(&before, "resealed")?)?;
    let after = at.load()?;
    hold!(after.payload.as_bytes() == b"resealed", "another payload");
    let expected = Record {
        revision: after.revision,
        payload: after.payload.clone(),
        key_id: after.key_id.clone(),
        read_at: after.read_at,
        ..before
    };
    hold!(after == expected, "{after:?} in the place of {expected:?}");
    accepted(at.save(&after, holder)?)?;
    Ok(())
}

/// Whatever was written since is newer than what was read.
pub fn reseal_is_compared_on_revision(at: &Judged<'_>) -> Verdict {
    let read = at.adopt()?;
    accepted(at.begin(attempt()?, Takeover::Never)?)?;
    refused(at.reseal(&read, "resealed")?, "a reseal of what was changed since")?;
    hold!(at.load()?.payload == read.payload, "it is there all the same");
    Ok(())
}

/// Revisions of another life may be the same number.
pub fn reseal_compares_epoch_and_generation(at: &Judged<'_>) -> Verdict {
    let read = at.adopt()?;
    let foreign = Record { epoch: epoch()?, ..read.clone() };
    refused(at.reseal(&foreign, "foreign")?, "a reseal in another epoch")?;
    let ahead = Record { generation: 2, ..read };
    refused(at.reseal(&ahead, "ahead")?, "a reseal of another generation")?;
    Ok(())
}
