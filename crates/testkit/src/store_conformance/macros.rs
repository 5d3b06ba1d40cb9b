use super::Judged;
use crate::Verdict;

/// One rule of the suite.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Rule {
    /// The name of the rule and of its test.
    pub name: &'static str,
    /// Tests a store.
    pub judge: fn(&Judged<'_>) -> Verdict,
}

/// Makes one `#[test]` for each rule that a [`GrantStore`](countersign_tokens::GrantStore) keeps;
/// see [`store_conformance`](crate::store_conformance).
///
/// `stores` is an expression that makes [`Stores`](crate::store_conformance::Stores). Each test
/// evaluates it. `block_on` runs a future, for stores that need a runtime: a closure of a pinned
/// and boxed future ([`Work`](crate::store_conformance::Work)), which many threads call at once.
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

/// The rules, in the order in which a new store is best made to keep them.
pub const RULES: &[Rule] = crate::__store_rules! { table };

#[doc(hidden)]
#[macro_export]
macro_rules! __store_rules {
    ($($what:tt)*) => { $crate::__store_rules_as! { $($what)* =>
        swapping {
            a_first_write_is_stored a_first_write_conflicts_with_a_present_record
            a_write_replaces_the_version_that_it_expects a_write_conflicts_with_another_version
            a_write_conflicts_with_an_absent_record a_conflict_shows_the_record_that_is_there
            a_conflict_writes_nothing only_versions_are_compared a_removal_leaves_no_record
            a_removal_conflicts_with_another_version a_removal_of_nothing_is_done
            a_repeated_swap_is_done_and_writes_nothing a_repeated_swap_conflicts_after_another_write
            a_late_swap_is_never_carried_out
        }
        records {
            every_state_comes_back every_generation_comes_back attempts_come_back_in_order
            times_come_back a_key_id_comes_back every_payload_comes_back_byte_for_byte
            payloads_of_every_length_come_back keys_that_look_alike_are_different
            reserved_keys_are_kept a_reopened_store_has_every_record no_payload_is_shown
        }
        pages {
            due_begins_with_the_earliest due_ends_with_the_time_that_is_asked_for
            due_pages_join_without_gaps due_leaves_out_records_without_an_instant due_follows_a_swap
            pages_leave_out_removed_records pages_hold_whole_records list_is_in_the_order_of_keys
            due_pages_are_bounded list_pages_are_bounded
        }
        concurrency {
            one_of_sixty_four_swaps_is_done sixty_four_swaps_lose_no_update
            sixty_four_grants_do_not_disturb_each_other a_dropped_swap_is_done_or_not_done
            every_answer_tells_the_stores_time the_stores_time_moves
        }
    } };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __store_rules_as {
    (tests [$stores:expr] [$block_on:expr] => $($theme:ident { $($rule:ident)* })*) => { $($(
        #[test]
        fn $rule() -> $crate::Verdict {
            let judged = $crate::store_conformance::Judged::new($stores, $block_on);
            $crate::store_conformance::rules::$theme::$rule(&judged)
        }
    )*)* };
    (table => $($theme:ident { $($rule:ident)* })*) => {
        &[$($($crate::store_conformance::Rule {
            name: stringify!($rule),
            judge: $crate::store_conformance::rules::$theme::$rule,
        },)*)*]
    };
}
