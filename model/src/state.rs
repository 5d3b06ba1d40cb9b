//! What there is in a run: the store's record, the processes, the provider, and what is between.

use countersign_tokens::{GrantState, Negative};

/// Lives that a grant may have in one run, tombstones included.
pub const EPOCHS: usize = 7;

/// Attempts that a process may make in one run.
pub const ATTEMPTS: u8 = 4;

/// Everything there is: one grant, the processes that share it, the provider, and what is between.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct State<const N: usize> {
    /// The clock, which stands still unless the rotation has a grace window.
    pub now: u8,
    /// What the store has.
    pub record: Option<Row>,
    /// Those that share the grant.
    pub processes: [Process; N],
    /// Steps that were given up by whoever sent them, and may still reach the store.
    pub late: Vec<Request>,
    /// Requests on their way to the provider, and its answers.
    pub flights: Vec<Flight>,
    /// The grant at the provider, in each of its lives.
    pub families: [Family; EPOCHS],
    /// What may still happen.
    pub left: Budget,
    /// The epoch that is drawn next.
    pub next_epoch: u8,
    /// What has happened, and should not have.
    pub seen: Seen,
}

/// The record of a store, without what has no bearing on the protocol.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Row {
    /// Which life of the grant it is.
    pub epoch: u8,
    /// Moves with every new token.
    pub generation: u8,
    /// Whether it can be refreshed.
    pub state: GrantState,
    /// Who may refresh it now, until when.
    pub lease: Option<(u8, u8)>,
    /// The intents that nobody has taken back, with the instant of each.
    pub attempts: Vec<(u8, u8)>,
    /// The attempt that wrote it.
    pub written_by: Option<u8>,
    /// Before when it is not to be refreshed.
    pub not_before: Option<u8>,
    /// Its refresh token. A tombstone has none.
    pub token: Option<Token>,
}

/// A refresh token: which one of which family.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Token {
    /// The epoch in which the family was adopted.
    pub family: u8,
    /// Counts the tokens of a family.
    pub number: u8,
}

/// A process, and what it has in its memory.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Process {
    /// The attempts that it has used up.
    pub used: u8,
    /// What it is about to do.
    pub doing: Doing,
    /// Which of its begins it has not heard of: one may still reach the store, after its clear.
    pub strays: Own,
    /// Which of its intents stand by right: it has sent the token, or died.
    pub tried: Own,
    /// Which of its intents says since when the grace has run.
    pub left: Own,
}

/// Some of the attempts of one process, as bits.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Own(u8);

impl Own {
    pub(crate) fn add(&mut self, used: u8) {
        self.0 |= 1 << used;
    }

    pub(crate) fn has(self, used: u8) -> bool {
        self.0 & 1 << used != 0
    }
}

/// What a refresh has read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Read {
    /// The epoch of the record.
    pub epoch: u8,
    /// Its generation.
    pub generation: u8,
    /// Its refresh token.
    pub token: Token,
}

/// The step that a process takes next, with what it knows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[allow(missing_docs, reason = "the members are those of the steps in `countersign-tokens`")]
pub enum Doing {
    /// Nothing: it may take on anything.
    #[default]
    Idle,
    /// Lease, second look and intent.
    Begin { read: Read },
    /// The intent, where it is not written by begin.
    Intend { read: Read },
    /// The look at the time, just before the bytes go.
    Gate { read: Read, began: u8 },
    /// The refresh token goes out.
    Send { read: Read },
    /// The answer is awaited.
    Wait { read: Read },
    /// The answer is to be stored.
    Save { read: Read, fresh: Token },
    /// It could not be stored: the lease is extended before that is tried again.
    Renew { read: Read, fresh: Token },
    /// `invalid_grant`: another look at the store.
    Reload { read: Read },
    /// The grant is to be marked.
    Mark { read: Read, as_state: As },
    /// The own intent is to be taken back, until it is; or, where intents forbid nothing, once.
    /// Whether that was tried already.
    Clear { read: Read, tried: bool },
    /// The own intent of an earlier attempt is to be, which came after its clear.
    TakeBack { epoch: u8, attempt: u8 },
    /// The lease is to be released, while the intent stays.
    Release { read: Read },
    /// A new grant of the user is to be stored: in whose place?
    LookToAdopt { epoch: u8 },
    /// In the place of this one.
    Adopt { epoch: u8, replaces: Option<u8>, is_repeated: bool },
    /// A grant is to be forgotten: which?
    LookToForget { tombstone: u8 },
    /// This one.
    Forget { epoch: u8, tombstone: u8, token: Option<Token> },
    /// Its token is to be revoked.
    Revoke { tombstone: u8, token: Option<Token> },
    /// Its tombstone is to be removed.
    Purge { tombstone: u8 },
    /// The payload is to be sealed anew; whether nothing was written since it was read.
    Reseal { read: Read, is_unchanged: bool },
}

/// [`Negative`], in an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum As {
    /// [`Negative::Unknown`].
    Unknown,
    /// [`Negative::Reauthorize`].
    Reauthorize,
}

impl From<As> for Negative {
    fn from(it: As) -> Self {
        match it {
            As::Unknown => Self::Unknown,
            As::Reauthorize => Self::Reauthorize,
        }
    }
}

/// A step on its way to the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[allow(missing_docs, reason = "the members are those of the steps in `countersign-tokens`")]
pub enum Request {
    /// `GrantStore::begin`.
    Begin { attempt: u8, epoch: u8, generation: u8 },
    /// The intent, where it is not written by begin.
    Intend { attempt: u8, epoch: u8, generation: u8 },
    /// `GrantStore::save`.
    Save { attempt: u8, epoch: u8, generation: u8, fresh: Token },
    /// `GrantStore::clear`.
    Clear { attempt: u8, epoch: u8 },
    /// `GrantStore::renew`, and with no time the release.
    Renew { attempt: u8, epoch: u8, is_release: bool },
    /// `GrantStore::mark`.
    Mark { attempt: u8, epoch: u8, generation: u8, as_state: As },
    /// `GrantStore::reseal`.
    Reseal { epoch: u8, generation: u8, token: Token, is_unchanged: bool },
    /// `GrantStore::adopt`.
    Adopt { epoch: u8, replaces: Option<u8> },
    /// `GrantStore::forget`.
    Forget { epoch: u8, tombstone: u8 },
    /// `GrantStore::purge`.
    Purge { tombstone: u8 },
}

impl Request {
    pub(crate) fn attempt(mut self) -> Option<u8> {
        self.attempt_mut().copied()
    }

    pub(crate) fn attempt_mut(&mut self) -> Option<&mut u8> {
        match self {
            Self::Begin { attempt, .. }
            | Self::Intend { attempt, .. }
            | Self::Save { attempt, .. }
            | Self::Clear { attempt, .. }
            | Self::Renew { attempt, .. }
            | Self::Mark { attempt, .. } => Some(attempt),
            Self::Reseal { .. } | Self::Adopt { .. } | Self::Forget { .. } | Self::Purge { .. } => {
                None
            }
        }
    }

    /// Lets it be said of this epoch, whichever it was said of.
    pub(crate) fn set_epoch(&mut self, present: u8) {
        match self {
            Self::Begin { epoch, .. }
            | Self::Intend { epoch, .. }
            | Self::Save { epoch, .. }
            | Self::Clear { epoch, .. }
            | Self::Renew { epoch, .. }
            | Self::Mark { epoch, .. }
            | Self::Reseal { epoch, .. }
            | Self::Forget { epoch, .. } => *epoch = present,
            Self::Adopt { replaces, .. } => *replaces = Some(present),
            Self::Purge { tombstone } => *tombstone = present,
        }
    }
}

/// A request to the provider, or its answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Flight {
    /// Whose it is.
    pub attempt: u8,
    /// The refresh token that is sent.
    pub token: Token,
    /// When it arrives at the latest, where there is a clock.
    pub until: u8,
    /// What the provider said, once it did.
    pub answer: Option<Result<Token, Invalid>>,
}

/// `invalid_grant`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Invalid;

/// A grant at the provider, in one of its lives.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Family {
    /// The number of the token that is not spent.
    pub newest: u8,
    /// When that was handed out.
    pub since: u8,
    /// How it ended, if it did.
    pub end: Option<End>,
    /// Whether the store had it, and has something else in its place by somebody's wish.
    pub is_past: bool,
}

/// Why a grant is over at the provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum End {
    /// By the user's wish, or revoked because it was forgotten.
    Withdrawn,
    /// A spent token was sent again.
    Killed,
}

/// What may still happen in a run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Budget {
    /// Processes that die, and begin anew with nothing in memory.
    pub crashes: u8,
    /// Answers that are lost, requests that are not sent, come late or never arrive.
    pub losses: u8,
    /// Users that end the grant at the provider.
    pub withdrawals: u8,
    /// Grants that are taken over.
    pub adoptions: u8,
    /// Grants that are forgotten.
    pub forgettings: u8,
    /// Payloads that are sealed anew.
    pub reseals: u8,
}

/// What has happened and should not have.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Seen {
    /// A spent refresh token was sent again, with no grace for it.
    pub double_spend: bool,
    /// A token was written over a newer one of its family.
    pub older_over_newer: bool,
    /// The newest token was thrown away, while the store has an older one of its family.
    pub newest_dropped: bool,
}

impl<const N: usize> State<N> {
    /// The attempt that a process is at, or makes next.
    #[must_use]
    pub fn attempt(&self, process: usize) -> u8 {
        attempt(process, self.processes[process].used)
    }

    /// The attempt of which an intent of a process stands that came after its clear.
    pub(crate) fn stray(&self, process: usize) -> Option<(u8, u8)> {
        let row = self.record.as_ref()?;
        let mut standing = row.attempts.iter().map(|it| it.0);
        let is_it = |it: &u8| {
            usize::from(it / ATTEMPTS) == process
                && self.processes[process].strays.has(it % ATTEMPTS)
        };
        standing.find(is_it).map(|attempt| (row.epoch, attempt))
    }

    /// The family of a token.
    #[must_use]
    pub fn family(&self, token: Token) -> &Family {
        &self.families[usize::from(token.family)]
    }
}

/// The number of a process' attempt.
#[must_use]
pub fn attempt(process: usize, used: u8) -> u8 {
    u8::try_from(process).unwrap_or(u8::MAX).saturating_mul(ATTEMPTS).saturating_add(used)
}
