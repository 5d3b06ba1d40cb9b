use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use countersign_sqlx::PostgresStore;
use countersign_sqlx::sqlx::postgres::PgPoolOptions;
use countersign_sqlx::sqlx::{self, AssertSqlSafe, PgPool};
use countersign_testkit::steps::{attempt, put, record};
use countersign_tokens::{GrantKey, GrantStore, Record, StoreErrorKind, Swap};

use crate::wire::Proxy;
use crate::world::{RUNTIME, World};

pub(crate) fn key(subject: &str) -> GrantKey {
    GrantKey::new("provider", "client", subject).expect("a key")
}

/// Returns all that the server has logged of its process `pid`.
async fn logged(admin: &PgPool, pid: i32) -> Vec<String> {
    // Log lines go through a pipe in order: when this one is in the file, all before are.
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

/// Returns a store of one connection, of which the server logs all that it can, and the id of the
/// connection's process.
async fn loud(world: &World, parameter_length: &str) -> (PostgresStore, i32) {
    let options = world.options().options([
        ("log_statement", "all"),
        ("log_min_duration_statement", "0"),
        ("log_parameter_max_length", parameter_length),
        ("log_min_messages", "debug1"),
    ]);
    let pool = PgPoolOptions::new().max_connections(1).test_before_acquire(false);
    let pool = pool.connect_with(options).await.expect("a connection");
    let pid = sqlx::query_scalar("SELECT pg_backend_pid()").fetch_one(&pool).await.expect("a pid");
    (PostgresStore::new(pool), pid)
}

#[test]
fn g05_the_library_logs_no_parameter_and_the_statement_log_can_leave_them_out() {
    let Some(world) = World::open() else { return };
    RUNTIME.block_on(async {
        let (store, pid) = loud(&world, "0").await;
        let key = key("user");
        put(&store, &key, &record("canary-of-insert")).await.expect("written");
        put(&store, &key, &record("canary-of-update")).await.expect("written");
        store.load(&key).await.expect("loaded");
        store.list(None, 10).await.expect("listed");
        let log = logged(world.admin(), pid).await.join("\n");
        assert!(log.contains("UPDATE countersign_grants"), "the log has no statement: {log}");
        assert!(!shows(&log, "canary-of-insert") && !shows(&log, "canary-of-update"), "{log}");

        // A statement log with parameters shows that the search above can find them.
        let (store, pid) = loud(&world, "-1").await;
        put(&store, &key, &record("canary-of-update")).await.expect("written");
        let log = logged(world.admin(), pid).await.join("\n");
        assert!(shows(&log, "canary-of-update"), "{log}");
    });
}

/// Returns whether `log` shows a payload in hexadecimal digits of its base64.
fn shows(log: &str, payload: &str) -> bool {
    // Three bytes of a payload are four characters. The prefix has a multiple of three.
    let record = record(payload).encode(&key("user")).expect("encoded");
    let text = String::from_utf8(record.to_vec()).expect("JSON");
    let (_, payload) = text.split_once("\"payload\":\"").expect("a payload");
    let hex: String = payload.bytes().take(20).map(|byte| format!("{byte:02x}")).collect();
    log.contains(&hex)
}

#[test]
fn a_load_and_a_swap_are_one_statement_and_a_conflict_is_two() {
    let Some(world) = World::open() else { return };
    RUNTIME.block_on(async {
        let (store, pid) = loud(&world, "0").await;
        let key = key("user");
        let (first, second, late) = (record("first"), record("second"), record("late"));
        let mut before = statements(&logged(world.admin(), pid).await);
        let mut count = async |expected: usize, what: &str| {
            let now = statements(&logged(world.admin(), pid).await);
            assert_eq!(now - before, expected, "{what}");
            before = now;
        };
        let swap = async |expected, next| store.swap(&key, expected, next).await.expect("swapped");
        swap(None, Some(&first)).await;
        count(1, "a first write").await;
        swap(Some(first.version), Some(&second)).await;
        count(1, "a write").await;
        store.load(&key).await.expect("loaded");
        count(1, "a load").await;
        swap(Some(first.version), Some(&late)).await;
        count(2, "a conflict").await;
        swap(Some(second.version), None).await;
        count(1, "a removal").await;
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
    put(&store, &key, &record("token")).await.expect("written");
    // Ends several connections, as a restart of the server does.
    let loads = (0..8).map(|_| {
        let (store, key) = (store.clone(), key.clone());
        tokio::spawn(async move { store.load(&key).await })
    });
    for load in loads.collect::<Vec<_>>() {
        load.await.expect("no panic").expect("loaded");
    }
    end_connections(world).await;
    let loaded = store.load(&key).await.expect("loaded").record.expect("a record");
    let swap = store.swap(&key, Some(loaded.version), Some(&record("next"))).await;
    assert!(matches!(swap.expect("swapped"), Swap::Done(_)));
}

/// Ends the connections of the stores of this world.
async fn end_connections(world: &World) {
    let ended: Vec<bool> = sqlx::query_scalar(
        "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity \
             WHERE application_name = $1",
    )
    .bind(world.name())
    .fetch_all(world.admin())
    .await
    .expect("ended");
    assert!(!ended.is_empty(), "there was no connection");
}

#[test]
fn a_swap_after_every_connection_was_lost_is_done_once() {
    let Some(world) = World::open() else { return };
    RUNTIME.block_on(async {
        let (store, key) = (world.store(), key("user"));
        let first = record("first");
        put(&store, &key, &first).await.expect("written");
        end_connections(&world).await;
        let next = record("next");
        let swap = store.swap(&key, Some(first.version), Some(&next)).await.expect("swapped");
        assert!(matches!(swap, Swap::Done(_)), "{swap:?}");
        assert_eq!(store.load(&key).await.expect("loaded").record, Some(next));
    });
}

#[test]
fn a_connection_to_a_server_that_became_a_standby_is_replaced() {
    let Some(world) = World::open() else { return };
    RUNTIME.block_on(async {
        let pool = PgPoolOptions::new().max_connections(3).test_before_acquire(false);
        let store = PostgresStore::new(pool.connect_lazy_with(world.options()));
        let key = key("user");
        put(&store, &key, &record("first")).await.expect("written");
        // What a former primary answers to each of its old connections.
        let mut connections = Vec::new();
        for _ in 0..3 {
            let mut connection = store.pool().acquire().await.expect("a connection");
            let refuse = sqlx::raw_sql("SET default_transaction_read_only = on");
            refuse.execute(&mut *connection).await.expect("set");
            connections.push(connection);
        }
        drop(connections);
        put(&store, &key, &record("second")).await.expect("a new connection takes writes");
    });
}

#[test]
fn a_refused_repetition_does_not_say_that_the_swap_was_not_done() {
    let Some(world) = World::open() else { return };
    RUNTIME.block_on(async {
        let was_connected = Arc::new(AtomicBool::new(false));
        let pool = PgPoolOptions::new().max_connections(1).test_before_acquire(false);
        // A new primary that takes no writes yet: every connection but the first is refused them.
        let pool = pool.after_connect(move |connection, _| {
            let takes_writes = !was_connected.swap(true, Ordering::SeqCst);
            Box::pin(async move {
                if !takes_writes {
                    let refuse = sqlx::raw_sql("SET default_transaction_read_only = on");
                    refuse.execute(connection).await?;
                }
                Ok(())
            })
        });
        let store = PostgresStore::new(pool.connect_lazy_with(world.options()));
        let (key, first, next) = (key("user"), record("first"), record("next"));
        put(&store, &key, &first).await.expect("written");
        end_connections(&world).await;
        let mut kinds = Vec::new();
        for _ in 0..2 {
            let error = store.swap(&key, Some(first.version), Some(&next)).await;
            kinds.push(error.expect_err("a standby takes no writes").kind());
        }
        assert_eq!(kinds, [StoreErrorKind::Unavailable, StoreErrorKind::ReadOnly]);
    });
}

#[test]
fn more_callers_than_connections_are_served() {
    let Some(world) = World::open() else { return };
    RUNTIME.block_on(async {
        let (store, key) = (world.connected(None).await, key("user"));
        put(&store, &key, &record("token")).await.expect("written");
        let loads = (0..64).map(|_| {
            let (store, key) = (store.clone(), key.clone());
            tokio::spawn(async move { store.load(&key).await })
        });
        for load in loads.collect::<Vec<_>>() {
            load.await.expect("no panic").expect("loaded");
        }
        assert!(store.pool().size() <= 10, "{} connections", store.pool().size());
    });
}

#[test]
fn a_closed_pool_is_an_error() {
    let Some(world) = World::open() else { return };
    RUNTIME.block_on(async {
        let (store, key) = (world.connected(None).await, key("user"));
        put(&store, &key, &record("token")).await.expect("written");
        store.pool().close().await;
        let error = store.load(&key).await.expect_err("it is closed");
        assert_eq!(error.kind(), StoreErrorKind::Unavailable);
    });
}

#[test]
fn it_may_be_dropped_where_there_is_no_runtime() {
    let Some(world) = World::open() else { return };
    let store = RUNTIME.block_on(async {
        let store = world.connected(None).await;
        put(&store, &key("user"), &record("token")).await.expect("written");
        store
    });
    drop(store);
}

/// A swap that waits for a row's lock compares with what is there after the wait, and tells the
/// time of after the wait.
#[test]
fn a_swap_behind_a_lock_compares_after_the_wait() {
    let Some(world) = World::open() else { return };
    RUNTIME.block_on(async {
        let (key, first, second) = (key("user"), record("first"), record("second"));
        put(&world.store(), &key, &first).await.expect("written");
        let (_, swap) = swapped_behind_a_lock(&world, &key, &first, Some(&second)).await;
        let Swap::Conflict(present) = swap else { panic!("both writes were done") };
        assert_eq!(present.record.map(|it| it.version), Some(second.version));

        let (released, swap) = swapped_behind_a_lock(&world, &key, &second, None).await;
        let Swap::Done(now) = swap else { panic!("nobody wrote, and it conflicts: {swap:?}") };
        assert!(now.as_millis() >= released, "the time is that of before the wait");
    });
}

/// Swaps `expected` for another record while another transaction, which may write `meanwhile`, has
/// the row's lock for half a second. Returns the time of its commit, and the outcome.
async fn swapped_behind_a_lock(
    world: &World,
    key: &GrantKey,
    expected: &Record,
    meanwhile: Option<&Record>,
) -> (i64, Swap) {
    let mut holder = world.admin().begin().await.expect("a transaction");
    let lock = sqlx::query("SELECT FROM countersign_grants FOR UPDATE");
    lock.execute(&mut *holder).await.expect("the row's lock");
    let swapped = tokio::spawn({
        let (store, key, expected) = (world.store(), key.clone(), expected.version);
        async move { store.swap(&key, Some(expected), Some(&record("late"))).await }
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
    if let Some(next) = meanwhile {
        let write = "UPDATE countersign_grants SET version = $1, record = $2";
        let write = sqlx::query(write).bind(next.version.as_bytes().to_vec());
        let encoded = next.encode(key).expect("encoded").to_vec();
        write.bind(encoded).execute(&mut *holder).await.expect("written");
    }
    // The server's clock moves on by half a second.
    let released: i64 = sqlx::query_scalar(
        "WITH slept AS MATERIALIZED (SELECT pg_sleep(0.5))
        SELECT floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint FROM slept",
    )
    .fetch_one(&mut *holder)
    .await
    .expect("the time");
    holder.commit().await.expect("released");
    (released, swapped.await.expect("no panic").expect("swapped"))
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
fn a_server_that_takes_no_writes_serves_reads() {
    let Some(world) = World::open() else { return };
    RUNTIME.block_on(async {
        let (key, first) = (key("user"), record("token"));
        put(&world.store(), &key, &first).await.expect("written");
        let options = world.options().options([("default_transaction_read_only", "on")]);
        let store = PostgresStore::new(PgPoolOptions::new().connect_lazy_with(options));
        assert_eq!(store.load(&key).await.expect("loaded").record, Some(first.clone()));
        let error = store.swap(&key, Some(first.version), None).await;
        assert_eq!(error.expect_err("a standby takes no writes").kind(), StoreErrorKind::ReadOnly);
    });
}

#[test]
fn g05_an_error_shows_neither_row_nor_password() {
    let Some(world) = World::open() else { return };
    RUNTIME.block_on(async {
        let (store, key) = (world.store(), key("user"));
        // The server's report of this has the whole row in its details.
        let check = "ALTER TABLE countersign_grants ADD CHECK (length(record) < 3)";
        sqlx::raw_sql(check).execute(world.admin()).await.expect("a constraint");
        let error = put(&store, &key, &record("canary")).await.expect_err("the constraint");
        let shown = format!("{error:?} {error} {store:?}");
        assert!(shown.contains("23514"), "{shown}");
        assert!(!shown.contains("canary") && !shows(&shown, "canary"), "{shown}");

        for url in ["postgres://app:pass-canary@127.0.0.1:1/db", "postgres://app:pass-canary@:x"] {
            let error = PostgresStore::connect(url).await.expect_err("nothing is there");
            let shown = format!("{error:?} {error}");
            assert!(!shown.contains("pass-canary"), "{shown}");
        }
    });
}

#[test]
fn a_load_and_a_swap_are_one_round_trip() {
    let Some(world) = World::open() else { return };
    RUNTIME.block_on(async {
        let server = world.options();
        let proxy = Proxy::before(server.get_host().to_owned(), server.get_port()).await;
        let pool = PgPoolOptions::new().max_connections(1).test_before_acquire(false);
        let options = server.host("127.0.0.1").port(proxy.port);
        let store = PostgresStore::new(pool.connect_lazy_with(options));
        let key = key("user");
        put(&store, &key, &record("first")).await.expect("written");
        let refreshed = async || {
            let before = proxy.trips();
            let read = store.load(&key).await.expect("loaded").record.expect("a record");
            let (begin, save) = (record("begin"), record("save"));
            for (expected, next) in [(&read, &begin), (&begin, &save)] {
                let swap = store.swap(&key, Some(expected.version), Some(next)).await;
                assert!(matches!(swap.expect("swapped"), Swap::Done(_)));
            }
            proxy.trips() - before
        };
        // Each connection prepares each statement once.
        assert!(refreshed().await > 3, "nothing was prepared");
        for _ in 0..3 {
            assert_eq!(refreshed().await, 3, "a load and two swaps");
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

#[test]
fn the_store_shows_its_server_and_its_database() {
    let Some(world) = World::open() else { return };
    let shown = format!("{:?}", world.store());
    assert!(shown.starts_with("PostgresStore(127.0.0.1:"), "{shown}");
}
