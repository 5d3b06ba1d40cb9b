use std::fmt;

use serde::Serialize;

use crate::args::Kind;

/// The report of a race. The README explains each value.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    pub(crate) store: Kind,
    pub(crate) seed: u64,
    pub(crate) processes: u16,
    pub(crate) grants: u32,
    pub(crate) expiries: u64,
    pub(crate) refreshes: u64,
    pub(crate) refreshes_per_expiry: f64,
    pub(crate) double_spends: u64,
    pub(crate) grace_replays: u64,
    pub(crate) lost: u64,
    pub(crate) lost_unreported: u64,
    pub(crate) outcome_unknown: u64,
    pub(crate) unknown_resolved: u64,
    pub(crate) false_unknown: u64,
    pub(crate) served_expired: u64,
    pub(crate) wait_p50_ms: f64,
    pub(crate) wait_p99_ms: f64,
    pub(crate) round_trips_per_refresh: f64,
    /// The faults that struck.
    #[serde(skip)]
    pub(crate) struck: u64,
    /// The attempts that the store may have, and whose request did not arrive at the server.
    #[serde(skip)]
    pub(crate) interrupted: u64,
    /// The grants that are lost, and no fault explains why.
    #[serde(skip)]
    pub(crate) lost_unexplained: u64,
    /// How many calls failed, by the kind of the error.
    #[serde(skip)]
    pub(crate) errors: Vec<(String, u64)>,
}

/// A table.
impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let json = serde_json::to_string(self).map_err(|_| fmt::Error)?;
        // No value has a comma or a colon in it.
        let pairs = json.trim_matches(['{', '}']).split(',').filter_map(|it| it.split_once(':'));
        for (key, value) in pairs {
            writeln!(f, "{:<24} {}", key.trim_matches('"'), value.trim_matches('"'))?;
        }
        write!(f, "\n{}", self.notes())
    }
}

impl Report {
    /// Returns the lines below the table.
    pub(crate) fn notes(&self) -> String {
        let counts = [
            ("faults that struck".to_owned(), self.struck),
            ("attempts interrupted".to_owned(), self.interrupted),
            ("lost, not explained".to_owned(), self.lost_unexplained),
        ];
        let errors = self.errors.iter().map(|(kind, count)| (format!("calls: {kind}"), *count));
        counts.into_iter().chain(errors).map(|(name, it)| format!("{name:<24} {it}\n")).collect()
    }
}
