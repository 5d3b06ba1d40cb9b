//! The records that are due, and the list of all records.

use std::time::Duration;

use countersign_tokens::{Due, GrantState, Page, Payload, Record, StoreTime};

use super::records::full;
use crate::steps::{record, version};
use crate::store_conformance::Judged;
use crate::verdict::hold;
use crate::{Broken, Verdict};

/// An hour in milliseconds.
const HOUR: u64 = 3_600_000;

fn at_hours(now: StoreTime, hours: u64) -> Option<StoreTime> {
    Some(now.plus(Duration::from_millis(hours * HOUR)))
}

/// Creates the cursor before everything that is due from `now` on.
fn cursor(at: &Judged<'_>, now: StoreTime) -> Result<Option<Due>, Broken> {
    Ok(Some(Due { due_at: now.minus(Duration::from_millis(1)), key: at.key("")? }))
}

/// The earliest come first, those that are overdue included.
pub fn due_begins_with_the_earliest(at: &Judged<'_>) -> Verdict {
    let now = at.now()?;
    let an_hour_ago = now.minus(Duration::from_millis(HOUR));
    for (subject, hours) in [("fourth", 4), ("first", 0), ("second", 2), ("third", 3)] {
        at.put(subject, Record { due_at: at_hours(an_hour_ago, hours), ..record("") })?;
    }
    let found = at.subjects(at.due(4 * HOUR, None, 1000)?);
    hold!(found == ["first", "second", "third", "fourth"], "in the order {found:?}");
    Ok(())
}

/// A record is due within exactly the time until its instant, and not within less.
pub fn due_ends_with_the_time_that_is_asked_for(at: &Judged<'_>) -> Verdict {
    at.put("user", Record { due_at: at_hours(at.now()?, 2), ..record("") })?;
    for (within, count) in [(HOUR, 0), (2 * HOUR, 1), (u64::MAX, 1)] {
        let found = at.own(at.due(within, None, 1000)?).len();
        hold!(found == count, "{found} due within {within} ms of a record due in {} ms", 2 * HOUR);
    }
    Ok(())
}

/// No record comes twice and none is missing, also where many are due at the same instant.
pub fn due_pages_join_without_gaps(at: &Judged<'_>) -> Verdict {
    let (now, mut expected) = (at.now()?, Vec::new());
    for (index, hours) in [3, 2, 1, 2, 3, 2, 1, 2, 2].into_iter().enumerate() {
        let subject = format!("user {index}");
        at.put(&subject, Record { due_at: at_hours(now, hours), ..record("") })?;
        expected.push((hours, subject));
    }
    expected.sort_unstable();
    let expected: Vec<_> = expected.into_iter().map(|(_, subject)| subject).collect();
    for limit in [1, 2, 3, 9] {
        let found = at.subjects(at.due(4 * HOUR, cursor(at, now)?, limit)?);
        hold!(found == expected, "in pages of {limit}: {found:?}");
    }
    Ok(())
}

/// A record without the instant is never due.
pub fn due_leaves_out_records_without_an_instant(at: &Judged<'_>) -> Verdict {
    at.put("user", record("never"))?;
    hold!(at.own(at.due(u64::MAX, None, 1000)?).is_empty(), "it is due");
    Ok(())
}

/// A swap moves the record to its new instant, or to none, and a conflict does not.
pub fn due_follows_a_swap(at: &Judged<'_>) -> Verdict {
    let now = at.now()?;
    let mut present = at.put("user", Record { due_at: Some(now), ..record("") })?;
    for due_at in [at_hours(now, 9), at_hours(now, 1), None, Some(now)] {
        let next = Record { version: version(), due_at, ..present.clone() };
        at.conflict(Some(&next), Some(&record("")), "a write over another version")?;
        at.done("user", Some(&present), Some(&next))?;
        let found = at.own(at.due(HOUR, None, 1000)?);
        let found: Vec<_> = found.into_iter().filter_map(|(_, record)| record.due_at).collect();
        let due = due_at.filter(|it| *it < now.plus(Duration::from_millis(2 * HOUR)));
        hold!(found == Vec::from_iter(due), "due at {found:?}, and should be at {due:?}");
        present = next;
    }
    Ok(())
}

/// A record that was removed is neither due nor listed.
pub fn pages_leave_out_removed_records(at: &Judged<'_>) -> Verdict {
    let present = at.put("user", full(at.now()?))?;
    at.done("user", Some(&present), None)?;
    hold!(at.own(at.due(HOUR, None, 1000)?).is_empty(), "a removed record is due");
    hold!(at.own(at.list(1000)?).is_empty(), "a removed record is listed");
    Ok(())
}

/// Pages hold records in every state, tombstones and reserved keys, as they are after the last swap.
pub fn pages_hold_whole_records(at: &Judged<'_>) -> Verdict {
    let (now, mut expected) = (at.now()?, Vec::new());
    let states = [GrantState::Live, GrantState::Unknown, GrantState::Reauthorize, GrantState::Gone];
    for (subject, state) in ["", "a", "b", "c"].into_iter().zip(states) {
        let due_at = (state != GrantState::Gone).then_some(now);
        let next = Record { state, due_at, ..full(now) };
        let former = at.put(subject, record("former"))?;
        at.done(subject, Some(&former), Some(&next))?;
        expected.push((subject.to_owned(), next));
    }
    hold!(at.own(at.list(1000)?) == expected, "other records are listed");
    expected.pop();
    hold!(at.own(at.due(HOUR, None, 1000)?) == expected, "other records are due");
    Ok(())
}

/// The keys are in the order of their bytes, whatever a language's order is.
pub fn list_is_in_the_order_of_keys(at: &Judged<'_>) -> Verdict {
    let subjects = ["b", "B", "a", "A", "_", "~", "-", ".", "\u{e9}", " ", "1", "10", "9", "aa"];
    let mut expected = Vec::new();
    for subject in subjects {
        at.put(subject, record(subject))?;
        expected.push(at.key(subject)?);
    }
    expected.sort_unstable();
    let expected: Vec<_> = expected.iter().map(|key| key.subject()).collect();
    for limit in [1, 2, 3, 14, 1000] {
        let found = at.subjects(at.list(limit)?);
        hold!(found == expected, "in pages of {limit}: {found:?}");
    }
    Ok(())
}

/// A page of what is due has at most `limit` records and 1 MiB, and at least one record.
pub fn due_pages_are_bounded(at: &Judged<'_>) -> Verdict {
    let now = at.now()?;
    are_bounded(at, Some(now), |limit| at.due(HOUR, cursor(at, now)?, limit))
}

/// A page of the list has at most `limit` records and 1 MiB, and at least one record.
pub fn list_pages_are_bounded(at: &Judged<'_>) -> Verdict {
    are_bounded(at, None, |limit| at.list(limit))
}

fn are_bounded<C>(
    at: &Judged<'_>,
    due_at: Option<StoreTime>,
    pages: impl Fn(usize) -> Result<Vec<Page<C>>, Broken>,
) -> Verdict {
    // Two of 300 KiB fill a page, and one of 800 KiB in base64 is longer than a page.
    let lengths = [300, 300, 300, 800, 1, 1, 1, 1];
    for (index, length) in lengths.into_iter().enumerate() {
        let payload = Payload::new(vec![7; length << 10]);
        at.put(&index.to_string(), Record { payload, due_at, ..record("") })?;
    }
    for limit in [3, 100] {
        let pages = pages(limit)?;
        for page in &pages {
            let length = |(key, it): &(_, Record)| it.encode(key).map_or(0, |bytes| bytes.len());
            let (count, bytes) = (page.records.len(), page.records.iter().map(length).sum());
            let fits = count <= 1 || Page::<C>::MOST_BYTES >= bytes;
            hold!(count <= limit && fits, "{count} records in {bytes} bytes, of at most {limit}");
        }
        let is_empty = |page: &Page<C>| page.records.is_empty() && page.skipped.is_empty();
        hold!(!pages.iter().rev().skip(1).any(is_empty), "a page is empty and not the last");
        let found = at.own(pages).len();
        hold!(found == lengths.len(), "{found} records in all pages of {limit}");
    }
    Ok(())
}
