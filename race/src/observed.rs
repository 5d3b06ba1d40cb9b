//! What the controller has observed of the processes: their messages, and the faults that struck.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use crate::attempts::{Attempts, Strike};
use crate::message::{Answer, Grant, Message};
use crate::process::Number;
use crate::time::Micros;

/// The kind of error for a grant whose outcome is unknown.
pub(crate) const UNKNOWN: &str = "OutcomeUnknown";

/// The messages of all processes, by grant, and the faults.
#[derive(Default)]
pub(crate) struct Observed {
    /// The tokens that were handed out.
    pub(crate) served: Vec<Served>,
    /// The durations of the calls that waited for a refresh.
    pub(crate) waits: Vec<Duration>,
    /// The refreshes that were stored in the rounds after the first, and their steps of the store.
    pub(crate) stored: u64,
    pub(crate) steps: u64,
    /// The grants that a process has reported as unknown.
    pub(crate) unknown: HashSet<Grant>,
    /// The attempts that the store has, or may have.
    pub(crate) attempts: Attempts,
    /// The faults that struck.
    pub(crate) strikes: Vec<Strike>,
    /// How many calls failed, by the kind of the error.
    pub(crate) errors: HashMap<String, u64>,
    /// The grants that serve from the memory of a process and are not stored.
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

impl Observed {
    /// Adds a message that is no answer. `has_memory`: the process may have asked for the grant in
    /// an earlier round.
    pub(crate) fn note(&mut self, process: Number, message: &Message, has_memory: bool) {
        match message {
            Message::At { point, grant, generation } => {
                self.attempts.note(process, *grant, *generation, *point);
            }
            Message::Stored { grant, generation, steps } => {
                self.attempts.stored(process, *grant, *generation);
                if has_memory {
                    self.stored += 1;
                    self.steps += u64::from(*steps);
                }
            }
            Message::Unsaved { grant, is_unsaved: true } => {
                self.unsaved.insert((process, *grant));
            }
            Message::Unsaved { grant, is_unsaved: false } => {
                self.unsaved.remove(&(process, *grant));
            }
            Message::Lost { grant, kind } if kind == UNKNOWN => {
                self.unknown.insert(*grant);
            }
            _ => {}
        }
    }

    /// Adds an answer. A call that a pause of its process fell into says nothing about times.
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
    /// Forgets what a process that was killed had in memory.
    pub(crate) fn gone(&mut self, process: Number) {
        self.unsaved.retain(|(of, _)| *of != process);
    }
}
