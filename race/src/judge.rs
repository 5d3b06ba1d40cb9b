//! What the race comes to, by the server's log.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use countersign_sandbox::{GrantInfo, Sandbox};
use countersign_tokens::{GrantKey, GrantStore};

use crate::Outcome;
use crate::args::{Args, Rotate};
use crate::client::hash;
use crate::ledger::{Ledger, Served, UNKNOWN};
use crate::message::Grant;
use crate::report::Report;
use crate::time::Micros;
use crate::worker::subject;

/// The kind of error by which a grant is told to be refused.
const REFUSED: &str = "Reauthorize";

/// All that is known when the race is over.
pub(crate) struct Evidence<'a> {
    pub(crate) seed: u64,
    pub(crate) args: &'a Args,
    pub(crate) ledger: &'a Ledger,
    /// What a fresh process was answered, by grant.
    pub(crate) fresh: &'a HashMap<Grant, Result<String, String>>,
    pub(crate) struck: u64,
    /// The grants before that process asked.
    pub(crate) before: &'a [GrantInfo],
    pub(crate) sandbox: &'a Sandbox,
}

impl Evidence<'_> {
    /// The report, and what of it is not as it has to be.
    pub(crate) async fn judged(
        &self,
        keys: &[GrantKey],
        store: &dyn GrantStore,
    ) -> Outcome<(Report, Outcome)> {
        let ends = self.sandbox.access_token_ends(hash);
        let by_account: HashMap<_, _> =
            self.sandbox.grants().into_iter().map(|it| (it.account.clone(), it)).collect();
        let mut unknown: HashSet<Grant> = self.ledger.unknown.clone();
        let (mut double_spends, mut grace_replays, mut interrupted) = (0, 0, 0);
        let (mut lost, mut lost_unreported, mut resolved, mut false_unknown) = (0, 0, 0, 0);
        let mut unexplained = 0;
        for (grant, key) in keys.iter().enumerate() {
            let account = format!("{}@race.example", subject(grant));
            let info = by_account.get(&account).ok_or("the sandbox has forgotten a grant")?;
            double_spends += info.reuses;
            grace_replays += info.replays;
            let attempts = self.ledger.attempts.get(&grant).copied().unwrap_or_default();
            let here = attempts.saturating_sub(info.counts.token_refresh);
            interrupted += here;
            let answer = self.fresh.get(&grant).ok_or("a grant was not asked for")?;
            if answer.as_ref().is_err_and(|kind| kind == UNKNOWN) {
                unknown.insert(grant);
                let record = store.load(key).await?.ok_or("a grant is gone from the store")?;
                // Adopted as the first generation, of the server's refresh token number 0.
                let is_false = record.generation == info.generation + 1;
                false_unknown += u64::from(is_false);
                unexplained += u64::from(is_false && here == 0);
            }
            let is_live =
                info.is_alive() && answer.as_ref().is_ok_and(|token| ends.contains_key(token));
            if is_live {
                resolved += u64::from(unknown.contains(&grant));
                continue;
            }
            lost += 1;
            let is_reported = match answer {
                Err(kind) => kind == UNKNOWN || kind == REFUSED && unknown.contains(&grant),
                Ok(_) => false,
            };
            if !is_reported {
                eprintln!("grant {grant}: lost without a word of it, and now {answer:?}");
                lost_unreported += 1;
            }
        }
        let refreshes = self.before.iter().map(|info| info.refreshes).sum();
        let expiries = u64::from(self.args.grants) * u64::from(self.args.expiries);
        let mut waits = self.ledger.waits.clone();
        waits.sort_unstable();
        let mut errors: Vec<_> = self.ledger.errors.clone().into_iter().collect();
        errors.sort();
        let report = Report {
            store: self.args.store,
            seed: self.seed,
            processes: self.args.processes,
            grants: self.args.grants,
            expiries,
            refreshes,
            refreshes_per_expiry: ratio(refreshes, expiries),
            double_spends,
            grace_replays,
            lost,
            lost_unreported,
            outcome_unknown: unknown.len() as u64,
            unknown_resolved: resolved,
            false_unknown,
            served_expired: self.served_expired(&ends),
            wait_p50_ms: percentile(&waits, 50),
            wait_p99_ms: percentile(&waits, 99),
            round_trips_per_refresh: ratio(self.ledger.steps, self.ledger.stored),
            struck: self.struck,
            interrupted,
            errors,
        };
        let verdict = self.verdict(&report, unexplained);
        Ok((report, verdict))
    }

    /// Tokens that had ended when they were handed out, or that the server never gave.
    fn served_expired(&self, ends: &HashMap<String, Duration>) -> u64 {
        let mut expired = 0;
        for Served { token, grant, process, began, returned } in &self.ledger.served {
            let end = ends.get(token).copied().map(Micros::since_epoch);
            if end.is_some_and(|end| *returned < end) {
                continue;
            }
            expired += 1;
            let late = end.map(|end| returned.since(end));
            let took = returned.since(*began);
            eprintln!(
                "grant {grant}, process {process}: ended for {late:?}, in a call of {took:?}"
            );
        }
        expired
    }

    /// Whether it is as it has to be. `unexplained`: false alarms of grants of which no attempt was
    /// interrupted.
    fn verdict(&self, report: &Report, unexplained: u64) -> Outcome {
        let mut demands = vec![("no expired token served", report.served_expired == 0)];
        if !self.args.has_faults() {
            demands.extend([
                ("one refresh for each expiry", report.refreshes == report.expiries),
                ("no grant unknown", report.outcome_unknown == 0),
                ("no call failed", report.errors.is_empty()),
                ("three round trips for each refresh", report.round_trips_per_refresh == 3.0),
            ]);
        }
        let loses_nothing = match self.args.rotate {
            Rotate::Never => true,
            Rotate::Grace => self.args.grace.is_none(),
            Rotate::Strict => !self.args.has_faults(),
        };
        if loses_nothing {
            demands.push(("no grant lost", report.lost == 0));
        }
        demands.push(("no grant lost unreported", report.lost_unreported == 0));
        if self.args.rotate == Rotate::Strict {
            demands.push(("no double spend", report.double_spends == 0));
            let is_explained = report.false_unknown <= report.interrupted && unexplained == 0;
            demands.push(("no more false alarms than attempts interrupted", is_explained));
        }
        let broken: Vec<_> = demands.iter().filter(|(_, holds)| !holds).map(|it| it.0).collect();
        if broken.is_empty() {
            Ok(())
        } else {
            Err(format!("not as it has to be: {}", broken.join(", ")).into())
        }
    }
}

fn ratio(of: u64, to: u64) -> f64 {
    rounded(of as f64 / to.max(1) as f64, 4)
}

/// In milliseconds.
fn percentile(sorted: &[Duration], part: usize) -> f64 {
    let at = (sorted.len() * part / 100).min(sorted.len().saturating_sub(1));
    rounded(sorted.get(at).copied().unwrap_or_default().as_secs_f64() * 1000.0, 1)
}

fn rounded(value: f64, digits: i32) -> f64 {
    let scale = 10_f64.powi(digits);
    (value * scale).round() / scale
}
