//! What taking a rule away does. Each set of rules is taken out by itself, and the failure that it
//! is there against is found; or, where rules overlap, nothing is.

use countersign_model::property::{
    NO_DOUBLE_SPEND, NO_OLDER_TOKEN, NO_SILENT_LOSS, NOT_MARKED_WHEN_LIVE, NOTHING_COMES_BACK,
    NOTHING_DROPPED, UNKNOWN_FOR_A_REASON, UNKNOWN_HAS_A_CAUSE,
};
use countersign_model::state::{Budget, Request};
use countersign_model::{Action, Fleet, Rotation, Rule, Step, Timing, Without, runs};

/// Finds that the property does not hold without these rules, and does with them.
fn shows(property: &'static str, rules: &[Rule], fleet: &Fleet<2>) -> Vec<Action> {
    assert_eq!(fleet.clone().look_for(property), None, "it does not hold with them either");
    finds(property, rules, fleet)
}

/// Finds that the property does not hold without these rules, where another test says that it does
/// with them.
fn finds(property: &'static str, rules: &[Rule], fleet: &Fleet<2>) -> Vec<Action> {
    let fleet = Fleet { without: Without::these(rules), ..fleet.clone() };
    let run = fleet.look_for(property);
    assert!(run.is_some(), "without {rules:?} there is still: {property}");
    run.unwrap_or_default()
}

/// Finds nothing without this rule.
fn shows_nothing(rule: Rule) {
    let fleet: Fleet<2> = Fleet {
        budget: Budget { forgettings: 1, ..runs::two_processes().budget },
        ..Fleet::new(1)
    };
    let findings = Fleet { without: Without::these(&[rule]), ..fleet }.check();
    assert!(findings.failures.is_empty(), "{:#?}", findings.failures);
}

fn with(attempts: u8, budget: Budget) -> Fleet<2> {
    Fleet { budget, ..Fleet::new(attempts) }
}

const NOTHING: Budget =
    Budget { crashes: 0, losses: 0, withdrawals: 0, adoptions: 0, forgettings: 0, reseals: 0 };

#[test]
fn without_the_intent_a_token_is_spent_twice() {
    shows(NO_DOUBLE_SPEND, &[Rule::Intent], &with(1, NOTHING));
}

#[test]
fn without_the_intent_a_crash_loses_the_grant_and_nobody_is_told() {
    shows(NO_SILENT_LOSS, &[Rule::Intent], &with(1, Budget { crashes: 1, ..NOTHING }));
}

#[test]
fn without_the_generation_on_save_an_older_token_is_written_over_a_newer_one() {
    let fleet = with(1, Budget { losses: 1, ..NOTHING });
    shows(NO_OLDER_TOKEN, &[Rule::GenerationOnSave], &fleet);
}

#[test]
fn without_the_generation_on_save_a_repeated_save_leads_to_a_double_spend() {
    let fleet = with(2, Budget { losses: 1, ..NOTHING });
    let run = shows(NO_DOUBLE_SPEND, &[Rule::GenerationOnSave], &fleet);
    let is_unheard = |it: &Action| matches!(it, Action::Lose(_, Step::Save));
    assert!(run.iter().any(is_unheard), "{run:#?}");
}

#[test]
fn without_the_epoch_a_replaced_grant_comes_back() {
    let fleet = with(1, Budget { adoptions: 1, ..NOTHING });
    shows(NOTHING_COMES_BACK, &[Rule::Epoch], &fleet);
}

#[test]
fn without_the_epoch_a_forgotten_grant_comes_back() {
    let budget = Budget { losses: 1, adoptions: 1, forgettings: 1, ..NOTHING };
    let fleet = Fleet { is_there: false, ..with(1, budget) };
    shows(NOTHING_COMES_BACK, &[Rule::Epoch], &fleet);
}

#[test]
fn without_reading_again_and_the_generation_on_the_mark_a_live_grant_is_marked() {
    let fleet = with(1, Budget { withdrawals: 1, adoptions: 1, ..NOTHING });
    let rules = [Rule::ReadingAgain, Rule::GenerationOnMark];
    shows(NOT_MARKED_WHEN_LIVE, &rules, &fleet);
}

#[test]
fn without_reading_again_alone_nothing_happens() {
    shows_nothing(Rule::ReadingAgain);
}

#[test]
fn without_the_second_look_and_the_generation_on_the_intent_a_token_is_spent_twice() {
    let rules = [Rule::SecondLook, Rule::GenerationOnIntent];
    shows(NO_DOUBLE_SPEND, &rules, &with(1, NOTHING));
}

#[test]
fn without_fence_and_gate_an_intent_checked_by_a_read_spends_a_token_twice() {
    let rules = [Rule::Fence, Rule::Gate, Rule::IntentInTheWrite];
    shows(NO_DOUBLE_SPEND, &rules, &with(1, NOTHING));
    shows(NO_SILENT_LOSS, &rules, &with(1, NOTHING));
}

#[test]
fn without_the_fence_alone_nothing_happens() {
    shows_nothing(Rule::Fence);
}

#[test]
fn without_the_owner_alone_nothing_happens() {
    shows_nothing(Rule::Owner);
}

#[test]
fn without_the_gate_alone_nothing_happens() {
    shows_nothing(Rule::Gate);
}

#[test]
fn without_the_generation_on_the_intent_alone_nothing_happens() {
    shows_nothing(Rule::GenerationOnIntent);
}

#[test]
fn without_the_own_clear_what_nobody_has_sent_is_unknown() {
    let fleet = with(1, Budget { losses: 1, ..NOTHING });
    shows(UNKNOWN_FOR_A_REASON, &[Rule::OwnClear], &fleet);
}

#[test]
fn without_clearing_again_what_nobody_has_sent_is_unknown() {
    let fleet = with(1, Budget { losses: 1, ..NOTHING });
    let run = shows(UNKNOWN_FOR_A_REASON, &[Rule::ClearAgain], &fleet);
    let is_late = |it: &Action| matches!(it, Action::Arrive(Request::Begin { .. }));
    assert!(run.iter().any(is_late), "{run:#?}");
}

#[test]
fn without_a_save_that_is_free_of_the_fence_the_newest_answer_is_dropped() {
    shows(NOTHING_DROPPED, &[Rule::SaveWithoutFence], &with(1, NOTHING));
}

#[test]
fn without_marks_that_leave_the_generation_alone_the_newest_answer_is_dropped() {
    shows(NOTHING_DROPPED, &[Rule::MarkKeepsGeneration], &with(1, NOTHING));
}

#[test]
fn without_resealing_that_leaves_the_generation_alone_the_newest_answer_is_dropped() {
    let fleet = with(1, Budget { reseals: 1, ..NOTHING });
    shows(NOTHING_DROPPED, &[Rule::ResealKeepsGeneration], &fleet);
}

#[test]
fn without_grace_counted_from_the_first_attempt_a_token_is_spent_twice() {
    finds(NO_DOUBLE_SPEND, &[Rule::GraceFromTheFirst], &runs::two_processes_with_grace());
}

#[test]
fn without_grace_counted_from_the_first_attempt_the_grant_is_lost_and_nobody_is_told() {
    finds(NO_SILENT_LOSS, &[Rule::GraceFromTheFirst], &runs::two_processes_with_grace());
}

#[test]
fn without_an_intent_unknown_is_marked_for_ever() {
    shows(UNKNOWN_HAS_A_CAUSE, &[Rule::UnknownForAnIntent], &with(1, NOTHING));
}

#[test]
fn without_a_tombstone_that_stays_a_repeated_adoption_brings_back_what_was_forgotten() {
    let budget = Budget { losses: 1, adoptions: 1, forgettings: 1, ..NOTHING };
    let fleet = Fleet { is_there: false, ..with(1, budget) };
    shows(NOTHING_COMES_BACK, &[Rule::TombstonesStay], &fleet);
}

#[test]
fn without_a_fresh_tombstone_a_repeated_adoption_brings_back_what_was_forgotten() {
    let budget = Budget { losses: 2, adoptions: 1, forgettings: 1, ..NOTHING };
    shows(NOTHING_COMES_BACK, &[Rule::FreshTombstone], &with(0, budget));
}

#[test]
fn without_counting_the_gate_a_takeover_comes_after_the_grace() {
    let clock = Timing { lease: 5, limit: 1, save: 0, margin: 1, horizon: 9 };
    let fleet = Fleet { rotation: Rotation::Grace(8), clock: Some(clock), ..with(1, NOTHING) };
    shows(NO_DOUBLE_SPEND, &[Rule::TakeoverCountsTheGate], &fleet);
}

#[test]
fn without_a_rest_for_every_intent_a_request_comes_after_the_grace() {
    finds(NO_DOUBLE_SPEND, &[Rule::RestForIntents], &runs::two_processes_with_grace());
}
