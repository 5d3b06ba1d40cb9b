//! What the processes have told.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use crate::message::{Answer, Grant, Point, Said};
use crate::process::Number;
use crate::time::Micros;

/// The kind of error by which a grant is told to be unknown.
pub(crate) const UNKNOWN: &str = "OutcomeUnknown";

/// What the processes have told of each grant.
#[derive(Default)]
pub(crate) struct Ledger {
    /// What was handed out.
    pub(crate) served: Vec<Served>,
    /// How long calls took that had to wait for a refresh.
    pub(crate) waits: Vec<Duration>,
    /// The refreshes that were stored, and the steps of the store that they took.
    pub(crate) stored: u64,
    pub(crate) steps: u64,
    /// The grants that somebody has told to be unknown.
    pub(crate) unknown: HashSet<Grant>,
    /// Attempts that the store was asked to let begin, less those that it did not.
    pub(crate) attempts: HashMap<Grant, u64>,
    /// Errors by their kind.
    pub(crate) errors: HashMap<String, u64>,
    /// Processes with grants that serve from memory alone.
    pub(crate) unsaved: HashSet<(Number, Grant)>,
}

/// A token that was handed out, by its hash.
pub(crate) struct Served {
    pub(crate) token: String,
    pub(crate) grant: Grant,
    pub(crate) process: Number,
    pub(crate) began: Micros,
    pub(crate) returned: Micros,
}

impl Ledger {
    /// Notes what a process has said, but for answers.
    pub(crate) fn note(&mut self, number: Number, said: &Said) {
        match said {
            Said::At(Point::Begins, grant) => *self.attempts.entry(*grant).or_default() += 1,
            Said::At(Point::Refused, grant) => {
                let attempts = self.attempts.entry(*grant).or_default();
                *attempts = attempts.saturating_sub(1);
            }
            Said::Stored { steps, .. } => {
                self.stored += 1;
                self.steps += u64::from(*steps);
            }
            Said::Unsaved { grant, is_it: true } => {
                self.unsaved.insert((number, *grant));
            }
            Said::Unsaved { grant, is_it: false } => {
                self.unsaved.remove(&(number, *grant));
            }
            Said::Lost { grant, kind } if kind == UNKNOWN => {
                self.unknown.insert(*grant);
            }
            _ => {}
        }
    }

    /// Notes an answer. One that a pause of its process fell into says nothing of times.
    pub(crate) fn answered(&mut self, process: Number, answer: Answer, was_paused: bool) {
        if !was_paused && answer.waited {
            self.waits.push(answer.returned.since(answer.began));
        }
        match answer.outcome {
            Ok(token) if !was_paused => {
                let Answer { grant, began, returned, .. } = answer;
                self.served.push(Served { token, grant, process, began, returned });
            }
            Ok(_) => {}
            Err(kind) => {
                if kind == UNKNOWN {
                    self.unknown.insert(answer.grant);
                }
                *self.errors.entry(kind).or_default() += 1;
            }
        }
    }

    /// A process is gone, with what it had in memory.
    pub(crate) fn gone(&mut self, number: Number) {
        self.unsaved.retain(|(of, _)| *of != number);
    }
}
