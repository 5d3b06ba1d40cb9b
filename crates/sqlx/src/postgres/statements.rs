//! The steps in SQL: each one statement, which says what
//! [`Rules`](countersign_tokens::Rules) say. The two that every refresh takes have a second,
//! cheaper one for their usual case.

/// The server's time, not that of the statement's or transaction's start, which is stale after a
/// wait for a row's lock. In milliseconds.
macro_rules! now {
    () => {
        "floor(date_part('epoch', clock_timestamp()) * 1000)::bigint"
    };
}

macro_rules! columns {
    () => {
        "epoch, generation, revision, state, lease_owner, lease_until, fence, attempts, \
         attempted_at, written_by, expires_at, due_at, not_before, key_id, payload"
    };
}

/// A step that changes a row that is there. `verdict` is 0 to refuse it, 1 to accept it with
/// nothing to do, 2 to do it, 3 to refuse it and change something all the same; `$1` is the key.
/// `tells` is what is told of a change to those who listen, if it is not null.
///
/// The row is locked first and judged as it is then: what a statement sees otherwise is what was
/// there when it began, before it waited for the lock. The time is told after that wait too.
macro_rules! step {
    (verdict: $verdict:literal, changes: $changes:expr $(,)?) => {
        step! { verdict: $verdict, changes: $changes, tells: "NULL" }
    };
    (verdict: $verdict:literal, changes: $changes:expr, tells: $tells:literal $(,)?) => {
        concat!(
            "WITH held AS MATERIALIZED (\
                 SELECT * FROM countersign_grants WHERE key = $1 FOR UPDATE\
             ), seen AS MATERIALIZED (\
                 SELECT held.*, ",
            now!(),
            " AS now FROM held\
             ), judged AS MATERIALIZED (\
                 SELECT seen.*, CASE ",
            $verdict,
            " END AS verdict FROM seen\
             ), written AS (\
                 UPDATE countersign_grants AS g SET revision = judged.revision + 1, ",
            $changes,
            " FROM judged WHERE g.key = judged.key AND judged.verdict >= 2 \
                 RETURNING g.*, judged.now, judged.verdict\
             ) \
             SELECT verdict, now, ",
            columns!(),
            ", CASE WHEN ",
            $tells,
            "::text IS NOT NULL THEN pg_notify('countersign_grants', ",
            $tells,
            "::text)::text END AS told FROM written \
             UNION ALL \
             SELECT verdict, now, ",
            columns!(),
            ", NULL FROM judged WHERE verdict < 2"
        )
    };
}

/// `$2` is the attempt.
macro_rules! release {
    () => {
        "lease_owner = CASE WHEN judged.lease_owner <> $2 THEN judged.lease_owner END, \
         lease_until = CASE WHEN judged.lease_owner <> $2 THEN judged.lease_until END"
    };
}

mod usual;

pub(super) use self::usual::{USUAL_BEGIN, USUAL_SAVE};

pub(super) const LOAD: &str =
    concat!("SELECT ", now!(), " AS now, ", columns!(), " FROM countersign_grants WHERE key = $1");

/// `$2` attempt, `$3` epoch, `$4` generation, `$5` lease, `$6` how young the first of the intents
/// has to be.
pub(super) const BEGIN: &str = step! {
    verdict: "
        WHEN epoch <> $3 OR generation <> $4 OR state <> 'live' THEN 0
        WHEN $2 = ANY (attempts) THEN
            CASE WHEN lease_owner = $2 AND lease_until > now THEN 1 ELSE 0 END
        WHEN lease_until > now + $5 THEN 3
        WHEN lease_until > now OR not_before > now THEN 0
        WHEN GREATEST(now - (SELECT min(at) FROM unnest(attempted_at) AS at), 0) >= $6
            AND cardinality(attempts) > 0 THEN 0
        ELSE 2",
    changes: "
        attempts = CASE judged.verdict WHEN 2
            THEN array_append(judged.attempts, $2) ELSE judged.attempts END,
        attempted_at = CASE judged.verdict WHEN 2
            THEN array_append(judged.attempted_at, judged.now) ELSE judged.attempted_at END,
        fence = judged.fence + CASE judged.verdict WHEN 2 THEN 1 ELSE 0 END,
        lease_owner = CASE judged.verdict WHEN 2 THEN $2 ELSE judged.lease_owner END,
        lease_until = judged.now + $5",
};

/// `$2` attempt, `$3` epoch, `$4` generation, `$5` payload, `$6` key id, `$7` expires in, `$8` due
/// in, `$9` ends by, `$10` rests for, `$11` what is told. What is null bounds nothing.
pub(super) const SAVE: &str = step! {
    verdict: "
        WHEN epoch <> $3 OR state = 'gone' THEN 0
        WHEN written_by = $2 THEN 1
        WHEN generation <> $4 THEN 0
        ELSE 2",
    changes: concat!(
        "generation = judged.generation + 1,
        state = 'live',
        written_by = $2,
        attempts = '{}',
        attempted_at = '{}',
        payload = $5,
        key_id = $6,
        expires_at = CASE WHEN $7 IS NOT NULL THEN LEAST(judged.now + $7, $9) END,
        due_at = CASE WHEN $8 IS NOT NULL THEN LEAST(judged.now + $8, $9) END,
        not_before = CASE WHEN array_remove(judged.attempts, $2) <> '{}'
            THEN judged.now + $10 END, ",
        release!()
    ),
    tells: "$11",
};

/// `$2` attempt, `$3` epoch, `$4` rests for, `$5` what is told.
pub(super) const CLEAR: &str = step! {
    verdict: "
        WHEN epoch <> $3 THEN 0
        WHEN $2 = ANY (attempts) OR lease_owner = $2 THEN 2
        ELSE 1",
    changes: concat!(
        "attempts = array_remove(judged.attempts, $2),
        attempted_at = ARRAY(
            SELECT at FROM unnest(judged.attempts, judged.attempted_at)
                WITH ORDINALITY AS attempt (id, at, place)
            WHERE id <> $2 ORDER BY place
        ),
        state = CASE WHEN judged.state = 'unknown' AND array_remove(judged.attempts, $2) = '{}'
            THEN 'live' ELSE judged.state END,
        due_at = CASE WHEN judged.state = 'unknown' AND array_remove(judged.attempts, $2) = '{}'
            THEN judged.now ELSE judged.due_at END,
        not_before = GREATEST(judged.not_before, judged.now + $4), ",
        release!()
    ),
    tells: "$5",
};

/// `$2` attempt, `$3` epoch, `$4` lease.
pub(super) const RENEW: &str = step! {
    verdict: "WHEN epoch = $3 AND lease_owner = $2 AND lease_until > now THEN 2 ELSE 0",
    changes: "lease_until = judged.now + $4",
};

/// `$2` attempt, `$3` epoch, `$4` generation, `$5` what it is, `$6` what is told.
pub(super) const MARK: &str = step! {
    verdict: "
        WHEN epoch <> $3 OR generation <> $4 THEN 0
        WHEN state = $5 THEN 1
        WHEN state <> 'live' OR (lease_owner <> $2 AND lease_until > now) THEN 0
        WHEN $5 = 'reauthorize' AND array_remove(attempts, $2) <> '{}' THEN 0
        WHEN $5 = 'unknown' AND attempts = '{}' THEN 0
        ELSE 2",
    changes: concat!("state = $5, due_at = NULL, ", release!()),
    tells: "$6",
};

/// `$2` epoch, `$3` generation, `$4` revision, `$5` payload, `$6` key id.
pub(super) const RESEAL: &str = step! {
    verdict: "
        WHEN epoch = $2 AND generation = $3 AND revision = $4 AND state <> 'gone' THEN 2
        ELSE 0",
    changes: "payload = $5, key_id = $6",
};

/// `$2` epoch, `$3` payload, `$4` key id, `$5` expires in, `$6` due in.
///
/// Where somebody was faster nothing changes, and the answer is what is there: the epoch says
/// whose that is.
pub(super) const ADOPT_FIRST: &str = concat!(
    "INSERT INTO countersign_grants AS g (
        key, epoch, generation, revision, state, fence, attempts, attempted_at, payload, key_id,
        expires_at, due_at
    )
    SELECT $1, $2, 1, 1, 'live', 0, '{}', '{}', $3, $4, now + $5, now + $6
    FROM (SELECT ",
    now!(),
    " AS now) AS clock
    ON CONFLICT (key) DO UPDATE SET revision = g.revision
    RETURNING CASE WHEN epoch = $2 THEN 2 ELSE 0 END AS verdict, ",
    now!(),
    " AS now, ",
    columns!()
);

/// The same, and `$7` the epoch that it replaces, `$8` what is told.
pub(super) const ADOPT_INSTEAD: &str = step! {
    verdict: "WHEN epoch = $2 THEN 1 WHEN epoch <> $7 THEN 0 ELSE 2",
    changes: "
        epoch = $2,
        generation = 1,
        state = 'live',
        lease_owner = NULL,
        lease_until = NULL,
        fence = 0,
        attempts = '{}',
        attempted_at = '{}',
        written_by = NULL,
        payload = $3,
        key_id = $4,
        expires_at = judged.now + $5,
        due_at = judged.now + $6,
        not_before = NULL",
    tells: "$8",
};

/// `$2` epoch, `$3` that of the tombstone, `$4` what is told.
pub(super) const FORGET: &str = step! {
    verdict: "WHEN epoch = $3 THEN 1 WHEN epoch <> $2 THEN 0 ELSE 2",
    changes: "
        epoch = $3,
        state = 'gone',
        lease_owner = NULL,
        lease_until = NULL,
        attempts = '{}',
        attempted_at = '{}',
        written_by = NULL,
        payload = '',
        key_id = NULL,
        expires_at = NULL,
        due_at = NULL,
        not_before = NULL",
    tells: "$4",
};

/// `$2` that of the tombstone.
pub(super) const PURGE: &str =
    "DELETE FROM countersign_grants WHERE key = $1 AND epoch = $2 AND state = 'gone'";

/// `$1` within, `$2` and `$3` instant and key of the last that is known, `$4` how many. The time is
/// told once, since only that can bound the search of an index, and even when nothing is due.
pub(super) const DUE: &str = concat!(
    "WITH clock AS MATERIALIZED (SELECT ",
    now!(),
    " AS now)
    SELECT now, due, key FROM clock LEFT JOIN LATERAL (
        SELECT due, key FROM countersign_grants
        WHERE due <= clock.now + $1 AND (due, key) > ($2, $3)
        ORDER BY due, key LIMIT $4
    ) AS listed ON true"
);
