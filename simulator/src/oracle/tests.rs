//! An oracle that is blind finds nothing.

use countersign_core::Rotation;
use countersign_tokens::{Attempt, Payload, Version};

use super::*;
use crate::provider::{Tokens, Verdict};
use crate::settings::{HOUR, SECOND};
use crate::store::store_time;

const LIFE: u32 = 1;

/// A grant, its first tokens, and its record.
struct Case {
    oracle: Oracle,
    provider: Provider,
    first: Tokens,
    record: Record,
}

fn case() -> Case {
    let mut provider = Provider::new(Rotation::Strict, true, 5 * MINUTE);
    let first = provider.consent(0, 0);
    let mut case = Case { oracle: Oracle::new(1), provider, first, record: record(1, 1, first) };
    let call = case.oracle.began(Change::Insert, LIFE, 0, 0);
    let record = case.record.clone();
    case.write(None, Some(&record), 0);
    case.oracle.ended(Change::Insert, 0, call, true, 1);
    case
}

fn record(epoch: u8, generation: u64, tokens: Tokens) -> Record {
    let payload = format!("{} {}", tokens.access_token(), tokens.refresh_token());
    let version = Version::from_bytes([generation as u8; 16]);
    let blank = Record::tombstone(Epoch::from_bytes([epoch; 16]), generation, version);
    Record { state: GrantState::Live, payload: Payload::new(payload.into_bytes()), ..blank }
}

impl Case {
    fn write(&mut self, former: Option<&Record>, next: Option<&Record>, now: Micros) {
        self.oracle.wrote(0, former, next, &self.provider, now);
    }

    fn refreshed(&mut self, now: Micros) -> Tokens {
        match self.provider.refresh(self.first.refresh, now) {
            Verdict::Refreshed(tokens) => tokens,
            other => panic!("{other:?}"),
        }
    }

    fn finds(&self, what: &str) -> bool {
        self.oracle.violations.iter().any(|it| it.contains(what))
    }

    fn judge(&mut self, outcome: Final) {
        let record = self.record.clone();
        self.oracle.judge(0, Some(&record), Some(outcome), &self.provider, HOUR);
    }
}

#[test]
fn a_token_that_is_not_stored_is_found() {
    let mut case = case();
    let new = case.refreshed(1);
    case.oracle.served(LIFE, 0, case.first.access, true, &case.provider, 2);
    assert_eq!(case.oracle.violations, [""; 0]);
    case.oracle.is_unsaved(LIFE, 0, true);
    case.oracle.served(LIFE, 0, new.access, true, &case.provider, 2);
    assert_eq!(case.oracle.violations, [""; 0]);
    case.oracle.is_unsaved(LIFE, 0, false);
    case.oracle.served(LIFE, 0, new.access, true, &case.provider, 2);
    assert!(case.finds("served and not stored"));
}

#[test]
fn a_token_that_has_expired_is_found() {
    let mut case = case();
    let late = 6 * MINUTE;
    case.oracle.served(LIFE, 0, case.first.access, false, &case.provider, late);
    assert_eq!(case.oracle.violations, [""; 0]);
    case.oracle.served(LIFE, 0, case.first.access, true, &case.provider, late);
    assert!(case.finds("too late"));
    case.oracle.violations.clear();
    case.oracle.was_set_back(2 * MINUTE, SECOND);
    case.oracle.served(LIFE, 0, case.first.access, true, &case.provider, late);
    assert_eq!(case.oracle.violations, [""; 0]);
}

#[test]
fn a_token_that_is_spent_again_is_found_unless_the_store_lost_a_write() {
    let mut case = case();
    case.refreshed(1);
    let again = case.provider.refresh(case.first.refresh, 2);
    assert!(matches!(again, Verdict::DoubleSpend(0)));
    case.oracle.spent_again(0, case.first.refresh, 2);
    assert!(case.finds("spent and sent again"));
    case.oracle.violations.clear();
    case.oracle.lost_write(0);
    case.oracle.spent_again(0, case.first.refresh, 2);
    assert_eq!(case.oracle.violations, [""; 0]);
}

#[test]
fn older_tokens_over_newer_ones_are_found() {
    let mut case = case();
    let new = case.refreshed(1);
    let (old, next) = (case.record.clone(), record(1, 2, new));
    case.write(Some(&old), Some(&next), 2);
    assert_eq!(case.oracle.violations, [""; 0]);
    case.write(Some(&next), Some(&record(1, 2, case.first)), 3);
    assert!(case.finds("took the place of newer ones"));
}

#[test]
fn what_comes_back_is_found() {
    let mut case = case();
    let old = case.record.clone();
    case.write(Some(&old), None, 2);
    assert_eq!(case.oracle.violations, [""; 0]);
    case.write(None, Some(&old), 3);
    assert!(case.finds("came back"));
}

#[test]
fn a_live_grant_that_is_marked_is_found() {
    let mut case = case();
    let (old, mut next) = (case.record.clone(), case.record.clone());
    next.state = GrantState::Reauthorize;
    case.write(Some(&old), Some(&next), 2);
    assert!(case.finds("a live grant was marked"));
    case.oracle.violations.clear();
    case.provider.revoke(case.first.refresh);
    case.write(Some(&old), Some(&next), 3);
    assert_eq!(case.oracle.violations, [""; 0]);
}

#[test]
fn a_loss_needs_a_report_and_a_reason() {
    let mut case = case();
    case.judge(Final::Served);
    assert_eq!(case.oracle.violations, [""; 0]);
    case.judge(Final::Useless);
    assert!(case.finds("lost and not reported"));
    assert_eq!(case.oracle.lost_unreported, 1);
    case.judge(Final::Failed(TokenErrorKind::Reauthorize));
    assert!(case.finds("no fault explains it"));
    case.oracle.violations.clear();
    case.provider.revoke(case.first.refresh);
    case.judge(Final::Failed(TokenErrorKind::Reauthorize));
    assert_eq!(case.oracle.violations, [""; 0]);
}

#[test]
fn an_attempt_explains_a_loss_if_its_process_died_or_had_no_answer() {
    let id = AttemptId::from_bytes([7; 16]);
    let attempt = Attempt { id, at: store_time(1), lease_until: store_time(1) };
    let unknown = Final::Failed(TokenErrorKind::OutcomeUnknown);
    let strikes: [&dyn Fn(&mut Case); 3] = [
        &|_| {},
        &|case| {
            case.oracle.died(LIFE, 2);
        },
        &|case| case.oracle.unanswered(LIFE, case.first.refresh),
    ];
    for (index, strike) in strikes.iter().enumerate() {
        let mut case = case();
        case.record.attempts.push(attempt);
        let record = case.record.clone();
        case.oracle.swaps(LIFE, &record);
        strike(&mut case);
        case.judge(unknown);
        assert_eq!(case.finds("no fault explains it"), index == 0);
        case.oracle.violations.clear();
        case.oracle.judge_report(0, &record, &case.provider, HOUR);
        assert_eq!(case.finds("no fault explains it"), index == 0);
    }
}

#[test]
fn a_grant_that_vanishes_is_found() {
    let gone = Some(Final::Failed(TokenErrorKind::UnknownGrant));
    let mut case = case();
    case.oracle.judge(0, None, gone, &case.provider, HOUR);
    assert!(case.finds("nobody removed it"));
    case.oracle.violations.clear();
    let call = case.oracle.began(Change::Removal, LIFE, 0, 2);
    case.oracle.ended(Change::Removal, 0, call, true, 3);
    case.oracle.judge(0, None, gone, &case.provider, HOUR);
    assert_eq!(case.oracle.violations, [""; 0]);
    case.judge(Final::Served);
    assert!(case.finds("it was removed and serves"));
}
