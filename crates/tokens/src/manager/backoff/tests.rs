//! The circuit breaker and the rate limit, at instants that the tests choose.

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use time::OffsetDateTime;

use super::{Backoff, Circuit, Early, Permit, Rate, backoff};
use crate::key::GrantKey;
use crate::store::{Randomness, StoreError};

type TestResult = Result<(), Box<dyn Error>>;

/// Each jitter is half of its bound.
#[derive(Debug)]
struct Half;

impl Randomness for Half {
    fn fill(&self, bytes: &mut [u8]) -> Result<(), StoreError> {
        bytes.fill(0);
        if let Some(first) = bytes.first_mut() {
            *first = 0x80;
        }
        Ok(())
    }
}

fn circuit() -> Arc<Circuit> {
    Arc::new(Circuit::new(Arc::new(Half)))
}

fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// The instant so long after the start.
fn at(passed: u64) -> OffsetDateTime {
    OffsetDateTime::UNIX_EPOCH + millis(passed)
}

fn key(user: &str) -> Result<GrantKey, Box<dyn Error>> {
    Ok(GrantKey::new("provider", "client", user)?)
}

fn refused(permit: Result<Permit, Duration>) -> Option<Duration> {
    permit.err()
}

/// A circuit that an outage has opened, and that a refresh at the start has closed again.
fn recovering() -> Arc<Circuit> {
    let circuit = circuit();
    circuit.store_failed();
    circuit.succeeded(at(0));
    circuit
}

#[test]
fn g13_waits_double_from_a_fifth_of_a_second_to_a_minute() {
    for (failures, bound) in [(0, 200), (1, 400), (8, 51_200), (9, 60_000), (100, 60_000)] {
        assert_eq!(backoff(failures, &Half), millis(bound / 2), "{failures}");
    }
}

#[test]
fn g06_a_backoff_ends_after_its_length_or_when_the_clock_is_set_back() {
    let it = Backoff { from: at(1000), length: millis(500) };
    assert_eq!(it.left(at(1000)), Some(millis(500)));
    assert_eq!(it.left(at(1499)), Some(millis(1)));
    for over in [1500, 1501, 999] {
        assert_eq!(it.left(at(over)), None);
    }
    assert!(it.holds(at(1499)) && !it.holds(at(1500)));
}

#[test]
fn g13_after_five_failures_one_request_probes_and_the_others_ask_again() -> TestResult {
    let (circuit, key) = (circuit(), key("user")?);
    for _ in 0..4 {
        circuit.provider_failed(at(0), &key, None);
        assert_eq!(refused(circuit.permit(at(0))), None);
        assert_eq!(refused(circuit.permit(at(0))), None);
    }
    circuit.provider_failed(at(0), &key, None);
    assert_eq!(refused(circuit.permit(at(0))), Some(millis(100)));
    let probe = circuit.permit(at(100)).map_err(|_| "no probe")?;
    assert_eq!(refused(circuit.permit(at(100))), Some(millis(1000)));
    // It was not used, so another request is the probe.
    drop(probe);
    let probe = circuit.permit(at(100)).map_err(|_| "no other probe")?;
    probe.used();
    assert_eq!(refused(circuit.permit(at(100))), Some(millis(1000)));
    assert_eq!(refused(circuit.permit(at(29_900))), Some(millis(200)));
    // The sixth failure doubles the wait, and a success ends all waits.
    circuit.provider_failed(at(200), &key, None);
    assert_eq!(refused(circuit.permit(at(200))), Some(millis(200)));
    circuit.answered();
    assert_eq!(refused(circuit.permit(at(200))), None);
    assert_eq!(refused(circuit.permit(at(200))), None);
    Ok(())
}

#[test]
fn g13_the_wait_that_a_provider_asks_of_one_grant_rests_the_others_shortly() -> TestResult {
    let (circuit, one, other) = (circuit(), key("one")?, key("other")?);
    circuit.provider_failed(at(0), &one, Some(millis(60_000)));
    assert_eq!(refused(circuit.permit(at(0))), Some(millis(1000)));
    circuit.permit(at(1000)).map_err(|_| "no probe")?.used();
    assert_eq!(refused(circuit.permit(at(1000))), Some(millis(1000)));
    // The rest doubles. That one grant is asked again says no more of the others.
    circuit.provider_failed(at(2000), &other, Some(millis(60_000)));
    assert_eq!(refused(circuit.permit(at(2000))), Some(millis(2000)));
    circuit.provider_failed(at(4000), &other, Some(millis(60_000)));
    assert_eq!(refused(circuit.permit(at(4000))), Some(millis(4000)));
    // A rest is never longer than the wait.
    circuit.provider_failed(at(8000), &one, Some(millis(50)));
    assert_eq!(refused(circuit.permit(at(8000))), Some(millis(50)));
    Ok(())
}

#[test]
fn g13_the_wait_that_a_provider_asks_of_three_grants_holds_for_all() -> TestResult {
    let circuit = circuit();
    for (passed, user, wait) in [(0, "one", 90_000), (1000, "two", 60_000), (2000, "three", 70_000)]
    {
        circuit.provider_failed(at(passed), &key(user)?, Some(millis(wait)));
    }
    // What all three agree on is the shortest.
    assert_eq!(refused(circuit.permit(at(2000))), Some(millis(59_000)));
    // A longer one does not shorten it, and of four the three longest count.
    circuit.provider_failed(at(3000), &key("four")?, Some(millis(80_000)));
    assert_eq!(refused(circuit.permit(at(3000))), Some(millis(69_000)));
    circuit.answered();
    circuit.provider_failed(at(4000), &key("five")?, Some(millis(60_000)));
    assert_eq!(refused(circuit.permit(at(4000))), Some(millis(1000)));
    Ok(())
}

#[test]
fn g14_in_an_outage_good_tokens_are_refreshed_as_probes_alone() -> TestResult {
    let circuit = circuit();
    assert_eq!((circuit.early(at(0)), circuit.early(at(0))), (Early::Yes, Early::Yes));
    circuit.store_failed();
    assert_eq!((circuit.early(at(0)), circuit.early(at(0))), (Early::Yes, Early::No));
    assert_eq!(circuit.early(at(1099)), Early::No);
    // More failures do not begin the outage anew.
    circuit.store_failed();
    assert_eq!((circuit.early(at(1100)), circuit.early(at(1100))), (Early::Yes, Early::No));
    assert_eq!((circuit.early(at(2299)), circuit.early(at(2300))), (Early::No, Early::Yes));
    // While the provider wants to be left alone there are no probes either.
    circuit.provider_failed(at(10_000), &key("user")?, Some(millis(500)));
    assert_eq!((circuit.early(at(10_499)), circuit.early(at(10_500))), (Early::No, Early::Yes));
    Ok(())
}

#[test]
fn g13_after_an_outage_refreshes_come_at_a_rate_that_doubles_in_half_a_minute() {
    let circuit = recovering();
    assert_eq!(circuit.early(at(0)), Early::Yes);
    assert_eq!(circuit.early(at(0)), Early::In(millis(1000)));
    assert_eq!(circuit.early(at(999)), Early::In(millis(1)));
    // What was not used is saved up for a twentieth of a second.
    assert_eq!(circuit.early(at(5000)), Early::Yes);
    let second = Duration::from_secs_f64(1.0 / (5.0_f64 / 30.0).exp2());
    let Early::In(left) = circuit.early(at(5000)) else { panic!("it is not held back") };
    assert!(left.abs_diff(second - millis(50)) < millis(1), "{left:?}");
    // Successes do not begin the recovery anew.
    circuit.succeeded(at(5000));
    assert_eq!(circuit.early(at(5000)), Early::In(left));
}

#[test]
fn g13_after_an_outage_refreshes_come_at_less_than_twice_the_usual_rate() {
    let circuit = recovering();
    circuit.expect(10.0);
    assert_eq!(circuit.early(at(0)), Early::Yes);
    let Early::In(left) = circuit.early(at(0)) else { panic!("it is not held back") };
    assert!(left.abs_diff(Duration::from_secs_f64(1.0 / 18.0)) < millis(1), "{left:?}");
}

#[test]
fn g13_a_recovery_is_over_when_nothing_was_held_back_for_a_while_or_the_clock_was_set_back() {
    let held_back = |until: OffsetDateTime| {
        let circuit = recovering();
        assert_eq!(circuit.early(at(500)), Early::Yes);
        assert!(matches!(circuit.early(at(500)), Early::In(_)));
        circuit.early(until) != Early::Yes || circuit.early(until) != Early::Yes
    };
    assert!(held_back(at(10_499)));
    assert!(!held_back(at(10_500)));
    assert!(!held_back(at(0) - millis(1)));
}

#[test]
fn the_usual_rate_is_that_of_the_last_minutes() {
    let mut rate = Rate::default();
    assert!(rate.of_second() < 0.001);
    let near = |rate: &Rate, wanted: f64| {
        let found = rate.of_second();
        assert!((found - wanted).abs() < 0.1 * wanted, "{found} for {wanted}");
    };
    // It is known soon, stays, and follows.
    let mut now = 0;
    for (refreshes, between, wanted) in [(40, 500, 2.0), (1200, 500, 2.0), (2400, 125, 8.0)] {
        for _ in 0..refreshes {
            rate.count(at(now));
            now += between;
        }
        near(&rate, wanted);
    }
    // A time that does not count changes nothing, and neither does a clock that is set back.
    rate.begin(at(now + 3_600_000));
    rate.count(at(now + 3_600_000));
    near(&rate, 8.0);
    rate.count(at(now));
    near(&rate, 8.0);
    // What comes due is the rate of a process that has not refreshed as much.
    rate.expected = 20.0;
    near(&rate, 20.0);
}
