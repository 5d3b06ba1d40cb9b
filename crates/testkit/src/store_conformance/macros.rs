use crate::store_conformance::Rule;

/// One `#[test]` for each rule that a store of grants has to keep; see
/// [`store_conformance`](crate::store_conformance).
///
/// `stores` is an expression that makes [`Stores`](crate::store_conformance::Stores), evaluated
/// anew for each rule. `block_on` is how a future is run, for stores that need a runtime: a closure
/// of a pinned and boxed future ([`Work`](crate::store_conformance::Work)), called by many threads
/// at once.
#[macro_export]
macro_rules! grant_store_conformance {
    (stores: $stores:expr $(,)?) => {
        $crate::grant_store_conformance!(
            stores: $stores,
            block_on: |work| $crate::block_on(work),
        );
    };
    (stores: $stores:expr, block_on: $block_on:expr $(,)?) => {
        $crate::__store_rules! { tests [$stores] [$block_on] }
    };
}

/// The rules, in the order in which a store is best made to keep them.
pub const RULES: &[Rule] = crate::__store_rules! { table };

#[doc(hidden)]
#[macro_export]
macro_rules! __store_rules {
    ($($what:tt)*) => { $crate::__store_rules_as! { $($what)* =>
        adopting::what_is_not_there_is_none
        adopting::an_adopted_grant_comes_back_as_it_was
        adopting::what_is_not_known_stays_unknown
        adopting::an_adoption_replaces_what_it_names_alone
        adopting::an_adoption_repeated_changes_nothing
        adopting::an_adoption_repeated_later_replaces_nothing
        adopting::an_adoption_over_a_tombstone_names_it
        adopting::an_adoption_ends_what_was_under_way
        payloads::every_payload_comes_back_byte_for_byte
        payloads::a_long_payload_comes_back_whole
        payloads::a_key_id_comes_back
        payloads::keys_that_look_alike_are_different
        beginning::begin_wants_the_epoch_that_was_read
        beginning::begin_wants_the_generation_that_was_read
        beginning::begin_writes_intent_and_lease
        beginning::begin_waits_for_a_live_lease
        beginning::begin_shortens_a_lease_that_ends_too_far_away
        beginning::begin_repeated_changes_nothing
        beginning::begin_repeated_after_its_lease_is_refused
        beginning::an_intent_outlives_its_lease
        beginning::an_intent_forbids_nothing_where_it_may_always_be_taken_over
        beginning::grace_counts_from_the_first_attempt
        beginning::attempts_are_listed_in_order
        beginning::begin_wants_a_live_grant
        beginning::begin_heeds_a_rest
        beginning::a_later_lease_has_a_greater_fence
        saving::save_moves_the_generation_and_releases
        saving::save_settles_every_intent
        saving::save_is_not_fenced
        saving::save_compares_the_generation
        saving::save_compares_the_epoch
        saving::save_repeated_changes_nothing
        saving::save_is_accepted_over_marks
        saving::a_save_rests_beside_the_intents_of_others_alone
        saving::save_takes_the_times_anew
        saving::a_save_that_comes_late_ends_no_later
        saving::what_is_left_grows_less
        clearing::clear_takes_back_the_own_intent_alone
        clearing::the_intents_of_others_outlast_a_clear
        clearing::clear_releases
        clearing::clear_repeated_changes_nothing
        clearing::clear_takes_unknown_back
        clearing::clear_leaves_reauthorize
        clearing::clear_compares_the_epoch
        clearing::clear_lets_the_grant_rest
        leases::renew_extends_a_lease
        leases::renew_is_for_the_holder
        leases::a_lease_that_ran_out_is_not_renewed
        leases::renew_to_nothing_releases_and_leaves_the_intent
        marking::a_mark_changes_the_state_alone
        marking::a_mark_waits_for_the_lease_of_another
        marking::reauthorize_waits_for_the_attempts_of_others
        marking::unknown_is_marked_for_an_intent
        marking::a_mark_compares_the_generation
        marking::a_mark_compares_the_epoch
        marking::a_mark_repeated_changes_nothing
        resealing::reseal_leaves_everything_else
        resealing::reseal_is_compared_on_revision
        resealing::reseal_compares_epoch_and_generation
        forgetting::a_forgotten_grant_leaves_a_tombstone
        forgetting::forget_compares_the_epoch
        forgetting::forget_repeated_changes_nothing
        forgetting::nothing_late_brings_back_what_was_forgotten
        forgetting::purge_takes_the_tombstone_that_it_names
        due::due_lists_what_lives_in_order
        due::due_pages_join_without_gaps
        due::due_leaves_out_what_cannot_be_refreshed
        due::due_follows_a_save
        due::due_tells_the_stores_time
        due::what_rests_is_due_when_its_rest_is_over
        records::every_write_moves_the_revision
        records::a_refused_step_changes_nothing_and_shows_the_record
        crowds::one_of_sixty_four_begins_is_accepted
        crowds::one_of_sixty_four_saves_is_accepted
        crowds::one_of_sixty_four_adoptions_is_accepted
        crowds::sixty_four_grants_do_not_disturb_each_other
        crowds::a_dropped_step_is_done_or_not_done
        secrets::no_payload_is_shown
    } };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __store_rules_as {
    (tests [$stores:expr] [$block_on:expr] => $($theme:ident::$rule:ident)*) => { $(
        #[test]
        fn $rule() -> $crate::Verdict {
            let judged = $crate::store_conformance::Judged::new($stores, $block_on);
            $crate::store_conformance::rules::$theme::$rule(&judged)
        }
    )* };
    (table => $($theme:ident::$rule:ident)*) => {
        &[$($crate::store_conformance::Rule::new(
            stringify!($rule),
            $crate::store_conformance::rules::$theme::$rule,
        )),*]
    };
}
