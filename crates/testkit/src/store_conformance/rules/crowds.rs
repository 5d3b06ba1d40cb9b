//! Many at once, through both handles.

use countersign_tokens::{Adopt, GrantKey, GrantStore, Payload, Save, Takeover, Verdict as Answer};

use crate::Verdict;
use crate::store_conformance::Judged;
use crate::store_conformance::crowd::CROWD;
use crate::store_conformance::steps::{accepted, attempt, begin, epoch, material};
use crate::verdict::{Broken, hold};

fn handle<'a>(at: &'a Judged<'_>, index: usize) -> &'a dyn GrantStore {
    if index.is_multiple_of(2) { at.one() } else { at.other() }
}

/// One lease.
pub fn one_of_sixty_four_begins_is_accepted(at: &Judged<'_>) -> Verdict {
    let (read, key) = (at.adopt()?, at.key()?);
    let answers = at.crowd(|index| {
        let step = begin(&read, attempt()?, Takeover::Always);
        at.run(handle(at, index).begin(&key, &step))
    })?;
    let accepted = answers.iter().filter(|it| it.is_accepted()).count();
    hold!(accepted == 1, "{accepted} were accepted");
    let record = at.load()?;
    hold!((record.fence, record.attempts.len()) == (1, 1), "left: {record:?}");
    Ok(())
}

/// One answer, whole.
pub fn one_of_sixty_four_saves_is_accepted(at: &Judged<'_>) -> Verdict {
    let (read, key) = (at.adopt()?, at.key()?);
    let answers = at.crowd(|index| {
        let attempt = attempt()?;
        let material = material(&attempt.to_string());
        let (epoch, generation) = (read.epoch, read.generation);
        let save = Save { attempt, epoch, generation, material, ends_by: None, rests_for: None };
        at.run(handle(at, index).save(&key, &save))
    })?;
    let accepted = answers.iter().filter(|it| it.is_accepted()).count();
    hold!(accepted == 1, "{accepted} were accepted");
    let record = at.load()?;
    let writer = record.written_by.map(|it| it.to_string()).unwrap_or_default();
    hold!(record.generation == 2, "generation {}", record.generation);
    hold!(record.payload.as_bytes() == writer.as_bytes(), "one's tokens by another's name");
    Ok(())
}

/// One new life.
pub fn one_of_sixty_four_adoptions_is_accepted(at: &Judged<'_>) -> Verdict {
    let key = at.key()?;
    for replaces in [None, Some(())] {
        let replaces = match replaces {
            None => None,
            Some(()) => at.find()?.map(|record| record.epoch),
        };
        let answers = at.crowd(|index| {
            let adopt = Adopt { epoch: epoch()?, replaces, material: material("adopted") };
            Ok((adopt.epoch, at.run(handle(at, index).adopt(&key, &adopt))?))
        })?;
        let mut accepted = answers.iter().filter(|(_, answer)| answer.is_accepted());
        let (first, further) = (accepted.next(), accepted.count());
        hold!(first.is_some() && further == 0, "{further} too many were accepted");
        let is_there = first.is_some_and(|(epoch, _)| at.load().is_ok_and(|it| it.epoch == *epoch));
        hold!(is_there, "the accepted one is not there");
    }
    Ok(())
}

/// Nobody's grant is touched by what is done to another's.
pub fn sixty_four_grants_do_not_disturb_each_other(at: &Judged<'_>) -> Verdict {
    let keys: Vec<GrantKey> =
        (0..CROWD).map(|index| at.key_of(&format!("user {index}"))).collect::<Result<_, _>>()?;
    at.crowd(|index| {
        let (key, store) = (&keys[index], handle(at, index));
        let adopt = Adopt { epoch: epoch()?, replaces: None, material: material("adopted") };
        let mut read = accepted(at.run(store.adopt(key, &adopt))?)?;
        for round in 0..8 {
            let attempt = attempt()?;
            accepted(at.run(store.begin(key, &begin(&read, attempt, Takeover::Never)))?)?;
            let payload = Payload::new(format!("{index} in round {round}").into_bytes());
            let material = countersign_tokens::Material { payload, ..material("") };
            let (epoch, generation) = (read.epoch, read.generation);
            let save =
                Save { attempt, epoch, generation, material, ends_by: None, rests_for: None };
            read = accepted(at.run(store.save(key, &save))?)?;
        }
        Ok::<_, Broken>(())
    })?;
    for (index, key) in keys.iter().enumerate() {
        let record = at.run(at.other().load(key))?;
        let found = record.map(|it| (it.generation, it.payload.as_bytes().to_vec()));
        let expected = Some((9, format!("{index} in round 7").into_bytes()));
        hold!(found == expected, "grant {index} was disturbed");
    }
    Ok(())
}

/// A caller may go away in the midst of a step: it is done or not, and nothing between.
pub fn a_dropped_step_is_done_or_not_done(at: &Judged<'_>) -> Verdict {
    for polls in 1..=8 {
        let (read, attempt) = (at.adopt()?, attempt()?);
        let (key, step) = (at.key()?, begin(&read, attempt, Takeover::Never));
        let done = at.run(polled(at.one().begin(&key, &step), polls))?;
        let found = at.load()?;
        let has_intent = found.attempts.iter().any(|it| it.id == attempt);
        let has_lease = found.lease.is_some_and(|it| it.owner == attempt);
        hold!(has_intent == has_lease, "half of it is done: {found:?}");
        hold!(done.is_none_or(|it: Answer| it.is_accepted()), "it was refused");
        // Told again, it is done whatever became of it.
        accepted(at.run(at.other().begin(&key, &step))?)?;
    }
    Ok(())
}

/// The outcome of `work` when it comes within so many polls, and nothing when it is dropped then.
async fn polled<T>(
    work: impl Future<Output = Result<T, countersign_tokens::StoreError>>,
    polls: u32,
) -> Result<Option<T>, countersign_tokens::StoreError> {
    let mut work = std::pin::pin!(work);
    let mut left = polls;
    std::future::poll_fn(|context| {
        left -= 1;
        match work.as_mut().poll(context) {
            std::task::Poll::Ready(done) => std::task::Poll::Ready(done.map(Some)),
            std::task::Poll::Pending if left == 0 => std::task::Poll::Ready(Ok(None)),
            std::task::Poll::Pending => std::task::Poll::Pending,
        }
    })
    .await
}
