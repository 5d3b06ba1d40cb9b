-- Instants are milliseconds since 1970 by this server's clock.
CREATE TABLE IF NOT EXISTS countersign_grants (
    key text COLLATE "C" PRIMARY KEY,
    version bytea NOT NULL,
    due_at bigint,
    record bytea NOT NULL,
    written_at bigint NOT NULL,
    -- Copies of members of the record, for your queries. The library does not read them.
    state text NOT NULL,
    expires_at bigint,
    oldest_attempt_at bigint,
    lease_until bigint,
    key_id text
-- Room beside each row, so that a write that leaves due_at alone touches no index.
) WITH (fillfactor = 70);

CREATE INDEX IF NOT EXISTS countersign_grants_due
    ON countersign_grants (due_at, key) WHERE due_at IS NOT NULL;
