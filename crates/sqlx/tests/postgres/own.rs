use std::time::Duration;

use countersign_sqlx::PostgresStore;
use countersign_sqlx::sqlx::postgres::PgPoolOptions;
use countersign_sqlx::sqlx::{self, AssertSqlSafe, PgPool, Row};
use countersign_testkit::steps::{adopt, attempt, begin, save};
use countersign_tokens::{
    Begin, GrantKey, GrantStore, KeyRing, Record, SealedStore, StoreErrorKind, Takeover,
};

use crate::wire::Proxy;
use crate::world::{RUNTIME, World};

const LEASE: Duration = Duration::from_secs(40);

fn key(subject: &str) -> GrantKey {
    GrantKey::new("provider", "client", subject).expect("a key")
}

/// The whole of what the server has logged of this process of its.
async fn logged(admin: &PgPool, pid: i32) -> Vec<String> {
    // What is logged goes through a pipe. Once this has come out of it, so has all before.
    let last = format!("the last of {}", attempt());
    let say = AssertSqlSafe(format!("DO $$ BEGIN RAISE LOG '{last}'; END $$"));
    sqlx::raw_sql(say).execute(admin).await.expect("said");
    let mut log = String::new();
    while !log.contains(&last) {
        log = sqlx::query_scalar("SELECT pg_read_file(pg_current_logfile())")
            .fetch_one(admin)
            .await
            .expect("a server with `logging_collector=on`, and a superuser");
    }
    let mine = format!("[{pid}]");
    let mut lines: Vec<String> = Vec::new();
    let mut of_mine = false;
    for line in log.lines() {
        let begins = !line.starts_with(char::is_whitespace) && line.contains("] ");
        of_mine = if begins { line.contains(&mine) } else { of_mine };
        match lines.last_mut() {
            Some(last) if of_mine && !begins => last.push_str(line),
            _ if of_mine => lines.push(line.to_owned()),
            _ => {}
        }
    }
    lines
}

/// A store of one connection, of which the server logs all that it can, and its process there.
async fn loud(world: &World) -> (PostgresStore, i32) {
    let options = world.options().options([
        ("log_statement", "all"),
        ("log_min_duration_statement", "0"),
        ("log_parameter_max_length", "-1"),
        ("log_min_messages", "debug1"),
    ]);
    let pool = PgPoolOptions::new().max_connections(1).test_before_acquire(false);
    let pool = pool.connect_with(options).await.expect("a connection");
    let pid = sqlx::query_scalar("SELECT pg_backend_pid()").fetch_one(&pool).await.expect("a pid");
    (PostgresStore::new(pool), pid)
}

#[test]
fn g05_the_statement_log_at_its_loudest_shows_no_token_of_a_sealed_store() {
    let Some(world) = World::open() else { return };
    RUNTIME.block_on(async {
        let (store, pid) = loud(&world).await;
        let sealed = SealedStore::new(store, KeyRing::new("key 1", [7; 32]).expect("a ring"));
        let key = key("user");
        let adopted = adopt(&sealed, &key, "canary-of-adopt").await.expect("adopted");
        let attempt = attempt();
        let begin = begin(&adopted, attempt, LEASE, Takeover::Never);
        sealed.begin(&key, &begin).await.expect("begun");
        sealed.save(&key, &save(&adopted, attempt, "canary-of-save")).await.expect("saved");
        sealed.load(&key).await.expect("loaded");
        let log = logged(world.admin(), pid).await.join("\n");
        assert!(log.contains("countersign_grants"), "the log has no statement");
        assert!(log.contains("parameters: $1 = "), "the log has no parameters");
        for token in ["canary-of-adopt", "canary-of-save"] {
            let hex: String = token.bytes().map(|byte| format!("{byte:02x}")).collect();
            assert!(!log.contains(token) && !log.contains(&hex), "the log shows {token}");
        }
    });
}

#[test]
fn each_step_is_one_statement() {
    let Some(world) = World::open() else { return };
    RUNTIME.block_on(async {
        let (store, pid) = loud(&world).await;
        let key = key("user");
        let before = statements(&logged(world.admin(), pid).await);
        let adopted = adopt(&store, &key, "first").await.expect("adopted");
        let after_adopt = statements(&logged(world.admin(), pid).await);
        // It looks at what is there first.
        assert_eq!(after_adopt - before, 2);
        store.load(&key).await.expect("loaded");
        let attempt = attempt();
        let begin = begin(&adopted, attempt, LEASE, Takeover::Never);
        store.begin(&key, &begin).await.expect("begun");
        store.save(&key, &save(&adopted, attempt, "second")).await.expect("saved");
        let after_refresh = statements(&logged(world.admin(), pid).await);
        assert_eq!(after_refresh - after_adopt, 3, "read, begin and save");
    });
}

fn statements(log: &[String]) -> usize {
    let statements = log.iter().filter(|line| line.contains("execute sqlx"));
    statements.filter(|line| !line.contains("duration:")).count()
}

#[test]
fn a_lost_connection_is_no_error() {
    let Some(world) = World::open() else { return };
    RUNTIME.block_on(lose_connections(&world, world.store()));
}

#[test]
fn a_lost_connection_of_its_own_is_no_error() {
    let Some(world) = World::open() else { return };
    RUNTIME.block_on(async { lose_connections(&world, world.connected(None).await).await });
}

async fn lose_connections(world: &World, store: PostgresStore) {
    let key = key("user");
    adopt(&store, &key, "token").await.expect("adopted");
    // Several connections, all of which are ended, as when the server restarts.
    let loads = (0..8).map(|_| {
        let (store, key) = (store.clone(), key.clone());
        tokio::spawn(async move { store.load(&key).await })
    });
    for load in loads.collect::<Vec<_>>() {
        load.await.expect("no panic").expect("loaded");
    }
    let ended: Vec<bool> = sqlx::query_scalar(
        "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity \
             WHERE application_name = $1",
    )
    .bind(world.name())
    .fetch_all(world.admin())
    .await
    .expect("ended");
    assert!(ended.len() > 1, "{} connections", ended.len());
    assert!(store.load(&key).await.expect("loaded").is_some());
}

#[test]
fn connections_of_its_own_rest_between_steps_and_are_not_tested() {
    let Some(world) = World::open() else { return };
    RUNTIME.block_on(async {
        let server = world.options();
        let proxy = Proxy::before(server.get_host().to_owned(), server.get_port()).await;
        let (store, key) = (world.connected(Some(proxy.port)).await, key("user"));
        adopt(&store, &key, "token").await.expect("adopted");
        for _ in 0..3 {
            store.load(&key).await.expect("loaded");
        }
        // What is sent beside would have been seen before the next answer.
        assert_eq!(proxy.checks(), 0);
        assert_eq!(store.pool().size(), 1, "a step that finds one at rest needs no other");
    });
}

#[test]
fn its_own_connections_are_for_more_callers_than_there_are() {
    let Some(world) = World::open() else { return };
    RUNTIME.block_on(async {
        let (store, key) = (world.connected(None).await, key("user"));
        adopt(&store, &key, "token").await.expect("adopted");
        let loads = (0..64).map(|_| {
            let (store, key) = (store.clone(), key.clone());
            tokio::spawn(async move { store.load(&key).await })
        });
        for load in loads.collect::<Vec<_>>() {
            load.await.expect("no panic").expect("loaded");
        }
        assert!(store.pool().size() <= 8, "{} connections", store.pool().size());
        // Those that are left to others.
        let one = store.pool().acquire().await.expect("a connection");
        let other = store.pool().acquire().await.expect("a connection");
        assert!(store.load(&key).await.expect("loaded").is_some());
        drop((one, other));
    });
}

#[test]
fn its_pool_can_be_closed_while_connections_rest() {
    let Some(world) = World::open() else { return };
    RUNTIME.block_on(async {
        let (store, key) = (world.connected(None).await, key("user"));
        adopt(&store, &key, "token").await.expect("adopted");
        let closed = tokio::time::timeout(Duration::from_secs(20), store.pool().close());
        closed.await.expect("it waits for those that rest");
        let error = store.load(&key).await.expect_err("it is closed");
        assert_eq!(error.kind(), StoreErrorKind::Unavailable);
    });
}

#[test]
fn it_may_be_dropped_where_there_is_no_runtime() {
    let Some(world) = World::open() else { return };
    let store = RUNTIME.block_on(async {
        let store = world.connected(None).await;
        adopt(&store, &key("user"), "token").await.expect("adopted");
        store
    });
    drop(store);
}

/// Begins while another transaction has the row's lock for half a second. Returns when that ended,
/// and what the store answered.
async fn begun_behind_a_lock(world: &World, key: &GrantKey, begin: Begin) -> (i64, Record) {
    let mut holder = world.admin().begin().await.expect("a transaction");
    sqlx::query("SELECT FROM countersign_grants FOR UPDATE")
        .execute(&mut *holder)
        .await
        .expect("the row's lock");
    let begun = tokio::spawn({
        let (store, key) = (world.store(), key.clone());
        async move { store.begin(&key, &begin).await }
    });
    let holder_pid: i32 =
        sqlx::query_scalar("SELECT pg_backend_pid()").fetch_one(&mut *holder).await.expect("a pid");
    let waits = "SELECT EXISTS (SELECT FROM pg_locks WHERE $1 = ANY (pg_blocking_pids(pid)))";
    while !sqlx::query_scalar::<_, bool>(waits)
        .bind(holder_pid)
        .fetch_one(&mut *holder)
        .await
        .expect("whether it waits")
    {}
    // Half a second of the server's goes by.
    let released: i64 = sqlx::query_scalar(
        "WITH slept AS MATERIALIZED (SELECT pg_sleep(0.5))
        SELECT floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint FROM slept",
    )
    .fetch_one(&mut *holder)
    .await
    .expect("the time");
    holder.commit().await.expect("released");
    let begun = begun.await.expect("no panic").expect("begun");
    (released, begun.accepted().expect("it was refused"))
}

fn lease_until(row: &Record) -> i64 {
    row.lease.expect("a lease").until.as_millis()
}

#[test]
fn a_judged_lease_begins_when_the_row_is_had_not_when_the_statement_began() {
    let Some(world) = World::open() else { return };
    RUNTIME.block_on(async {
        let (store, key) = (world.store(), key("user"));
        let adopted = adopt(&store, &key, "token").await.expect("adopted");
        // The intent of another, whose lease has run out, has to be judged.
        let first = begin(&adopted, attempt(), Duration::ZERO, Takeover::Never);
        assert!(store.begin(&key, &first).await.expect("begun").accepted().is_some());
        let second = begin(&adopted, attempt(), LEASE, Takeover::Always);
        let (released, row) = begun_behind_a_lock(&world, &key, second).await;
        let short = released + millis(LEASE) - lease_until(&row);
        assert!(short <= 0, "the lease is short of {short} ms");
    });
}

#[test]
fn what_remains_of_a_lease_is_told_as_it_is_when_the_row_is_had() {
    let Some(world) = World::open() else { return };
    RUNTIME.block_on(async {
        let (store, key) = (world.store(), key("user"));
        let adopted = adopt(&store, &key, "token").await.expect("adopted");
        // Nothing but the lock is in the way, which the usual statement reckons in.
        let begin = begin(&adopted, attempt(), LEASE, Takeover::Never);
        let (released, row) = begun_behind_a_lock(&world, &key, begin).await;
        assert!(row.read_at.as_millis() >= released, "the time is that of before the wait");
        assert!(lease_until(&row) <= released + millis(LEASE), "nobody has had it for longer");
    });
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).expect("seconds")
}

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
fn without_its_table_it_says_what_makes_it() {
    let Some(world) = World::open() else { return };
    RUNTIME.block_on(async {
        sqlx::raw_sql("DROP TABLE countersign_grants").execute(world.admin()).await.expect("gone");
        let error = world.store().load(&key("user")).await.expect_err("no table");
        let source = std::error::Error::source(&error).expect("a source").to_string();
        assert!(source.contains("`migrate()` makes the table"), "{source}");
    });
}

#[test]
fn a_server_that_takes_no_writes_still_serves_reads() {
    let Some(world) = World::open() else { return };
    RUNTIME.block_on(async {
        let key = key("user");
        let adopted = adopt(&world.store(), &key, "token").await.expect("adopted");
        let options = world.options().options([("default_transaction_read_only", "on")]);
        let store = PostgresStore::new(PgPoolOptions::new().connect_lazy_with(options));
        assert!(store.load(&key).await.expect("loaded").is_some());
        let begin = begin(&adopted, attempt(), LEASE, Takeover::Never);
        let error = store.begin(&key, &begin).await.expect_err("a standby takes no writes");
        assert_eq!(error.kind(), StoreErrorKind::ReadOnly);
    });
}

#[test]
fn g05_an_error_shows_neither_row_nor_password() {
    let Some(world) = World::open() else { return };
    RUNTIME.block_on(async {
        let (store, key) = (world.store(), key("user"));
        // The server's report of this has the whole row in its details.
        let check = "ALTER TABLE countersign_grants ADD CHECK (length(payload) < 3)";
        sqlx::raw_sql(check).execute(world.admin()).await.expect("a constraint");
        let error = adopt(&store, &key, "canary").await.expect_err("the constraint");
        let hex: String = "canary".bytes().map(|byte| format!("{byte:02x}")).collect();
        let shown = format!("{error:?} {error} {store:?}");
        assert!(shown.contains("23514"), "{shown}");
        assert!(!shown.contains("canary") && !shown.contains(&hex), "{shown}");

        for url in ["postgres://app:pass-canary@127.0.0.1:1/db", "postgres://app:pass-canary@:x"] {
            let error = PostgresStore::connect(url).await.expect_err("nothing is there");
            let shown = format!("{error:?} {error}");
            assert!(!shown.contains("pass-canary"), "{shown}");
        }
    });
}

/// The plan of the statement that begins so and that this store, of one connection, has prepared,
/// with these arguments.
async fn plan(store: &PostgresStore, begins: &str, arguments: &str) -> String {
    let prepared = "SELECT name FROM pg_prepared_statements WHERE starts_with(statement, $1)";
    let name = sqlx::query_scalar(prepared).bind(begins.to_owned()).fetch_one(store.pool());
    let name: String = name.await.expect("a prepared statement");
    let explain = format!("EXPLAIN EXECUTE {name} ({arguments})");
    let rows = sqlx::raw_sql(AssertSqlSafe(explain)).fetch_all(store.pool()).await.expect("a plan");
    rows.iter().map(|row| row.get::<String, _>(0) + "\n").collect()
}

#[test]
fn a_cold_grant_and_what_is_due_are_read_by_index() {
    let Some(world) = World::open() else { return };
    RUNTIME.block_on(async {
        let pool = PgPoolOptions::new().max_connections(1).connect_lazy_with(world.options());
        let store = PostgresStore::new(pool);
        adopt(&store, &key("user"), "token").await.expect("adopted");
        let fill = "INSERT INTO countersign_grants (key, epoch, generation, revision, state, fence,
                attempts, attempted_at, payload, due_at)
            SELECT 'p/c/' || n, epoch, 1, 1, 'live', 0, '{}', '{}', payload, due_at + n * 1000
            FROM countersign_grants, generate_series(1, 20000) AS n;
            ANALYZE countersign_grants";
        sqlx::raw_sql(fill).execute(world.admin()).await.expect("rows");
        store.load(&key("user")).await.expect("loaded");
        let cold = plan(&store, "SELECT floor", "'p/c/77'").await;
        assert!(cold.contains("Index Scan using countersign_grants_pkey"), "{cold}");
        store.due(Duration::ZERO, None, 256).await.expect("listed");
        let due = plan(&store, "WITH clock", "3600000, 0, '', 256").await;
        assert!(due.contains("using countersign_grants_due"), "{due}");
        assert!(due.contains("Index Cond: ((due <= "), "{due}");
        assert!(!due.contains("Seq Scan") && !due.contains("Sort"), "{due}");
    });
}

#[test]
fn a_refresh_is_three_round_trips() {
    let Some(world) = World::open() else { return };
    RUNTIME.block_on(async {
        let server = world.options();
        let proxy = Proxy::before(server.get_host().to_owned(), server.get_port()).await;
        let pool = PgPoolOptions::new().max_connections(1).test_before_acquire(false);
        let options = server.host("127.0.0.1").port(proxy.port);
        let store = PostgresStore::new(pool.connect_lazy_with(options));
        let key = key("user");
        adopt(&store, &key, "first").await.expect("adopted");
        let refreshed = async |text| {
            let before = proxy.trips();
            let read = store.load(&key).await.expect("loaded").expect("a record");
            let attempt = attempt();
            let begin = begin(&read, attempt, LEASE, Takeover::Never);
            assert!(store.begin(&key, &begin).await.expect("begun").is_accepted());
            let save = save(&read, attempt, text);
            assert!(store.save(&key, &save).await.expect("saved").is_accepted());
            proxy.trips() - before
        };
        // Statements are prepared once for each connection.
        assert!(refreshed("second").await > 3, "nothing was prepared");
        for _ in 0..3 {
            assert_eq!(refreshed("third").await, 3, "read, begin and save");
        }
    });
}

#[test]
fn the_url_of_another_server_is_refused_and_not_shown() {
    for url in ["mysql://user:canary@127.0.0.1/x", "http://user:canary@127.0.0.1/x", "canary"] {
        let error = RUNTIME.block_on(PostgresStore::connect(url)).expect_err("another scheme");
        let shown = format!("{error:?}");
        assert!(shown.contains("not a URL such as") && !shown.contains("canary"), "{shown}");
    }
}
