-- Instants are milliseconds since 1970 by the clock below; ids are 16 random bytes.
CREATE TABLE IF NOT EXISTS countersign_grants (
    key TEXT PRIMARY KEY NOT NULL,
    epoch BLOB NOT NULL,
    generation INTEGER NOT NULL,
    revision INTEGER NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('live', 'unknown', 'reauthorize', 'gone')),
    lease_owner BLOB,
    lease_until INTEGER,
    fence INTEGER NOT NULL,
    attempts TEXT NOT NULL,
    written_by BLOB,
    expires_at INTEGER,
    due_at INTEGER,
    not_before INTEGER,
    key_id TEXT,
    payload BLOB NOT NULL,
    written_at INTEGER NOT NULL,
    due INTEGER AS (
        CASE WHEN state = 'live' AND due_at IS NOT NULL
        THEN max(due_at, coalesce(not_before, due_at)) END
    ) STORED,
    CHECK ((lease_owner IS NULL) = (lease_until IS NULL))
) WITHOUT ROWID;

CREATE INDEX IF NOT EXISTS countersign_grants_due
    ON countersign_grants (due, key) WHERE due IS NOT NULL;

-- Time is that since the machine was started, on which its processes agree whatever becomes of the
-- wall clock: the first after a start writes which instant that was.
CREATE TABLE IF NOT EXISTS countersign_clock (
    boot_id TEXT PRIMARY KEY NOT NULL,
    zero INTEGER NOT NULL
) WITHOUT ROWID;
