//! Records come back as they were written, under the key that they were written under.

use std::time::Duration;

use countersign_tokens::{Attempt, GrantState, Payload, Record, StoreTime, Swap};

use crate::Verdict;
use crate::steps::{attempt, record};
use crate::store_conformance::Judged;
use crate::verdict::hold;

/// Creates a record that has everything and is due at `now`.
pub(super) fn full(now: StoreTime) -> Record {
    let later = |secs| now.plus(Duration::from_secs(secs));
    let attempt = |secs| Attempt { id: attempt(), at: later(secs), lease_until: later(secs + 40) };
    Record {
        generation: 12,
        attempts: [0, 0, 1, 0].map(attempt).into(),
        expires_at: Some(later(600)),
        due_at: Some(now),
        retry_at: Some(later(30)),
        key_id: Some("key 1".to_owned()),
        ..record("full")
    }
}

/// Writes each record under a key of its own and loads it.
fn come_back(at: &Judged<'_>, records: impl IntoIterator<Item = Record>) -> Verdict {
    for (index, record) in records.into_iter().enumerate() {
        let written = at.put(&format!("user {index}"), record)?;
        at.expect(&format!("user {index}"), Some(&written))?;
    }
    Ok(())
}

/// The store keeps every state, tombstones included.
pub fn every_state_comes_back(at: &Judged<'_>) -> Verdict {
    use GrantState::{Gone, Live, Reauthorize, Unknown};
    come_back(at, [Live, Unknown, Reauthorize, Gone].map(|it| Record { state: it, ..record("") }))
}

/// A generation has 64 bits.
pub fn every_generation_comes_back(at: &Judged<'_>) -> Verdict {
    come_back(at, [0, (1 << 53) + 1, u64::MAX].map(|it| Record { generation: it, ..record("") }))
}

/// The attempts keep their order, which is neither that of their ids nor that of their instants.
pub fn attempts_come_back_in_order(at: &Judged<'_>) -> Verdict {
    let full = full(at.now()?);
    let attempts = full.attempts.iter().rev().copied().collect();
    come_back(at, [Record { attempts, ..record("") }, full])
}

/// Each instant comes back to the millisecond, and a missing one stays missing.
pub fn times_come_back(at: &Judged<'_>) -> Verdict {
    let now = at.now()?;
    let time = |millis| Some(now.plus(Duration::from_millis(millis)));
    come_back(
        at,
        [
            Record { due_at: time(3_600_001), ..record("") },
            Record { expires_at: time(86_400_002), retry_at: time(3), ..record("") },
        ],
    )
}

/// The key id is any text, or none.
pub fn a_key_id_comes_back(at: &Judged<'_>) -> Verdict {
    let ids = [None, Some("key 1"), Some("\"\u{e9}\\'")];
    come_back(at, ids.map(|it| Record { key_id: it.map(str::to_owned), ..record("") }))
}

/// Payloads are bytes, not text.
pub fn every_payload_comes_back_byte_for_byte(at: &Judged<'_>) -> Verdict {
    let every: Vec<u8> = (0..=255).collect();
    let payloads: [&[u8]; 6] =
        [&every, b"a\0b", b" leading and trailing ", b"\xff\xfe", b"line\r\nline\n", b"'; \\x00--"];
    come_back(at, payloads.map(|it| Record { payload: Payload::new(it.to_vec()), ..record("") }))
}

/// A payload may be empty, or 300 KiB long.
pub fn payloads_of_every_length_come_back(at: &Judged<'_>) -> Verdict {
    let payload = |length| Payload::new((0..=250).cycle().take(length).collect());
    let lengths = [0, 1, 4096, 64 << 10, 300 << 10];
    come_back(at, lengths.map(|it| Record { payload: payload(it), ..record("") }))
}

/// Keys that a case folding, pattern, template or file system takes for the same are different.
pub fn keys_that_look_alike_are_different(at: &Judged<'_>) -> Verdict {
    let [one, two] = ["1", "2"].map(|end| "x".repeat(900) + end);
    let subjects = [
        "User",
        "user",
        "user ",
        "user.",
        "u\u{e9}",
        "ue\u{301}",
        "a/b",
        "a%2Fb",
        "..",
        ".",
        "*",
        "us?r",
        "us_r",
        "{user}",
        "'; DROP TABLE grants; --",
        "user\0",
        "user:1",
        &one,
        &two,
    ];
    are_different(at, &subjects)
}

/// A reserved key is a key like every other.
pub fn reserved_keys_are_kept(at: &Judged<'_>) -> Verdict {
    are_different(at, &["", "-"])
}

fn are_different(at: &Judged<'_>, subjects: &[&str]) -> Verdict {
    let written = subjects.iter().map(|subject| at.put(subject, record(subject)));
    let written = written.collect::<Result<Vec<_>, _>>()?;
    subjects.iter().zip(&written).try_for_each(|(key, record)| at.expect(key, Some(record)))
}

/// A handle that is opened later has every record.
pub fn a_reopened_store_has_every_record(at: &Judged<'_>) -> Verdict {
    let Some(reopen) = &at.stores.reopen else { return Ok(()) };
    let (key, written) = (at.key("user")?, at.put("user", full(at.now()?))?);
    let reopened = reopen();
    let found = at.run(reopened.load(&key))?.record;
    hold!(found.as_ref() == Some(&written), "the reopened store has {found:?}");
    let swap = at.run(reopened.swap(&key, Some(written.version), Some(&record("next"))))?;
    hold!(matches!(swap, Swap::Done(_)), "the reopened store compares with another version");
    Ok(())
}

/// The `Debug` output of the store and of its answers shows no payload.
pub fn no_payload_is_shown(at: &Judged<'_>) -> Verdict {
    let (canary, key) = ("canary-5d1f", at.key("user")?);
    let written = Record { payload: record(canary).payload, ..full(at.now()?) };
    let swaps = [at.swap("user", None, Some(&written))?, at.swap("user", None, None)?];
    let (loaded, pages) = (at.run(at.store().load(&key))?, (at.list(100)?, at.due(0, None, 100)?));
    let shown = format!("{:?} {:#?} {swaps:?} {loaded:?} {pages:?}", at.stores, at.stores);
    let decimal = format!("{:?}", canary.as_bytes());
    for form in [canary, decimal.trim_matches(['[', ']']), "Y2FuYXJ5LTVkMWY"] {
        hold!(!shown.contains(form), "the payload is shown as {form}");
    }
    Ok(())
}
