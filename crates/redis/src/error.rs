//! The kinds of Redis's errors. What is kept of them shows no argument of a command.

use countersign_tokens::{StoreError, StoreErrorKind};
use redis::{ErrorKind, RedisError, Value};

pub(crate) fn failed(error: &RedisError) -> StoreError {
    if error.is_timeout() {
        return StoreError::new(StoreErrorKind::Timeout).with_source("no answer in time");
    }
    match error.kind() {
        ErrorKind::Io | ErrorKind::ClusterConnectionNotFound => {
            StoreError::new(StoreErrorKind::Unavailable).with_source(error.to_string())
        }
        // Its text shows what was read.
        ErrorKind::Parse => StoreError::new(StoreErrorKind::Unavailable)
            .with_source("what answers does not speak Redis's protocol"),
        ErrorKind::UnexpectedReturnType => damaged("an answer of another type"),
        ErrorKind::AuthenticationFailed | ErrorKind::InvalidClientConfig => {
            StoreError::new(StoreErrorKind::Other).with_source(error.to_string())
        }
        _ => told(error.code().unwrap_or_default(), error.detail().unwrap_or_default()),
    }
}

/// Creates the error of what this library did not write.
fn damaged(what: impl Into<String>) -> StoreError {
    StoreError::new(StoreErrorKind::Damaged).with_source(what.into())
}

/// Returns whether the server does not know the script that it was to run.
pub(crate) fn is_unknown_script(error: &RedisError) -> bool {
    error.code() == Some("NOSCRIPT")
}

/// Returns whether a replica refused the write.
pub(crate) fn is_of_replica(answer: &Value) -> bool {
    let Value::ServerError(error) = answer else { return false };
    // Before Redis 7 the code of what fails within a script is part of the text.
    error.code() == "READONLY" || error.details().is_some_and(|text| text.contains("READONLY"))
}

/// Creates the error of a code and a text of the server.
fn told(code: &str, text: &str) -> StoreError {
    // A server that does not know a command repeats the command's arguments.
    let text = text.split(", with args beginning with").next().unwrap_or_default();
    let kind = kind_of(code, text);
    StoreError::new(kind).with_source(format!("{code} {text}"))
}

fn kind_of(code: &str, text: &str) -> StoreErrorKind {
    match code {
        "OOM" => StoreErrorKind::Full,
        "READONLY" | "NOPERM" => StoreErrorKind::ReadOnly,
        "MISCONF" if text.contains("No space left") => StoreErrorKind::Full,
        "MISCONF" | "NOREPLICAS" | "LOADING" | "BUSY" | "CLUSTERDOWN" | "MASTERDOWN"
        | "TRYAGAIN" | "MOVED" | "ASK" | "UNBLOCKED" => StoreErrorKind::Unavailable,
        "WRONGTYPE" => StoreErrorKind::Damaged,
        "COUNTERSIGN" if text.starts_with("version") => StoreErrorKind::UnknownVersion,
        "COUNTERSIGN" => StoreErrorKind::Damaged,
        // Before Redis 7 the code of what fails within a script is part of the text.
        "ERR" if text.contains("user_script") => {
            let within = ["OOM", "READONLY", "MISCONF", "NOREPLICAS", "WRONGTYPE"];
            let mut words = text.split(|it: char| !it.is_ascii_uppercase());
            let within = words.find(|word| within.contains(word));
            within.map_or(StoreErrorKind::Other, |code| kind_of(code, text))
        }
        _ => StoreErrorKind::Other,
    }
}

#[cfg(test)]
mod tests {
    use countersign_tokens::StoreErrorKind;

    use super::{ErrorKind, RedisError, failed, kind_of, told};

    #[test]
    fn an_error_within_a_script_of_an_older_server_is_told_apart() {
        let text = "Error running script (call to f_2f): @user_script:17: @user_script: 17: \
                    -OOM command not allowed when used memory > 'maxmemory'.";
        assert_eq!(kind_of("ERR", text), StoreErrorKind::Full);
        let text = "Error running script (call to f_2f): @user_script:17: WRONGTYPE Operation";
        assert_eq!(kind_of("ERR", text), StoreErrorKind::Damaged);
    }

    #[test]
    fn the_codes_of_the_server_are_told_apart() {
        for (code, text, kind) in [
            ("OOM", "", StoreErrorKind::Full),
            ("READONLY", "", StoreErrorKind::ReadOnly),
            ("NOPERM", "", StoreErrorKind::ReadOnly),
            ("MISCONF", "Errors writing to the AOF file: No space left", StoreErrorKind::Full),
            ("MISCONF", "Errors writing to the AOF file", StoreErrorKind::Unavailable),
            ("NOREPLICAS", "", StoreErrorKind::Unavailable),
            ("CLUSTERDOWN", "", StoreErrorKind::Unavailable),
            ("WRONGTYPE", "", StoreErrorKind::Damaged),
            ("COUNTERSIGN", "version 1", StoreErrorKind::UnknownVersion),
            ("COUNTERSIGN", "another field", StoreErrorKind::Damaged),
            ("ERR", "unknown command", StoreErrorKind::Other),
            ("NOAUTH", "", StoreErrorKind::Other),
        ] {
            assert_eq!(kind_of(code, text), kind, "{code} {text}");
        }
    }

    #[test]
    fn errors_of_the_connection_are_told_apart() {
        for (kind, wanted) in [
            (ErrorKind::Io, StoreErrorKind::Unavailable),
            (ErrorKind::Parse, StoreErrorKind::Unavailable),
            (ErrorKind::UnexpectedReturnType, StoreErrorKind::Damaged),
            (ErrorKind::AuthenticationFailed, StoreErrorKind::Other),
        ] {
            let error = failed(&RedisError::from((kind, "canary")));
            assert_eq!(error.kind(), wanted, "{kind:?}");
        }
    }

    #[test]
    fn g05_the_arguments_of_an_unknown_command_are_not_shown() {
        let error = told("ERR", "unknown command 'EVALSHA', with args beginning with: 'canary' ");
        let shown = format!("{error:?}");
        assert!(shown.contains("unknown command") && !shown.contains("canary"), "{shown}");
    }
}
