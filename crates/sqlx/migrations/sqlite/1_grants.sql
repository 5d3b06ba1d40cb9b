-- Instants are milliseconds since 1970 by the clock below.
CREATE TABLE IF NOT EXISTS countersign_grants (
    key TEXT PRIMARY KEY NOT NULL,
    version BLOB NOT NULL,
    due_at INTEGER,
    written_at INTEGER NOT NULL,
    -- Copies of members of the record, for your queries. The library does not read them.
    state TEXT NOT NULL,
    expires_at INTEGER,
    oldest_attempt_at INTEGER,
    lease_until INTEGER,
    key_id TEXT,
    -- The last column, so that the others are read without its pages.
    record BLOB NOT NULL
);

CREATE INDEX IF NOT EXISTS countersign_grants_due
    ON countersign_grants (due_at, key) WHERE due_at IS NOT NULL;

-- The instant at which the machine was started, by the wall clock of the first process after the
-- start. All processes add the time since the start to it, so setting the wall clock moves nothing.
CREATE TABLE IF NOT EXISTS countersign_clock (
    boot_id TEXT PRIMARY KEY NOT NULL,
    zero INTEGER NOT NULL
) WITHOUT ROWID;
