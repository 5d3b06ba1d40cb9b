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

/// `$1` is the begin of the keys, `$2` and `$3` the first and the last number, `$4` the key that is
/// copied. A record names its key. No grant is due before the end of the measurement.
const COPY: &str = "
    INSERT INTO countersign_grants (
        key, version, due_at, record, written_at, state, expires_at, oldest_attempt_at,
        lease_until, key_id
    )
    SELECT $1 || n, version, expires_at - (hashint8(n) & 1048575),
        convert_to(replace(convert_from(record, 'UTF8'), $4, $1 || n), 'UTF8'), written_at, state,
        expires_at, oldest_attempt_at, lease_until, key_id
    FROM countersign_grants, generate_series($2, $3) AS n WHERE key = $4";

const READ: &str = "SELECT record FROM countersign_grants WHERE key = $1";

const BEGIN: &str = "
    UPDATE countersign_grants SET version = $2, record = $3, written_at = $4,
        oldest_attempt_at = $4, lease_until = $5
    WHERE key = $1";

const SAVE: &str = "
    UPDATE countersign_grants SET version = $2, record = $3, written_at = $4, due_at = $5,
        state = 'live', expires_at = $6, oldest_attempt_at = NULL, lease_until = NULL,
        key_id = NULL
    WHERE key = $1";

/// The store.
pub(crate) async fn open(url: &str) -> Result<PostgresStore, StoreError> {
    PostgresStore::connect(&at(url)).await
}

fn at(url: &str) -> String {
    let sign = if url.contains('?') { '&' } else { '?' };
    format!("{url}{sign}options[search_path]=countersign_fleet")
}

/// The server, as the controller uses it.
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
        tokens.insert(&first, grant(client.now(), HOUR)).await?;
        ours::put_off(&open(url).await?, &first).await?;
        let copies = [(ours::key(&client, 0), 1), (bare::key(&client, 0), 0)];
        for (key, from) in copies {
            let begins = key.as_str().trim_end_matches('0').to_owned();
            let copy = sqlx::query(COPY).bind(begins).bind(from).bind(i64::try_from(grants)? - 1);
            copy.bind(first.as_str().to_owned()).execute(&self.0).await?;
        }
        sqlx::raw_sql("VACUUM ANALYZE countersign_grants").execute(&self.0).await?;
        // So that no checkpoint is due soon. A role that may not ask for one measures with it.
        let _ = sqlx::raw_sql("CHECKPOINT").execute(&self.0).await;
        Ok(())
    }

    /// Returns the CPU time of all processes of the server, if they are on this machine.
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

    pub(crate) async fn description(&self) -> Outcome<String> {
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

    pub(crate) async fn refresh(
        &mut self,
        key: &str,
        is_first: bool,
        values: &Values<'_>,
    ) -> Outcome {
        let Values { version, now, lease_until, expires_at, due_at, records } = *values;
        if is_first {
            sqlx::query(READ).bind(key).fetch_one(&mut self.0).await?;
        }
        let begin = sqlx::query(BEGIN).bind(key).bind(&version[..]).bind(&records.begun[..]);
        begin.bind(now).bind(lease_until).execute(&mut self.0).await?;
        let save = sqlx::query(SAVE).bind(key).bind(&version[..]).bind(&records.saved[..]);
        save.bind(now).bind(due_at).bind(expires_at).execute(&mut self.0).await?;
        Ok(())
    }
}
