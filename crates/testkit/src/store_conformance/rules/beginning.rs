//! Lease, second look and intent, in one step.

use std::time::Duration;

use countersign_tokens::{Negative, Takeover};

use crate::Verdict;
use crate::store_conformance::Judged;
use crate::store_conformance::steps::{
    LEASE, accepted, attempt, begin, epoch, is_about, material, refused,
};
use crate::verdict::hold;

/// The grant may have been adopted anew since it was read.
pub fn begin_wants_the_epoch_that_was_read(at: &Judged<'_>) -> Verdict {
    let mut wrong = begin(&at.adopt()?, attempt()?, Takeover::Always);
    wrong.epoch = epoch()?;
    refused(at.run(at.one().begin(&at.key()?, &wrong))?, "begin with another epoch")?;
    Ok(())
}

/// It may have been refreshed since it was read.
pub fn begin_wants_the_generation_that_was_read(at: &Judged<'_>) -> Verdict {
    let read = at.adopt()?;
    for generation in [0, 2] {
        let mut wrong = begin(&read, attempt()?, Takeover::Always);
        wrong.generation = generation;
        refused(at.run(at.one().begin(&at.key()?, &wrong))?, "begin with another generation")?;
    }
    Ok(())
}

/// It writes the intent and takes the lease, by the store's clock.
pub fn begin_writes_intent_and_lease(at: &Judged<'_>) -> Verdict {
    let (_, attempt) = (at.adopt()?, attempt()?);
    accepted(at.begin(attempt, Takeover::Never)?)?;
    let record = at.load()?;
    let lease = record.live_lease();
    hold!(lease.is_some_and(|it| it.owner == attempt), "no lease of its own: {record:?}");
    let left = lease.map(|it| it.until.since(record.read_at));
    hold!(is_about(left, LEASE), "the lease lasts {left:?}, and should {LEASE:?}");
    hold!(record.attempts.iter().map(|it| it.id).eq([attempt]), "no intent: {record:?}");
    hold!(record.generation == 1, "the generation moved");
    Ok(())
}

/// One at a time, however it would take over.
pub fn begin_waits_for_a_live_lease(at: &Judged<'_>) -> Verdict {
    at.adopt()?;
    accepted(at.begin(attempt()?, Takeover::Never)?)?;
    at.advance(LEASE / 2);
    for takeover in [Takeover::Never, Takeover::Within(LEASE * 9), Takeover::Always] {
        refused(at.begin(attempt()?, takeover)?, "begin under another's lease")?;
    }
    Ok(())
}

/// A clock that was set back leaves leases that would hold for as long as it was.
pub fn begin_shortens_a_lease_that_ends_too_far_away(at: &Judged<'_>) -> Verdict {
    let (read, holder, key) = (at.adopt()?, attempt()?, at.key()?);
    let mut long = begin(&read, holder, Takeover::Never);
    long.lease = LEASE * 90;
    accepted(at.run(at.one().begin(&key, &long))?)?;
    let answer = refused(at.begin(attempt()?, Takeover::Never)?, "begin under another's lease")?;
    let left = answer.live_lease().map(|it| it.until.since(answer.read_at));
    hold!(is_about(left, LEASE), "the lease lasts {left:?} more, and should {LEASE:?}");
    hold!(answer.live_lease().is_some_and(|it| it.owner == holder), "it is another's: {answer:?}");
    let found = at.load()?;
    hold!(found.lease == answer.lease, "{:?} is there, {:?} was told", found.lease, answer.lease);
    at.advance(LEASE / 2);
    refused(at.begin(attempt()?, Takeover::Never)?, "begin under a shortened lease")?;
    // Not its instants: a clock moves on by having them set back, where it is a database's own.
    hold!(at.load()?.revision == found.revision, "it was shortened again");
    Ok(())
}

/// Its answer may be lost, and it be told again.
pub fn begin_repeated_changes_nothing(at: &Judged<'_>) -> Verdict {
    let (read, attempt) = (at.adopt()?, attempt()?);
    let step = begin(&read, attempt, Takeover::Never);
    let first = accepted(at.run(at.one().begin(&at.key()?, &step))?)?;
    for _ in 0..2 {
        let again = accepted(at.run(at.other().begin(&at.key()?, &step))?)?;
        hold!(again.revision == first.revision, "it was written again");
        hold!(again.lease == first.lease && again.fence == first.fence, "another lease");
        hold!(again.attempts == first.attempts, "another intent: {:?}", again.attempts);
    }
    Ok(())
}

/// Who repeats it after the lease has run out may have been overtaken: the right to send is gone.
pub fn begin_repeated_after_its_lease_is_refused(at: &Judged<'_>) -> Verdict {
    let (read, attempt) = (at.adopt()?, attempt()?);
    let step = begin(&read, attempt, Takeover::Always);
    accepted(at.run(at.one().begin(&at.key()?, &step))?)?;
    at.lapse();
    refused(at.run(at.one().begin(&at.key()?, &step))?, "begin repeated too late")?;
    Ok(())
}

/// The permission to spend a refresh token does not pass with the lease.
pub fn an_intent_outlives_its_lease(at: &Judged<'_>) -> Verdict {
    let (_, dead) = (at.adopt()?, attempt()?);
    accepted(at.begin(dead, Takeover::Never)?)?;
    at.lapse();
    let shown = refused(at.begin(attempt()?, Takeover::Never)?, "begin over another's intent")?;
    hold!(shown.attempts.iter().any(|it| it.id == dead), "the intent is not shown");
    Ok(())
}

/// Where a refresh spends nothing, the intents of others are no matter.
pub fn an_intent_forbids_nothing_where_it_may_always_be_taken_over(at: &Judged<'_>) -> Verdict {
    let (_, dead, next) = (at.adopt()?, attempt()?, attempt()?);
    accepted(at.begin(dead, Takeover::Always)?)?;
    at.lapse();
    accepted(at.begin(next, Takeover::Always)?)?;
    let record = at.load()?;
    hold!(record.attempts.iter().map(|it| it.id).eq([dead, next]), "intents: {record:?}");
    hold!(record.lease.is_some_and(|it| it.owner == next), "lease: {:?}", record.lease);
    Ok(())
}

/// The window of a provider's grace began with the first request.
pub fn grace_counts_from_the_first_attempt(at: &Judged<'_>) -> Verdict {
    at.adopt()?;
    let window = Takeover::Within(LEASE * 2);
    accepted(at.begin(attempt()?, window)?)?;
    at.lapse();
    accepted(at.begin(attempt()?, window)?)?;
    at.lapse();
    refused(at.begin(attempt()?, window)?, "begin with the first attempt too long ago")?;
    Ok(())
}

/// The earliest is the first, and each has its own instant.
pub fn attempts_are_listed_in_order(at: &Judged<'_>) -> Verdict {
    at.adopt()?;
    let attempts = [attempt()?, attempt()?, attempt()?];
    for attempt in attempts {
        accepted(at.begin(attempt, Takeover::Always)?)?;
        at.lapse();
    }
    let record = at.load()?;
    hold!(record.attempts.iter().map(|it| it.id).eq(attempts), "in another order: {record:?}");
    for pair in record.attempts.windows(2) {
        hold!(pair[1].at.since(pair[0].at) >= LEASE, "their instants: {:?}", record.attempts);
    }
    Ok(())
}

/// A grant that was marked is not begun.
pub fn begin_wants_a_live_grant(at: &Judged<'_>) -> Verdict {
    for negative in [Negative::Unknown, Negative::Reauthorize] {
        let (read, marker) = (at.adopt()?, attempt()?);
        accepted(at.begin(marker, Takeover::Never)?)?;
        accepted(at.mark(&read, marker, negative)?)?;
        refused(at.begin(attempt()?, Takeover::Always)?, "begin on a marked grant")?;
    }
    Ok(())
}

/// The provider asked for a rest, or a late request of somebody may still arrive.
pub fn begin_heeds_a_rest(at: &Judged<'_>) -> Verdict {
    let (read, dead, saver) = (at.adopt()?, attempt()?, attempt()?);
    accepted(at.begin(dead, Takeover::Never)?)?;
    at.lapse();
    accepted(at.begin(saver, Takeover::Always)?)?;
    let rest = Some(Duration::from_secs(60));
    accepted(at.save_and_rest(&read, saver, material("saved"), rest)?)?;
    refused(at.begin(attempt()?, Takeover::Always)?, "begin within the rest of a save")?;
    at.advance(Duration::from_secs(61));
    accepted(at.begin(attempt()?, Takeover::Always)?)?;
    Ok(())
}

/// A later holder has a greater number, whatever came between.
pub fn a_later_lease_has_a_greater_fence(at: &Judged<'_>) -> Verdict {
    let (read, first, second, third) = (at.adopt()?, attempt()?, attempt()?, attempt()?);
    let one = accepted(at.begin(first, Takeover::Never)?)?.fence;
    accepted(at.clear(&read, first)?)?;
    let two = accepted(at.begin(second, Takeover::Never)?)?.fence;
    accepted(at.save(&read, second)?)?;
    let three = accepted(at.begin(third, Takeover::Never)?)?.fence;
    hold!(one < two && two < three, "fences {one}, {two}, {three}");
    at.lapse();
    let four = accepted(at.begin(attempt()?, Takeover::Always)?)?.fence;
    hold!(three < four, "fences {three}, {four}");
    Ok(())
}
