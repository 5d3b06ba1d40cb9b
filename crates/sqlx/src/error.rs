//! The kinds of a database's errors. Only code and message are kept: the details of an error may show
//! a row, and a row holds tokens.

use countersign_tokens::{StoreError, StoreErrorKind};
use sqlx::Error;
use sqlx::migrate::MigrateError;

pub(crate) fn failed(error: Error) -> StoreError {
    match error {
        Error::Database(error) => {
            let code = error.code().unwrap_or_default();
            let is_old = is_missing_column(&code, error.message());
            let kind = if is_old { StoreErrorKind::UnknownVersion } else { kind_of(&code) };
            let hint = if is_old { OLD_TABLES } else { hint(&code) };
            StoreError::new(kind).with_source(format!("{} ({code}){hint}", error.message()))
        }
        Error::PoolTimedOut => StoreError::new(StoreErrorKind::Timeout)
            .with_source("no connection of the pool was free in time"),
        Error::Io(_)
        | Error::Tls(_)
        | Error::Protocol(_)
        | Error::PoolClosed
        | Error::WorkerCrashed
        | Error::BeginFailed => {
            StoreError::new(StoreErrorKind::Unavailable).with_source(error.to_string())
        }
        Error::Migrate(error) => not_migrated(*error),
        Error::ColumnDecode { .. } | Error::Decode(_) => damaged(error.to_string()),
        other => StoreError::new(StoreErrorKind::Other).with_source(other.to_string()),
    }
}

pub(crate) fn not_migrated(error: MigrateError) -> StoreError {
    match error {
        MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _) => failed(error),
        MigrateError::VersionMismatch(_) => StoreError::new(StoreErrorKind::UnknownVersion)
            .with_source(format!("the schema has another checksum{OLD_TABLES}")),
        other => StoreError::new(StoreErrorKind::Other).with_source(other.to_string()),
    }
}

const OLD_TABLES: &str = ": another version of this library made the tables; rename or drop \
    `countersign_grants` and `_countersign_migrations`, then call `migrate()`";

fn is_missing_column(code: &str, message: &str) -> bool {
    // SQLite has no code for it.
    code == "42703" || message.contains("no such column") || message.contains("has no column named")
}

/// Creates the error of a row that this library did not write.
pub(crate) fn damaged(why: impl Into<String>) -> StoreError {
    StoreError::new(StoreErrorKind::Damaged).with_source(why.into())
}

/// Returns whether the same statement may succeed on a new connection: the connection was lost, or
/// leads to a server that takes no writes, such as the former primary after a switchover.
#[cfg(feature = "postgres")]
pub(crate) fn needs_another_connection(error: &Error) -> bool {
    match error {
        Error::Io(_) => true,
        // 57P..: an administrator's command, a crash or a shutdown ended the connection.
        Error::Database(database) => {
            database.code().is_some_and(|code| code.starts_with("57P")) || is_standby(error)
        }
        _ => false,
    }
}

/// Returns whether the server refused the write because it takes none.
#[cfg(feature = "postgres")]
pub(crate) fn is_standby(error: &Error) -> bool {
    error.as_database_error().and_then(|error| error.code()).is_some_and(|code| code == "25006")
}

/// `code` is PostgreSQL's SQLSTATE of five characters, or SQLite's extended result code, a number.
fn kind_of(code: &str) -> StoreErrorKind {
    if code.len() < 5 {
        return of_sqlite(code.parse::<u32>().unwrap_or_default() & 0xff);
    }
    match code {
        "53100" | "54000" => StoreErrorKind::Full,
        "25006" | "42501" => StoreErrorKind::ReadOnly,
        "57014" | "55P03" => StoreErrorKind::Timeout,
        "40001" | "40P01" => StoreErrorKind::Unavailable,
        _ => match &code[..2] {
            "08" | "53" | "57" | "58" => StoreErrorKind::Unavailable,
            "XX" => StoreErrorKind::Damaged,
            _ => StoreErrorKind::Other,
        },
    }
}

fn of_sqlite(primary: u32) -> StoreErrorKind {
    match primary {
        3 | 8 => StoreErrorKind::ReadOnly,
        5 | 6 => StoreErrorKind::Timeout,
        10 | 14 => StoreErrorKind::Unavailable,
        11 | 26 => StoreErrorKind::Damaged,
        13 => StoreErrorKind::Full,
        _ => StoreErrorKind::Other,
    }
}

fn hint(code: &str) -> &'static str {
    match code {
        "42P01" => ": `migrate()` makes the table",
        "42501" => {
            ": the role needs SELECT, INSERT, UPDATE and DELETE on the table, and `migrate()` one that \
             may make tables in the schema"
        }
        "26000" | "42P05" => {
            ": a pooler between this and the server does not keep prepared statements; PgBouncer \
             does from 1.21 on, with `max_prepared_statements` above 0"
        }
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use countersign_tokens::StoreErrorKind::{
        Damaged, Full, Other, ReadOnly, Timeout, Unavailable,
    };

    use super::{hint, kind_of};

    #[cfg(feature = "postgres")]
    #[test]
    fn another_connection_helps_only_if_this_one_is_lost_or_leads_to_the_wrong_server() {
        use std::io::{self, ErrorKind};

        use super::{Error, is_standby, needs_another_connection};

        let lost = Error::Io(io::Error::from(ErrorKind::ConnectionReset));
        assert!(needs_another_connection(&lost) && !is_standby(&lost));
        assert!(!needs_another_connection(&Error::PoolTimedOut));
    }

    #[test]
    fn the_codes_of_postgres_are_told_apart() {
        for (codes, kind) in [
            (&["53100", "54000"][..], Full),
            (&["25006", "42501"], ReadOnly),
            (&["57014", "55P03"], Timeout),
            (&["40001", "40P01", "08006", "53300", "57P01", "58030"], Unavailable),
            (&["XX000", "XX001"], Damaged),
            (&["42P01", "22003"], Other),
        ] {
            for code in codes {
                assert_eq!(kind_of(code), kind, "{code}");
            }
        }
    }

    #[test]
    fn the_codes_of_sqlite_are_told_apart_by_their_primary_code() {
        for (codes, kind) in [
            (&["3", "8", "1032"][..], ReadOnly),
            (&["5", "6", "261", "517"], Timeout),
            (&["10", "14", "266"], Unavailable),
            (&["11", "26", "267"], Damaged),
            (&["13"], Full),
            (&["1", "19", "2067"], Other),
        ] {
            for code in codes {
                assert_eq!(kind_of(code), kind, "{code}");
            }
        }
    }

    #[test]
    fn errors_that_a_setting_causes_say_what_to_do() {
        for (code, words) in [
            ("42P01", "migrate()"),
            ("42501", "the role needs"),
            ("26000", "a pooler"),
            ("42P05", "a pooler"),
        ] {
            assert!(hint(code).contains(words), "{code}");
        }
        assert_eq!(hint("40001"), "");
    }
}
