//! The fleet on PostgreSQL, in a schema of its own.

use std::fs;

use countersign_benches::cpu;
use countersign_sqlx::PostgresStore;
use countersign_sqlx::sqlx::{self, Connection, PgConnection, PgPool};
use countersign_tokens::StoreError;

use crate::bare::{self, Values};
use crate::common::{grant, manager};
use crate::ours::{self, at_once};
use crate::{HOUR, Outcome};

const CREATE: &str = "
    DROP SCHEMA IF EXISTS countersign_fleet CASCADE;
    CREATE SCHEMA countersign_fleet";
const DROP: &str = "DROP SCHEMA IF EXISTS countersign_fleet CASCADE";

/// `$1` what keys begin with, `$2` and `$3` the first and the last number, `$4` the key that is
/// copied. None is due before everything is measured.
const COPY: &str = "
    INSERT INTO countersign_grants (
        key, epoch, generation, revision, state, fence, attempts, attempted_at, payload, key_id,
        expires_at, due_at
    )
    SELECT $1 || n, decode(md5($1 || n), 'hex'), generation, revision, state, fence, attempts,
        attempted_at, payload, key_id, expires_at, expires_at - (hashint8(n) & 1048575)
    FROM countersign_grants, generate_series($2, $3) AS n WHERE key = $4";

const READ: &str = "
    SELECT epoch, generation, revision, state, lease_owner, lease_until, fence, attempts,
        attempted_at, written_by, expires_at, due_at, not_before, key_id, payload
    FROM countersign_grants WHERE key = $1";

const BEGIN: &str = "
    UPDATE countersign_grants SET revision = revision + 1, attempts = ARRAY[$2],
        attempted_at = ARRAY[$3], fence = fence + 1, lease_owner = $2, lease_until = $4
    WHERE key = $1";

const SAVE: &str = "
    UPDATE countersign_grants SET revision = revision + 1, generation = generation + 1,
        state = 'live', written_by = $2, attempts = '{}', attempted_at = '{}', payload = $3,
        key_id = NULL, expires_at = $4, due_at = $5, not_before = NULL, lease_owner = NULL,
        lease_until = NULL
    WHERE key = $1";

/// The store.
pub(crate) async fn open(url: &str) -> Result<PostgresStore, StoreError> {
    PostgresStore::connect(&at(url)).await
}

fn at(url: &str) -> String {
    let sign = if url.contains('?') { '&' } else { '?' };
    format!("{url}{sign}options[search_path]=countersign_fleet")
}

/// The server, as the controller has it.
pub(crate) struct Postgres(PgPool);

impl Postgres {
    pub(crate) async fn prepare(url: &str) -> Outcome<Self> {
        let store = open(url).await?;
        sqlx::raw_sql(CREATE).execute(store.pool()).await?;
        store.migrate().await?;
        Ok(Self(store.pool().clone()))
    }

    pub(crate) async fn fill(&self, url: &str, grants: usize) -> Outcome {
        sqlx::raw_sql("TRUNCATE countersign_grants").execute(&self.0).await?;
        let client = at_once();
        let tokens = manager(client.clone(), open(url).await?);
        let first = ours::key(&client, 0);
        tokens.adopt(&first, grant(client.now(), HOUR)).await?;
        let copies = [(ours::key(&client, 0), 1), (bare::key(&client, 0), 0)];
        for (key, from) in copies {
            let begins = key.as_str().trim_end_matches('0').to_owned();
            let copy = sqlx::query(COPY).bind(begins).bind(from).bind(i64::try_from(grants)? - 1);
            copy.bind(first.as_str().to_owned()).execute(&self.0).await?;
        }
        sqlx::raw_sql("VACUUM ANALYZE countersign_grants").execute(&self.0).await?;
        // So that none is due soon; whoever may not ask for one measures with it.
        let _ = sqlx::raw_sql("CHECKPOINT").execute(&self.0).await;
        Ok(())
    }

    /// That of all its processes, when they are on this machine.
    pub(crate) async fn microseconds(&self) -> Option<f64> {
        let of_server = "SELECT pid::text FROM pg_stat_activity WHERE pid IS NOT NULL";
        let processes: Vec<String> = sqlx::query_scalar(of_server).fetch_all(&self.0).await.ok()?;
        let is_here = |process: &String| {
            let name = fs::read_to_string(format!("/proc/{process}/comm"));
            name.is_ok_and(|it| it.starts_with("postgres"))
        };
        let spent = processes.iter().filter(|it| is_here(it)).map(|it| cpu::microseconds_of(it));
        spent.sum::<Option<f64>>().filter(|it| *it > 0.0)
    }

    pub(crate) async fn told(&self) -> Outcome<String> {
        let asked = "SELECT 'PostgreSQL ' || split_part(current_setting('server_version'), ' ', 1)
            || ', fsync ' || current_setting('fsync')
            || ', synchronous_commit ' || current_setting('synchronous_commit')";
        Ok(sqlx::query_scalar(asked).fetch_one(&self.0).await?)
    }

    pub(crate) async fn clean(&self) -> Outcome {
        sqlx::raw_sql(DROP).execute(&self.0).await?;
        Ok(())
    }
}

/// The rival's statements, on a connection of their own.
pub(crate) struct Bare(PgConnection);

impl Bare {
    pub(crate) async fn open(url: &str) -> Outcome<Self> {
        Ok(Self(PgConnection::connect(&at(url)).await?))
    }

    pub(crate) async fn refresh(&mut self, key: &str, values: &Values<'_>) -> Outcome {
        let Values { attempt, now, lease_until, expires_at, due_at, payload } = *values;
        sqlx::query(READ).bind(key).fetch_one(&mut self.0).await?;
        let begin = sqlx::query(BEGIN).bind(key).bind(attempt.to_vec());
        begin.bind(now).bind(lease_until).execute(&mut self.0).await?;
        let save = sqlx::query(SAVE).bind(key).bind(attempt.to_vec()).bind(payload.to_vec());
        save.bind(expires_at).bind(due_at).execute(&mut self.0).await?;
        Ok(())
    }
}
