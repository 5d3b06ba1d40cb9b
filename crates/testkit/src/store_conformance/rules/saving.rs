//! What a refresh brought, which is the newest there is.

use std::time::Duration;

use countersign_tokens::{GrantState, Negative, Record, Save, StoreTime, Takeover};

use crate::Verdict;
use crate::store_conformance::Judged;
use crate::store_conformance::steps::{accepted, attempt, epoch, is_about, material, refused};
use crate::verdict::hold;

/// It is the next generation, and nobody is at it any more.
pub fn save_moves_the_generation_and_releases(at: &Judged<'_>) -> Verdict {
    let (read, attempt) = (at.adopt()?, attempt()?);
    accepted(at.begin(attempt, Takeover::Never)?)?;
    accepted(at.save(&read, attempt)?)?;
    let record = at.load()?;
    hold!(record.epoch == read.epoch, "the epoch moved");
    hold!(record.generation == 2, "generation {}", record.generation);
    hold!(record.written_by == Some(attempt), "written by {:?}", record.written_by);
    hold!(record.lease.is_none(), "the lease stands");
    hold!(record.payload.as_bytes() == b"saved", "another payload");
    Ok(())
}

/// The intents were on the former generation: all of them are settled.
pub fn save_settles_every_intent(at: &Judged<'_>) -> Verdict {
    let (read, dead, attempt) = (at.adopt()?, attempt()?, attempt()?);
    accepted(at.begin(dead, Takeover::Always)?)?;
    at.lapse();
    accepted(at.begin(attempt, Takeover::Always)?)?;
    accepted(at.save(&read, attempt)?)?;
    hold!(at.load()?.attempts.is_empty(), "intents stand: {:?}", at.load()?.attempts);
    Ok(())
}

/// A late answer is taken from whoever has it.
pub fn save_is_not_fenced(at: &Judged<'_>) -> Verdict {
    let (read, late) = (at.adopt()?, attempt()?);
    accepted(at.begin(late, Takeover::Never)?)?;
    at.lapse();
    accepted(at.begin(attempt()?, Takeover::Always)?)?;
    accepted(at.save(&read, late)?)?;
    hold!(at.load()?.payload.as_bytes() == b"saved", "another payload");
    Ok(())
}

/// An answer to a token that is not the newest is not newer than what is there.
pub fn save_compares_the_generation(at: &Judged<'_>) -> Verdict {
    let (read, first) = (at.adopt()?, attempt()?);
    accepted(at.begin(first, Takeover::Never)?)?;
    accepted(at.save(&read, first)?)?;
    refused(at.save_this(&read, attempt()?, material("older"))?, "an older token over a newer")?;
    let ahead = Record { generation: 3, ..read };
    refused(at.save_this(&ahead, attempt()?, material("ahead"))?, "a token from nowhere")?;
    hold!(at.load()?.generation == 2, "the generation moved");
    Ok(())
}

/// Nor is an answer to a token of another life.
pub fn save_compares_the_epoch(at: &Judged<'_>) -> Verdict {
    let foreign = Record { epoch: epoch()?, ..at.adopt()? };
    refused(at.save(&foreign, attempt()?)?, "a token of another epoch")?;
    hold!(at.load()?.payload.as_bytes() == b"adopted", "it is there all the same");
    Ok(())
}

/// Its answer may be lost, and it be told again.
pub fn save_repeated_changes_nothing(at: &Judged<'_>) -> Verdict {
    let (read, attempt) = (at.adopt()?, attempt()?);
    accepted(at.begin(attempt, Takeover::Never)?)?;
    let first = accepted(at.save(&read, attempt)?)?;
    for _ in 0..2 {
        let again = accepted(at.save(&read, attempt)?)?;
        hold!(again.generation == 2, "the generation moved to {}", again.generation);
        hold!(again.revision == first.revision, "it was written again");
    }
    Ok(())
}

/// A late answer takes a report back.
pub fn save_is_accepted_over_marks(at: &Judged<'_>) -> Verdict {
    for negative in [Negative::Unknown, Negative::Reauthorize] {
        let (read, late) = (at.adopt()?, attempt()?);
        accepted(at.begin(late, Takeover::Always)?)?;
        at.lapse();
        let by = if negative == Negative::Unknown { attempt()? } else { late };
        accepted(at.mark(&read, by, negative)?)?;
        accepted(at.save(&read, late)?)?;
        let record = at.load()?;
        hold!(record.state == GrantState::Live, "{negative:?} stays: {:?}", record.state);
        hold!(record.due_at.is_some(), "it is never due");
    }
    Ok(())
}

/// Whoever saves: the requests of others may still arrive.
pub fn a_save_rests_beside_the_intents_of_others_alone(at: &Judged<'_>) -> Verdict {
    let rest = Duration::from_secs(60);
    for is_late in [true, false] {
        let (read, first, second) = (at.adopt()?, attempt()?, attempt()?);
        accepted(at.begin(first, Takeover::Always)?)?;
        at.lapse();
        accepted(at.begin(second, Takeover::Always)?)?;
        let by = if is_late { first } else { second };
        accepted(at.save_and_rest(&read, by, material("saved"), Some(rest))?)?;
        let record = at.load()?;
        let left = record.not_before.map(|it| it.since(record.read_at));
        hold!(is_about(left, rest), "it rests for {left:?} more, and should {rest:?}");
    }

    let (read, alone) = (at.adopt()?, attempt()?);
    accepted(at.begin(alone, Takeover::Always)?)?;
    accepted(at.save_and_rest(&read, alone, material("saved"), Some(rest))?)?;
    hold!(at.load()?.not_before.is_none(), "it rests although nobody else was at it");
    Ok(())
}

/// New tokens have new times.
pub fn save_takes_the_times_anew(at: &Judged<'_>) -> Verdict {
    let (read, attempt) = (at.adopt()?, attempt()?);
    at.advance(Duration::from_secs(3000));
    accepted(at.begin(attempt, Takeover::Never)?)?;
    accepted(at.clear_and_rest(&read, attempt, Some(Duration::from_secs(1)))?)?;
    at.advance(Duration::from_secs(20));
    accepted(at.begin(attempt, Takeover::Never)?)?;
    let mut new = material("saved");
    (new.expires_in, new.due_in) =
        (Some(Duration::from_secs(7200)), Some(Duration::from_secs(600)));
    accepted(at.save_this(&read, attempt, new)?)?;
    let record = at.load()?;
    let from_now = |at: Option<StoreTime>| at.map(|it| it.since(record.read_at));
    hold!(is_about(from_now(record.expires_at), Duration::from_secs(7200)), "ends: {record:?}");
    hold!(is_about(from_now(record.due_at), Duration::from_secs(600)), "due: {record:?}");
    hold!(record.not_before.is_none(), "a former rest stands: {:?}", record.not_before);
    Ok(())
}

/// The durations of a save that comes late are longer than what is left.
pub fn a_save_that_comes_late_ends_no_later(at: &Judged<'_>) -> Verdict {
    let (read, attempt) = (at.adopt()?, attempt()?);
    let begun = accepted(at.begin(attempt, Takeover::Never)?)?;
    let end = begun.read_at.plus(Duration::from_secs(600));
    let (epoch, generation, material) = (read.epoch, read.generation, material("saved"));
    let save = Save { attempt, epoch, generation, material, ends_by: Some(end), rests_for: None };
    at.advance(Duration::from_secs(60));
    accepted(at.save_so(&save)?)?;
    let record = at.load()?;
    let times = (record.expires_at, record.due_at);
    hold!(times == (Some(end), Some(end)), "ends and due: {times:?}, and not {end:?}");

    let (read, attempt) = (at.adopt()?, self::attempt()?);
    accepted(at.begin(attempt, Takeover::Never)?)?;
    let mut timeless = self::material("saved");
    (timeless.expires_in, timeless.due_in) = (None, None);
    let (epoch, generation, material) = (read.epoch, read.generation, timeless);
    let save = Save { attempt, epoch, generation, material, ends_by: Some(end), rests_for: None };
    accepted(at.save_so(&save)?)?;
    let record = at.load()?;
    let times = (record.expires_at, record.due_at);
    hold!(times == (None, None), "ends and due where nobody knows: {times:?}");
    Ok(())
}

/// The clock of the store goes on between two looks.
pub fn what_is_left_grows_less(at: &Judged<'_>) -> Verdict {
    at.adopt()?;
    for minutes in [10, 20] {
        at.advance(Duration::from_secs(600));
        let record = at.load()?;
        let left = record.expires_at.map(|it| it.since(record.read_at));
        let expected = Duration::from_secs(3600 - minutes * 60);
        hold!(is_about(left, expected), "after {minutes} min {left:?} are left");
    }
    Ok(())
}
