//! Measures a million grants in PostgreSQL: the time to load a cold grant and a page of what is due,
//! their plans, and the size of a grant. Uses the server that `COUNTERSIGN_POSTGRES_URL` names, in a
//! schema that is dropped afterwards. The first argument that is a number is the number of grants.
//!
//! ```console
//! $ COUNTERSIGN_POSTGRES_URL=… cargo bench -p countersign-sqlx --features postgres --bench million
//! ```
#![expect(clippy::disallowed_methods, reason = "it measures time")]

use std::error::Error;
use std::time::{Duration, Instant};

use countersign_sqlx::PostgresStore;
use countersign_sqlx::sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use countersign_sqlx::sqlx::{self, AssertSqlSafe, PgPool, Row};
use countersign_testkit::steps::{attempt, record, version};
use countersign_tokens::{Attempt, GrantKey, GrantStore, Payload, Record, StoreTime, Swap};

type Outcome<T = ()> = Result<T, Box<dyn Error + Send + Sync>>;

const SCHEMA: &str = "countersign_bench";
const LEASE: Duration = Duration::from_secs(90);
const PAGE: usize = 256;

/// The size of the sealed tokens of most providers.
const PAYLOAD: usize = 600;

#[tokio::main]
async fn main() -> Outcome {
    let Ok(url) = std::env::var("COUNTERSIGN_POSTGRES_URL") else {
        println!("skipped: COUNTERSIGN_POSTGRES_URL is not set");
        return Ok(());
    };
    let grants = std::env::args().find_map(|it| it.parse().ok()).unwrap_or(1_000_000);
    let options: PgConnectOptions = url.parse()?;
    let pool = PgPoolOptions::new().max_connections(1).test_before_acquire(false);
    let pool = pool.connect_with(options.options([("search_path", SCHEMA)])).await?;
    let drop = format!("DROP SCHEMA IF EXISTS {SCHEMA} CASCADE");
    let create = format!("{drop}; CREATE SCHEMA {SCHEMA}");
    sqlx::raw_sql(AssertSqlSafe(create)).execute(&pool).await?;
    let measured = measure(&PostgresStore::new(pool.clone()), grants).await;
    sqlx::raw_sql(AssertSqlSafe(drop)).execute(&pool).await?;
    measured
}

async fn measure(store: &PostgresStore, grants: i64) -> Outcome {
    let pool = store.pool();
    store.migrate().await?;
    fill(store, grants).await?;
    println!("{grants} grants, payloads of {PAYLOAD} bytes, one connection\n");
    sizes(pool, grants).await?;

    let cold = median(2000, async |round| {
        let number = (round * 7919 + 13) % grants + 1;
        let key = GrantKey::parse(&format!("provider/client/{number}"))?;
        Ok(store.load(&key).await?.record.is_some())
    });
    println!("cold grant by key, median of 2000: {:?}", cold.await?);

    // From the head, and from further on.
    let within = Duration::from_secs(2400);
    let head =
        median(500, async |_| Ok(store.due(within, None, PAGE).await?.records.len() == PAGE));
    println!("page of {PAGE} due grants, median of 500: {:?}", head.await?);
    let mut after = store.due(within, None, PAGE).await?.next;
    let next = median(500, async |_| {
        let page = store.due(within, after.as_ref(), PAGE).await?;
        after = page.next;
        Ok(!page.records.is_empty())
    });
    println!("the pages after it, median of 500: {:?}", next.await?);
    let mut after = None;
    let list = median(500, async |_| {
        let page = store.list(after.as_ref(), PAGE).await?;
        after = page.next;
        Ok(!page.records.is_empty())
    });
    println!("page of {PAGE} listed grants, median of 500: {:?}\n", list.await?);

    let load = "WHERE key = $2) AS record";
    println!("{}", plan(pool, load, "NULL, 'provider/client/777777'").await?);
    let due = format!("NULL, {}, 1048576, 0, '', 2400000", PAGE + 1);
    println!("{}", plan(pool, "(due_at, key) >", &due).await?);
    refreshes(store, 20_000.min(grants)).await
}

/// Creates a record that expires an hour after `now` and is due when it is half over.
fn timed_record(text: &str, now: StoreTime) -> Record {
    let (expires_in, due_in) = (Duration::from_secs(3600), Duration::from_secs(1800));
    Record {
        expires_at: Some(now.plus(expires_in)),
        due_at: Some(now.plus(due_in)),
        ..record(text)
    }
}

/// Fills the table with grants that fall due over an hour.
async fn fill(store: &PostgresStore, grants: i64) -> Outcome {
    let now = store.load(&GrantKey::new("provider", "client", "0")?).await?.read_at;
    // In portions, each of which is one statement. The records are JSON, as the store writes them.
    let insert = "INSERT INTO countersign_grants
            (key, version, record, due_at, state, expires_at, key_id, written_at)
        SELECT *, 'key 1', $6 FROM unnest($1::text[], $2::bytea[], $3::bytea[], $4::bigint[],
            array_fill('live'::text, ARRAY[cardinality($1)]), $5::bigint[])";
    for first in (1..=grants).step_by(5000) {
        let (mut keys, mut versions, mut records) = (Vec::new(), Vec::new(), Vec::new());
        let (mut due, mut expires) = (Vec::new(), Vec::new());
        for number in first..=grants.min(first + 4999) {
            let key = GrantKey::parse(&format!("provider/client/{number}"))?;
            let spread = Duration::from_millis(u64::try_from(number * 7919 % 3_600_000)?);
            // Random bytes, as sealed ones are.
            let bytes = (0..PAYLOAD.div_ceil(16)).flat_map(|_| *version().as_bytes());
            let record = Record {
                payload: Payload::new(bytes.collect()),
                key_id: Some("key 1".to_owned()),
                ..timed_record("", now.plus(spread))
            };
            keys.push(key.as_str().to_owned());
            versions.push(record.version.as_bytes().to_vec());
            records.push(record.encode(&key)?.to_vec());
            due.push(record.due_at.map(|it| it.as_millis()));
            expires.push(record.expires_at.map(|it| it.as_millis()));
        }
        let insert = sqlx::query(insert).bind(keys).bind(versions).bind(records).bind(due);
        insert.bind(expires).bind(now.as_millis()).execute(store.pool()).await?;
    }
    sqlx::raw_sql("VACUUM ANALYZE countersign_grants").execute(store.pool()).await?;
    Ok(())
}

async fn sizes(pool: &PgPool, grants: i64) -> Outcome {
    let sizes = "SELECT pg_total_relation_size('countersign_grants'),
        pg_relation_size('countersign_grants'), pg_relation_size('countersign_grants_pkey'),
        pg_relation_size('countersign_grants_due')";
    let row = sqlx::query(sizes).fetch_one(pool).await?;
    for (column, what) in ["in all", "the table", "the keys", "what is due"].iter().enumerate() {
        let bytes: i64 = row.try_get(column)?;
        println!("{what}: {} MB, {} bytes a grant", bytes / 1_000_000, bytes / grants);
    }
    println!();
    Ok(())
}

/// Measures refreshes, and how many of their updates touch no index.
async fn refreshes(store: &PostgresStore, refreshes: i64) -> Outcome {
    let mut times = Vec::new();
    for number in 1..=refreshes {
        let key = GrantKey::parse(&format!("provider/client/{number}"))?;
        let began = Instant::now();
        let loaded = store.load(&key).await?;
        let (read, now) = (loaded.record.ok_or("no grant")?, loaded.read_at);
        let attempt = Attempt { id: attempt(), at: now, lease_until: now.plus(LEASE) };
        let begun = Record { version: version(), attempts: vec![attempt], ..read.clone() };
        let saved = timed_record(&"n".repeat(PAYLOAD), now);
        for (expected, next) in [(&read, &begun), (&begun, &saved)] {
            let swap = store.swap(&key, Some(expected.version), Some(next)).await?;
            if !matches!(swap, Swap::Done(_)) {
                return Err("another process wrote".into());
            }
        }
        times.push(began.elapsed());
    }
    times.sort_unstable();
    println!("refresh (a load and two swaps), median of {refreshes}: {:?}", times[times.len() / 2]);
    let counted = "SELECT n_tup_upd, n_tup_hot_upd FROM pg_stat_user_tables
        WHERE relid = 'countersign_grants'::regclass";
    sqlx::raw_sql("SELECT pg_stat_force_next_flush()").execute(store.pool()).await?;
    let row = sqlx::query(counted).fetch_one(store.pool()).await?;
    let (updates, hot): (i64, i64) = (row.try_get(0)?, row.try_get(1)?);
    println!("updates: {updates}, of which {hot} touched no index (HOT)");
    Ok(())
}

async fn median(rounds: i64, mut work: impl AsyncFnMut(i64) -> Outcome<bool>) -> Outcome<Duration> {
    let mut times = Vec::new();
    for round in 0..rounds {
        let began = Instant::now();
        if !work(round).await? {
            return Err("there is less than was to be measured".into());
        }
        times.push(began.elapsed());
    }
    times.sort_unstable();
    Ok(times[times.len() / 2])
}

/// Returns the plan of the statement that this connection has prepared and that has this text.
async fn plan(pool: &PgPool, part: &str, arguments: &str) -> Outcome<String> {
    let prepared = "SELECT name FROM pg_prepared_statements WHERE strpos(statement, $1) > 0";
    let name: String = sqlx::query_scalar(prepared).bind(part.to_owned()).fetch_one(pool).await?;
    let explain = format!("EXPLAIN (ANALYZE, BUFFERS) EXECUTE {name} ({arguments})");
    let rows = sqlx::raw_sql(AssertSqlSafe(explain)).fetch_all(pool).await?;
    let lines: Result<Vec<String>, _> = rows.iter().map(|row| row.try_get(0)).collect();
    Ok(lines?.join("\n") + "\n")
}
