//! What becomes of a grant: judged when it is reported as lost, and at the end.

use countersign_tokens::{GrantState, Record, TokenErrorKind};

use super::{Oracle, Span, is_report, main_token};
use crate::executor::Micros;
use crate::provider::{End, Grant, Provider};
use crate::settings::{MINUTE, micros};
use crate::store::store_time;

/// How long a process may take to remove an attempt, with pauses and outages.
const LONGEST_CLEAR: Micros = 15 * MINUTE;

/// What a process without memory gets for a grant in the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Final {
    /// A token that the API takes, twice.
    Served,
    /// A token that the API does not take.
    Useless,
    /// An error.
    Failed(TokenErrorKind),
}

impl Oracle {
    /// Judges the record of a grant whose user was told that it is lost.
    pub(crate) fn judge_report(
        &mut self,
        grant: Grant,
        record: &Record,
        provider: &Provider,
        now: Micros,
    ) {
        if self.forgives(grant, now) {
            return;
        }
        let time = store_time(now);
        let is_marked = record.state == GrantState::Reauthorize;
        // The process of an attempt that used nothing removes it, as soon as it can.
        let oldest = record.oldest_attempt_at().filter(|_| !record.is_leased(time));
        let is_old = oldest.is_some_and(|at| micros(time.since(at)) > LONGEST_CLEAR);
        let kind = match is_marked {
            true => TokenErrorKind::Reauthorize,
            false => TokenErrorKind::OutcomeUnknown,
        };
        if !is_marked && oldest.is_none() {
            return;
        }
        if self.explains(record, kind, provider) {
            self.lost_reported += 1;
        } else if is_marked || is_old {
            let what = format!(
                "grant {grant}: {kind:?} was reported, and no fault explains it: {record:?}"
            );
            self.violated(now, &what);
        }
    }

    /// Judges what became of a grant, when all faults are over and everything has had its time.
    pub(crate) fn judge(
        &mut self,
        grant: Grant,
        record: Option<&Record>,
        outcome: Option<Final>,
        provider: &Provider,
        now: Micros,
    ) {
        let Some(facts) = self.grants.get(grant) else { return };
        let record = record.filter(|it| it.state != GrantState::Gone);
        let forgiven = now < facts.forgiven;
        let done = |spans: &[Span]| -> Option<Micros> {
            let done = spans.iter().filter(|it| it.ended.is_some_and(|(_, is_done)| is_done));
            done.map(|it| it.began).max()
        };
        let (inserted, removed) = (done(&facts.inserts), done(&facts.removals));
        let is_removed = removed.is_some_and(|it| !self.was_inserted_since(grant, it));
        let is_inserted = inserted.is_some_and(|it| !self.has_any(&facts.removals, it));
        let problem = match (record, outcome) {
            (_, None) => Some("no call came to an end".to_owned()),
            (None, Some(Final::Failed(TokenErrorKind::UnknownGrant))) => {
                (is_inserted && !forgiven).then(|| "it is gone and nobody removed it".to_owned())
            }
            (None, Some(other)) => {
                Some(format!("there is no record, and the outcome is {other:?}"))
            }
            (Some(_), Some(Final::Served)) => {
                (is_removed && !forgiven).then(|| "it was removed and serves".to_owned())
            }
            (Some(record), Some(Final::Failed(kind))) if is_report(kind) => {
                self.lost_reported += 1;
                let is_explained = forgiven || self.explains(record, kind, provider);
                let why = || format!("it is lost ({kind:?}), and no fault explains it: {record:?}");
                (!is_explained).then(why)
            }
            (Some(record), Some(other)) => {
                self.lost_unreported += 1;
                Some(format!("it is lost and not reported: {other:?}: {record:?}"))
            }
        };
        if let Some(problem) = problem {
            self.violated(now, &format!("grant {grant}: {problem}"));
        }
    }

    /// Returns whether a fault that struck an attempt, or a user, explains that a grant is lost.
    fn explains(&self, record: &Record, kind: TokenErrorKind, provider: &Provider) -> bool {
        let Some(token) = main_token(record) else { return false };
        match kind {
            TokenErrorKind::OutcomeUnknown => {
                record.attempts.iter().filter_map(|it| self.attempts.get(&it.id)).any(|life| {
                    self.was_cut_short(*life) || self.unanswered.contains(&(*life, token))
                })
            }
            _ => {
                // The process that was sent the last answer has died, did not get it, or got it
                // when the answer before had been used.
                let is_lost = |parent: usize| {
                    self.sent.range((parent, 0)..=(parent, u32::MAX)).any(|(_, life)| {
                        self.was_cut_short(*life)
                            || self.paused.contains(life)
                            || self.unanswered.contains(&(*life, parent))
                    })
                };
                provider.end_of_family(token) == Some(End::Revoked)
                    || provider.void_parent(token).is_some_and(is_lost)
            }
        }
    }
}
