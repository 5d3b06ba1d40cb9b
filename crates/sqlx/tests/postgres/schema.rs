//! The schema: how it comes to be, what operators read in it, and the indexes that serve its
//! statements.

use std::time::Duration;

use countersign_sqlx::PostgresStore;
use countersign_sqlx::sqlx::postgres::PgPoolOptions;
use countersign_sqlx::sqlx::{self, AssertSqlSafe, Row};
use countersign_testkit::steps::{attempt, put, record};
use countersign_tokens::{Attempt, GrantState, GrantStore, Record, StoreErrorKind};

use crate::own::key;
use crate::world::{RUNTIME, World, timed_record};

/// The table of version 0.1 before its release, in short.
const OLD: &str = "DROP TABLE countersign_grants; CREATE TABLE countersign_grants (
    key text COLLATE \"C\" PRIMARY KEY, epoch bytea NOT NULL, generation bigint NOT NULL,
    revision bigint NOT NULL, state text NOT NULL, due_at bigint, payload bytea NOT NULL)";

#[test]
fn many_processes_may_migrate_at_once_and_beside_the_programs_own_migrations() {
    let Some(world) = World::open() else { return };
    RUNTIME.block_on(async {
        let own = sqlx::raw_sql("CREATE TABLE _sqlx_migrations (of_the_program text)");
        own.execute(world.admin()).await.expect("a table");
        let migrations = (0..8).map(|_| {
            let store = world.store();
            tokio::spawn(async move { store.migrate().await })
        });
        for migration in migrations.collect::<Vec<_>>() {
            migration.await.expect("no panic").expect("migrated");
        }
    });
}

#[test]
fn tables_of_another_version_are_an_unknown_version() {
    let Some(world) = World::open() else { return };
    RUNTIME.block_on(async {
        let (store, key) = (world.store(), key("user"));
        sqlx::raw_sql(OLD).execute(world.admin()).await.expect("the old table");
        let next = record("next");
        let errors = [
            store.load(&key).await.expect_err("no record"),
            store.swap(&key, None, Some(&next)).await.expect_err("no version"),
            store.swap(&key, Some(next.version), Some(&next)).await.expect_err("no version"),
            store.swap(&key, Some(next.version), None).await.expect_err("no version"),
            store.due(Duration::ZERO, None, 1).await.expect_err("no record"),
            store.list(None, 1).await.expect_err("no record"),
        ];
        let other = "UPDATE _countersign_migrations SET checksum = '\\x00'";
        sqlx::raw_sql(other).execute(world.admin()).await.expect("another checksum");
        let migrated = store.migrate().await.expect_err("another schema");
        for error in errors.into_iter().chain([migrated]) {
            assert_eq!(error.kind(), StoreErrorKind::UnknownVersion, "{error:?}");
            let why = std::error::Error::source(&error).expect("why").to_string();
            assert!(why.contains("rename or drop `countersign_grants`"), "{why}");
        }
    });
}

#[test]
fn operators_can_query_copies_of_the_record() {
    let Some(world) = World::open() else { return };
    RUNTIME.block_on(async {
        let (store, key) = (world.store(), key("user"));
        let now = store.load(&key).await.expect("loaded").read_at;
        let at = |secs| now.plus(Duration::from_secs(secs));
        let attempt = |secs| Attempt { id: attempt(), at: at(secs), lease_until: at(secs + 40) };
        let full = Record {
            state: GrantState::Unknown,
            attempts: vec![attempt(2), attempt(1)],
            key_id: Some("2026".to_owned()),
            ..timed_record("token", now)
        };
        put(&store, &key, &full).await.expect("written");
        let query = "SELECT version, due_at, expires_at, oldest_attempt_at, lease_until, key_id,
                written_at FROM countersign_grants WHERE key = $1 AND state = 'unknown'";
        let query = sqlx::query(query).bind(key.as_str());
        let row = query.fetch_one(world.admin()).await.expect("a row");
        assert_eq!(row.get::<Vec<u8>, _>("version"), full.version.as_bytes());
        assert_eq!(row.get::<String, _>("key_id"), "2026");
        for (column, instant) in [
            ("due_at", full.due_at),
            ("expires_at", full.expires_at),
            ("oldest_attempt_at", Some(at(1))),
            ("lease_until", Some(at(42))),
        ] {
            let found: Option<i64> = row.get(column);
            assert_eq!(found, instant.map(|it| it.as_millis()), "{column}");
        }
        let written: i64 = row.get("written_at");
        assert!(written >= now.as_millis() && written < at(10).as_millis());
    });
}

/// Returns the plan of the statement that `store`, of one connection, has prepared and that has
/// this text, with these arguments.
async fn plan(store: &PostgresStore, part: &str, arguments: &str) -> String {
    let prepared = "SELECT name FROM pg_prepared_statements WHERE strpos(statement, $1) > 0";
    let name = sqlx::query_scalar(prepared).bind(part.to_owned()).fetch_one(store.pool());
    let name: String = name.await.expect("a prepared statement");
    let explain = format!("EXPLAIN EXECUTE {name} ({arguments})");
    let rows = sqlx::raw_sql(AssertSqlSafe(explain)).fetch_all(store.pool()).await.expect("a plan");
    rows.iter().map(|row| row.get::<String, _>(0) + "\n").collect()
}

#[test]
fn every_statement_uses_an_index() {
    let Some(world) = World::open() else { return };
    RUNTIME.block_on(async {
        let pool = PgPoolOptions::new().max_connections(1).connect_lazy_with(world.options());
        let (store, key) = (PostgresStore::new(pool), key("user"));
        let now = store.load(&key).await.expect("loaded").read_at;
        let first = timed_record("token", now);
        put(&store, &key, &first).await.expect("written");
        let fill =
            "INSERT INTO countersign_grants (key, version, record, state, due_at, written_at)
            SELECT 'p/c/' || n, version, record, state, due_at + n * 1000, 0
            FROM countersign_grants, generate_series(1, 20000) AS n;
            ANALYZE countersign_grants";
        sqlx::raw_sql(fill).execute(world.admin()).await.expect("rows");
        store.swap(&key, Some(first.version), Some(&record("next"))).await.expect("swapped");
        store.due(Duration::ZERO, None, 256).await.expect("read");
        store.list(None, 256).await.expect("read");
        let by_key = "using countersign_grants_pkey";
        let load = plan(&store, "WHERE key = $2) AS record", "NULL, 'p/c/77'").await;
        assert!(load.contains(by_key), "{load}");
        let update =
            plan(&store, "UPDATE", "NULL, 'p/c/77', '', '', NULL, '', NULL, NULL, NULL, NULL, ''");
        let update = update.await;
        assert!(update.contains(by_key), "{update}");
        let due = plan(&store, "(due_at, key) >", "NULL, 257, 1048576, 0, '', 3600000").await;
        assert!(due.contains("using countersign_grants_due"), "{due}");
        assert!(due.contains("Index Cond: ((due_at <= "), "{due}");
        let list = plan(&store, "key > $5", "NULL, 257, 1048576, 0, 'p/c/7'").await;
        for plan in [&load, &update, &due, &list] {
            assert!(!plan.contains("Seq Scan") && !plan.contains("Sort"), "{plan}");
        }
    });
}
