//! Begin and save where nothing is in the way: a plain update, which either does all of it or finds
//! no row. Judging costs the server about half as much again, which few refreshes need.
//!
//! What these ask for is enough for the judged statement to do the same. Whatever they do not find,
//! it has to judge.
//!
//! Where the row was locked and nobody changed it, what they write is reckoned from before the wait,
//! and the time that they tell is that of after it: a lease is short by the wait, and told so.

/// The parameters are those of [`BEGIN`](super::BEGIN), without `$6`: there is no other intent.
pub(in super::super) const USUAL_BEGIN: &str = concat!(
    "UPDATE countersign_grants SET
        revision = revision + 1,
        attempts = ARRAY[$2],
        attempted_at = ARRAY[",
    now!(),
    "],
        fence = fence + 1,
        lease_owner = $2,
        lease_until = $5 + ",
    now!(),
    "
    WHERE key = $1 AND epoch = $3 AND generation = $4 AND state = 'live'
        AND attempts = '{}' AND lease_until IS NULL AND not_before IS NULL
    RETURNING ",
    now!(),
    " AS now, ",
    columns!()
);

/// The parameters are those of [`SAVE`](super::SAVE), but for `$10`, which is what is told: the
/// tokens need not rest.
pub(in super::super) const USUAL_SAVE: &str = concat!(
    "UPDATE countersign_grants SET
        revision = revision + 1,
        generation = generation + 1,
        written_by = $2,
        attempts = '{}',
        attempted_at = '{}',
        payload = $5,
        key_id = $6,
        expires_at = CASE WHEN $7 IS NOT NULL THEN LEAST($9, $7 + ",
    now!(),
    ") END,
        due_at = CASE WHEN $8 IS NOT NULL THEN LEAST($9, $8 + ",
    now!(),
    ") END,
        not_before = NULL,
        lease_owner = NULL,
        lease_until = NULL
    WHERE key = $1 AND epoch = $3 AND generation = $4 AND state = 'live'
        AND attempts = ARRAY[$2] AND lease_owner = $2
    RETURNING ",
    now!(),
    " AS now, ",
    columns!(),
    ", CASE WHEN $10::text IS NOT NULL THEN pg_notify('countersign_grants', $10::text)::text END"
);
