//! The outcome of a race, by the log of the authorization server.

use std::collections::{HashMap, HashSet};
use std::ops::RangeInclusive;
use std::time::Duration;

use countersign_sandbox::{GrantInfo, Sandbox};
use countersign_tokens::{GrantKey, GrantStore};

use crate::Outcome;
use crate::args::{Args, Rotate};
use crate::client::hash;
use crate::limits::Limits;
use crate::message::Grant;
use crate::observed::{Observed, Served, UNKNOWN};
use crate::report::Report;
use crate::time::Micros;
use crate::worker::subject;

/// The kind of error for a grant that the provider has refused.
const REFUSED: &str = "Reauthorize";

/// Everything that is known at the end of a race.
pub(crate) struct Evidence<'a> {
    pub(crate) seed: u64,
    pub(crate) args: &'a Args,
    pub(crate) limits: Limits,
    pub(crate) observed: &'a Observed,
    /// The answers of a fresh process, by grant.
    pub(crate) fresh: &'a HashMap<Grant, Result<String, String>>,
    /// The grants before that process asked.
    pub(crate) before: &'a [GrantInfo],
    pub(crate) sandbox: &'a Sandbox,
}

/// The counts over all grants.
#[derive(Default)]
struct Counts {
    double_spends: u64,
    grace_replays: u64,
    interrupted: u64,
    lost: u64,
    lost_unreported: u64,
    lost_unexplained: u64,
    unknown: HashSet<Grant>,
    unknown_resolved: u64,
    false_unknown: u64,
    /// The false alarms for grants of which no attempt was interrupted.
    false_unexplained: u64,
}

impl Evidence<'_> {
    /// Returns the report, and the error if the report is not as required.
    pub(crate) async fn evaluate(
        &self,
        keys: &[GrantKey],
        store: &dyn GrantStore,
    ) -> Outcome<(Report, Outcome)> {
        let ends = self.sandbox.access_token_ends(hash);
        let counts = self.count(keys, store, &ends).await?;
        let refreshes = self.before.iter().map(|info| info.refreshes).sum();
        let expiries = u64::from(self.args.grants) * u64::from(self.args.expiries);
        let mut waits = self.observed.waits.clone();
        waits.sort_unstable();
        let mut errors: Vec<_> = self.observed.errors.clone().into_iter().collect();
        errors.sort();
        let report = Report {
            store: self.args.store,
            seed: self.seed,
            processes: self.args.processes,
            grants: self.args.grants,
            expiries,
            refreshes,
            refreshes_per_expiry: ratio(refreshes, expiries),
            double_spends: counts.double_spends,
            grace_replays: counts.grace_replays,
            lost: counts.lost,
            lost_unreported: counts.lost_unreported,
            outcome_unknown: counts.unknown.len() as u64,
            unknown_resolved: counts.unknown_resolved,
            false_unknown: counts.false_unknown,
            served_expired: self.served_expired(&ends),
            wait_p50_ms: percentile(&waits, 50),
            wait_p99_ms: percentile(&waits, 99),
            round_trips_per_refresh: ratio(self.observed.steps, self.observed.stored),
            struck: self.observed.strikes.len() as u64,
            interrupted: counts.interrupted,
            lost_unexplained: counts.lost_unexplained,
            errors,
        };
        let outcome = self.check(&report, counts.false_unexplained);
        Ok((report, outcome))
    }

    async fn count(
        &self,
        keys: &[GrantKey],
        store: &dyn GrantStore,
        ends: &HashMap<String, Duration>,
    ) -> Outcome<Counts> {
        let by_account: HashMap<_, _> =
            self.sandbox.grants().into_iter().map(|it| (it.account.clone(), it)).collect();
        let mut counts = Counts { unknown: self.observed.unknown.clone(), ..Counts::default() };
        for (grant, key) in keys.iter().enumerate() {
            let account = format!("{}@race.example", subject(grant));
            let info = by_account.get(&account).ok_or("the sandbox does not know a grant")?;
            counts.double_spends += info.reuses;
            counts.grace_replays += info.replays;
            let attempts = self.observed.attempts.count(grant);
            let interrupted = attempts.saturating_sub(info.counts.token_refresh);
            counts.interrupted += interrupted;
            let answer = self.fresh.get(&grant).ok_or("the fresh process skipped a grant")?;
            let is_unknown = answer.as_ref().is_err_and(|kind| kind == UNKNOWN);
            if is_unknown {
                counts.unknown.insert(grant);
            }
            let is_live =
                info.is_alive() && answer.as_ref().is_ok_and(|token| ends.contains_key(token));
            if is_live {
                counts.unknown_resolved += u64::from(counts.unknown.contains(&grant));
                continue;
            }
            let record = store.load(key).await?.record;
            let generation = record.ok_or("the store has no record of a grant")?.generation;
            if is_unknown {
                // The first generation in the store has the refresh token number 0 of the server.
                let is_false = generation == info.generation + 1;
                counts.false_unknown += u64::from(is_false);
                counts.false_unexplained += u64::from(is_false && interrupted == 0);
            }
            counts.lost += 1;
            let is_reported = match answer {
                Err(kind) => kind == UNKNOWN || kind == REFUSED && counts.unknown.contains(&grant),
                Ok(_) => false,
            };
            if !is_reported {
                eprintln!("grant {grant}: lost, and not reported; now {answer:?}");
                counts.lost_unreported += 1;
            }
            let (attempts, strikes) = (&self.observed.attempts, &self.observed.strikes);
            match attempts.explain(grant, generation, strikes, self.limits) {
                Some(explanation) => eprintln!("grant {grant}: lost, because {explanation}"),
                None => {
                    let open = attempts.describe(grant, generation);
                    eprintln!("grant {grant}: lost, and no fault explains it; attempts: {open}");
                    counts.lost_unexplained += 1;
                }
            }
        }
        Ok(counts)
    }

    /// Counts the tokens that had expired when they were handed out, or that the server never gave.
    fn served_expired(&self, ends: &HashMap<String, Duration>) -> u64 {
        let mut expired = 0;
        for Served { token, grant, process, began, returned } in &self.observed.served {
            let end = ends.get(token).copied().map(Micros::since_epoch);
            if end.is_some_and(|end| *returned < end) {
                continue;
            }
            expired += 1;
            let late = end.map(|end| returned.since(end));
            let took = returned.since(*began);
            eprintln!(
                "grant {grant}, process {process}: the token had expired {late:?} before a call \
                 of {took:?} returned it"
            );
        }
        expired
    }

    /// Checks the report. `false_unexplained`: the false alarms for grants of which no attempt was
    /// interrupted.
    fn check(&self, report: &Report, false_unexplained: u64) -> Outcome {
        let mut demands = vec![("no expired token served", report.served_expired == 0)];
        if !self.args.has_faults() {
            let round_trips = self.round_trips().contains(&report.round_trips_per_refresh);
            demands.extend([
                ("one refresh for each expiry", report.refreshes == report.expiries),
                ("no call failed", report.errors.is_empty()),
                ("two round trips for each refresh", round_trips || self.args.expiries == 1),
            ]);
        }
        let loses_nothing = match self.args.rotate {
            Rotate::Never => true,
            Rotate::Grace => self.args.grace.is_none(),
            Rotate::Strict => !self.args.may_lose(),
        };
        if loses_nothing {
            demands.push(("no grant lost", report.lost == 0));
        }
        if !self.args.may_lose() {
            demands.push(("no grant unknown", report.outcome_unknown == 0));
        }
        demands.push(("no grant lost unreported", report.lost_unreported == 0));
        demands.push(("no grant lost that no fault explains", report.lost_unexplained == 0));
        if self.args.rotate == Rotate::Strict {
            demands.push(("no double spend", report.double_spends == 0));
            let is_explained = report.false_unknown <= report.interrupted && false_unexplained == 0;
            demands.push(("no more false alarms than attempts interrupted", is_explained));
        }
        let broken: Vec<_> = demands.iter().filter(|(_, holds)| !holds).map(|it| it.0).collect();
        if broken.is_empty() {
            Ok(())
        } else {
            Err(format!("the race demands {}", broken.join(", ")).into())
        }
    }

    /// Returns the round trips of a refresh without faults: two, which begin and save. Within a
    /// grace window a record in memory that is older than the lease is loaded first.
    fn round_trips(&self) -> RangeInclusive<f64> {
        let (life, lease) = (self.limits.life(self.args), self.limits.lease());
        match self.args.rotate {
            Rotate::Grace if life >= lease => 3.0..=3.0,
            // The duration of a round adds to the age, and is at most a lifetime.
            Rotate::Grace if 2 * life >= lease => 2.0..=3.0,
            _ => 2.0..=2.0,
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
