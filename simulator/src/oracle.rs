//! What must hold, whatever strikes: the demands of the race, and two of the model.

#[cfg(test)]
mod tests;
mod verdict;

use std::collections::{BTreeMap, BTreeSet};

use countersign_tokens::{AttemptId, Epoch, GrantState, Record, TokenErrorKind};

use crate::executor::Micros;
use crate::provider::{ACCESS, Grant, Provider, REFRESH, tokens_in};
use crate::settings::MINUTE;
pub(crate) use verdict::Final;

/// How late a write of a process that has died may be done.
pub(crate) const LATEST_WRITE: Micros = 5 * MINUTE;

pub(crate) struct Oracle {
    grants: Vec<Facts>,
    /// Which life made each attempt.
    attempts: BTreeMap<AttemptId, u32>,
    /// The refresh tokens whose request had no answer that says what became of it, with the life
    /// that sent them.
    unanswered: BTreeSet<(u32, usize)>,
    /// The refresh tokens that were sent, with the lives that sent them.
    sent: BTreeSet<(usize, u32)>,
    /// The lives that have ended, and when.
    dead: BTreeMap<u32, Micros>,
    /// The lives that were closed with nothing left to do. Their ends explain no loss.
    closed: BTreeSet<u32>,
    /// The grants that serve from the memory of a life, which has reported it.
    unsaved: BTreeSet<(u32, Grant)>,
    /// The access tokens that the store had at some time.
    stored: BTreeSet<usize>,
    /// The lives that were paused.
    paused: BTreeSet<u32>,
    /// By how much clocks were set back, and when. Without a clock that nobody sets, also forward.
    set_back: Vec<(Micros, Micros)>,
    pub(crate) violations: Vec<String>,
    pub(crate) double_spends: u64,
    /// Those that a lost write of the store explains.
    pub(crate) double_spends_forgiven: u64,
    pub(crate) served: u64,
    pub(crate) served_expired: u64,
    pub(crate) served_unstored: u64,
    pub(crate) lost_reported: u64,
    pub(crate) lost_unreported: u64,
}

/// What is known of one grant.
#[derive(Default)]
struct Facts {
    /// The epochs that there were.
    epochs: BTreeSet<Epoch>,
    /// Those that were replaced.
    gone: BTreeSet<Epoch>,
    /// Until when a write that the store has lost forgives nearly everything: until another grant is
    /// in its place, and all messages of this one have arrived.
    forgiven: Micros,
    inserts: Vec<Span>,
    removals: Vec<Span>,
}

/// What a call changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Change {
    Insert,
    Removal,
}

/// A call that changes whether there is a grant.
struct Span {
    life: u32,
    began: Micros,
    /// When the call returned, and whether it had done what it was for.
    ended: Option<(Micros, bool)>,
}

impl Facts {
    fn spans(&mut self, change: Change) -> &mut Vec<Span> {
        match change {
            Change::Insert => &mut self.inserts,
            Change::Removal => &mut self.removals,
        }
    }
}

impl Oracle {
    pub(crate) fn new(grants: usize) -> Self {
        Self {
            grants: (0..grants).map(|_| Facts::default()).collect(),
            attempts: BTreeMap::new(),
            unanswered: BTreeSet::new(),
            sent: BTreeSet::new(),
            dead: BTreeMap::new(),
            closed: BTreeSet::new(),
            paused: BTreeSet::new(),
            unsaved: BTreeSet::new(),
            stored: BTreeSet::new(),
            set_back: Vec::new(),
            violations: Vec::new(),
            double_spends: 0,
            double_spends_forgiven: 0,
            served: 0,
            served_expired: 0,
            served_unstored: 0,
            lost_reported: 0,
            lost_unreported: 0,
        }
    }

    pub(crate) fn violated(&mut self, now: Micros, what: &str) {
        self.violations.push(format!("{:.6} s: {what}", now as f64 / 1e6));
    }

    /// A process is about to swap this record in.
    pub(crate) fn swaps(&mut self, life: u32, next: &Record) {
        for attempt in &next.attempts {
            self.attempts.entry(attempt.id).or_insert(life);
        }
    }

    /// The store has replaced a record.
    pub(crate) fn wrote(
        &mut self,
        grant: Grant,
        former: Option<&Record>,
        next: Option<&Record>,
        provider: &Provider,
        now: Micros,
    ) {
        if let Some(next) = next {
            self.stored.extend(tokens_in(next.payload.as_bytes(), ACCESS));
        }
        let Some(facts) = self.grants.get_mut(grant) else { return };
        let (epoch, generation) = (next.map(|it| it.epoch), next.map(|it| it.generation));
        let is_new = epoch.is_some_and(|it| facts.epochs.insert(it));
        if is_new && next.is_some_and(|it| it.state != GrantState::Gone) {
            facts.forgiven = facts.forgiven.min(now.saturating_add(LATEST_WRITE));
        }
        if let Some(former) = former.filter(|it| Some(it.epoch) != epoch) {
            facts.gone.insert(former.epoch);
        }
        let is_live = next.is_some_and(|it| it.state != GrantState::Gone);
        if is_live && epoch.is_some_and(|it| facts.gone.contains(&it)) && now >= facts.forgiven {
            self.violated(now, &format!("grant {grant}: what was removed or replaced came back"));
        }
        let (Some(former), Some(next)) = (former, next) else { return };
        if former.epoch != next.epoch {
            return;
        }
        if former.payload != next.payload {
            let is_older = match (main_token(former), main_token(next)) {
                (Some(old), Some(new)) if generation > Some(former.generation) => new < old,
                // Another form of the same tokens, or a superseded answer in their place.
                (Some(_), Some(new)) if generation == Some(former.generation) => {
                    !tokens_in(former.payload.as_bytes(), REFRESH).any(|it| it == new)
                }
                _ => generation < Some(former.generation),
            };
            if is_older {
                let (old, new) = (former.generation, next.generation);
                let what = format!(
                    "grant {grant}: tokens of generation {new} took the place of newer ones of \
                     generation {old}"
                );
                self.violated(now, &what);
            }
        }
        let is_marked =
            next.state == GrantState::Reauthorize && former.state != GrantState::Reauthorize;
        let is_good = main_token(former).is_some_and(|token| provider.is_unspent(token));
        if is_marked && is_good && !self.forgives(grant, now) {
            self.violated(now, &format!("grant {grant}: a live grant was marked as refused"));
        }
    }

    fn forgives(&self, grant: Grant, now: Micros) -> bool {
        self.grants.get(grant).is_some_and(|it| now < it.forgiven)
    }

    /// The store has taken back writes.
    pub(crate) fn lost_write(&mut self, grant: Grant) {
        if let Some(facts) = self.grants.get_mut(grant) {
            facts.forgiven = Micros::MAX;
        }
    }

    pub(crate) fn sends(&mut self, life: u32, refresh_token: usize) {
        self.sent.insert((refresh_token, life));
    }

    pub(crate) fn unanswered(&mut self, life: u32, refresh_token: usize) {
        self.unanswered.insert((life, refresh_token));
    }

    pub(crate) fn died(&mut self, life: u32, now: Micros) {
        self.dead.insert(life, now);
        self.unsaved.retain(|(of, _)| *of != life);
    }

    pub(crate) fn was_paused(&mut self, life: u32) {
        self.paused.insert(life);
    }

    /// A manager was closed, and says that nothing is left.
    pub(crate) fn closed(&mut self, life: u32) {
        self.closed.insert(life);
    }

    /// Returns whether a life ended with work under way.
    fn was_cut_short(&self, life: u32) -> bool {
        self.dead.contains_key(&life) && !self.closed.contains(&life)
    }

    /// `now`: when, or later if the jump counts for tokens that were asked for until then.
    pub(crate) fn was_set_back(&mut self, by: Micros, now: Micros) {
        self.set_back.push((now, by));
    }

    pub(crate) fn is_unsaved(&mut self, life: u32, grant: Grant, is_unsaved: bool) {
        if is_unsaved {
            self.unsaved.insert((life, grant));
        } else {
            self.unsaved.remove(&(life, grant));
        }
    }

    pub(crate) fn spent_again(&mut self, grant: Grant, token: usize, now: Micros) {
        if self.forgives(grant, now) {
            self.double_spends_forgiven += 1;
            return;
        }
        self.double_spends += 1;
        self.violated(now, &format!("grant {grant}: rt-{token} was spent and sent again"));
    }

    /// A process has handed a token out. `is_timely`: the process was not paused meanwhile.
    pub(crate) fn served(
        &mut self,
        life: u32,
        grant: Grant,
        token: usize,
        is_timely: bool,
        provider: &Provider,
        now: Micros,
    ) {
        self.served += 1;
        if !self.stored.contains(&token) && !self.unsaved.contains(&(life, grant)) {
            self.served_unstored += 1;
            self.violated(now, &format!("grant {grant}: at-{token} was served and not stored"));
        }
        let (issued, end) = provider.times_of(token);
        // A token may serve for longer by as much as clocks were set back since it was asked for.
        let since = issued.saturating_sub(MINUTE);
        let recent = self.set_back.iter().filter(|(at, _)| *at >= since);
        let slack: Micros = recent.map(|(_, by)| by).sum();
        if is_timely && end.saturating_add(slack) <= now {
            self.served_expired += 1;
            let late = (now - end) as f64 / 1e6;
            self.violated(now, &format!("grant {grant}: at-{token} was served {late} s too late"));
        }
    }

    /// Notes that a call began. Returns its number.
    pub(crate) fn began(&mut self, change: Change, life: u32, grant: Grant, now: Micros) -> usize {
        let Some(facts) = self.grants.get_mut(grant) else { return 0 };
        let spans = facts.spans(change);
        spans.push(Span { life, began: now, ended: None });
        spans.len() - 1
    }

    /// Notes that a call returned.
    pub(crate) fn ended(
        &mut self,
        change: Change,
        grant: Grant,
        call: usize,
        is_done: bool,
        now: Micros,
    ) {
        let spans = self.grants.get_mut(grant).map(|it| it.spans(change));
        if let Some(span) = spans.and_then(|it| it.get_mut(call)) {
            span.ended = Some((now, is_done));
        }
    }

    /// Returns whether an insert of the grant was under way at `since` or began later.
    pub(crate) fn was_inserted_since(&self, grant: Grant, since: Micros) -> bool {
        let facts = self.grants.get(grant);
        facts.is_none_or(|it| since < it.forgiven || self.has_any(&it.inserts, since))
    }

    fn has_any(&self, spans: &[Span], since: Micros) -> bool {
        spans.iter().any(|span| {
            let end = match (span.ended, self.dead.get(&span.life)) {
                // What was tried and failed may be done later.
                (Some((ended, true)), _) => Some(ended),
                (_, Some(died)) => Some(died.saturating_add(LATEST_WRITE)),
                _ => None,
            };
            end.is_none_or(|end| end >= since)
        })
    }
}

/// Returns whether an error tells its caller that the grant may be lost.
pub(crate) fn is_report(kind: TokenErrorKind) -> bool {
    matches!(kind, TokenErrorKind::Reauthorize | TokenErrorKind::OutcomeUnknown)
}

/// Returns the refresh token that would be sent next.
fn main_token(record: &Record) -> Option<usize> {
    tokens_in(record.payload.as_bytes(), REFRESH).next()
}
