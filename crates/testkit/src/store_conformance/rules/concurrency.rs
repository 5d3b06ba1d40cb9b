//! Many callers at once, callers that give up, and the clock that all of them use.

use std::task::Poll;
use std::time::Duration;

use countersign_core::{Clock, SystemClock};
use countersign_tokens::{Payload, Record, Swap};

use super::records::full;
use crate::steps::{record, version};
use crate::store_conformance::judged::{CROWD, Judged};
use crate::verdict::hold;
use crate::{Broken, Verdict};

/// How far apart two instants may be that are told one after the other.
const SLACK: Duration = Duration::from_secs(10);

/// How long a clock that runs by itself is observed.
const OBSERVED: Duration = Duration::from_millis(20);

/// One of 64 first writes is done, and one of 64 swaps of the same version.
pub fn one_of_sixty_four_swaps_is_done(at: &Judged<'_>) -> Verdict {
    for _ in 0..2 {
        let expected = at.load("user")?;
        let answers = at.crowd(&|_| {
            let next = record("next");
            Ok((at.swap("user", expected.as_ref(), Some(&next))?, next))
        })?;
        let mut winners = answers.iter().filter(|(swap, _)| matches!(swap, Swap::Done(_)));
        let (winner, more) = (winners.next(), winners.count());
        hold!(winner.is_some() && more == 0, "{more} too many swaps were done");
        at.expect("user", winner.map(|(_, next)| next))?;
    }
    Ok(())
}

/// 64 callers that each add one to a counter until their swap is done add 64. The record of a
/// conflict was read after the comparison, so it never has the version that was expected.
pub fn sixty_four_swaps_lose_no_update(at: &Judged<'_>) -> Verdict {
    let first = at.put("user", Record { generation: 0, ..record("") })?;
    at.crowd(&|_| {
        let mut present = Some(first.clone());
        // A conflict shows a later record, so each of the others causes one at most.
        for _ in 0..2 * CROWD {
            let read = present.ok_or_else(|| Broken::new("the record is gone"))?;
            let generation = read.generation + 1;
            let next = Record { version: version(), generation, ..first.clone() };
            match at.swap("user", Some(&read), Some(&next))? {
                Swap::Done(_) => return Ok(()),
                Swap::Conflict(shown) => present = shown.record,
            }
            let is_old = present.as_ref().is_some_and(|it| it.version == read.version);
            hold!(!is_old, "a conflict shows the version that was expected");
        }
        Err(Broken::new("swaps conflict without end"))
    })?;
    let count = at.load("user")?.map_or(0, |it| it.generation);
    if count == CROWD as u64 { Ok(()) } else { Err(Broken::new(format!("{count} were added"))) }
}

/// Swaps of one grant do not change another.
pub fn sixty_four_grants_do_not_disturb_each_other(at: &Judged<'_>) -> Verdict {
    let written = at.crowd(&|index| {
        let mut read: Option<Record> = None;
        for round in 0..8 {
            let next = record(&format!("{index} in round {round}"));
            at.done(&index.to_string(), read.as_ref(), Some(&next))?;
            read = Some(next);
        }
        Ok(read)
    })?;
    let mut written = written.iter().enumerate();
    written.try_for_each(|(index, record)| at.expect(&index.to_string(), record.as_ref()))
}

/// A caller may drop the future of a swap at any time: the swap is done or not done.
pub fn a_dropped_swap_is_done_or_not_done(at: &Judged<'_>) -> Verdict {
    for polls in 1..=8 {
        let (subject, mut present) = (format!("dropped after {polls}"), None::<Record>);
        let key = at.key(&subject)?;
        for round in 0..4 {
            let payload = Payload::new(vec![round; 4096]);
            let next = Record { payload, key_id: Some(round.to_string()), ..record("") };
            let expected = present.as_ref().map(|it| it.version);
            let mut swap = at.store().swap(&key, expected, Some(&next));
            let mut left = polls;
            // The future is dropped inside of the runtime, which connections may need to be returned.
            at.run(std::future::poll_fn(move |context| {
                left -= 1;
                match swap.as_mut().poll(context) {
                    Poll::Pending if left > 0 => Poll::Pending,
                    _ => Poll::Ready(Ok(())),
                }
            }))?;
            let found = at.load(&subject)?;
            hold!(found == present || found.as_ref() == Some(&next), "half is done: {found:?}");
            at.done(&subject, present.as_ref(), Some(&next))?;
            at.expect(&subject, Some(&next))?;
            present = Some(next);
        }
    }
    Ok(())
}

/// Every answer of both handles tells the time of one clock.
pub fn every_answer_tells_the_stores_time(at: &Judged<'_>) -> Verdict {
    let (key, before) = (at.key("user")?, at.now()?);
    let present = full(before);
    let told = |swap| match swap {
        Swap::Done(now) => now,
        Swap::Conflict(present) => present.read_at,
    };
    let answers = [
        ("a first write", told(at.swap("user", None, Some(&present))?)),
        ("a repeated swap", told(at.swap("user", None, Some(&present))?)),
        ("a conflict", told(at.swap("user", None, Some(&record("other")))?)),
        ("a load", at.run(at.store().load(&key))?.read_at),
        ("due", at.run(at.store().due(SLACK, None, 1))?.read_at),
        ("list", at.run(at.store().list(None, 1))?.read_at),
        ("a removal", told(at.swap("user", Some(&present), None)?)),
    ];
    for (what, now) in answers {
        let is_near = now.since(before).max(before.since(now)) < SLACK;
        hold!(is_near, "{what} tells {now:?}, and the load before told {before:?}");
    }
    Ok(())
}

/// The clock moves on, in milliseconds.
pub fn the_stores_time_moves(at: &Judged<'_>) -> Verdict {
    let (began, before) = (SystemClock.now(), at.now()?);
    let by = if at.stores.advance.is_some() { SLACK * 6 } else { OBSERVED / 2 };
    at.stores.advance.iter().for_each(|advance| advance(by));
    while at.stores.advance.is_none() && SystemClock.now() - began < OBSERVED {
        at.now()?;
    }
    let moved = at.now()?.since(before);
    let most = SystemClock.now() - began + by + SLACK / 10;
    hold!(moved >= by && moved < most, "the time moved {moved:?}, and should at least {by:?}");
    Ok(())
}
