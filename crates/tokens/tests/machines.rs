//! The machines at the events that a fleet meets seldom.

use std::time::Duration;

use countersign_testkit::steps::{attempt, epoch, record, version};
use countersign_tokens::protocol::{
    Action, Config, Contents, Event, Failure, Found, Input, Insert, InsertAction, InsertEvent,
    InsertInput, Inserted, Now, Refresh, Rules, Spending, Step, Tokens,
};
use countersign_tokens::{Attempt, AttemptId, GrantState, Payload, Record, StoreTime};

const LEASE: Duration = Duration::from_secs(50);
const LONGEST_REST: Duration = Duration::from_secs(1);
const GRACE: Spending = Spending::Grace(Duration::from_secs(600));
const TICK: Duration = Duration::from_millis(1);

/// A refresh at one instant.
struct Run {
    machine: Refresh,
    config: Config,
    at: StoreTime,
}

impl Run {
    fn new(spending: Spending) -> Self {
        let rules = Rules {
            spending,
            lease: LEASE,
            request: Duration::from_secs(30),
            step: Duration::from_secs(5),
            margin: Duration::from_secs(3),
            report_after: Duration::from_secs(3600),
        };
        let config = Config {
            rules,
            most_requests: 2,
            patience: LEASE,
            longest_rest: LONGEST_REST,
            resends_unknown: false,
        };
        Self { machine: Refresh::new(None), config, at: StoreTime::from_millis(1_000_000_000) }
    }

    fn feed(&mut self, event: Event) -> Vec<Action> {
        let now = Now { earliest: self.at, latest: self.at };
        let input = Input { now, version: version() };
        let (machine, actions) = self.machine.clone().step(event, input, &self.config);
        self.machine = machine;
        actions
    }

    /// Feeds an event after which something is swapped. Returns what is to be written.
    fn swaps(&mut self, event: Event) -> Result<Record, String> {
        match self.feed(event).as_slice() {
            [Action::Swap { next, .. }] => Ok((**next).clone()),
            actions => Err(format!("nothing is swapped: {actions:?}")),
        }
    }

    /// Begins an attempt on `record`. Returns the record with the attempt.
    fn begin(&mut self, record: &Record) -> Result<(AttemptId, Record), String> {
        assert_eq!(self.feed(Event::Wanted), [Action::Load]);
        self.begin_on(record)
    }

    fn begin_on(&mut self, record: &Record) -> Result<(AttemptId, Record), String> {
        assert_eq!(self.feed(Event::Loaded(due(record))), [Action::Prepare]);
        let id = attempt();
        Ok((id, self.swaps(Event::Ready(id))?))
    }

    fn attempt(&self) -> Attempt {
        Attempt { id: attempt(), at: self.at, lease_until: self.at.plus(LEASE) }
    }
}

fn due(record: &Record) -> Found {
    Found { record: Some(record.clone()), tokens: Tokens::Due }
}

fn fails(failure: Failure) -> [Action; 1] {
    [Action::Finish(Err(failure))]
}

#[test]
fn g13_a_request_that_was_not_sent_is_repeated_up_to_its_bound() -> Result<(), String> {
    let mut run = Run::new(Spending::Once);
    let mut record = record("old");
    let not_sent = || Event::NotProcessed { rest: None, may_repeat: true };
    for is_last in [false, true] {
        let (id, begun) = match is_last {
            false => run.begin(&record)?,
            true => run.begin_on(&record)?,
        };
        assert_eq!(run.feed(Event::Done), [Action::Send(Box::new(begun))]);
        record = run.swaps(not_sent())?;
        assert_eq!(record.attempt(id), None);
        if is_last {
            assert_eq!(run.feed(Event::Done), fails(Failure::Provider));
        } else {
            assert_eq!(run.feed(Event::Done), [Action::BackOff]);
            assert_eq!(run.feed(Event::Woken), [Action::Load]);
        }
    }
    Ok(())
}

#[test]
fn g13_a_request_that_was_not_processed_is_repeated_only_where_that_may_help() -> Result<(), String>
{
    let mut run = Run::new(Spending::Once);
    let (_, begun) = run.begin(&record("old"))?;
    assert_eq!(run.feed(Event::Done), [Action::Send(Box::new(begun))]);
    let rest = Some(LEASE);
    let cleared = run.swaps(Event::NotProcessed { rest, may_repeat: false })?;
    assert_eq!((cleared.attempts.len(), cleared.retry_at), (0, Some(run.at.plus(LEASE))));
    assert_eq!(run.feed(Event::Done), fails(Failure::Provider));
    Ok(())
}

#[test]
fn g10_the_token_that_is_sent_is_that_of_the_record_in_which_the_attempt_stands()
-> Result<(), String> {
    let mut run = Run::new(Spending::Once);
    let (_, begun) = run.begin(&record("old"))?;
    // The attempt was written, and the payload was sealed again since.
    let payload = Payload::new(b"sealed again".to_vec());
    let present = Record { version: version(), payload, ..begun };
    let actions = run.feed(Event::Conflict(due(&present)));
    assert_eq!(actions, [Action::Send(Box::new(present))]);
    Ok(())
}

#[test]
fn g10_nothing_is_sent_when_the_attempt_holds_no_lease_any_more() -> Result<(), String> {
    let mut run = Run::new(Spending::Once);
    let (id, begun) = run.begin(&record("old"))?;
    let mut present = Record { version: version(), ..begun };
    present.attempts[0].lease_until = run.at;
    let cleared = run.swaps(Event::Conflict(due(&present)))?;
    assert_eq!(cleared.attempt(id), None);
    assert_eq!(run.feed(Event::Done), fails(Failure::Store));
    Ok(())
}

#[test]
fn a_store_that_takes_no_writes_ends_a_refresh_unless_it_spends_nothing() -> Result<(), String> {
    for (spending, is_sent) in [(Spending::Once, false), (GRACE, false), (Spending::Never, true)] {
        let mut run = Run::new(spending);
        let (_, begun) = run.begin(&record("old"))?;
        let actions = run.feed(Event::NotDone);
        if is_sent {
            assert_eq!(actions, [Action::Send(Box::new(begun))]);
        } else {
            assert_eq!(actions, fails(Failure::Store));
            assert_eq!(run.machine.step, Step::Done);
        }
    }
    Ok(())
}

#[test]
fn g12_of_unanswered_attempts_only_the_first_stays_in_a_grace_window() -> Result<(), String> {
    let mut run = Run::new(GRACE);
    let (first, begun) = run.begin(&record("old"))?;
    assert_eq!(run.feed(Event::Done), [Action::Send(Box::new(begun))]);
    let left = run.swaps(Event::NoAnswer)?;
    let ended = left.attempt(first).ok_or("it was removed")?;
    assert_eq!(ended.lease_until, ended.at);
    assert_eq!(run.feed(Event::Done), [Action::BackOff]);
    assert_eq!(run.feed(Event::Woken), [Action::Load]);
    let (second, begun) = run.begin_on(&left)?;
    assert_eq!(run.feed(Event::Done), [Action::Send(Box::new(begun))]);
    let cleared = run.swaps(Event::NoAnswer)?;
    assert!(cleared.attempt(first).is_some() && cleared.attempt(second).is_none());
    assert_eq!(run.machine.left, Some(first));
    Ok(())
}

#[test]
fn g12_an_unanswered_attempt_stays_if_the_one_that_was_left_before_is_gone() -> Result<(), String> {
    let mut run = Run::new(GRACE);
    run.machine = Refresh::new(Some(attempt()));
    let (id, begun) = run.begin(&record("old"))?;
    assert_eq!(run.feed(Event::Done), [Action::Send(Box::new(begun))]);
    let left = run.swaps(Event::NoAnswer)?;
    assert!(left.attempt(id).is_some());
    assert_eq!(run.machine.left, Some(id));
    Ok(())
}

#[test]
fn g11_a_mark_that_meets_another_record_is_judged_again() -> Result<(), String> {
    let refused = |run: &mut Run| {
        let (_, begun) = run.begin(&record("old"))?;
        assert_eq!(run.feed(Event::Done), [Action::Send(Box::new(begun.clone()))]);
        let marked = run.swaps(Event::InvalidGrant(None))?;
        assert_eq!(marked.state, GrantState::Reauthorize);
        Ok::<_, String>(begun)
    };
    // The same refresh token: the mark still holds.
    let mut run = Run::new(Spending::Once);
    let resealed = Record { version: version(), ..refused(&mut run)? };
    let marked = run.swaps(Event::Conflict(due(&resealed)))?;
    assert_eq!(marked.state, GrantState::Reauthorize);
    assert_eq!(run.feed(Event::Done), fails(Failure::Reauthorize));
    // Another process was about to use it: it may have been spent.
    let mut run = Run::new(Spending::Once);
    let mut contested = Record { version: version(), ..refused(&mut run)? };
    contested.attempts.push(run.attempt());
    let left = run.swaps(Event::Conflict(due(&contested)))?;
    assert_eq!((left.state, left.attempts.len()), (GrantState::Live, 2));
    assert_eq!(run.feed(Event::Done), fails(Failure::OutcomeUnknown));
    // A newer refresh token: the refusal says nothing of it.
    let mut run = Run::new(Spending::Once);
    let begun = refused(&mut run)?;
    let (generation, attempts) = (begun.generation + 1, Vec::new());
    let newer = Record { version: version(), generation, attempts, ..begun };
    assert_eq!(run.feed(Event::Conflict(due(&newer))), [Action::Prepare]);
    Ok(())
}

#[test]
fn where_a_refresh_spends_nothing_an_attempt_that_cannot_be_cleared_ends_it() -> Result<(), String>
{
    for (spending, actions) in [
        (Spending::Never, vec![Action::Finish(Err(Failure::Provider))]),
        (Spending::Once, vec![Action::Finish(Err(Failure::Provider)), Action::Repeat]),
    ] {
        let mut run = Run::new(spending);
        let (_, begun) = run.begin(&record("old"))?;
        assert_eq!(run.feed(Event::Done), [Action::Send(Box::new(begun))]);
        run.swaps(Event::NotProcessed { rest: None, may_repeat: false })?;
        assert_eq!(run.feed(Event::Unheard), actions);
    }
    Ok(())
}

#[test]
fn g11_of_a_removed_grant_nothing_is_refreshed() {
    let tombstone = Record::tombstone(epoch(), 1, version());
    for record in [Some(tombstone), None] {
        let mut run = Run::new(Spending::Never);
        assert_eq!(run.feed(Event::Wanted), [Action::Load]);
        let found = Found { record, tokens: Tokens::Due };
        assert_eq!(run.feed(Event::Loaded(found)), fails(Failure::NoGrant));
    }
}

#[test]
fn g12_an_attempt_whose_outcome_became_unknown_before_it_began_is_read_again() -> Result<(), String>
{
    let mut run = Run::new(GRACE);
    let mut record = record("old");
    record.attempts.push(Attempt { lease_until: run.at, ..run.attempt() });
    assert_eq!(run.feed(Event::Wanted), [Action::Load]);
    assert_eq!(run.feed(Event::Loaded(due(&record))), [Action::Prepare]);
    // The permit took so long that the grace window is over.
    run.at = run.at.plus(Duration::from_secs(600));
    assert_eq!(run.feed(Event::Ready(attempt())), [Action::Load]);
    Ok(())
}

#[test]
fn what_a_store_loses_again_is_restored_once_in_a_refresh() -> Result<(), String> {
    let mut run = Run::new(Spending::Once);
    let older = record("older");
    let newer = Record { generation: 2, version: version(), ..older.clone() };
    let lost = || {
        let tokens = Tokens::Lost(Box::new(newer.clone()));
        Found { record: Some(older.clone()), tokens }
    };
    assert_eq!(run.feed(Event::Wanted), [Action::Load]);
    let restored = run.swaps(Event::Loaded(lost()))?;
    assert_eq!(restored.generation, 2);
    assert_eq!(run.feed(Event::Done), [Action::Restored, Action::Load]);
    assert_eq!(run.feed(Event::Loaded(lost())), [Action::Prepare]);
    Ok(())
}

#[test]
fn g06_a_lease_from_before_the_clock_was_set_back_is_shortened_and_then_waited_for()
-> Result<(), String> {
    let mut run = Run::new(Spending::Once);
    let far = Attempt { lease_until: run.at.plus(LEASE * 2), ..run.attempt() };
    let record = Record { attempts: vec![far], ..record("old") };
    assert_eq!(run.feed(Event::Wanted), [Action::Load]);
    let shortened = run.swaps(Event::Loaded(due(&record)))?;
    assert!(shortened.attempts[0].lease_until < far.lease_until);
    assert_eq!(run.feed(Event::Done), [Action::Load]);
    assert_eq!(run.feed(Event::Loaded(due(&shortened))), [Action::AwaitChange]);
    Ok(())
}

#[test]
fn g13_a_short_rest_is_waited_for_and_a_longer_one_is_reported() {
    for (rest, actions) in [
        (LONGEST_REST, [Action::AwaitChange]),
        (LONGEST_REST + TICK, fails(Failure::Resting(LONGEST_REST + TICK))),
    ] {
        let mut run = Run::new(Spending::Once);
        let record = Record { retry_at: Some(run.at.plus(rest)), ..record("old") };
        assert_eq!(run.feed(Event::Wanted), [Action::Load]);
        assert_eq!(run.feed(Event::Loaded(due(&record))), actions);
    }
}

#[test]
fn g11_an_insert_without_an_answer_says_what_has_become_of_the_grant() {
    let (own, former) = (epoch(), record("former"));
    let feed = |machine: Insert, event| {
        let contents = Contents {
            payload: Payload::new(b"new".to_vec()),
            key_id: None,
            expires_at: None,
            due_at: None,
        };
        let (version, vacancy) = (version(), epoch());
        machine.step(event, InsertInput { epoch: own, contents, version, vacancy })
    };
    let found = |it: Option<&Record>| InsertEvent::Found(it.cloned());
    let unheard = || {
        let (machine, action) = feed(Insert::Looking, found(Some(&former)));
        assert!(matches!(action, InsertAction::Swap { .. }), "{action:?}");
        let (machine, action) = feed(machine, InsertEvent::Unheard);
        assert_eq!(action, InsertAction::Repeat);
        machine
    };
    let tombstone = Record::tombstone(epoch(), 1, version());
    for (record, inserted) in [
        (Some(Record { epoch: own, ..record("new") }), Inserted::Stored),
        (Some(record("another")), Inserted::Superseded),
        (Some(tombstone), Inserted::Removed),
        (None, Inserted::Removed),
    ] {
        let (machine, action) = feed(unheard(), found(record.as_ref()));
        assert_eq!((machine, action), (Insert::Done, InsertAction::Finish(inserted)));
    }
    // What it replaces is still there: it was not done.
    let (_, action) = feed(unheard(), found(Some(&former)));
    assert!(matches!(action, InsertAction::Swap { .. }), "{action:?}");
}
