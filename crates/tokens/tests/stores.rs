//! The steps of `GrantStore`, over each store of this crate.
#![expect(clippy::expect_used, reason = "what the tests call is part of them")]

#[path = "stores/file.rs"]
mod file;
#[cfg(feature = "sealed")]
#[path = "stores/sealed.rs"]
mod sealed;
#[path = "stores/steps.rs"]
mod steps;
#[path = "stores/world.rs"]
mod world;

macro_rules! over_each_store {
    ($($rule:ident),* $(,)?) => {
        mod memory {
            $(
                #[test]
                fn $rule() {
                    crate::steps::$rule(&crate::world::World::memory());
                }
            )*
        }

        #[cfg(feature = "sealed")]
        mod sealed_files {
            $(
                #[test]
                fn $rule() {
                    crate::steps::$rule(&crate::world::World::sealed());
                }
            )*
        }

        mod files {
            $(
                #[test]
                fn $rule() {
                    crate::steps::$rule(&crate::world::World::files());
                }
            )*
        }
    };
}

over_each_store!(
    what_is_not_there_is_none,
    an_adopted_grant_comes_back_as_it_was,
    an_adoption_replaces_what_it_names_alone,
    an_adoption_repeated_later_replaces_nothing,
    begin_wants_what_was_read,
    begin_repeated_changes_nothing,
    one_of_many_begins_is_accepted,
    an_intent_outlives_its_lease,
    grace_counts_from_the_first_attempt,
    save_moves_the_generation_and_releases,
    save_is_not_fenced,
    save_compares_epoch_and_generation,
    save_repeated_changes_nothing,
    save_is_accepted_over_marks,
    nothing_late_brings_back_what_was_forgotten,
    clear_takes_back_the_own_intent_alone,
    clear_takes_unknown_back,
    renew_is_for_the_holder,
    marks_are_compared,
    reseal_is_compared_on_revision,
    revision_moves_with_every_write,
    due_lists_what_lives_in_order,
);
