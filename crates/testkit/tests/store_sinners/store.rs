//! The store itself: `Rules`, and what is done in spite of them.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, ThreadId};
use std::time::Duration;

use async_trait::async_trait;
use countersign_core::Clock;
use countersign_testkit::ManualClock;
use countersign_testkit::store_conformance::Stores;
use countersign_tokens::{
    Adopt, Attempt, Begin, Clear, Due, DuePage, Epoch, Forget, GrantKey, GrantState, GrantStore,
    Mark, Negative, Payload, Record, Renew, Reseal, Rules, Save, StoreError, StoreErrorKind,
    StoreTime, Takeover, Verdict,
};

use crate::sin::Sin;

#[derive(Clone)]
pub(crate) struct Sinner {
    sin: Option<Sin>,
    clock: ManualClock,
    held: Arc<Mutex<All>>,
    /// Who was the last to write in a race, and what was there before.
    former: Arc<Mutex<Option<(ThreadId, GrantKey, All)>>>,
}

type All = HashMap<GrantKey, Record>;

impl Sinner {
    /// Two handles to one.
    pub(crate) fn stores(sin: Option<Sin>) -> Stores {
        let clock = ManualClock::default();
        let store =
            Self { sin, clock: clock.clone(), held: Arc::default(), former: Arc::default() };
        Stores::new(store.clone(), store, move |by| clock.advance(by))
    }

    fn is(&self, sin: Sin) -> bool {
        self.sin == Some(sin)
    }

    fn held(&self) -> MutexGuard<'_, All> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now(&self) -> StoreTime {
        let now = self.clock.now();
        StoreTime::from_millis(now.unix_timestamp() * 1000 + i64::from(now.millisecond()))
    }

    /// The key that it takes this one for.
    fn taken_for(&self, key: &GrantKey) -> GrantKey {
        let subject = key.subject();
        let taken = match self.sin {
            Some(Sin::FoldsCase) => subject.to_lowercase(),
            Some(Sin::TrimsKeys) => subject.trim_end_matches([' ', '.', '\0']).to_owned(),
            Some(Sin::CutsLongKeys) => subject.chars().take(255).collect(),
            _ => return key.clone(),
        };
        let taken = if taken.is_empty() { subject } else { taken };
        GrantKey::new(&key.provider(), &key.client_id(), &taken).unwrap_or_else(|_| key.clone())
    }

    /// One step: what is bent before the rule judges, the rule, and what is bent after it accepted.
    fn step(
        &self,
        key: &GrantKey,
        is_racy: bool,
        bend: impl FnOnce(&mut Record),
        rule: impl FnOnce(Rules<'_>) -> Verdict,
        spoil: impl FnOnce(&Record, &mut Record),
    ) -> Verdict {
        let (key, now) = (self.taken_for(key), self.now());
        let is_racy = is_racy || self.is(Sin::KeepsAllInOneFile);
        let held = self.held();
        let mut former = self.former.lock().unwrap_or_else(PoisonError::into_inner);
        // As if it had read before another thread wrote, and written after it.
        let read = match &*former {
            Some((writer, of, all))
                if is_racy
                    && *writer != thread::current().id()
                    && (*of == key || self.is(Sin::KeepsAllInOneFile)) =>
            {
                all.clone()
            }
            _ => held.clone(),
        };
        let before = read.get(&key).cloned();
        if is_racy {
            *former = Some((thread::current().id(), key.clone(), held.clone()));
        }
        drop(former);
        let all = self.is(Sin::KeepsAllInOneFile).then_some(read);
        self.judged(key, now, before, held, all, bend, rule, spoil)
    }

    #[expect(clippy::too_many_arguments, reason = "the second half of a step")]
    fn judged(
        &self,
        key: GrantKey,
        now: StoreTime,
        mut before: Option<Record>,
        mut held: MutexGuard<'_, All>,
        all: Option<All>,
        bend: impl FnOnce(&mut Record),
        rule: impl FnOnce(Rules<'_>) -> Verdict,
        spoil: impl FnOnce(&Record, &mut Record),
    ) -> Verdict {
        if let Some(before) = before.as_mut() {
            before.read_at = now;
        }
        let mut place = before.clone();
        if let Some(record) = place.as_mut() {
            bend(record);
        }
        if let Verdict::Refused(_) = rule(Rules::new(&mut place, now)) {
            let revision = |it: &Option<Record>| it.as_ref().map(|it| it.revision);
            let is_shortened = revision(&place) > revision(&before);
            if is_shortened && !self.is(Sin::ShortensNoLease) && !self.is(Sin::BeginsUnderALease) {
                held.extend(place.clone().map(|record| (key, record)));
                return Verdict::Refused(place);
            }
            if self.is(Sin::WritesWhatItRefuses)
                && let Some(record) = held.get_mut(&key)
            {
                record.revision += 1;
            }
            let shows = !self.is(Sin::RefusesWithoutTheRecord);
            return Verdict::Refused(before.filter(|_| shows));
        }
        let Some(mut record) = place else { return Verdict::Refused(None) };
        if let Some(before) = &before {
            spoil(before, &mut record);
            if self.is(Sin::CountsNoRevisions) {
                record.revision = before.revision;
            }
        }
        self.spoil_payload(&mut record);
        let told = match before {
            Some(before) if self.is(Sin::TellsTheRecordOfBefore) => before,
            _ => record.clone(),
        };
        if let Some(all) = all {
            *held = all;
        }
        held.insert(key, record);
        Verdict::Accepted(told)
    }

    /// The lease, and later the rest.
    async fn begin_in_two_parts(&self, key: &GrantKey, begin: &Begin) -> Verdict {
        let (verdict, whole) = {
            let mut held = self.held();
            let mut whole = held.get(key).cloned();
            let before = whole.as_ref().map(|it| it.revision);
            let verdict = Rules::new(&mut whole, self.now()).begin(begin);
            let Some(whole) = whole.filter(|it| before != Some(it.revision)) else {
                return verdict;
            };
            if let Some(record) = held.get_mut(key) {
                record.lease = whole.lease;
            }
            (verdict, whole)
        };
        let mut has_waited = false;
        std::future::poll_fn(|context| {
            context.waker().wake_by_ref();
            let waited = std::mem::replace(&mut has_waited, true);
            if waited { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
        })
        .await;
        self.held().insert(key.clone(), whole);
        verdict
    }

    fn spoil_payload(&self, record: &mut Record) {
        let bytes = record.payload.as_bytes();
        let spoilt = match self.sin {
            Some(Sin::CutsAtNul) => bytes.split(|it| *it == 0).next().unwrap_or_default().to_vec(),
            Some(Sin::KeepsTextOnly) => String::from_utf8_lossy(bytes).into_owned().into_bytes(),
            Some(Sin::CutsLongPayloads) => bytes[..bytes.len().min(32 * 1024)].to_vec(),
            Some(Sin::LosesKeyIds) => return record.key_id = None,
            Some(Sin::LosesTimes) => return record.expires_at = None,
            Some(Sin::MakesUpTimes) => {
                let now = record.read_at;
                let hour = Duration::from_secs(3600);
                if record.state == GrantState::Live {
                    record.expires_at = record.expires_at.or_else(|| Some(now.plus(hour)));
                }
                return;
            }
            _ => return,
        };
        record.payload = Payload::new(spoilt);
    }
}

/// Nothing to bend.
fn nothing(_: &mut Record) {}

#[async_trait]
impl GrantStore for Sinner {
    async fn load(&self, key: &GrantKey) -> Result<Option<Record>, StoreError> {
        let mut record = self.held().get(&self.taken_for(key)).cloned();
        if let Some(record) = record.as_mut()
            && !self.is(Sin::ReadsNoClock)
        {
            record.read_at = self.now();
        }
        Ok(record)
    }

    async fn begin(&self, key: &GrantKey, begin: &Begin) -> Result<Verdict, StoreError> {
        if self.is(Sin::BeginsInTwoParts) {
            return Ok(self.begin_in_two_parts(key, begin).await);
        }
        let (mut step, attempt) = (*begin, begin.attempt);
        if let Some(present) = self.held().get(&self.taken_for(key)) {
            match self.sin {
                Some(Sin::BeginsInAnyEpoch) => step.epoch = present.epoch,
                Some(Sin::BeginsOnAnyGeneration) => step.generation = present.generation,
                Some(Sin::NeverTakesOver) => step.takeover = Takeover::Never,
                _ => {}
            }
        }
        let bend = |record: &mut Record| {
            let is_own = |id| id == attempt;
            let has_intent = record.attempts.iter().any(|it| is_own(it.id));
            match self.sin {
                Some(Sin::BeginsUnderALease) if !has_intent => record.lease = None,
                Some(Sin::BeginsTwice) if has_intent && record.live_lease().is_some() => {
                    record.attempts.retain(|it| !is_own(it.id));
                    record.lease = None;
                }
                Some(Sin::BeginsAgainTooLate) if record.live_lease().is_none() => {
                    record.attempts.retain(|it| !is_own(it.id));
                }
                Some(Sin::ForgetsIntentsWithTheLease) if record.live_lease().is_none() => {
                    record.attempts.clear();
                }
                Some(Sin::CountsGraceFromTheLast) => {
                    let last = record.attempts.last().copied();
                    if let (Takeover::Within(_), Some(last)) = (step.takeover, last) {
                        record.attempts.iter_mut().for_each(|it| it.at = last.at);
                    }
                }
                Some(Sin::BeginsWhatIsMarked) if record.state != GrantState::Gone => {
                    record.state = GrantState::Live;
                }
                Some(Sin::HeedsNoRest) => record.not_before = None,
                _ => {}
            }
        };
        let spoil = |before: &Record, record: &mut Record| match self.sin {
            Some(Sin::ListsAttemptsBackwards) => record.attempts.rotate_right(1),
            Some(Sin::CountsNoFences) => record.fence = 1,
            Some(Sin::NotesNoIntent) => record.attempts.clone_from(&before.attempts),
            Some(Sin::TakesNoLease) => record.lease = before.lease,
            _ => {}
        };
        Ok(self.step(key, self.is(Sin::BeginsInARace), bend, |rules| rules.begin(&step), spoil))
    }

    async fn save(&self, key: &GrantKey, save: &Save) -> Result<Verdict, StoreError> {
        let mut step = save.clone();
        if self.is(Sin::SavesWithoutAnEnd) {
            step.ends_by = None;
        }
        let present = self.held().get(&self.taken_for(key)).cloned();
        if let Some(present) = &present {
            let is_repeated = present.written_by == Some(step.attempt);
            let refused = || Ok(Verdict::Refused(Some(present.clone())));
            match self.sin {
                Some(Sin::SavesOverNewer) if !is_repeated => step.generation = present.generation,
                Some(Sin::SavesIntoAnotherLife) => step.epoch = present.epoch,
                Some(Sin::SavesForTheHolderAlone)
                    if !is_repeated
                        && present.lease.is_none_or(|it| it.owner != step.attempt)
                        && !present.attempts.is_empty() =>
                {
                    return refused();
                }
                Some(Sin::SavesNothingOverMarks) if present.state != GrantState::Live => {
                    return refused();
                }
                Some(Sin::SavesTwice) if is_repeated => step.generation = present.generation,
                _ => {}
            }
        }
        let bend = |record: &mut Record| {
            if self.is(Sin::SavesTwice) {
                record.written_by = None;
            }
        };
        let spoil = |before: &Record, record: &mut Record| match self.sin {
            Some(Sin::SavesAndKeepsTheLease) => record.lease = before.lease,
            Some(Sin::SavesAndKeepsIntents) => {
                record.attempts.clone_from(&before.attempts);
                record.attempts.retain(|it| it.id != step.attempt);
            }
            Some(Sin::SavesAndKeepsTheTimes) => {
                (record.expires_at, record.due_at) = (before.expires_at, before.due_at);
            }
            Some(Sin::SavesAndKeepsTheRest) => record.not_before = before.not_before,
            Some(Sin::SavesWithoutARest) => record.not_before = None,
            Some(Sin::SavesAndRestsAlways) => {
                record.not_before = step.rests_for.map(|it| record.read_at.plus(it));
            }
            Some(Sin::SavesWithoutAName) => record.written_by = None,
            Some(Sin::SavesWithoutATurn) => record.generation = before.generation,
            _ => {}
        };
        Ok(self.step(key, self.is(Sin::SavesInARace), bend, |rules| rules.save(&step), spoil))
    }

    async fn clear(&self, key: &GrantKey, clear: &Clear) -> Result<Verdict, StoreError> {
        let mut step = *clear;
        let present = self.held().get(&self.taken_for(key)).cloned();
        if let Some(present) = &present {
            match self.sin {
                Some(Sin::ClearsInAnotherLife) => step.epoch = present.epoch,
                Some(Sin::ClearsWithoutARest) => step.rests_for = None,
                _ => {}
            }
        }
        let spoil = |before: &Record, record: &mut Record| match self.sin {
            Some(Sin::ClearsEverybody) => {
                record.attempts.clear();
                record.lease = None;
            }
            Some(Sin::ClearsWithoutReleasing) => record.lease = before.lease,
            Some(Sin::ClearsTwice) => record.revision = before.revision + 1,
            Some(Sin::ClearsAndStaysUnknown) => {
                (record.state, record.due_at) = (before.state, before.due_at);
            }
            Some(Sin::ClearsUnknownTooSoon) if record.state == GrantState::Unknown => {
                record.state = GrantState::Live;
                record.due_at = Some(record.read_at);
            }
            Some(Sin::ClearsReauthorizeToo) => record.state = GrantState::Live,
            Some(Sin::ClearsToTheLastRest) => {
                record.not_before = step.rests_for.map(|it| record.read_at.plus(it));
            }
            _ => {}
        };
        Ok(self.step(key, false, nothing, |rules| rules.clear(&step), spoil))
    }

    async fn renew(&self, key: &GrantKey, renew: &Renew) -> Result<Verdict, StoreError> {
        let mut step = *renew;
        if let Some(present) = self.held().get(&self.taken_for(key)) {
            match (self.sin, present.lease) {
                (Some(Sin::RenewsInAnotherLife), _) => step.epoch = present.epoch,
                (Some(Sin::RenewsForAnybody), Some(lease)) => step.attempt = lease.owner,
                _ => {}
            }
        }
        let bend = |record: &mut Record| {
            if self.is(Sin::RenewsTheDead)
                && let Some(lease) = record.lease.as_mut()
            {
                lease.until = record.read_at.plus(Duration::from_secs(1));
            }
        };
        let spoil = |before: &Record, record: &mut Record| match self.sin {
            Some(Sin::RenewsToNothingAndClears) if step.lease.is_zero() => record.attempts.clear(),
            Some(Sin::RenewsNothing) => record.lease = before.lease,
            _ => {}
        };
        Ok(self.step(key, false, bend, |rules| rules.renew(&step), spoil))
    }

    async fn mark(&self, key: &GrantKey, mark: &Mark) -> Result<Verdict, StoreError> {
        let mut step = *mark;
        if let Some(present) = self.held().get(&self.taken_for(key)) {
            match self.sin {
                Some(Sin::MarksAnyGeneration) => step.generation = present.generation,
                Some(Sin::MarksAnotherLife) => step.epoch = present.epoch,
                _ => {}
            }
        }
        let bend = |record: &mut Record| match self.sin {
            Some(Sin::MarksUnderALease) => record.lease = None,
            Some(Sin::MarksBesideIntents) if step.as_state == Negative::Reauthorize => {
                record.attempts.retain(|it| it.id == step.attempt);
            }
            Some(Sin::MarksWithoutGround) if record.attempts.is_empty() => {
                record.attempts.push(Attempt { id: step.attempt, at: record.read_at });
            }
            Some(Sin::MarksAgain) if record.state != GrantState::Gone => {
                record.state = GrantState::Live;
            }
            _ => {}
        };
        let spoil = |before: &Record, record: &mut Record| match self.sin {
            Some(Sin::MarksBesideIntents | Sin::MarksWithoutGround) => {
                record.attempts.clone_from(&before.attempts);
            }
            Some(Sin::MarksAndMovesTheGeneration) => record.generation += 1,
            Some(Sin::MarksAndClearsIntents) => record.attempts.clear(),
            Some(Sin::MarksAndStaysDue) => record.due_at = before.due_at,
            Some(Sin::MarksAndKeepsTheLease) => record.lease = before.lease,
            _ => {}
        };
        Ok(self.step(key, false, bend, |rules| rules.mark(&step), spoil))
    }

    async fn reseal(&self, key: &GrantKey, reseal: &Reseal) -> Result<Verdict, StoreError> {
        let mut step = reseal.clone();
        if let Some(present) = self.held().get(&self.taken_for(key)) {
            match self.sin {
                Some(Sin::ResealsAnyRevision) => step.revision = present.revision,
                Some(Sin::ResealsInAnotherLife) => step.epoch = present.epoch,
                Some(Sin::ResealsAnyGeneration) => step.generation = present.generation,
                _ => {}
            }
        }
        let bend = |record: &mut Record| {
            if self.is(Sin::ResealsTombstones) {
                record.state = GrantState::Live;
            }
        };
        let spoil = |before: &Record, record: &mut Record| match self.sin {
            Some(Sin::ResealsTombstones) => record.state = before.state,
            Some(Sin::ResealsAndMovesTheGeneration) => record.generation += 1,
            _ => {}
        };
        Ok(self.step(key, false, bend, |rules| rules.reseal(&step), spoil))
    }

    async fn adopt(&self, key: &GrantKey, adopt: &Adopt) -> Result<Verdict, StoreError> {
        let mut step = adopt.clone();
        let present = self.held().get(&self.taken_for(key)).cloned();
        if let Some(present) = &present {
            let is_there = present.epoch == step.epoch;
            match self.sin {
                Some(Sin::AdoptsOverAnything) => step.replaces = Some(present.epoch),
                Some(Sin::AdoptsOverAnyTombstone) if present.state == GrantState::Gone => {
                    step.replaces = Some(present.epoch);
                }
                Some(Sin::AdoptsOnce) if is_there => {
                    return Ok(Verdict::Refused(Some(present.clone())));
                }
                _ => {}
            }
        }
        let spoil = |before: &Record, record: &mut Record| match self.sin {
            Some(Sin::AdoptsAndKeepsTheLease) => {
                record.lease = before.lease;
                record.attempts.clone_from(&before.attempts);
            }
            Some(Sin::AdoptsTwice) if before.epoch == record.epoch => record.revision += 1,
            _ => {}
        };
        Ok(self.step(key, self.is(Sin::AdoptsInARace), nothing, |rules| rules.adopt(&step), spoil))
    }

    async fn forget(&self, key: &GrantKey, forget: &Forget) -> Result<Verdict, StoreError> {
        let mut step = *forget;
        if let Some(present) = self.held().get(&self.taken_for(key))
            && self.is(Sin::ForgetsAnyLife)
        {
            step.epoch = present.epoch;
        }
        let spoil = |before: &Record, record: &mut Record| match self.sin {
            Some(Sin::ForgetsAndKeepsTheTokens) => record.payload = before.payload.clone(),
            Some(Sin::ForgetsAndKeepsTheTimes) => record.expires_at = before.expires_at,
            Some(Sin::ForgetsTwice) => record.revision = before.revision + 1,
            _ => {}
        };
        let verdict = self.step(key, false, nothing, |rules| rules.forget(&step), spoil);
        if self.is(Sin::ForgetsWithoutATombstone) && verdict.is_accepted() {
            self.held().remove(&self.taken_for(key));
        }
        Ok(verdict)
    }

    async fn purge(&self, key: &GrantKey, tombstone: Epoch) -> Result<(), StoreError> {
        let mut held = self.held();
        let key = self.taken_for(key);
        let is_it = held.get(&key).is_some_and(|record| {
            let is_gone = record.state == GrantState::Gone;
            match self.sin {
                Some(Sin::PurgesAnyTombstone) => is_gone,
                Some(Sin::PurgesWhatLives) => record.epoch == tombstone,
                Some(Sin::PurgesNothing) => false,
                _ => is_gone && record.epoch == tombstone,
            }
        });
        if is_it {
            held.remove(&key);
        } else if self.is(Sin::FailsToPurgeNothing) && !held.contains_key(&key) {
            return Err(StoreError::new(StoreErrorKind::Other));
        }
        Ok(())
    }

    async fn due(
        &self,
        within: Duration,
        after: Option<&Due>,
        limit: usize,
    ) -> Result<DuePage, StoreError> {
        let until = self.now().plus(within);
        let held = self.held();
        let mut due: Vec<Due> = held
            .iter()
            .filter_map(|(key, record)| match self.sin {
                Some(Sin::ListsWhatIsMarked) if record.state != GrantState::Live => {
                    Some(Due { due_at: record.expires_at?, key: key.clone() })
                }
                Some(Sin::ListsTombstones) if record.state == GrantState::Gone => {
                    Some(Due { due_at: self.now(), key: key.clone() })
                }
                Some(Sin::ListsWhatRests) => {
                    let live = record.due_at.filter(|_| record.state == GrantState::Live);
                    Some(Due { due_at: live?, key: key.clone() })
                }
                Some(Sin::ListsNothingThatRested) if record.not_before.is_some() => None,
                _ => Rules::due(key, record),
            })
            .filter(|it| it.due_at <= until || self.is(Sin::ListsWhatIsLater))
            .collect();
        due.sort_unstable();
        due.retain(|it| match self.sin {
            Some(Sin::ListsTheLastAgain) => after.is_none_or(|after| it >= after),
            Some(Sin::SkipsEqualInstants) => after.is_none_or(|after| it.due_at > after.due_at),
            _ => after.is_none_or(|after| it > after),
        });
        due.truncate(limit);
        if self.is(Sin::ListsWithoutOrder) {
            due.reverse();
        }
        let now = self.now();
        let read_at = if self.is(Sin::ListsWithoutTheTime) { StoreTime::default() } else { now };
        Ok(DuePage { grants: due, read_at })
    }
}

impl fmt::Debug for Sinner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sinner")?;
        if self.is(Sin::ShowsPayloads) {
            let shown =
                self.held().values().map(|it| it.payload.as_bytes().to_vec()).collect::<Vec<_>>();
            write!(f, "({shown:?})")?;
        }
        Ok(())
    }
}
