//! What a store can do wrong, and the rules that this breaks.

macro_rules! defects {
    ($($(#[$doc:meta])* $defect:ident: $($rule:ident)*;)*) => {
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(crate) enum Defect {
            $($(#[$doc])* $defect,)*
        }

        impl Defect {
            pub(crate) const ALL: &[(Self, &[&str])] =
                &[$((Self::$defect, &[$(stringify!($rule)),*]),)*];
        }
    };
}

defects! {
    ShowsTombstonesForNothing:
        a_first_write_is_stored a_removal_leaves_no_record a_late_swap_is_never_carried_out
        one_of_sixty_four_swaps_is_done;
    OverwritesWithFirstWrites:
        a_first_write_conflicts_with_a_present_record a_conflict_shows_the_record_that_is_there
        a_repeated_swap_conflicts_after_another_write one_of_sixty_four_swaps_is_done;
    KeepsTheFormerKeyId: a_write_replaces_the_version_that_it_expects;
    OverwritesAnyVersion:
        a_conflict_shows_the_record_that_is_there a_conflict_writes_nothing
        a_late_swap_is_never_carried_out a_removal_conflicts_with_another_version
        a_repeated_swap_conflicts_after_another_write a_write_conflicts_with_another_version
        due_follows_a_swap one_of_sixty_four_swaps_is_done only_versions_are_compared
        sixty_four_swaps_lose_no_update;
    WritesOverNothing: a_write_conflicts_with_an_absent_record a_late_swap_is_never_carried_out;
    ShowsNoRecordWithConflicts:
        a_conflict_shows_the_record_that_is_there sixty_four_swaps_lose_no_update;
    WritesWithConflicts:
        a_conflict_shows_the_record_that_is_there a_conflict_writes_nothing
        a_late_swap_is_never_carried_out a_removal_conflicts_with_another_version
        a_repeated_swap_conflicts_after_another_write due_follows_a_swap
        one_of_sixty_four_swaps_is_done only_versions_are_compared sixty_four_swaps_lose_no_update;
    RefusesLowerGenerations:
        a_reopened_store_has_every_record a_write_replaces_the_version_that_it_expects
        only_versions_are_compared;
    RemovesToATombstone:
        a_late_swap_is_never_carried_out a_removal_leaves_no_record a_removal_of_nothing_is_done
        pages_leave_out_removed_records;
    RemovesAnyVersion: a_removal_conflicts_with_another_version;
    RefusesToRemoveNothing: a_removal_of_nothing_is_done;
    RefusesRepeatedSwaps:
        a_dropped_swap_is_done_or_not_done a_repeated_swap_is_done_and_writes_nothing;
    RewritesRepeatedSwaps: a_repeated_swap_is_done_and_writes_nothing;
    RemembersSwapsForGood: a_repeated_swap_conflicts_after_another_write;
    StoresUnknownAsLive: every_state_comes_back pages_hold_whole_records;
    KeepsGenerationsAsFloats: every_generation_comes_back;
    SortsAttempts:
        a_conflict_shows_the_record_that_is_there a_reopened_store_has_every_record
        attempts_come_back_in_order pages_hold_whole_records;
    KeepsSeconds: times_come_back;
    KeepsAsciiKeyIds: a_key_id_comes_back;
    KeepsText: every_payload_comes_back_byte_for_byte payloads_of_every_length_come_back;
    CutsLongPayloads: payloads_of_every_length_come_back;
    FoldsCase: keys_that_look_alike_are_different list_is_in_the_order_of_keys;
    CutsLongKeys: keys_that_look_alike_are_different;
    LosesReservedKeys: pages_hold_whole_records reserved_keys_are_kept;
    ReopensEmpty: a_reopened_store_has_every_record;
    ShowsPayloads: no_payload_is_shown;
    SortsDueByKey: due_begins_with_the_earliest due_pages_join_without_gaps;
    LeavesOutOverdueRecords: due_begins_with_the_earliest;
    IgnoresWithin: due_ends_with_the_time_that_is_asked_for due_follows_a_swap;
    SkipsEqualInstants: due_pages_are_bounded due_pages_join_without_gaps;
    RepeatsTheLastRecord: due_pages_are_bounded due_pages_join_without_gaps;
    AddsRecordsThatAreNeverDue: due_leaves_out_records_without_an_instant pages_hold_whole_records;
    KeepsTheFirstInstant: due_follows_a_swap pages_hold_whole_records;
    AddsRemovedRecords: pages_leave_out_removed_records;
    LeavesOutPayloadsInPages: pages_hold_whole_records;
    LeavesOutReservedKeysInPages: pages_hold_whole_records;
    SortsAsPeopleDo: list_is_in_the_order_of_keys;
    EndsTheListEarly: list_is_in_the_order_of_keys list_pages_are_bounded;
    FillsDuePages: due_pages_are_bounded;
    FillsListPages: list_pages_are_bounded;
    /// Two threads compare with the same record, and both write.
    ComparesBeforeItLocks: one_of_sixty_four_swaps_is_done sixty_four_swaps_lose_no_update;
    /// A conflict shows the record from before the write that caused the conflict.
    ShowsTheRecordOfBefore: sixty_four_swaps_lose_no_update;
    /// A write puts back the former record of another key.
    KeepsAllInOneFile: sixty_four_grants_do_not_disturb_each_other;
    WritesInTwoParts: a_dropped_swap_is_done_or_not_done;
    TellsNoTimeWithPages: every_answer_tells_the_stores_time;
    TellsNoTimeWithConflicts: every_answer_tells_the_stores_time;
    StopsItsClock: the_stores_time_moves;
}
