//! What came of a run.

use std::collections::BTreeMap;
use std::fmt;

use crate::fault::Fault;
use crate::world::State;

/// The most violations that are printed. What follows the first is often its consequence.
const MOST_PRINTED: usize = 8;

/// What came of the run of one seed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// The seed.
    pub seed: u64,
    /// The hours of virtual time in which faults struck.
    pub hours: u32,
    /// The refreshes that the provider carried out.
    pub refreshes: u64,
    /// How often each fault struck.
    pub faults: BTreeMap<Fault, u64>,
    /// The tokens that were handed out.
    pub served: u64,
    /// The spent refresh tokens that were sent again where that is not allowed.
    pub double_spends: u64,
    /// Those of grants of which the store had lost a write.
    pub double_spends_forgiven: u64,
    /// The grants that are lost, and reported.
    pub lost_reported: u64,
    /// The grants that are lost, and not reported.
    pub lost_unreported: u64,
    /// The tokens that had expired when they were handed out.
    pub served_expired: u64,
    /// The tokens that were handed out and neither stored nor reported as not stored.
    pub served_unstored: u64,
    /// The hash of everything that happened.
    pub hash: u64,
    /// What did not hold.
    pub violations: Vec<String>,
}

impl Report {
    pub(crate) fn of(state: &mut State, seed: u64, hours: u32) -> Self {
        let oracle = &mut state.oracle;
        Self {
            seed,
            hours,
            refreshes: state.provider.refreshes,
            faults: state.faults.clone(),
            served: oracle.served,
            double_spends: oracle.double_spends,
            double_spends_forgiven: oracle.double_spends_forgiven,
            lost_reported: oracle.lost_reported,
            lost_unreported: oracle.lost_unreported,
            served_expired: oracle.served_expired,
            served_unstored: oracle.served_unstored,
            hash: state.trace.hash(),
            violations: std::mem::take(&mut oracle.violations),
        }
    }

    /// Returns how many faults struck.
    #[must_use]
    pub fn struck(&self) -> u64 {
        self.faults.values().sum()
    }

    /// Returns whether everything held.
    #[must_use]
    pub fn holds(&self) -> bool {
        self.violations.is_empty()
    }
}

/// One line, and one for each violation.
impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { seed, hours, refreshes, served, hash, .. } = self;
        write!(
            f,
            "seed {seed}: {hours} fleet-hours, {refreshes} refreshes, {served} tokens served \
             ({} expired, {} not stored), {} double spends (and {} after lost writes), {} lost and \
             reported, {} lost and not reported, trace {hash:016x}, {} faults:",
            self.served_expired,
            self.served_unstored,
            self.double_spends,
            self.double_spends_forgiven,
            self.lost_reported,
            self.lost_unreported,
            self.struck(),
        )?;
        for (fault, count) in &self.faults {
            write!(f, " {fault:?} {count}")?;
        }
        for violation in self.violations.iter().take(MOST_PRINTED) {
            write!(f, "\n  FAILED: {violation}")?;
        }
        match self.violations.len().saturating_sub(MOST_PRINTED) {
            0 => {}
            more => write!(f, "\n  FAILED: {more} more")?,
        }
        Ok(())
    }
}
