//! The rules of the refresh protocol, each at the edges of what it allows.

use std::time::Duration;

use countersign_testkit::steps::{attempt, epoch, record, version};
use countersign_tokens::protocol::{
    Contents, Judged, Now, Obstacle, Origin, Refused, Rules, Spending,
};
use countersign_tokens::{Attempt, AttemptId, GrantState, Payload, Record, StoreTime};

const LEASE: Duration = Duration::from_secs(50);
const REQUEST: Duration = Duration::from_secs(30);
const STEP: Duration = Duration::from_secs(5);
const MARGIN: Duration = Duration::from_secs(3);
const REPORT_AFTER: Duration = Duration::from_secs(3600);

/// How long after its beginning the request of an attempt may be sent, and may arrive.
const SEND: Duration = Duration::from_secs(12);
const ARRIVAL: Duration = Duration::from_secs(12 + 30 + 3);

const WINDOW: Duration = Duration::from_secs(60);
const TICK: Duration = Duration::from_millis(1);

fn rules(spending: Spending) -> Rules {
    Rules {
        spending,
        lease: LEASE,
        request: REQUEST,
        step: STEP,
        margin: MARGIN,
        report_after: REPORT_AFTER,
    }
}

/// The instant from which the tests count.
fn start() -> StoreTime {
    StoreTime::from_millis(1_000_000_000)
}

fn at(instant: StoreTime) -> Now {
    Now { earliest: instant, latest: instant }
}

fn after(duration: Duration) -> Now {
    at(start().plus(duration))
}

/// An attempt that began at the start.
fn pending(lease: Duration) -> Attempt {
    Attempt { id: attempt(), at: start(), lease_until: start().plus(lease) }
}

fn with(attempts: Vec<Attempt>) -> Record {
    Record { attempts, due_at: Some(start()), ..record("old") }
}

fn contents(due_at: StoreTime) -> Contents {
    Contents {
        payload: Payload::new(b"new".to_vec()),
        key_id: Some("new".into()),
        expires_at: Some(start().plus(LEASE * 100)),
        due_at: Some(due_at),
    }
}

fn written(judged: Judged) -> Result<Record, String> {
    match judged {
        Judged::Write(record) => Ok(record),
        other => Err(format!("it writes nothing: {other:?}")),
    }
}

#[test]
fn g10_a_request_is_sent_only_if_its_answer_can_be_stored_in_the_lease() {
    let rules = rules(Spending::Once);
    assert_eq!(rules.send_window(), SEND);
    assert!(rules.may_send(start(), after(SEND)));
    assert!(!rules.may_send(start(), after(SEND + TICK)));
    // The latest instant that it may be counts.
    let vague = Now { earliest: start(), latest: start().plus(SEND + TICK) };
    assert!(!rules.may_send(start(), vague));
}

#[test]
fn g10_a_lease_forbids_attempts_until_its_end() {
    let rules = rules(Spending::Never);
    let until = start().plus(LEASE);
    let record = with(vec![pending(LEASE)]);
    assert_eq!(rules.obstacle(&record, after(LEASE - TICK)), Some(Obstacle::Leased(until)));
    assert_eq!(rules.obstacle(&record, after(LEASE)), None);
}

#[test]
fn g13_a_rest_forbids_attempts_until_its_end() {
    let rules = rules(Spending::Once);
    let until = start().plus(LEASE);
    let record = Record { retry_at: Some(until), ..with(Vec::new()) };
    assert_eq!(rules.obstacle(&record, after(LEASE - TICK)), Some(Obstacle::Resting(until)));
    assert_eq!(rules.obstacle(&record, after(LEASE)), None);
}

#[test]
fn g12_an_attempt_without_a_lease_is_taken_over_only_if_the_request_arrives_in_the_grace_window() {
    let record = with(vec![pending(Duration::ZERO)]);
    let obstacle = |spending, now| rules(spending).obstacle(&record, now);
    let left = WINDOW - ARRIVAL;
    assert_eq!(obstacle(Spending::Grace(WINDOW), after(left - TICK)), None);
    assert_eq!(obstacle(Spending::Grace(WINDOW), after(left)), Some(Obstacle::Unknown));
    assert_eq!(obstacle(Spending::Once, after(Duration::ZERO)), Some(Obstacle::Unknown));
    assert_eq!(obstacle(Spending::Never, after(REPORT_AFTER)), None);
}

#[test]
fn an_attempt_that_the_user_allowed_takes_the_place_of_all_others() {
    let rules = rules(Spending::Once);
    let unknown = Record { state: GrantState::Unknown, ..with(vec![pending(Duration::ZERO)]) };
    let (id, version) = (attempt(), version());
    let begun = rules.begin_again(&unknown, id, after(LEASE), version);
    let own = Attempt { id, at: start().plus(LEASE), lease_until: start().plus(LEASE * 2) };
    let state = GrantState::Live;
    assert_eq!(begun, Record { state, version, attempts: vec![own], ..unknown });
}

#[test]
fn g10_a_save_ends_all_attempts_and_renews_the_grant() -> Result<(), String> {
    let rules = rules(Spending::Once);
    let own = pending(LEASE);
    for state in [GrantState::Live, GrantState::Unknown, GrantState::Reauthorize] {
        let present = Record { state, ..with(vec![pending(LEASE), own]) };
        let (now, contents, version) = (after(STEP), contents(start()), version());
        let saved = rules.save(&present, Origin::of(&present), own.id, &contents, now, version);
        let wanted = Record {
            version,
            epoch: present.epoch,
            generation: present.generation + 1,
            state: GrantState::Live,
            attempts: Vec::new(),
            retry_at: None,
            expires_at: contents.expires_at,
            due_at: contents.due_at,
            key_id: contents.key_id,
            payload: contents.payload,
        };
        assert_eq!(written(saved)?, wanted);
    }
    Ok(())
}

#[test]
fn g11_a_save_replaces_nothing_that_is_newer_or_removed() {
    let rules = rules(Spending::Once);
    let (read, id) = (with(vec![pending(LEASE)]), attempt());
    let save = |present: &Record| {
        rules.save(present, Origin::of(&read), id, &contents(start()), after(STEP), version())
    };
    let newer = Record { generation: read.generation + 1, ..read.clone() };
    assert_eq!(save(&newer), Judged::Superseded);
    // It is there already: an earlier try was done.
    let there = Record { payload: contents(start()).payload, ..newer.clone() };
    assert_eq!(save(&there), Judged::Nothing);
    let much_newer = Record { generation: read.generation + 2, ..there };
    assert_eq!(save(&much_newer), Judged::Superseded);
    assert_eq!(save(&Record { epoch: epoch(), ..read.clone() }), Judged::Superseded);
    assert_eq!(save(&Record { state: GrantState::Gone, ..read.clone() }), Judged::Superseded);
}

#[test]
fn g10_a_new_token_rests_while_the_request_of_another_attempt_may_arrive_in_the_grace_window()
-> Result<(), String> {
    let own = pending(LEASE);
    let save = |spending, attempts, due_in| {
        let (present, now) = (with(attempts), after(STEP));
        let contents = contents(start().plus(due_in));
        let rules = rules(spending);
        written(rules.save(&present, Origin::of(&present), own.id, &contents, now, version()))
    };
    let rest = start().plus(STEP + ARRIVAL);
    let others = || vec![pending(Duration::ZERO), own];
    let saved = save(Spending::Grace(WINDOW), others(), STEP)?;
    assert_eq!((saved.retry_at, saved.due_at), (Some(rest), Some(rest)));
    let saved = save(Spending::Grace(WINDOW), others(), WINDOW)?;
    assert_eq!((saved.retry_at, saved.due_at), (Some(rest), Some(start().plus(WINDOW))));
    let alone = save(Spending::Grace(WINDOW), vec![own], STEP)?;
    assert_eq!((alone.retry_at, alone.due_at), (None, Some(start().plus(STEP))));
    assert_eq!(save(Spending::Once, others(), STEP)?.retry_at, None);
    Ok(())
}

#[test]
fn g11_what_a_store_lost_is_restored_over_an_older_generation_of_the_same_grant_alone()
-> Result<(), String> {
    let rules = rules(Spending::Once);
    let older = with(vec![pending(LEASE)]);
    let contents = contents(start());
    let lost = Record {
        generation: older.generation + 1,
        payload: contents.payload,
        key_id: contents.key_id,
        expires_at: contents.expires_at,
        due_at: contents.due_at,
        attempts: Vec::new(),
        ..older.clone()
    };
    let restore = |present: &Record| rules.restore(present, &lost, after(STEP), version());
    let restored = written(restore(&older))?;
    assert_eq!(restored, Record { version: restored.version, ..lost.clone() });
    for other in [
        Record { epoch: epoch(), ..older.clone() },
        Record { generation: lost.generation, ..older.clone() },
        Record { generation: lost.generation + 1, ..older.clone() },
        Record { state: GrantState::Gone, ..older },
    ] {
        assert_eq!(restore(&other), Judged::Superseded);
    }
    Ok(())
}

#[test]
fn g13_clearing_an_attempt_keeps_the_longest_rest_and_leaves_the_others() -> Result<(), String> {
    let rules = rules(Spending::Once);
    let (own, other) = (pending(LEASE), pending(LEASE));
    let present = with(vec![other, own]);
    let clear = |present: &Record, rest| {
        rules.clear(present, present.epoch, own.id, rest, after(STEP), version())
    };
    let cleared = written(clear(&present, None))?;
    let (attempts, version) = (vec![other], cleared.version);
    assert_eq!(cleared, Record { attempts, version, ..present.clone() });
    assert_ne!(version, present.version);

    let rest = start().plus(STEP + WINDOW);
    let cleared = written(clear(&present, Some(WINDOW)))?;
    assert_eq!((cleared.retry_at, cleared.due_at), (Some(rest), Some(rest)));
    let longer = Some(rest.plus(STEP));
    let cleared = written(clear(&Record { retry_at: longer, ..present }, Some(WINDOW)))?;
    assert_eq!(cleared.retry_at, longer);
    Ok(())
}

#[test]
fn g12_a_grant_is_live_again_when_its_last_attempt_has_used_nothing() -> Result<(), String> {
    let rules = rules(Spending::Once);
    let (own, other) = (pending(LEASE), pending(LEASE));
    let clear = |attempts, state| {
        let present = Record { state, due_at: None, ..with(attempts) };
        written(rules.clear(&present, present.epoch, own.id, None, after(STEP), version()))
    };
    let cleared = clear(vec![own], GrantState::Unknown)?;
    assert_eq!((cleared.state, cleared.due_at), (GrantState::Live, Some(start().plus(STEP))));
    let cleared = clear(vec![own, other], GrantState::Unknown)?;
    assert_eq!((cleared.state, cleared.due_at), (GrantState::Unknown, None));
    let cleared = clear(vec![own], GrantState::Reauthorize)?;
    assert_eq!((cleared.state, cleared.due_at), (GrantState::Reauthorize, None));
    Ok(())
}

#[test]
fn g11_only_an_own_attempt_in_the_same_grant_is_cleared_or_left() {
    let rules = rules(Spending::Once);
    let own = pending(LEASE);
    let present = with(vec![own, pending(LEASE)]);
    let clear = |epoch, id| rules.clear(&present, epoch, id, None, after(STEP), version());
    let leave = |epoch, id| rules.leave(&present, epoch, id, after(STEP), version());
    for (epoch, id) in [(present.epoch, attempt()), (epoch(), own.id)] {
        assert_eq!(clear(epoch, id), Judged::Nothing);
        assert_eq!(leave(epoch, id), Judged::Nothing);
    }
}

#[test]
fn g12_leaving_an_attempt_ends_its_lease_and_no_other() -> Result<(), String> {
    let rules = rules(Spending::Once);
    let (own, other) = (pending(LEASE), pending(LEASE));
    let present = with(vec![other, own]);
    let leave = |now| rules.leave(&present, present.epoch, own.id, now, version());
    let left = written(leave(after(LEASE - TICK)))?;
    let ended = Attempt { lease_until: own.at, ..own };
    let (attempts, version) = (vec![other, ended], left.version);
    assert_ne!(version, present.version);
    assert_eq!(left, Record { attempts, version, ..present.clone() });
    // A lease that is over needs no end.
    assert_eq!(leave(after(LEASE)), Judged::Nothing);
    Ok(())
}

#[test]
fn g11_a_refusal_is_believed_if_no_other_attempt_may_have_used_the_token() -> Result<(), String> {
    let (own, other) = (pending(LEASE), pending(Duration::ZERO));
    let refused = |spending, attempts, promoted| {
        let present = with(attempts);
        (rules(spending).refused(&present, own.id, promoted, version()), present)
    };
    for spending in [Spending::Once, Spending::Grace(WINDOW)] {
        let (refused, _) = refused(spending, vec![own, other], None);
        assert_eq!(refused, Refused::Contested);
    }
    for (spending, attempts) in [(Spending::Once, vec![own]), (Spending::Never, vec![own, other])] {
        let (refused, present) = refused(spending, attempts, None);
        let Refused::Mark(marked) = refused else {
            return Err(format!("it is not marked: {refused:?}"));
        };
        let (state, due_at, attempts) = (GrantState::Reauthorize, None, Vec::new());
        assert_ne!(marked.version, present.version);
        let version = marked.version;
        assert_eq!(marked, Record { version, state, due_at, attempts, ..present });
    }
    let (refused, present) = refused(Spending::Once, vec![own], Some(contents(start())));
    let Refused::Promote(next) = refused else {
        return Err(format!("it is not promoted: {refused:?}"));
    };
    assert_eq!(next.payload, contents(start()).payload);
    assert_eq!((next.state, next.generation), (GrantState::Live, present.generation));
    assert_eq!(next.attempts, Vec::new());
    Ok(())
}

#[test]
fn g12_a_grant_is_marked_as_unknown_when_an_attempt_without_a_lease_is_old() -> Result<(), String> {
    let attempt = pending(LEASE);
    let report = |spending, record: &Record, now| rules(spending).report(record, now, version());
    let present = with(vec![attempt]);
    let young = report(Spending::Once, &present, after(REPORT_AFTER - TICK));
    assert_eq!(young, Judged::Nothing);
    let marked = written(report(Spending::Once, &present, after(REPORT_AFTER)))?;
    let (state, due_at, version) = (GrantState::Unknown, None, marked.version);
    assert_ne!(version, present.version);
    assert_eq!(marked, Record { version, state, due_at, ..present.clone() });
    assert_eq!(report(Spending::Never, &present, after(REPORT_AFTER)), Judged::Nothing);
    let leased = with(vec![attempt, pending(REPORT_AFTER * 2)]);
    assert_eq!(report(Spending::Once, &leased, after(REPORT_AFTER)), Judged::Nothing);
    let alone = with(Vec::new());
    assert_eq!(report(Spending::Once, &alone, after(REPORT_AFTER)), Judged::Nothing);
    Ok(())
}

#[test]
fn a_restored_backup_is_marked_unless_its_token_is_known_to_be_good_or_doubted_already()
-> Result<(), String> {
    let mark = |spending, record: &Record| rules(spending).mark_restored(record, version());
    let (quiet, pending) = (with(Vec::new()), with(vec![pending(LEASE)]));
    assert_eq!(mark(Spending::Never, &quiet), Judged::Nothing);
    assert_eq!(mark(Spending::Once, &pending), Judged::Nothing);
    let refused = Record { state: GrantState::Reauthorize, ..quiet.clone() };
    assert_eq!(mark(Spending::Once, &refused), Judged::Nothing);
    for (spending, record) in [
        (Spending::Once, &quiet),
        (Spending::Grace(WINDOW), &quiet),
        (Spending::Grace(WINDOW), &pending),
    ] {
        let marked = written(mark(spending, record))?;
        let (state, due_at, version) = (GrantState::Unknown, None, marked.version);
        assert_ne!(version, record.version);
        assert_eq!(marked, Record { version, state, due_at, ..record.clone() });
    }
    Ok(())
}

#[test]
fn resealing_changes_the_payload_alone_and_waits_for_attempts() -> Result<(), String> {
    let rules = rules(Spending::Once);
    let payload = || Payload::new(b"sealed".to_vec());
    let reseal = |record: &Record| rules.reseal(record, payload(), Some("key".into()), version());
    let present = with(Vec::new());
    let resealed = written(reseal(&present))?;
    let (key_id, version) = (Some("key".into()), resealed.version);
    assert_ne!(version, present.version);
    assert_eq!(resealed, Record { version, key_id, payload: payload(), ..present.clone() });
    assert_eq!(reseal(&with(vec![pending(Duration::ZERO)])), Judged::Nothing);
    assert_eq!(reseal(&Record { state: GrantState::Gone, ..present }), Judged::Nothing);
    Ok(())
}

#[test]
fn g06_a_lease_that_ends_too_far_away_is_shortened_to_a_lease_and_the_margin() -> Result<(), String>
{
    let rules = rules(Spending::Once);
    let most = LEASE + MARGIN;
    let shorten = |record: &Record| rules.shorten(record, after(Duration::ZERO), version());
    assert_eq!(shorten(&with(vec![pending(most)])), Judged::Nothing);
    assert_eq!(shorten(&with(Vec::new())), Judged::Nothing);
    let (long, short) = (pending(most + TICK), pending(STEP));
    let present = with(vec![long, short]);
    let shortened = written(shorten(&present))?;
    let cut = Attempt { lease_until: start().plus(most), ..long };
    let (attempts, version) = (vec![cut, short], shortened.version);
    assert_ne!(version, present.version);
    assert_eq!(shortened, Record { version, attempts, ..present });
    Ok(())
}

#[test]
fn an_attempt_is_added_with_its_lease_and_changes_nothing_else() {
    let rules = rules(Spending::Never);
    let present = with(vec![pending(Duration::ZERO)]);
    let (id, version): (AttemptId, _) = (attempt(), version());
    let now = Now { earliest: start().plus(STEP), latest: start().plus(LEASE) };
    let own = Attempt { id, at: now.earliest, lease_until: now.earliest.plus(LEASE) };
    let attempts = vec![present.attempts[0], own];
    let begun = rules.begin(&present, id, now, version);
    assert_eq!(begun, Ok(Record { attempts, version, ..present.clone() }));
    let gone = Record { state: GrantState::Gone, ..present };
    let begun = rules.begin(&gone, id, now, version);
    assert_eq!(begun, Err(Obstacle::State(GrantState::Gone)));
}
