//! The state of a run: the stored record, the processes, the provider and the messages between them.

use countersign_tokens::protocol::{
    Attempted, Contents, Insert, Now, Refresh, Remove, Step, Swapping,
};
use countersign_tokens::{AttemptId, Epoch, GrantState, Payload, Record, StoreTime, Version};

/// The most attempts of a process in one run.
pub const ATTEMPTS: u8 = 4;

/// The state of a run: one grant, the processes that share it, the provider, and what is on its way.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct State {
    /// The store's clock in ticks. It stands still unless the provider has a grace window.
    pub now: u8,
    /// The record in the store.
    pub record: Option<Record>,
    /// The processes that share the grant.
    pub processes: Vec<Process>,
    /// Swaps on their way whose sender got no answer. The store may still carry them out.
    pub late: Vec<Swap>,
    /// Requests on their way to the provider, and its answers.
    pub flights: Vec<Flight>,
    /// The grants at the provider: the first one, and one for each insert.
    pub families: Vec<Family>,
    /// The attempts that may stay beside the present token: their process has sent it, or died.
    pub tried: Vec<AttemptId>,
    /// What may still happen.
    pub left: Budget,
    /// What has happened although it must not.
    pub seen: Seen,
}

/// A process and its memory.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Process {
    /// How many attempts it has used up.
    pub used: u8,
    /// What it does.
    pub doing: Doing,
    /// The swap that it is about to make, or that it repeats.
    pub swap: Option<Swap>,
    /// The store's answer to its begin, until the process acts on it: done, or this record with its
    /// attempt.
    pub answer: Option<Option<Record>>,
    /// [`Refresh::left`] of its last refresh.
    pub left: Option<AttemptId>,
    /// Whether it remembers the record that the store has, because it wrote that record.
    pub remembers: bool,
}

/// What a process does: nothing, or one of the engine's machines.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub enum Doing {
    /// Nothing.
    #[default]
    Idle,
    /// It refreshes.
    Refresh(Refresh),
    /// It inserts the grant of this family.
    Insert(Insert, u8),
    /// It removes the grant. Holds the token that it revokes.
    Remove(Remove, Option<Token>),
    /// It makes one swap and does not repeat it: a report, or the same tokens sealed again.
    Once,
}

/// A swap on its way to the store.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Swap {
    /// What it is for.
    pub what: What,
    /// The version to be replaced.
    pub expected: Option<Version>,
    /// The record to take its place.
    pub next: Option<Record>,
}

/// The step that a process takes next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[expect(missing_docs, reason = "they are named as in `countersign-tokens`")]
pub enum What {
    // What a process without work may take on.
    Refresh,
    /// Its estimate of the store's clock is wrong by so many ticks.
    RefreshFromMemory(i8),
    Report,
    Reseal,
    Insert,
    Remove,
    // The swaps.
    Begin,
    Save,
    Clear,
    Leave,
    Mark,
    Vacate,
    Store,
    Bury,
    Purge,
    // The other steps.
    Send,
    CloseGate,
    NotSent,
    TimeOut,
    Answer,
    Revoke,
}

/// A refresh token: which one of which family.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Token {
    /// The grant.
    pub family: u8,
    /// Counts the tokens of a family.
    pub number: u8,
}

/// A request to the provider, or its answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Flight {
    /// The attempt.
    pub attempt: AttemptId,
    /// The refresh token that is sent.
    pub token: Token,
    /// When it arrives at the latest, if there is a clock.
    pub until: StoreTime,
    /// The provider's answer, once there is one: a token, or `invalid_grant`.
    pub answer: Option<Result<Token, ()>>,
}

/// A grant at the provider.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Family {
    /// The number of the token that is not used.
    pub newest: u8,
    /// When that token was issued.
    pub since: StoreTime,
    /// How the grant ended, if it did.
    pub end: Option<End>,
    /// Whether the store had it and a user has replaced or removed it.
    pub is_past: bool,
}

/// Why a grant has ended at the provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum End {
    /// The user withdrew it, or it was revoked after its removal.
    Withdrawn,
    /// A used token was sent again.
    Killed,
}

/// How often things may still happen in a run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Budget {
    /// Processes that die and start again with nothing in memory.
    pub crashes: u8,
    /// Answers that are lost, and requests that are not sent, late or lost.
    pub losses: u8,
    /// Users that end the grant at the provider.
    pub withdrawals: u8,
    /// Grants that are inserted.
    pub inserts: u8,
    /// Grants that are removed.
    pub removals: u8,
    /// Payloads that are sealed again.
    pub reseals: u8,
}

/// What has happened although it must not.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Seen {
    /// A used refresh token was sent again, outside its grace window.
    pub double_spend: bool,
    /// A token was written over a newer one of its family.
    pub older_over_newer: bool,
    /// The newest token was dropped although the store has an older one of its family.
    pub newest_dropped: bool,
    /// The late save of a dead process came to expect a version that is gone.
    pub late_save_died: bool,
}

macro_rules! attempted {
    ($step:expr) => {
        match $step {
            Step::Sending(it)
            | Step::Swapping(
                Swapping::Begin(it)
                | Swapping::Save(it, _)
                | Swapping::Clear(it, ..)
                | Swapping::Leave(it, _)
                | Swapping::Mark(it)
                | Swapping::Promote(it),
            ) => Some(it),
            _ => None,
        }
    };
}

impl State {
    /// Returns the family of a token.
    pub(crate) fn family(&self, token: Token) -> Family {
        self.families[usize::from(token.family)]
    }

    /// Returns bounds of the store's clock for a process that has just been answered.
    pub(crate) fn clock(&self) -> Now {
        Now { earliest: time(self.now), latest: time(self.now) }
    }

    /// Returns the token in the store.
    pub(crate) fn token(&self) -> Option<Token> {
        self.record.as_ref().and_then(Token::of)
    }

    /// Calls `visit` for every record in the store, in a memory or on its way.
    pub(crate) fn for_each_record(&mut self, visit: &mut impl FnMut(&mut Record)) {
        self.record.iter_mut().for_each(&mut *visit);
        for Process { doing, swap, answer, .. } in &mut self.processes {
            swap.iter_mut().filter_map(|it| it.next.as_mut()).for_each(&mut *visit);
            answer.iter_mut().flatten().for_each(&mut *visit);
            match doing {
                Doing::Refresh(refresh) => {
                    attempted(&mut refresh.step).into_iter().for_each(|it| visit(&mut it.begun));
                }
                Doing::Insert(Insert::Vacating(tombstone), _)
                | Doing::Remove(Remove::Revoking(tombstone), _) => visit(tombstone),
                Doing::Remove(Remove::Swapping(record, tombstone), _) => {
                    visit(record);
                    visit(tombstone);
                }
                _ => {}
            }
        }
        self.late.iter_mut().filter_map(|it| it.next.as_mut()).for_each(visit);
    }
}

impl Process {
    pub(crate) fn is_idle(&self) -> bool {
        self.doing == Doing::Idle
    }

    /// Returns the attempt that the process is at.
    pub(crate) fn attempt(&self) -> Option<AttemptId> {
        let Doing::Refresh(refresh) = &self.doing else { return None };
        attempted!(&refresh.step).map(|it| it.id)
    }

    /// Returns the attempt and the record whose refresh token was sent, while the process waits for
    /// the answer.
    pub(crate) fn sending(&self) -> Option<(AttemptId, &Record)> {
        match &self.doing {
            Doing::Refresh(Refresh { step: Step::Sending(it), .. }) => Some((it.id, &it.begun)),
            _ => None,
        }
    }
}

/// Returns the attempt of a refresh.
pub(crate) fn attempted(step: &mut Step) -> Option<&mut Attempted> {
    attempted!(step)
}

impl Token {
    /// Returns the token in a record. A tombstone has none.
    pub(crate) fn of(record: &Record) -> Option<Self> {
        Self::read(&record.payload).filter(|_| record.state != GrantState::Gone)
    }

    /// Returns the token in a payload.
    pub(crate) fn read(payload: &Payload) -> Option<Self> {
        match *payload.as_bytes() {
            [family, number] => Some(Self { family, number }),
            _ => None,
        }
    }

    pub(crate) fn contents(self) -> Contents {
        let payload = Payload::new(vec![self.family, self.number]);
        Contents { payload, key_id: None, expires_at: None, due_at: None }
    }
}

/// Returns the id of an attempt of a process: one repeated byte.
pub(crate) fn attempt(process: usize, used: u8) -> AttemptId {
    let process = u8::try_from(process).unwrap_or(u8::MAX);
    AttemptId::from_bytes([process.saturating_mul(ATTEMPTS).saturating_add(used); 16])
}

/// Returns whose attempt it is, and which one.
pub(crate) fn owner(id: AttemptId) -> (usize, u8) {
    let byte = id.as_bytes()[0];
    (usize::from(byte / ATTEMPTS), byte % ATTEMPTS)
}

pub(crate) fn epoch(byte: u8) -> Epoch {
    Epoch::from_bytes([byte; 16])
}

pub(crate) fn version(byte: u8) -> Version {
    Version::from_bytes([byte; 16])
}

pub(crate) fn time(tick: u8) -> StoreTime {
    StoreTime::from_millis(tick.into())
}
