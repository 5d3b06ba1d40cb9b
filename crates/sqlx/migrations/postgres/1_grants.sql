-- Instants are milliseconds since 1970 by this server's clock; ids are 16 random bytes.
CREATE TABLE IF NOT EXISTS countersign_grants (
    key text COLLATE "C" PRIMARY KEY,
    epoch bytea NOT NULL,
    generation bigint NOT NULL,
    revision bigint NOT NULL,
    state text NOT NULL,
    lease_owner bytea,
    lease_until bigint,
    fence bigint NOT NULL,
    attempts bytea[] NOT NULL,
    attempted_at bigint[] NOT NULL,
    written_by bytea,
    expires_at bigint,
    due_at bigint,
    not_before bigint,
    key_id text,
    payload bytea NOT NULL,
    due bigint GENERATED ALWAYS AS (
        CASE WHEN state = 'live' AND due_at IS NOT NULL THEN GREATEST(due_at, not_before) END
    ) STORED
-- Leases and intents come and go without the index, if there is room beside the row.
) WITH (fillfactor = 70);

CREATE INDEX IF NOT EXISTS countersign_grants_due
    ON countersign_grants (due, key) WHERE due IS NOT NULL;
