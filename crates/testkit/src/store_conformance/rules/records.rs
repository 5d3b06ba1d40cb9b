//! What steps say of the record.

use countersign_tokens::{Negative, Record, Takeover, Verdict as Answer};

use crate::Verdict;
use crate::store_conformance::Judged;
use crate::store_conformance::steps::{LEASE, accepted, attempt, epoch, refused};
use crate::verdict::{Broken, hold};

/// And the answer is the record as it is then.
pub fn every_write_moves_the_revision(at: &Judged<'_>) -> Verdict {
    let (read, attempt) = (at.adopt()?, attempt()?);
    let mut last = read.revision;
    let mut moves = |what: &str, answer: Answer| -> Result<Record, Broken> {
        let told = accepted(answer)?;
        hold!(told.revision > last, "{what} leaves the revision at {last}");
        last = told.revision;
        let found = at.load()?;
        hold!(found == Record { read_at: found.read_at, ..told.clone() }, "{what} told {told:?}");
        Ok(told)
    };
    moves("begin", at.begin(attempt, Takeover::Never)?)?;
    moves("renew", at.renew(&read, attempt, LEASE)?)?;
    moves("clear", at.clear(&read, attempt)?)?;
    moves("begin", at.begin(attempt, Takeover::Never)?)?;
    let row = moves("save", at.save(&read, attempt)?)?;
    let row = moves("reseal", at.reseal(&row, "resealed")?)?;
    let row = moves("mark", at.mark(&row, attempt, Negative::Reauthorize)?)?;
    moves("forget", at.forget(&row, epoch()?)?)?;
    Ok(())
}

/// Whoever is refused goes by what is there.
pub fn a_refused_step_changes_nothing_and_shows_the_record(at: &Judged<'_>) -> Verdict {
    let (read, holder, other) = (at.adopt()?, attempt()?, attempt()?);
    accepted(at.begin(holder, Takeover::Never)?)?;
    let before = at.load()?;
    let foreign = Record { epoch: epoch()?, ..read };
    let steps: [(&str, Answer); 7] = [
        ("begin", at.begin(other, Takeover::Never)?),
        ("save", at.save(&foreign, other)?),
        ("clear", at.clear(&foreign, holder)?),
        ("renew", at.renew(&foreign, other, LEASE)?),
        ("mark", at.mark(&foreign, other, Negative::Unknown)?),
        ("reseal", at.reseal(&foreign, "foreign")?),
        ("forget", at.forget(&foreign, epoch()?)?),
    ];
    for (what, answer) in steps {
        let shown = refused(answer, what)?;
        hold!(shown == Record { read_at: shown.read_at, ..before.clone() }, "{what}: {shown:?}");
    }
    let after = at.load()?;
    hold!(after == Record { read_at: after.read_at, ..before }, "changed to {after:?}");
    Ok(())
}
