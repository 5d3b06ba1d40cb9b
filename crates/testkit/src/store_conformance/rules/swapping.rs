//! The compare-and-swap of one caller.

use countersign_tokens::{Payload, Record};

use super::records::full;
use crate::Verdict;
use crate::steps::{epoch, record, version};
use crate::store_conformance::Judged;
use crate::verdict::hold;

/// Where nothing was written is no record, and then the record that was written.
pub fn a_first_write_is_stored(at: &Judged<'_>) -> Verdict {
    at.expect("user", None)?;
    let first = at.put("user", record("first"))?;
    at.expect("user", Some(&first))
}

/// `expected: None` means that there must be no record.
pub fn a_first_write_conflicts_with_a_present_record(at: &Judged<'_>) -> Verdict {
    at.put("user", record("first"))?;
    at.conflict(None, Some(&record("second")), "a first write over a record").map(drop)
}

/// The record with the expected version is replaced as a whole.
pub fn a_write_replaces_the_version_that_it_expects(at: &Judged<'_>) -> Verdict {
    let first = at.put("user", full(at.now()?))?;
    let second = record("second");
    at.done("user", Some(&first), Some(&second))?;
    at.expect("user", Some(&second))
}

/// A version that was replaced, or never written, is not there.
pub fn a_write_conflicts_with_another_version(at: &Judged<'_>) -> Verdict {
    let first = at.put("user", record("first"))?;
    at.done("user", Some(&first), Some(&record("second")))?;
    for stale in [first, record("never written")] {
        at.conflict(Some(&stale), Some(&record("late")), "a write over a stale version")?;
    }
    Ok(())
}

/// A version is expected and there is no record.
pub fn a_write_conflicts_with_an_absent_record(at: &Judged<'_>) -> Verdict {
    let (expected, next) = (record("never written"), record("late"));
    let shown = at.conflict(Some(&expected), Some(&next), "a write over nothing")?;
    hold!(shown.is_none(), "the conflict shows a record where none is");
    Ok(())
}

/// The conflict's record spares the caller a load.
pub fn a_conflict_shows_the_record_that_is_there(at: &Judged<'_>) -> Verdict {
    let present = at.put("user", full(at.now()?))?;
    for expected in [None, Some(&record("other"))] {
        let shown = at.conflict(expected, Some(&record("next")), "a write over another version")?;
        hold!(shown.as_ref() == Some(&present), "the conflict shows another record");
    }
    Ok(())
}

/// A swap that conflicts changes nothing.
pub fn a_conflict_writes_nothing(at: &Judged<'_>) -> Verdict {
    let present = at.put("user", record("present"))?;
    at.conflict(Some(&record("other")), Some(&record("next")), "a write over another version")?;
    at.expect("user", Some(&present))
}

/// Versions decide, not contents, epochs or generations.
pub fn only_versions_are_compared(at: &Judged<'_>) -> Verdict {
    let first = at.put("user", Record { generation: 7, ..record("same") })?;
    let twin = Record { version: version(), ..first.clone() };
    at.conflict(Some(&twin), Some(&record("next")), "a write that expects the same content")?;
    at.done("user", Some(&first), Some(&twin))?;
    at.expect("user", Some(&twin))?;
    let lower = Record { epoch: epoch(), generation: 3, ..record("a lower generation") };
    at.done("user", Some(&twin), Some(&lower))
}

/// Nothing of the record is left, so that another one can be written.
pub fn a_removal_leaves_no_record(at: &Judged<'_>) -> Verdict {
    let present = at.put("user", record("present"))?;
    at.done("user", Some(&present), None)?;
    at.expect("user", None)?;
    at.put("user", record("next")).map(drop)
}

/// A removal compares like every swap.
pub fn a_removal_conflicts_with_another_version(at: &Judged<'_>) -> Verdict {
    let first = at.put("user", record("first"))?;
    at.done("user", Some(&first), Some(&record("second")))?;
    at.conflict(Some(&first), None, "a removal of a stale version")?;
    at.conflict(None, None, "a removal that expects no record").map(drop)
}

/// The answer to a removal may be lost, and the removal repeated.
pub fn a_removal_of_nothing_is_done(at: &Judged<'_>) -> Verdict {
    at.done("user", None, None)?;
    let present = at.put("user", record("present"))?;
    at.done("user", Some(&present), None)?;
    at.done("user", Some(&present), None)
}

/// The answer to a swap may be lost, and the swap repeated.
pub fn a_repeated_swap_is_done_and_writes_nothing(at: &Judged<'_>) -> Verdict {
    // No caller uses a version twice. Here the other payload shows that the repeated swap writes.
    let forged = |of: &Record| Record { payload: Payload::empty(), ..of.clone() };
    let (first, second) = (record("first"), record("second"));
    for (expected, next) in [(None, &first), (Some(&first), &second)] {
        at.done("user", expected, Some(next))?;
        at.done("user", expected, Some(&forged(next)))?;
        at.expect("user", Some(next))?;
    }
    Ok(())
}

/// Another process may have written since the swap was done.
pub fn a_repeated_swap_conflicts_after_another_write(at: &Judged<'_>) -> Verdict {
    let (first, second, third) = (record("first"), record("second"), record("third"));
    at.done("user", None, Some(&first))?;
    at.done("user", Some(&first), Some(&second))?;
    at.conflict(None, Some(&first), "a repeated first write that was overtaken")?;
    at.done("user", Some(&second), Some(&third))?;
    at.conflict(Some(&first), Some(&second), "a repeated swap that was overtaken")?;
    at.expect("user", Some(&third))
}

/// A delayed swap finds that its expected version is gone, whatever came after that version.
pub fn a_late_swap_is_never_carried_out(at: &Judged<'_>) -> Verdict {
    let (first, late) = (at.put("user", record("first"))?, record("late"));
    let twin = || Record { version: version(), ..first.clone() };
    let (second, third) = (twin(), twin());
    for (expected, next) in
        [(Some(&first), Some(&second)), (Some(&second), None), (None, Some(&third))]
    {
        at.done("user", expected, next)?;
        at.conflict(Some(&first), Some(&late), "a late swap")?;
        at.expect("user", next)?;
    }
    Ok(())
}
