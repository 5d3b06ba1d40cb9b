//! Every property holds in every run of [`runs::WHOLE`], and every run can reach its end.

use countersign_model::state::Budget;
use countersign_model::{Fleet, runs};

fn holds(name: &str, fleet: Option<Fleet>) {
    let findings = fleet.map(Fleet::check);
    assert!(findings.as_ref().is_some_and(|it| it.failures.is_empty()), "{name}: {findings:#?}");
    println!("{name}: {findings:?}");
}

macro_rules! hold {
    ($($test:ident: $name:literal,)*) => {
        $(#[test]
        fn $test() {
            holds($name, runs::named($name));
        })*

        #[test]
        fn every_run_is_tested() {
            let tested = [$($name),*];
            assert!(runs::WHOLE.iter().all(|it| tested.contains(&it.0)));
        }
    };
}

hold! {
    strict: "strict",
    everything: "everything",
    losses: "losses",
    never: "never",
    new_grant: "new grant",
    new_grants_and_losses: "new grants and losses",
    new_grants_and_more: "new grants and more",
    grace: "grace",
    grace_and_a_crash: "grace and a crash",
    long_grace: "long grace",
    grace_and_more: "grace and more",
    two_and_more: "two and more",
    many_losses: "many losses",
    three: "three",
    three_again_and_again: "three again and again",
    three_and_removal: "three and removal",
    three_and_everything: "three and everything",
    memory: "memory",
    memory_and_grace: "memory and grace",
    memory_and_grace_late: "memory and grace, late",
    reports: "reports",
    reports_and_grace: "reports and grace",
}

#[test]
fn a_clock_that_is_early_spends_a_token_twice() {
    assert!(
        runs::named("memory and grace, early")
            .unwrap()
            .check()
            .failures
            .contains("no double spend")
    );
}

#[test]
fn small_runs_hold() {
    for (name, _) in runs::SMALL.iter().skip(1) {
        holds(name, runs::named(name));
    }
}

#[test]
fn every_run_can_end() {
    let removals = Fleet { budget: BUDGET, ..Fleet::new(1) };
    let inserts = Budget { inserts: 1, ..BUDGET };
    for fleet in [
        Fleet { budget: inserts, is_there: false, ..removals.clone() },
        removals,
        runs::named("three again and again").unwrap(),
        runs::named("small, never").unwrap(),
    ] {
        let endless = fleet.endless();
        assert!(endless.is_empty(), "{} states, such as {:#?}", endless.len(), endless[0]);
    }
}

const BUDGET: Budget =
    Budget { crashes: 1, losses: 1, withdrawals: 0, inserts: 0, removals: 1, reseals: 0 };
