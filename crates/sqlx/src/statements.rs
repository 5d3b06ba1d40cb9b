//! The statements, which both databases share.

/// The statements of one database.
///
/// `$1` is the database's own parameter, see [`Table::rows`](crate::table::Table::rows). Every
/// statement returns the columns of [`Row`](crate::table::Row).
pub(crate) struct Statements {
    /// `$2` key. Returns one row, also if there is no record.
    pub(crate) load: &'static str,
    /// `$2` key, `$3` version, `$4` record, `$5` due_at, `$6` state, `$7` expires_at,
    /// `$8` oldest_attempt_at, `$9` lease_until, `$10` key_id. Returns no row if a record is there.
    pub(crate) insert: &'static str,
    /// As `insert`, and `$11` the expected version. Returns no row if there is another version.
    pub(crate) update: &'static str,
    /// `$2` key, `$3` the expected version. Returns no row if there is another version.
    pub(crate) delete: &'static str,
    /// `$2` most rows, `$3` most bytes, `$4` and `$5` the cursor's instant and key, `$6` within.
    /// Returns at least one row, without a key if nothing is due. Rows that begin after `$3` bytes
    /// have no record.
    pub(crate) due: &'static str,
    /// As `due`, without `$6`. `$4` is not used, and `due_at` is null.
    pub(crate) list: &'static str,
}

/// `now` is the expression of the database's clock, in milliseconds. `told` is a last column that
/// notifies of a write.
macro_rules! statements {
    (now: $now:literal, told: $told:literal) => {
        $crate::statements::Statements {
            load: concat!(
                "SELECT ", $now, " AS now, NULL AS key, NULL AS due_at, \
                (SELECT record FROM countersign_grants WHERE key = $2) AS record"
            ),
            insert: concat!(
                "INSERT INTO countersign_grants (key, version, record, due_at, state, expires_at, \
                    oldest_attempt_at, lease_until, key_id, written_at) \
                VALUES ($2, $3, $4, $5, $6, $7, $8, $9, $10, ", $now, ") \
                ON CONFLICT (key) DO NOTHING ",
                statements!(@returning $now, $told)
            ),
            update: concat!(
                "UPDATE countersign_grants SET (version, record, due_at, state, expires_at, \
                    oldest_attempt_at, lease_until, key_id, written_at) \
                = ($3, $4, $5, $6, $7, $8, $9, $10, ", $now, ") WHERE key = $2 AND version = $11 ",
                statements!(@returning $now, $told)
            ),
            delete: concat!(
                "DELETE FROM countersign_grants WHERE key = $2 AND version = $3 ",
                statements!(@returning $now, $told)
            ),
            due: statements!(
                @page $now, "page.due_at", "due_at, key",
                "due_at <= (SELECT now FROM clock) + $6 AND (due_at, key) > ($4, $5)"
            ),
            list: statements!(@page $now, "NULL", "key", "key > $5"),
        }
    };
    (@returning $now:literal, $told:literal) => {
        concat!("RETURNING ", $now, " AS now, NULL AS key, NULL AS due_at, NULL AS record", $told)
    };
    // The time is read once, since only then it can bound the search of an index. Records do not
    // pass through the window, whose rows SQLite may write to a temporary file.
    (@page $now:literal, $due_at:literal, $order:literal, $filter:literal) => {
        concat!(
            "WITH clock AS MATERIALIZED (SELECT ", $now, " AS now) \
            SELECT clock.now, page.key, ", $due_at, " AS due_at, \
                CASE WHEN coalesce(page.bytes_before, 0) <= $3 THEN \
                    (SELECT record FROM countersign_grants AS g WHERE g.key = page.key) \
                END AS record \
            FROM clock LEFT JOIN (\
                SELECT key, due_at, sum(bytes) OVER (ORDER BY ", $order, " \
                    ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS bytes_before \
                FROM (\
                    SELECT key, due_at, length(record) AS bytes FROM countersign_grants \
                    WHERE ", $filter, " ORDER BY ", $order, " LIMIT $2\
                ) AS found\
            ) AS page ON true"
        )
    };
}

pub(crate) use statements;
