//! The messages between the controller and the processes of the fleet, one line of JSON each.

use serde::{Deserialize, Serialize};

use crate::server::Kind;

/// What a process is, its first line.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Setup {
    pub(crate) kind: Kind,
    pub(crate) url: String,
    /// Which of them it is, from 0.
    pub(crate) process: usize,
    pub(crate) processes: usize,
    pub(crate) tasks: usize,
    pub(crate) grants: usize,
}

/// Whose turn it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Subject {
    /// Refreshes through a manager.
    Ours,
    /// The bare round trips of as many.
    Bare,
}

/// Go on until the time is over.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) struct Turn {
    pub(crate) subject: Subject,
    pub(crate) micros: u64,
}

/// The outcome of a turn of a process. A process also sends an empty one when it is ready.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
pub(crate) struct Done {
    pub(crate) refreshes: u64,
    /// How many of the refreshes were the first of their grant, for which the record is loaded.
    pub(crate) firsts: u64,
    /// How long it took until the last was done.
    pub(crate) micros: f64,
    /// Its CPU time.
    pub(crate) cpu: f64,
    pub(crate) steps: Steps,
}

/// Steps of the store, each of which is a round trip.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Steps {
    pub(crate) loads: u64,
    pub(crate) begins: u64,
    pub(crate) saves: u64,
    pub(crate) others: u64,
}

impl Steps {
    pub(crate) fn sum(self) -> u64 {
        self.loads + self.begins + self.saves + self.others
    }

    pub(crate) fn and(self, other: Self) -> Self {
        Self {
            loads: self.loads + other.loads,
            begins: self.begins + other.begins,
            saves: self.saves + other.saves,
            others: self.others + other.others,
        }
    }
}
