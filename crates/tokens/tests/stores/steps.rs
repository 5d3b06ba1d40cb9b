//! What each step demands and does.

use std::time::Duration;

use countersign_tokens::{
    Adopt, Due, GrantState, Negative, Payload, Renew, Reseal, Save, Takeover, Verdict,
};
use futures_lite::future::block_on;

use crate::world::{LEASE, World, attempt, begin, epoch, key, material};

pub(crate) fn what_is_not_there_is_none(at: &World) {
    assert_eq!(block_on(at.one.load(&at.key)).expect("loaded"), None);
    let begin = begin(&at.adopt(), attempt(), Takeover::Always);
    let verdict = block_on(at.one.begin(&key("another"), &begin)).expect("begun");
    assert_eq!(verdict, Verdict::Refused(None));
}

pub(crate) fn an_adopted_grant_comes_back_as_it_was(at: &World) {
    let mut bytes: Vec<u8> = (0..=255).collect();
    bytes.resize(64 * 1024, 0);
    let material =
        countersign_tokens::Material { payload: Payload::new(bytes.clone()), ..material("") };
    let adopt = Adopt { epoch: epoch(), replaces: None, material };
    assert!(block_on(at.one.adopt(&at.key, &adopt)).expect("adopted").is_accepted());
    let record = at.load();
    assert_eq!((record.epoch, record.generation, record.state), (adopt.epoch, 1, GrantState::Live));
    assert_eq!(record.payload.as_bytes(), bytes);
    assert_eq!(record.key_id.as_deref(), Some("key 1"));
    assert_eq!(record.expires_at.map(|it| it.since(record.read_at).as_secs()), Some(3600));
    assert_eq!(record.due_at.map(|it| it.since(record.read_at).as_secs()), Some(3000));
    assert_eq!((record.lease, record.attempts.len(), record.written_by), (None, 0, None));
    assert!(!format!("{record:?} {:?}", at.one).contains("adopted"));
}

pub(crate) fn an_adoption_replaces_what_it_names_alone(at: &World) {
    let first = at.adopt();
    for replaces in [None, Some(epoch())] {
        let adopt = Adopt { epoch: epoch(), replaces, material: material("wrong") };
        let verdict = block_on(at.one.adopt(&at.key, &adopt)).expect("adopted");
        assert!(matches!(verdict, Verdict::Refused(Some(row)) if row.epoch == first.epoch));
    }
    let adopt = Adopt { epoch: epoch(), replaces: Some(first.epoch), material: material("next") };
    assert!(block_on(at.one.adopt(&at.key, &adopt)).expect("adopted").is_accepted());
    assert_eq!(at.load().payload.as_bytes(), b"next");
}

pub(crate) fn an_adoption_repeated_later_replaces_nothing(at: &World) {
    let first = Adopt { epoch: epoch(), replaces: None, material: material("first") };
    for _ in 0..2 {
        assert!(block_on(at.one.adopt(&at.key, &first)).expect("adopted").is_accepted());
    }
    assert_eq!(at.load().revision, 1);
    let second =
        Adopt { epoch: epoch(), replaces: Some(first.epoch), material: material("second") };
    assert!(block_on(at.other.adopt(&at.key, &second)).expect("adopted").is_accepted());
    assert!(!block_on(at.one.adopt(&at.key, &first)).expect("adopted").is_accepted());
    assert_eq!(at.load().payload.as_bytes(), b"second");
}

pub(crate) fn begin_wants_what_was_read(at: &World) {
    let read = at.adopt();
    let mut wrong_epoch = begin(&read, attempt(), Takeover::Always);
    wrong_epoch.epoch = epoch();
    let mut wrong_generation = begin(&read, attempt(), Takeover::Always);
    wrong_generation.generation = 2;
    for step in [wrong_epoch, wrong_generation] {
        assert!(!block_on(at.one.begin(&at.key, &step)).expect("begun").is_accepted());
    }
    assert_eq!(at.load().revision, read.revision);
    assert!(at.begin(attempt(), Takeover::Never).is_accepted());
    // Now there is a live lease.
    assert!(!at.begin(attempt(), Takeover::Always).is_accepted());
}

pub(crate) fn begin_repeated_changes_nothing(at: &World) {
    at.adopt();
    let (read, attempt) = (at.load(), attempt());
    let step = begin(&read, attempt, Takeover::Never);
    for _ in 0..3 {
        assert!(block_on(at.one.begin(&at.key, &step)).expect("begun").is_accepted());
    }
    let record = at.load();
    assert_eq!((record.fence, record.attempts.len(), record.revision), (1, 1, read.revision + 1));
}

pub(crate) fn one_of_many_begins_is_accepted(at: &World) {
    let read = at.adopt();
    let accepted: usize = std::thread::scope(|scope| {
        let begun = (0..16).map(|index| {
            let (read, store) = (&read, if index % 2 == 0 { &at.one } else { &at.other });
            scope.spawn(move || {
                let step = begin(read, attempt(), Takeover::Always);
                block_on(store.begin(&at.key, &step)).expect("begun").is_accepted()
            })
        });
        let begun: Vec<_> = begun.collect();
        begun.into_iter().map(|it| usize::from(it.join().expect("no panic"))).sum()
    });
    assert_eq!(accepted, 1);
}

pub(crate) fn an_intent_outlives_its_lease(at: &World) {
    at.adopt();
    let dead = attempt();
    assert!(at.begin(dead, Takeover::Never).is_accepted());
    at.lapse();
    let refused = at.begin(attempt(), Takeover::Never);
    assert!(matches!(refused, Verdict::Refused(Some(row)) if row.attempts[0].id == dead));
    assert!(at.begin(attempt(), Takeover::Always).is_accepted());
    assert_eq!((at.load().fence, at.load().attempts.len()), (2, 2));
}

pub(crate) fn grace_counts_from_the_first_attempt(at: &World) {
    at.adopt();
    let window = Takeover::Within(LEASE * 2);
    assert!(at.begin(attempt(), window).is_accepted());
    at.lapse();
    assert!(at.begin(attempt(), window).is_accepted());
    at.lapse();
    // The latest is young enough, the first is not.
    assert!(!at.begin(attempt(), window).is_accepted());
}

pub(crate) fn save_moves_the_generation_and_releases(at: &World) {
    let (read, attempt) = (at.adopt(), attempt());
    assert!(at.begin(attempt, Takeover::Never).is_accepted());
    assert!(at.save(&read, attempt).is_accepted());
    let record = at.load();
    assert_eq!((record.generation, record.written_by), (2, Some(attempt)));
    assert_eq!((record.lease, record.attempts.len()), (None, 0));
    assert_eq!(record.payload.as_bytes(), b"saved");
}

pub(crate) fn save_is_not_fenced(at: &World) {
    let (read, late) = (at.adopt(), attempt());
    assert!(at.begin(late, Takeover::Never).is_accepted());
    at.lapse();
    assert!(at.begin(attempt(), Takeover::Always).is_accepted());
    assert!(at.save(&read, late).is_accepted());
    assert_eq!(at.load().payload.as_bytes(), b"saved");
}

pub(crate) fn save_compares_epoch_and_generation(at: &World) {
    let (read, first) = (at.adopt(), attempt());
    assert!(at.begin(first, Takeover::Never).is_accepted());
    assert!(at.save(&read, first).is_accepted());
    assert!(!at.save(&read, attempt()).is_accepted());
    let mut foreign = at.load();
    foreign.epoch = epoch();
    assert!(!at.save(&foreign, attempt()).is_accepted());
    assert_eq!(at.load().generation, 2);
}

pub(crate) fn save_repeated_changes_nothing(at: &World) {
    let (read, attempt) = (at.adopt(), attempt());
    assert!(at.begin(attempt, Takeover::Never).is_accepted());
    for _ in 0..3 {
        assert!(at.save(&read, attempt).is_accepted());
    }
    assert_eq!((at.load().generation, at.load().revision), (2, read.revision + 2));
}

pub(crate) fn save_is_accepted_over_marks(at: &World) {
    for negative in [Negative::Unknown, Negative::Reauthorize] {
        let (read, late) = (at.load_or_adopt(), attempt());
        assert!(at.begin(late, Takeover::Always).is_accepted());
        at.lapse();
        let by = if negative == Negative::Unknown { attempt() } else { late };
        assert!(at.mark(&read, by, negative).is_accepted());
        assert!(at.save(&read, late).is_accepted());
        assert_eq!(at.load().state, GrantState::Live);
    }
}

pub(crate) fn nothing_late_brings_back_what_was_forgotten(at: &World) {
    let (read, late) = (at.adopt(), attempt());
    assert!(at.begin(late, Takeover::Never).is_accepted());
    let tombstone = at.forget(&read);
    assert!(!at.save(&read, late).is_accepted());
    assert!(!at.clear(&read, late).is_accepted());
    let record = at.load();
    assert_eq!((record.state, record.payload.as_bytes().len()), (GrantState::Gone, 0));
    block_on(at.one.purge(&at.key, epoch())).expect("purged");
    assert_eq!(at.load().epoch, tombstone);
    block_on(at.one.purge(&at.key, tombstone)).expect("purged");
    assert_eq!(block_on(at.other.load(&at.key)).expect("loaded"), None);
    assert!(!at.save(&read, late).is_accepted());
    assert_eq!(block_on(at.other.load(&at.key)).expect("loaded"), None);
}

pub(crate) fn clear_takes_back_the_own_intent_alone(at: &World) {
    let (read, one, other) = (at.adopt(), attempt(), attempt());
    assert!(at.begin(one, Takeover::Never).is_accepted());
    at.lapse();
    assert!(at.begin(other, Takeover::Always).is_accepted());
    for _ in 0..2 {
        assert!(at.clear(&read, one).is_accepted());
    }
    let record = at.load();
    assert_eq!(record.attempts.iter().map(|it| it.id).collect::<Vec<_>>(), [other]);
    assert_eq!(record.lease.map(|it| it.owner), Some(other));
}

pub(crate) fn clear_takes_unknown_back(at: &World) {
    let (read, one, other) = (at.adopt(), attempt(), attempt());
    assert!(at.begin(one, Takeover::Never).is_accepted());
    at.lapse();
    assert!(at.begin(other, Takeover::Always).is_accepted());
    at.lapse();
    assert!(at.mark(&read, attempt(), Negative::Unknown).is_accepted());
    at.clear(&read, one);
    assert_eq!(at.load().state, GrantState::Unknown);
    at.clear(&read, other);
    assert_eq!(at.load().state, GrantState::Live);
    assert!(at.begin(attempt(), Takeover::Never).is_accepted());
}

pub(crate) fn renew_is_for_the_holder(at: &World) {
    let (read, holder) = (at.adopt(), attempt());
    assert!(at.begin(holder, Takeover::Never).is_accepted());
    let renew = |attempt| {
        let step = Renew { attempt, epoch: read.epoch, lease: LEASE };
        block_on(at.one.renew(&at.key, &step)).expect("renewed").is_accepted()
    };
    assert!(!renew(attempt()));
    at.clock.advance(LEASE / 2);
    assert!(renew(holder));
    at.clock.advance(LEASE * 3 / 4);
    assert!(at.load().live_lease().is_some());
    at.lapse();
    assert!(!renew(holder));
}

pub(crate) fn marks_are_compared(at: &World) {
    let (read, holder) = (at.adopt(), attempt());
    assert!(at.begin(holder, Takeover::Never).is_accepted());
    assert!(!at.mark(&read, attempt(), Negative::Unknown).is_accepted());
    at.lapse();
    assert!(!at.mark(&read, attempt(), Negative::Reauthorize).is_accepted());
    let mut moved = read.clone();
    moved.generation = 2;
    assert!(!at.mark(&moved, holder, Negative::Reauthorize).is_accepted());
    assert_eq!(at.load().state, GrantState::Live);
    assert!(at.mark(&read, holder, Negative::Reauthorize).is_accepted());
    let record = at.load();
    assert_eq!((record.state, record.generation), (GrantState::Reauthorize, 1));
    assert_eq!((record.due_at, record.lease), (None, None));
    assert!(!at.begin(attempt(), Takeover::Always).is_accepted());
}

pub(crate) fn reseal_is_compared_on_revision(at: &World) {
    let read = at.adopt();
    let reseal = Reseal {
        epoch: read.epoch,
        generation: read.generation,
        revision: read.revision,
        payload: Payload::new(b"resealed".to_vec()),
        key_id: Some("key 2".to_owned()),
    };
    let holder = attempt();
    assert!(at.begin(holder, Takeover::Never).is_accepted());
    assert!(!block_on(at.one.reseal(&at.key, &reseal)).expect("resealed").is_accepted());
    let reseal = Reseal { revision: at.load().revision, ..reseal };
    assert!(block_on(at.one.reseal(&at.key, &reseal)).expect("resealed").is_accepted());
    let record = at.load();
    assert_eq!((record.generation, record.attempts.len()), (1, 1));
    assert_eq!(record.payload.as_bytes(), b"resealed");
    // The generation has not moved: an answer that is under way is not lost.
    assert!(at.save(&read, holder).is_accepted());
}

pub(crate) fn revision_moves_with_every_write(at: &World) {
    let (read, attempt) = (at.adopt(), attempt());
    let mut last = read.revision;
    let mut moves = |verdict: Verdict| {
        let row = verdict.accepted().expect("accepted");
        assert_eq!(row.revision, last + 1);
        last = row.revision;
        assert_eq!(at.load(), row);
    };
    moves(at.begin(attempt, Takeover::Never));
    moves(at.clear(&read, attempt));
    moves(at.begin(attempt, Takeover::Never));
    moves(at.save(&read, attempt));
    let row = at.load();
    moves(at.mark(&row, attempt, Negative::Unknown));
}

pub(crate) fn due_lists_what_lives_in_order(at: &World) {
    for minutes in [30_u64, 10, 20, 90] {
        let mut material = material("due");
        material.due_in = Some(Duration::from_secs(minutes * 60));
        let adopt = Adopt { epoch: epoch(), replaces: None, material };
        let key = key(&format!("user {minutes}"));
        assert!(block_on(at.one.adopt(&key, &adopt)).expect("adopted").is_accepted());
    }
    let page = |after: Option<&Due>| {
        let hour = Duration::from_secs(3600);
        block_on(at.other.due(hour, after, 2)).expect("listed")
    };
    let first = page(None);
    let second = page(first.last());
    let subjects: Vec<_> = first.iter().chain(&second).map(|due| due.key.subject()).collect();
    assert_eq!(subjects, ["user 10", "user 20", "user 30"]);
    let save =
        Save { attempt: attempt(), epoch: epoch(), generation: 1, material: material("foreign") };
    assert!(!block_on(at.one.save(&key("user 10"), &save)).expect("saved").is_accepted());
    assert_eq!(page(None), first);
}

impl World {
    fn load_or_adopt(&self) -> countersign_tokens::Record {
        match block_on(self.one.load(&self.key)).expect("loaded") {
            Some(record) => record,
            None => self.adopt(),
        }
    }
}
