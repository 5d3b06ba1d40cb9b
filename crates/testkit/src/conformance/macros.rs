use crate::conformance::Rule;

/// One `#[test]` for each rule that a transport has to keep; see [`conformance`](crate::conformance).
///
/// `transport` is an expression that makes the transport, evaluated anew for each rule. `block_on`
/// is how a future is run, for transports that need a runtime: a closure of a
/// pinned and boxed future ([`Work`](crate::conformance::Work)).
#[macro_export]
macro_rules! transport_conformance {
    (transport: $transport:expr $(,)?) => {
        $crate::transport_conformance!(
            transport: $transport,
            block_on: |work| $crate::block_on(work),
        );
    };
    (transport: $transport:expr, block_on: $block_on:expr $(,)?) => {
        $crate::__transport_rules! { tests [$transport] [$block_on] }
    };
}

/// The rules, in the order in which a transport is best made to keep them.
pub const RULES: &[Rule] = crate::__transport_rules! { table };

#[doc(hidden)]
#[macro_export]
macro_rules! __transport_rules {
    ($($what:tt)*) => { $crate::__transport_rules_as! { $($what)* =>
        request::a_request_arrives_byte_for_byte
        request::repeated_request_headers_stay_apart
        request::every_method_arrives
        response::a_response_comes_back_byte_for_byte
        response::repeated_response_headers_stay_apart
        response::every_status_is_an_answer
        response::an_answer_without_a_body_is_not_waited_for
        redirect::no_redirect_is_followed
        body::a_body_of_known_length_is_taken_up_to_the_limit
        body::a_chunked_body_is_taken_up_to_the_limit
        body::a_body_that_ends_with_the_connection_is_taken_up_to_the_limit
        body::an_endless_body_is_left_at_the_limit
        body::a_gzip_bomb_does_not_go_off
        length::a_length_that_cannot_be_is_not_believed
        length::what_follows_an_answer_is_no_answer
        time::a_silent_server_is_left_at_the_time_limit
        time::slow_headers_do_not_extend_the_time_limit
        time::a_slow_body_does_not_extend_the_time_limit
        time::endless_headers_are_given_up
        delivery::a_refused_port_means_not_sent
        delivery::a_reset_before_the_request_was_read_tells_nothing
        delivery::a_reset_after_the_request_was_read_tells_nothing
        delivery::a_connection_closed_in_place_of_an_answer_tells_nothing
        delivery::a_body_cut_short_is_no_answer
        delivery::garbage_is_no_answer
        once::a_request_on_a_kept_connection_is_not_sent_again
        once::a_request_without_a_body_is_not_sent_again
        connection::connections_are_used_again
        connection::no_cookie_is_kept
        connection::sixty_four_calls_run_at_once
        dropping::a_dropped_call_closes_its_connection
        dropping::a_call_dropped_in_the_middle_of_a_body_closes_its_connection
        secrets::no_error_shows_a_secret_or_a_url
        tls::a_certificate_of_nobody_is_refused
        tls::a_server_without_tls_is_told_nothing
    } };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __transport_rules_as {
    (tests [$transport:expr] [$block_on:expr] => $($theme:ident::$rule:ident)*) => { $(
        #[test]
        fn $rule() -> $crate::Verdict {
            let subject = $crate::conformance::Subject::new(|| $transport, $block_on);
            $crate::conformance::rules::$theme::$rule(&subject)
        }
    )* };
    (table => $($theme:ident::$rule:ident)*) => {
        &[$($crate::conformance::Rule::new(
            stringify!($rule),
            $crate::conformance::rules::$theme::$rule,
        )),*]
    };
}
