use std::fmt;

use serde::Serialize;

use crate::args::Kind;

/// What came of a race. The README says what each means.
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
    /// Faults that struck.
    #[serde(skip)]
    pub(crate) struck: u64,
    /// Attempts that may have begun in the store and whose request did not arrive at the server.
    #[serde(skip)]
    pub(crate) interrupted: u64,
    /// Calls that failed, by the kind of their error.
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
        writeln!(f)?;
        writeln!(f, "{:<24} {}", "faults that struck", self.struck)?;
        writeln!(f, "{:<24} {}", "attempts interrupted", self.interrupted)?;
        for (kind, count) in &self.errors {
            writeln!(f, "{:<24} {count}", format!("calls: {kind}"))?;
        }
        Ok(())
    }
}
