//! What the transport can do wrong, and which rules that breaks.

/// One way to be a bad transport.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sin {
    FollowsRedirects,
    HasNoLimit,
    LimitsByContentLength,
    LimitsBeforeDecompression,
    SendsAgainWhenStale,
    SendsAgainAlways,
    ShowsTheUrl,
    ShowsTheAnswer,
    AlwaysSaysNotSent,
    NeverSaysNotSent,
    KeepsCookies,
    HasNoTimeLimit,
    LimitsEachRead,
    OneAtATime,
    KeepsNoConnection,
    GoesOnWhenDropped,
    JoinsRequestHeaders,
    JoinsResponseHeaders,
    DecodesTheTarget,
    ReadsTextOnly,
    MakesErrorsOfStatuses,
    KnowsTwoMethods,
    WaitsForEveryBody,
    TakesHalfABody,
    TakesAnythingForAnAnswer,
    TakesABadLengthForNone,
    ReadsOnAfterTheAnswer,
    ReadsHeadersForEver,
    SpeaksInTheClear,
    BelievesEveryCertificate,
}

use Sin::*;

const LIMITS: [&str; 3] = [
    "a_chunked_body_is_taken_up_to_the_limit",
    "a_body_that_ends_with_the_connection_is_taken_up_to_the_limit",
    "an_endless_body_is_left_at_the_limit",
];

const ONCE: [&str; 2] = [
    "a_request_on_a_kept_connection_is_not_sent_again",
    "a_request_without_a_body_is_not_sent_again",
];

impl Sin {
    pub(crate) const ALL: &[Self] = &[
        FollowsRedirects,
        HasNoLimit,
        LimitsByContentLength,
        LimitsBeforeDecompression,
        SendsAgainWhenStale,
        SendsAgainAlways,
        ShowsTheUrl,
        ShowsTheAnswer,
        AlwaysSaysNotSent,
        NeverSaysNotSent,
        KeepsCookies,
        HasNoTimeLimit,
        LimitsEachRead,
        OneAtATime,
        KeepsNoConnection,
        GoesOnWhenDropped,
        JoinsRequestHeaders,
        JoinsResponseHeaders,
        DecodesTheTarget,
        ReadsTextOnly,
        MakesErrorsOfStatuses,
        KnowsTwoMethods,
        WaitsForEveryBody,
        TakesHalfABody,
        TakesAnythingForAnAnswer,
        TakesABadLengthForNone,
        ReadsOnAfterTheAnswer,
        ReadsHeadersForEver,
        SpeaksInTheClear,
        BelievesEveryCertificate,
    ];

    pub(crate) fn breaks(self) -> Vec<&'static str> {
        match self {
            FollowsRedirects => vec!["no_redirect_is_followed"],
            HasNoLimit => {
                [&["a_body_of_known_length_is_taken_up_to_the_limit"], &LIMITS[..]].concat()
            }
            LimitsByContentLength => LIMITS.to_vec(),
            LimitsBeforeDecompression => vec!["a_gzip_bomb_does_not_go_off"],
            SendsAgainWhenStale => ONCE.to_vec(),
            SendsAgainAlways => [
                &[
                    "a_reset_before_the_request_was_read_tells_nothing",
                    "a_reset_after_the_request_was_read_tells_nothing",
                    "a_connection_closed_in_place_of_an_answer_tells_nothing",
                    "a_body_cut_short_is_no_answer",
                ],
                &ONCE[..],
            ]
            .concat(),
            ShowsTheUrl | ShowsTheAnswer => vec!["no_error_shows_a_secret_or_a_url"],
            AlwaysSaysNotSent => [
                &[
                    "a_body_of_known_length_is_taken_up_to_the_limit",
                    "a_length_that_cannot_be_is_not_believed",
                    "a_silent_server_is_left_at_the_time_limit",
                    "slow_headers_do_not_extend_the_time_limit",
                    "a_slow_body_does_not_extend_the_time_limit",
                    "endless_headers_are_given_up",
                    "a_reset_before_the_request_was_read_tells_nothing",
                    "a_reset_after_the_request_was_read_tells_nothing",
                    "a_connection_closed_in_place_of_an_answer_tells_nothing",
                    "a_body_cut_short_is_no_answer",
                    "garbage_is_no_answer",
                ],
                &LIMITS[..],
                &ONCE[..],
            ]
            .concat(),
            NeverSaysNotSent => {
                vec!["a_refused_port_means_not_sent", "a_certificate_of_nobody_is_refused"]
            }
            KeepsCookies => vec!["no_cookie_is_kept"],
            HasNoTimeLimit => vec![
                "a_silent_server_is_left_at_the_time_limit",
                "slow_headers_do_not_extend_the_time_limit",
                "a_slow_body_does_not_extend_the_time_limit",
            ],
            LimitsEachRead => vec![
                "slow_headers_do_not_extend_the_time_limit",
                "a_slow_body_does_not_extend_the_time_limit",
            ],
            OneAtATime => vec!["sixty_four_calls_run_at_once"],
            KeepsNoConnection => vec!["connections_are_used_again"],
            GoesOnWhenDropped => vec![
                "a_dropped_call_closes_its_connection",
                "a_call_dropped_in_the_middle_of_a_body_closes_its_connection",
            ],
            JoinsRequestHeaders => vec!["repeated_request_headers_stay_apart"],
            JoinsResponseHeaders => vec!["repeated_response_headers_stay_apart"],
            DecodesTheTarget => vec!["a_request_arrives_byte_for_byte"],
            ReadsTextOnly => vec!["a_response_comes_back_byte_for_byte"],
            MakesErrorsOfStatuses => {
                vec!["every_status_is_an_answer", "a_response_comes_back_byte_for_byte"]
            }
            KnowsTwoMethods => vec!["every_method_arrives"],
            WaitsForEveryBody => vec!["an_answer_without_a_body_is_not_waited_for"],
            TakesHalfABody => {
                vec!["a_body_cut_short_is_no_answer", "a_slow_body_does_not_extend_the_time_limit"]
            }
            TakesAnythingForAnAnswer => vec!["garbage_is_no_answer"],
            TakesABadLengthForNone => vec!["a_length_that_cannot_be_is_not_believed"],
            ReadsOnAfterTheAnswer => vec!["what_follows_an_answer_is_no_answer"],
            ReadsHeadersForEver => vec!["endless_headers_are_given_up"],
            SpeaksInTheClear => {
                vec!["a_certificate_of_nobody_is_refused", "a_server_without_tls_is_told_nothing"]
            }
            BelievesEveryCertificate => vec!["a_certificate_of_nobody_is_refused"],
        }
    }
}
