//! What a million grants in PostgreSQL cost: how long a cold one and a page of what is due take to
//! be read, by which plan, and how large a grant is. Against the server that
//! `COUNTERSIGN_POSTGRES_URL` names, in a schema of its own that goes afterwards; the first argument
//! that is a number is how many grants.
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
use countersign_testkit::steps::{adopt, attempt, begin, save};
use countersign_tokens::{GrantKey, GrantStore, Takeover};

type Outcome<T = ()> = Result<T, Box<dyn Error + Send + Sync>>;

const SCHEMA: &str = "countersign_bench";
const LEASE: Duration = Duration::from_secs(90);
const PAGE: usize = 256;

/// As large as the sealed tokens of most providers are.
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
        Ok(store.load(&key).await?.is_some())
    });
    println!("cold grant by key, median of 2000: {:?}", cold.await?);

    // From the head, and from somewhere in the midst.
    let first = store.due(Duration::from_secs(600), None, PAGE).await?;
    let head = median(500, async |_| {
        Ok(store.due(Duration::from_secs(600), None, PAGE).await?.grants.len() == PAGE)
    });
    println!("page of {PAGE} due grants, median of 500: {:?}", head.await?);
    let mut after = first.grants.last().cloned();
    let next = median(500, async |_| {
        let page = store.due(Duration::from_secs(600), after.as_ref(), PAGE).await?;
        after = page.grants.last().cloned();
        Ok(!page.grants.is_empty())
    });
    println!("the pages after it, median of 500: {:?}\n", next.await?);

    println!("{}", plan(pool, "SELECT floor", "'provider/client/777777'").await?);
    println!("{}", plan(pool, "WITH clock", &format!("600000, 0, '', {PAGE}")).await?);
    refreshes(store, 20_000.min(grants)).await
}

/// Grants that fall due over an hour, by copies of one that was adopted.
async fn fill(store: &PostgresStore, grants: i64) -> Outcome {
    let key = GrantKey::new("provider", "client", "0")?;
    adopt(store, &key, &"t".repeat(PAYLOAD)).await?;
    // Random bytes, as sealed ones are.
    let copy = "INSERT INTO countersign_grants (key, epoch, generation, revision, state, fence,
            attempts, attempted_at, payload, expires_at, due_at, key_id)
        SELECT 'provider/client/' || n, decode(md5('e' || n), 'hex'), 1, 1, 'live', 0, '{}', '{}',
            (SELECT string_agg(sha256(convert_to(n || ' ' || i, 'UTF8')), '')
                FROM generate_series(1, $2) AS i),
            expires_at, due_at - 3000000 + (hashint8(n) & 3599999), 'key 1'
        FROM countersign_grants, generate_series(1, $1) AS n WHERE key = 'provider/client/0'";
    let blocks = i32::try_from(PAYLOAD.div_ceil(32))?;
    sqlx::query(copy).bind(grants).bind(blocks).execute(store.pool()).await?;
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

/// What refreshing does to the table: how many updates stay in their page without the indexes.
async fn refreshes(store: &PostgresStore, refreshes: i64) -> Outcome {
    let mut times = Vec::new();
    for number in 1..=refreshes {
        let key = GrantKey::parse(&format!("provider/client/{number}"))?;
        let began = Instant::now();
        let read = store.load(&key).await?.ok_or("no grant")?;
        let attempt = attempt();
        store.begin(&key, &begin(&read, attempt, LEASE, Takeover::Never)).await?;
        store.save(&key, &save(&read, attempt, &"n".repeat(PAYLOAD))).await?;
        times.push(began.elapsed());
    }
    times.sort_unstable();
    println!("refresh (load, begin, save), median of {refreshes}: {:?}", times[times.len() / 2]);
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

/// The plan of the statement that begins so, which this connection has prepared.
async fn plan(pool: &PgPool, begins: &str, arguments: &str) -> Outcome<String> {
    let prepared = "SELECT name FROM pg_prepared_statements WHERE starts_with(statement, $1)";
    let name: String = sqlx::query_scalar(prepared).bind(begins.to_owned()).fetch_one(pool).await?;
    let explain = format!("EXPLAIN (ANALYZE, BUFFERS) EXECUTE {name} ({arguments})");
    let rows = sqlx::raw_sql(AssertSqlSafe(explain)).fetch_all(pool).await?;
    let lines: Result<Vec<String>, _> = rows.iter().map(|row| row.try_get(0)).collect();
    Ok(lines?.join("\n") + "\n")
}
