//! What the protocol promises, in every order in which things can happen.

use countersign_model::state::{Budget, State};
use countersign_model::{Findings, Fleet, runs};

fn holds(findings: &Findings) {
    assert!(findings.failures.is_empty(), "{:#?}", findings.failures);
    println!("{} states, runs of up to {} steps", findings.states, findings.depth);
}

fn all_end<const N: usize>(endless: &[State<N>]) {
    assert!(endless.is_empty(), "{} states, such as {:#?}", endless.len(), endless[0]);
}

#[test]
fn two_processes_keep_it() {
    holds(&runs::two_processes().check());
}

#[test]
fn two_processes_keep_it_whatever_happens() {
    holds(&runs::two_processes_and_everything().check());
}

#[test]
fn two_processes_keep_it_through_losses() {
    holds(&runs::two_processes_and_losses().check());
}

#[test]
fn two_processes_keep_a_new_grant() {
    holds(&runs::two_processes_and_a_new_grant().check());
}

#[test]
fn two_processes_keep_it_without_rotation() {
    holds(&runs::two_processes_without_rotation().check());
}

#[test]
fn two_processes_keep_it_with_grace() {
    holds(&runs::two_processes_with_grace().check());
}

#[test]
fn two_processes_keep_it_with_grace_through_a_crash() {
    holds(&runs::two_processes_with_grace_and_a_crash().check());
}

#[test]
fn three_processes_keep_it() {
    holds(&runs::three_processes().check());
}

#[test]
fn three_processes_keep_it_again_and_again() {
    holds(&runs::three_processes_again_and_again().check());
}

#[test]
fn whatever_has_happened_the_work_comes_to_an_end() {
    let budget = Budget { crashes: 1, losses: 1, forgettings: 1, ..Budget::default() };
    all_end(&Fleet::<2> { budget, ..Fleet::new(1) }.endless());
    let budget = Budget { adoptions: 1, ..budget };
    all_end(&Fleet::<2> { budget, is_there: false, ..Fleet::new(1) }.endless());
    let budget = Budget { crashes: 1, losses: 1, ..Budget::default() };
    all_end(&Fleet::<2> { budget, ..Fleet::new(2) }.endless());
}
