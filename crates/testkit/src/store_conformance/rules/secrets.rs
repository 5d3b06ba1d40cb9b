//! Payloads are shown to nobody.

use countersign_tokens::{Adopt, Takeover};

use crate::Verdict;
use crate::store_conformance::Judged;
use crate::store_conformance::steps::{attempt, begin, epoch, material};
use crate::verdict::hold;

/// Neither by the store, nor by its answers.
pub fn no_payload_is_shown(at: &Judged<'_>) -> Verdict {
    let canary = "canary-5d1f";
    let adopt = Adopt { epoch: epoch()?, replaces: None, material: material(canary) };
    let answer = at.run(at.one().adopt(&at.key()?, &adopt))?;
    let record = at.load()?;
    let step = begin(&record, attempt()?, Takeover::Never);
    let begun = at.run(at.stores.other.begin(&at.key()?, &step))?;
    let shown = format!("{:?} {:#?} {answer:?} {record:?} {begun:#?}", at.one(), at.other());
    let bytes = format!("{:?}", canary.as_bytes());
    let bytes = bytes.trim_matches(['[', ']']);
    hold!(!shown.contains(canary) && !shown.contains(bytes), "the payload is shown");
    Ok(())
}
