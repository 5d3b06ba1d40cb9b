//! A new grant takes the place that it names.

use std::time::Duration;

use countersign_tokens::{Adopt, GrantState, Takeover};

use crate::Verdict;
use crate::store_conformance::Judged;
use crate::store_conformance::steps::{
    LEASE, accepted, attempt, begin, epoch, is_about, material, refused,
};
use crate::verdict::hold;

/// Nothing there is no error, and nothing that a step changes.
pub fn what_is_not_there_is_none(at: &Judged<'_>) -> Verdict {
    hold!(at.find()?.is_none(), "a record was there before any was stored");
    let read = at.adopt()?;
    let step = begin(&read, attempt()?, Takeover::Always);
    let elsewhere = at.key_of("nobody")?;
    let answer = at.run(at.one().begin(&elsewhere, &step))?;
    hold!(answer == countersign_tokens::Verdict::Refused(None), "begun on nothing: {answer:?}");
    hold!(at.run(at.other().load(&elsewhere))?.is_none(), "a refused step made a record");
    at.run(at.one().purge(&elsewhere, epoch()?))
        .map_err(|it| crate::Broken::new(format!("purging nothing: {it}")))
}

/// Another process reads what was stored.
pub fn an_adopted_grant_comes_back_as_it_was(at: &Judged<'_>) -> Verdict {
    let adopt = Adopt { epoch: epoch()?, replaces: None, material: material("adopted") };
    let told = accepted(at.run(at.one().adopt(&at.key()?, &adopt))?)?;
    let record = at.load()?;
    hold!((record.epoch, record.generation) == (adopt.epoch, 1), "not of its epoch: {record:?}");
    hold!(record.state == GrantState::Live, "adopted as {:?}", record.state);
    hold!(record.payload == adopt.material.payload, "another payload");
    let from_now =
        |at: Option<countersign_tokens::StoreTime>| at.map(|it| it.since(record.read_at));
    hold!(is_about(from_now(record.expires_at), Duration::from_secs(3600)), "ends: {record:?}");
    hold!(is_about(from_now(record.due_at), Duration::from_secs(3000)), "due: {record:?}");
    let is_untouched = record.lease.is_none() && record.attempts.is_empty();
    hold!(is_untouched && record.written_by.is_none(), "it has a past: {record:?}");
    hold!(record.not_before.is_none(), "it rests: {record:?}");
    hold!(told == countersign_tokens::Record { read_at: told.read_at, ..record }, "told {told:?}");
    Ok(())
}

/// What a provider does not tell is not made up.
pub fn what_is_not_known_stays_unknown(at: &Judged<'_>) -> Verdict {
    let mut unknown = material("adopted");
    (unknown.expires_in, unknown.due_in) = (None, None);
    let adopt = Adopt { epoch: epoch()?, replaces: None, material: unknown };
    accepted(at.run(at.one().adopt(&at.key()?, &adopt))?)?;
    let record = at.load()?;
    hold!(record.expires_at.is_none() && record.due_at.is_none(), "it has times: {record:?}");
    Ok(())
}

/// It replaces the epoch that was read, and nothing else.
pub fn an_adoption_replaces_what_it_names_alone(at: &Judged<'_>) -> Verdict {
    let first = at.adopt()?;
    for replaces in [None, Some(epoch()?)] {
        let adopt = Adopt { epoch: epoch()?, replaces, material: material("wrong") };
        let shown = refused(at.run(at.one().adopt(&at.key()?, &adopt))?, "another's place")?;
        hold!(shown.epoch == first.epoch, "shown another record");
    }
    let adopt = Adopt { epoch: epoch()?, replaces: Some(first.epoch), material: material("next") };
    accepted(at.run(at.one().adopt(&at.key()?, &adopt))?)?;
    hold!(at.load()?.payload.as_bytes() == b"next", "the new grant is not there");
    Ok(())
}

/// Its answer may be lost, and it be told again.
pub fn an_adoption_repeated_changes_nothing(at: &Judged<'_>) -> Verdict {
    let adopt = Adopt { epoch: epoch()?, replaces: None, material: material("first") };
    let first = accepted(at.run(at.one().adopt(&at.key()?, &adopt))?)?;
    let second = accepted(at.run(at.other().adopt(&at.key()?, &adopt))?)?;
    hold!(first.revision == second.revision, "it was written again");
    Ok(())
}

/// One that is told again after another has come does not come back.
pub fn an_adoption_repeated_later_replaces_nothing(at: &Judged<'_>) -> Verdict {
    let first = Adopt { epoch: epoch()?, replaces: None, material: material("first") };
    accepted(at.run(at.one().adopt(&at.key()?, &first))?)?;
    let second =
        Adopt { epoch: epoch()?, replaces: Some(first.epoch), material: material("second") };
    accepted(at.run(at.other().adopt(&at.key()?, &second))?)?;
    refused(at.run(at.one().adopt(&at.key()?, &first))?, "a replaced adoption")?;
    hold!(at.load()?.payload.as_bytes() == b"second", "the first came back");
    Ok(())
}

/// A tombstone is something there.
pub fn an_adoption_over_a_tombstone_names_it(at: &Judged<'_>) -> Verdict {
    let (read, tombstone) = (at.adopt()?, epoch()?);
    accepted(at.forget(&read, tombstone)?)?;
    for replaces in [None, Some(read.epoch)] {
        let adopt = Adopt { epoch: epoch()?, replaces, material: material("wrong") };
        refused(at.run(at.one().adopt(&at.key()?, &adopt))?, "over a tombstone that it knows not")?;
    }
    let adopt = Adopt { epoch: epoch()?, replaces: Some(tombstone), material: material("next") };
    accepted(at.run(at.one().adopt(&at.key()?, &adopt))?)?;
    hold!(at.load()?.state == GrantState::Live, "the new grant does not live");
    Ok(())
}

/// Nothing of the former life is left, and nothing of it that comes late is taken.
pub fn an_adoption_ends_what_was_under_way(at: &Judged<'_>) -> Verdict {
    let (read, late) = (at.adopt()?, attempt()?);
    accepted(at.begin(late, Takeover::Never)?)?;
    let next = at.adopt()?;
    hold!(next.lease.is_none() && next.attempts.is_empty(), "a former lease stands: {next:?}");
    refused(at.save(&read, late)?, "a save of a former life")?;
    refused(at.clear(&read, late)?, "a clear of a former life")?;
    refused(at.renew(&read, late, LEASE)?, "a renewal of a former life")?;
    refused(at.mark(&read, late, countersign_tokens::Negative::Reauthorize)?, "a mark of one")?;
    accepted(at.begin(attempt()?, Takeover::Never)?)?;
    Ok(())
}
