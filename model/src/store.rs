//! The store: [`Rules`] of `countersign-tokens`, as every store applies them.

use std::time::Duration;

use countersign_tokens::{
    Adopt, Attempt, AttemptId, Begin, Clear, Epoch, Forget, GrantState, Lease, Mark, Material,
    Payload, Record, Renew, Reseal, Rules, Save, StoreTime, Takeover, Verdict,
};

use crate::rule::{Rule, Without};
use crate::state::{As, Request, Row, Token};

/// What a store says to a step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Answer {
    /// Whether it was done.
    pub(crate) is_accepted: bool,
    /// Whether the record was written.
    pub(crate) is_written: bool,
}

/// The store as a step sees it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Store {
    /// Its clock.
    pub(crate) now: u8,
    /// How long a lease lasts.
    pub(crate) lease: u8,
    /// How long new tokens rest beside the intents of others.
    pub(crate) rest: Option<Duration>,
    /// What is made of the intents of others.
    pub(crate) takeover: Takeover,
    /// The rules that it does without.
    pub(crate) without: Without,
}

/// The revision of every record before a step, which is its first.
const REVISION: u64 = 1;

impl Store {
    /// Takes one step, by the rules of the code.
    pub(crate) fn apply(&self, place: &mut Option<Row>, request: &Request) -> Answer {
        let mut row = place.clone();
        let request = self.disarmed(request, row.as_mut());
        let mut record = row.as_ref().map(|row| self.record(row));
        let verdict = self.judge(&mut record, &request);
        let is_accepted = verdict.is_none_or(|it| it.is_accepted());
        let is_written = match &record {
            // One that was adopted where nothing was has the first revision too.
            Some(record) => record.revision != REVISION || place.is_none(),
            None => place.is_some(),
        };
        if is_written {
            let mut row = record.as_ref().map(row_of);
            if let (Some(row), true) = (&mut row, is_accepted) {
                self.undo(row, place.as_ref(), &request);
            }
            *place = row;
        }
        Answer { is_accepted, is_written }
    }

    fn judge(&self, record: &mut Option<Record>, request: &Request) -> Option<Verdict> {
        let rules = Rules::new(record, time(self.now));
        Some(match *request {
            Request::Begin { attempt, epoch, generation } => rules.begin(&Begin {
                attempt: id(attempt),
                epoch: epoch_of(epoch),
                generation: generation.into(),
                lease: ticks(self.lease),
                takeover: self.takeover,
            }),
            Request::Save { attempt, epoch, generation, fresh } => rules.save(&Save {
                attempt: id(attempt),
                epoch: epoch_of(epoch),
                generation: generation.into(),
                material: material(fresh),
                ends_by: None,
                rests_for: self.rest,
            }),
            Request::Clear { attempt, epoch } => rules.clear(&Clear {
                attempt: id(attempt),
                epoch: epoch_of(epoch),
                rests_for: None,
            }),
            Request::Renew { attempt, epoch, is_release } => rules.renew(&Renew {
                attempt: id(attempt),
                epoch: epoch_of(epoch),
                lease: if is_release { Duration::ZERO } else { ticks(self.lease) },
            }),
            Request::Mark { attempt, epoch, generation, as_state } => rules.mark(&Mark {
                attempt: id(attempt),
                epoch: epoch_of(epoch),
                generation: generation.into(),
                as_state: as_state.into(),
            }),
            Request::Reseal { epoch, generation, token, is_unchanged } => rules.reseal(&Reseal {
                epoch: epoch_of(epoch),
                generation: generation.into(),
                revision: if is_unchanged { REVISION } else { 0 },
                payload: payload(token),
                key_id: None,
            }),
            Request::Adopt { epoch, replaces } => rules.adopt(&Adopt {
                epoch: epoch_of(epoch),
                replaces: replaces.map(epoch_of),
                material: material(Token { family: epoch, number: 0 }),
            }),
            Request::Forget { epoch, tombstone } => {
                rules.forget(&Forget { epoch: epoch_of(epoch), tombstone: epoch_of(tombstone) })
            }
            Request::Purge { tombstone } => {
                rules.purge(epoch_of(tombstone));
                return None;
            }
            Request::Intend { attempt, epoch, generation } => {
                return Some(self.intend(record, attempt, epoch, generation));
            }
        })
    }

    /// An intent that is written by itself: nothing of the code's.
    fn intend(
        &self,
        record: &mut Option<Record>,
        attempt: u8,
        epoch: u8,
        generation: u8,
    ) -> Verdict {
        let Some(it) = record.as_mut() else { return Verdict::Refused(None) };
        let is_read = it.epoch == epoch_of(epoch) && it.generation == u64::from(generation);
        let is_holder = it.lease.is_some_and(|lease| lease.owner == id(attempt));
        let may = is_holder || self.without.lacks(Rule::Fence);
        if !is_read || it.state != GrantState::Live || !may {
            return Verdict::Refused(Some(it.clone()));
        }
        it.attempts.push(Attempt { id: id(attempt), at: time(self.now) });
        it.revision += 1;
        Verdict::Accepted(it.clone())
    }

    /// The step with whatever it compares set to what is there, where that is not to be compared.
    fn disarmed(&self, request: &Request, row: Option<&mut Row>) -> Request {
        let (mut request, without) = (*request, self.without);
        let Some(row) = row else {
            if let Request::Adopt { replaces, .. } = &mut request
                && without.lacks(Rule::Epoch)
            {
                *replaces = None;
            }
            return request;
        };
        if without.lacks(Rule::Epoch) {
            request.set_epoch(row.epoch);
        }
        let now = self.now;
        match &mut request {
            Request::Begin { generation, .. } if without.lacks(Rule::SecondLook) => {
                *generation = row.generation;
            }
            Request::Save { generation, .. } if without.lacks(Rule::GenerationOnSave) => {
                *generation = row.generation;
            }
            Request::Save { attempt, epoch, .. } if without.lacks(Rule::SaveWithoutFence) => {
                let holds = row.lease.is_some_and(|it| it.0 == *attempt && now < it.1);
                if !holds && row.written_by != Some(*attempt) {
                    *epoch = u8::MAX;
                }
            }
            Request::Mark { epoch, generation, .. } if without.lacks(Rule::GenerationOnMark) => {
                (*epoch, *generation) = (row.epoch, row.generation);
            }
            _ => {}
        }
        if let Request::Mark { attempt, as_state: As::Unknown, .. } = request
            && without.lacks(Rule::UnknownForAnIntent)
            && row.attempts.is_empty()
        {
            row.attempts.push((attempt, now));
        }
        if without.lacks(Rule::GraceFromTheFirst) {
            let latest = row.attempts.iter().map(|it| it.1).max();
            row.attempts.iter_mut().for_each(|it| it.1 = latest.unwrap_or(it.1));
        }
        self.unguard(&request, row);
        request
    }

    /// Lets a step have the lease that it should not have.
    fn unguard(&self, request: &Request, row: &mut Row) {
        let (Request::Save { attempt, .. }
        | Request::Clear { attempt, .. }
        | Request::Mark { attempt, .. }
        | Request::Renew { attempt, .. }) = *request
        else {
            return;
        };
        if self.without.lacks(Rule::Owner)
            && let Some(lease) = &mut row.lease
        {
            lease.0 = attempt;
        }
        let is_guarded = matches!(request, Request::Mark { .. } | Request::Renew { .. });
        if self.without.lacks(Rule::Fence) && is_guarded {
            row.lease = Some((attempt, self.now.saturating_add(self.lease)));
        }
    }

    /// What a step does that it should not, or leaves undone.
    fn undo(&self, row: &mut Row, before: Option<&Row>, request: &Request) {
        let without = self.without;
        match *request {
            Request::Begin { attempt, .. }
                if without.lacks(Rule::Intent) || without.lacks(Rule::IntentInTheWrite) =>
            {
                row.attempts.retain(|it| it.0 != attempt);
            }
            Request::Save { attempt, .. } => {
                let before = before.into_iter().flat_map(|it| &it.attempts);
                if without.lacks(Rule::GenerationOnIntent) {
                    row.attempts = before.filter(|it| it.0 != attempt).copied().collect();
                }
            }
            Request::Mark { .. } => {
                if without.lacks(Rule::MarkKeepsGeneration) {
                    row.generation += 1;
                }
                if without.lacks(Rule::UnknownForAnIntent)
                    && before.is_some_and(|it| it.attempts.is_empty())
                {
                    row.attempts.clear();
                }
            }
            Request::Reseal { .. } if without.lacks(Rule::ResealKeepsGeneration) => {
                row.generation += 1;
            }
            _ => {}
        }
    }

    fn record(&self, row: &Row) -> Record {
        Record {
            epoch: epoch_of(row.epoch),
            generation: row.generation.into(),
            revision: REVISION,
            state: row.state,
            lease: row.lease.map(|it| Lease { owner: id(it.0), until: time(it.1) }),
            fence: 0,
            attempts: row
                .attempts
                .iter()
                .map(|it| Attempt { id: id(it.0), at: time(it.1) })
                .collect(),
            written_by: row.written_by.map(id),
            expires_at: None,
            due_at: None,
            not_before: row.not_before.map(time),
            key_id: None,
            payload: row.token.map_or_else(Payload::empty, payload),
            read_at: time(self.now),
        }
    }
}

fn row_of(record: &Record) -> Row {
    let mut attempts: Vec<_> =
        record.attempts.iter().map(|it| (byte(it.id.as_bytes()), tick(it.at))).collect();
    attempts.sort_unstable();
    Row {
        epoch: byte(record.epoch.as_bytes()),
        generation: u8::try_from(record.generation).unwrap_or(u8::MAX),
        state: record.state,
        lease: record.lease.map(|it| (byte(it.owner.as_bytes()), tick(it.until))),
        attempts,
        written_by: record.written_by.map(|it| byte(it.as_bytes())),
        not_before: record.not_before.map(tick),
        token: match *record.payload.as_bytes() {
            [family, number] => Some(Token { family, number }),
            _ => None,
        },
    }
}

fn material(token: Token) -> Material {
    Material { payload: payload(token), key_id: None, expires_in: None, due_in: None }
}

fn payload(token: Token) -> Payload {
    Payload::new(vec![token.family, token.number])
}

fn id(attempt: u8) -> AttemptId {
    AttemptId::from_bytes([attempt; 16])
}

fn epoch_of(epoch: u8) -> Epoch {
    Epoch::from_bytes([epoch; 16])
}

fn byte(id: &[u8; 16]) -> u8 {
    id[0]
}

fn time(tick: u8) -> StoreTime {
    StoreTime::from_millis(tick.into())
}

fn tick(time: StoreTime) -> u8 {
    u8::try_from(time.as_millis()).unwrap_or(u8::MAX)
}

pub(crate) fn ticks(ticks: u8) -> Duration {
    Duration::from_millis(ticks.into())
}
