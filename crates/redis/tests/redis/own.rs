use std::error::Error;
use std::io;
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};
use std::thread;
use std::time::Duration;

use countersign_redis::redis::{self, cmd};
use countersign_redis::{Connection, RedisStore};
use countersign_testkit::steps::{put, record};
use countersign_tokens::{
    GrantKey, GrantStore, Record, StoreError, StoreErrorKind, StoreTime, Swap,
};

use crate::monitor::Monitor;
use crate::server::{DURABLE, Server};
use crate::world::{RUNTIME, World, timed_record};

pub(crate) const HOUR: Duration = Duration::from_secs(3600);

pub(crate) fn key(subject: &str) -> GrantKey {
    GrantKey::new("provider", "client", subject).expect("a key")
}

/// Loads the record and replaces it by `next`.
async fn replace(store: &impl GrantStore, key: &GrantKey, next: &Record) {
    put(store, key, next).await.expect("written");
    assert_eq!(store.load(key).await.expect("loaded").record.as_ref(), Some(next));
}

fn done(swap: Result<Swap, StoreError>) {
    let swap = swap.expect("swapped");
    assert!(matches!(swap, Swap::Done(_)), "{swap:?}");
}

#[test]
fn a_load_and_a_swap_are_one_round_trip() {
    let Some(world) = World::open() else { return };
    RUNTIME.block_on(async {
        let (store, key) = (world.store().await, key("user"));
        // The server gets to know the scripts.
        put(&store, &key, &record("first")).await.expect("written");
        let mut monitor = Monitor::begin(&world);
        let read = store.load(&key).await.expect("loaded").record.expect("a record");
        assert_eq!(sent(&monitor.so_far(&world).await), 1, "a load");
        done(store.swap(&key, Some(read.version), Some(&record("second"))).await);
        assert_eq!(sent(&monitor.so_far(&world).await), 1, "a swap");
        let conflict = store.swap(&key, Some(read.version), Some(&record("late"))).await;
        assert!(matches!(conflict.expect("compared"), Swap::Conflict(_)));
        assert_eq!(sent(&monitor.so_far(&world).await), 1, "a conflict");
    });
}

/// Returns the number of commands that clients have sent, without those of scripts.
fn sent(lines: &[String]) -> usize {
    lines.iter().filter(|line| !line.contains(" lua]")).count()
}

#[test]
fn operators_can_query_copies_of_the_record() {
    let Some(world) = World::open() else { return };
    RUNTIME.block_on(async {
        let (store, key) = (world.store().await, key("user"));
        let now = store.load(&key).await.expect("loaded").read_at;
        let next = Record { key_id: Some("2026".to_owned()), ..timed_record("token", now) };
        put(&store, &key, &next).await.expect("written");
        let mut query = cmd("HMGET");
        query.arg(world.key("/user").await);
        query.arg(&["version", "state", "due_at", "expires_at", "lease_until", "key_id"]);
        let found: Vec<String> = world.ask(&query).await;
        let millis = |at: Option<StoreTime>| at.expect("an instant").as_millis().to_string();
        let (due_at, expires_at) = (millis(next.due_at), millis(next.expires_at));
        let version = next.version.to_string();
        assert_eq!(found, [&version, "live", &due_at, &expires_at, "", "2026"]);
    });
}

#[test]
fn a_server_that_has_forgotten_the_scripts_gets_them_again() {
    let Some(server) = Server::start(DURABLE) else { return };
    let world = World::at(server.url());
    RUNTIME.block_on(async {
        let (store, key) = (world.store().await, key("user"));
        for text in ["first", "second", "third"] {
            let _: () = world.ask(cmd("SCRIPT").arg("FLUSH")).await;
            replace(&store, &key, &record(text)).await;
        }
        let _: () = world.ask(cmd("SCRIPT").arg("FLUSH")).await;
        assert_eq!(store.list(None, 10).await.expect("listed").records.len(), 1);
    });
}

#[test]
fn a_lost_connection_is_no_error() {
    let Some(server) = Server::start(DURABLE) else { return };
    let world = World::at(server.url());
    RUNTIME.block_on(async {
        let (store, key) = (world.store().await, key("user"));
        replace(&store, &key, &record("first")).await;
        for _ in 0..3 {
            let ended: u64 = world.ask(cmd("CLIENT").arg(&["KILL", "TYPE", "normal"])).await;
            assert!(ended >= 1, "the store had no connection");
            replace(&store, &key, &record("next")).await;
            let _: u64 = world.ask(cmd("CLIENT").arg(&["KILL", "TYPE", "normal"])).await;
            assert_eq!(store.list(None, 10).await.expect("listed").records.len(), 1);
        }
    });
}

#[test]
fn swaps_survive_a_crash_and_the_store_finds_the_server_again() {
    let Some(mut server) = Server::start(DURABLE) else { return };
    let world = World::at(server.url());
    RUNTIME.block_on(async {
        let (store, key) = (world.store().await, key("user"));
        let now = store.load(&key).await.expect("loaded").read_at;
        for round in 0..5 {
            let next = timed_record(&format!("round {round}"), now);
            put(&store, &key, &next).await.expect("written");
            server.crash();
            let found = store.load(&key).await.expect("loaded").record;
            assert_eq!(found.as_ref(), Some(&next));
            let due = store.due(HOUR, None, 10).await.expect("read").records;
            assert_eq!(due, [(key.clone(), next)], "the set of what is due is lost");
        }
    });
}

#[test]
fn what_this_library_did_not_write_is_damaged_and_left_alone() {
    let Some(world) = World::open() else { return };
    RUNTIME.block_on(async {
        let (store, key) = (world.store().await, key("user"));
        let first = record("token");
        put(&store, &key, &first).await.expect("written");
        let hash = world.key("/user").await;

        let set = async |field: &str, value: &str| -> u64 {
            world.ask(cmd("HSET").arg(&[hash.as_str(), field, value])).await
        };
        set("record", "canary").await;
        let error = store.load(&key).await.expect_err("a record that is none");
        assert_eq!(error.kind(), StoreErrorKind::Damaged);
        assert!(!format!("{error:?}").contains("canary"), "{error:?}");
        set("record", r#"{"format":9}"#).await;
        let error = store.load(&key).await.expect_err("a later version's record");
        assert_eq!(error.kind(), StoreErrorKind::UnknownVersion);

        let _: u64 = world.ask(cmd("DEL").arg(&hash)).await;
        set("another", "program's").await;
        let error = store.load(&key).await.expect_err("another program's hash");
        assert_eq!(error.kind(), StoreErrorKind::Damaged);

        let _: () = world.ask(cmd("SET").arg(&[&hash, "canary"])).await;
        for error in [
            store.load(&key).await.expect_err("a string"),
            store.swap(&key, None, Some(&first)).await.expect_err("a string"),
        ] {
            assert_eq!(error.kind(), StoreErrorKind::Damaged);
            assert!(!format!("{error:?}").contains("canary"), "{error:?}");
        }
        let text: String = world.ask(cmd("GET").arg(&hash)).await;
        assert_eq!(text, "canary");
    });
}

#[test]
fn a_hash_of_the_old_layout_is_an_unknown_version() {
    let Some(world) = World::open() else { return };
    RUNTIME.block_on(async {
        let (store, key) = (world.store().await, key("user"));
        put(&store, &key, &record("token")).await.expect("written");
        let hash = world.key("/user").await;
        let _: u64 = world.ask(cmd("DEL").arg(&hash)).await;
        let old = ["format", "1", "revision", "3", "state", "live", "payload", "canary"];
        let _: u64 = world.ask(cmd("HSET").arg(&hash).arg(&old)).await;
        let next = record("next");
        for error in [
            store.load(&key).await.expect_err("the old layout"),
            store.swap(&key, None, Some(&next)).await.expect_err("the old layout"),
            store.swap(&key, None, None).await.expect_err("the old layout"),
        ] {
            assert_eq!(error.kind(), StoreErrorKind::UnknownVersion, "{error:?}");
        }
        let page = store.list(None, 10).await.expect("listed");
        assert_eq!(page.records, []);
        let kinds: Vec<_> = page.skipped.iter().map(|it| it.kind()).collect();
        assert_eq!(kinds, [StoreErrorKind::UnknownVersion]);
        let left: u64 = world.ask(cmd("HLEN").arg(&hash)).await;
        assert_eq!(left, 4, "it was changed");
    });
}

#[test]
fn a_swap_that_fails_half_way_has_done_nothing() {
    let Some(world) = World::open() else { return };
    RUNTIME.block_on(async {
        for set in [":due", ":keys"] {
            let (store, key) = (world.store().await, key(&set[1..]));
            let now = store.load(&key).await.expect("loaded").read_at;
            let first = timed_record("token", now);
            put(&store, &key, &first).await.expect("written");
            let set = world.key(set).await;
            let _: u64 = world.ask(cmd("DEL").arg(&set)).await;
            let _: () = world.ask(cmd("SET").arg(&[&set, "a string"])).await;
            for next in [None, Some(&timed_record("next", now))] {
                let error = store.swap(&key, Some(first.version), next).await;
                assert_eq!(error.expect_err("no set").kind(), StoreErrorKind::Damaged);
                let found = store.load(&key).await.expect("loaded").record;
                assert_eq!(found.as_ref(), Some(&first), "the record was written");
            }
            for key in world.keys().await {
                let _: u64 = world.ask(cmd("DEL").arg(key)).await;
            }
        }
    });
}

#[test]
fn sets_that_were_lost_are_restored_by_the_next_swap() {
    let Some(world) = World::open() else { return };
    RUNTIME.block_on(async {
        let (store, key) = (world.store().await, key("user"));
        let now = store.load(&key).await.expect("loaded").read_at;
        put(&store, &key, &timed_record("token", now)).await.expect("written");
        for set in [":due", ":keys"] {
            let _: u64 = world.ask(cmd("DEL").arg(world.key(set).await)).await;
        }
        let next = timed_record("next", now);
        put(&store, &key, &next).await.expect("written");
        let expected = [(key, next)];
        assert_eq!(store.due(HOUR, None, 10).await.expect("read").records, expected);
        assert_eq!(store.list(None, 10).await.expect("read").records, expected);
    });
}

#[test]
fn a_full_server_refuses_swaps_and_serves_reads() {
    let Some(server) = Server::start(DURABLE) else { return };
    let world = World::at(server.url());
    RUNTIME.block_on(async {
        let (store, key) = (world.store().await, key("user"));
        let first = record("canary");
        put(&store, &key, &first).await.expect("written");
        let _: () = world.ask(cmd("CONFIG").arg(&["SET", "maxmemory", "1"])).await;
        let error = store.swap(&key, Some(first.version), Some(&record("canary"))).await;
        let error = error.expect_err("no memory");
        assert_eq!(error.kind(), StoreErrorKind::Full);
        assert!(!format!("{error:?}").contains("canary"), "{error:?}");
        let found = store.load(&key).await.expect("loaded").record;
        assert_eq!(found, Some(first), "half of it was written");

        let _: () = world.ask(cmd("CONFIG").arg(&["SET", "maxmemory", "0"])).await;
        replace(&store, &key, &record("next")).await;
    });
}

#[test]
fn a_refused_repetition_does_not_say_that_the_swap_was_not_done() {
    let Some(server) = Server::start(DURABLE) else { return };
    let world = World::at(server.url());
    RUNTIME.block_on(async {
        let (store, key, next) = (world.store().await, key("user"), record("next"));
        let first = record("first");
        put(&store, &key, &first).await.expect("written");
        let _: () = world.ask(cmd("CONFIG").arg(&["SET", "maxmemory", "1"])).await;
        let mut kinds = Vec::new();
        for is_forgotten in [false, true] {
            let _: u64 = world.ask(cmd("CLIENT").arg(&["KILL", "TYPE", "normal"])).await;
            if is_forgotten {
                let _: () = world.ask(cmd("SCRIPT").arg("FLUSH")).await;
            }
            for _ in 0..2 {
                let error = store.swap(&key, Some(first.version), Some(&next)).await;
                kinds.push(error.expect_err("no memory").kind());
            }
        }
        let (lost, refused) = (StoreErrorKind::Unavailable, StoreErrorKind::Full);
        assert_eq!(kinds, [lost, refused, lost, refused]);
    });
}

#[test]
fn a_swap_whose_wait_for_replicas_is_refused_may_be_done() {
    let Some(server) = Server::start(DURABLE) else { return };
    let world = World::at(server.url());
    RUNTIME.block_on(async {
        let user = ["SETUSER", "waitless", "on", ">secret", "~*", "+@all", "-wait"];
        let _: () = world.ask(cmd("ACL").arg(&user)).await;
        let url = server.url().replace("redis://", "redis://waitless:secret@");
        let store = RedisStore::connect(&url).await.expect("a connection");
        let store = store.with_prefix(world.prefix()).expect("a prefix");
        let store = store.with_replicas(1, Duration::from_millis(1));
        let (key, first) = (key("user"), record("first"));
        let error = store.swap(&key, None, Some(&first)).await.expect_err("no permission");
        assert_eq!(error.kind(), StoreErrorKind::Unavailable);
        assert_eq!(store.load(&key).await.expect("loaded").record, Some(first));
    });
}

#[test]
fn nothing_expires() {
    let Some(world) = World::open() else { return };
    RUNTIME.block_on(async {
        let store = world.store().await;
        let now = store.load(&key("user")).await.expect("loaded").read_at;
        put(&store, &key("user"), &timed_record("token", now)).await.expect("written");
        let gone = Record::tombstone(record("").epoch, 1, record("").version);
        put(&store, &key("user"), &gone).await.expect("written");
        put(&store, &key("other"), &timed_record("token", now)).await.expect("written");
        let keys = world.keys().await;
        assert!(keys.len() >= 4, "{keys:?}");
        for key in keys {
            let left: i64 = world.ask(cmd("PTTL").arg(&key)).await;
            assert_eq!(left, -1, "{key} expires");
        }
    });
}

#[test]
fn a_removal_leaves_no_key() {
    let Some(world) = World::open() else { return };
    RUNTIME.block_on(async {
        let (store, key) = (world.store().await, key("user"));
        let now = store.load(&key).await.expect("loaded").read_at;
        let first = timed_record("token", now);
        put(&store, &key, &first).await.expect("written");
        done(store.swap(&key, Some(first.version), None).await);
        assert_eq!(world.keys().await, Vec::<String>::new());
    });
}

#[test]
fn a_replica_refuses_swaps_and_serves_reads() {
    let Some(primary) = Server::start(&["--repl-diskless-sync-delay", "0"]) else { return };
    let port = primary.port();
    let Some(replica) = Server::start(&["--replicaof", "127.0.0.1", &port]) else { return };
    let world = World::at(primary.url());
    RUNTIME.block_on(async {
        let (key, first) = (key("user"), record("token"));
        put(&world.store().await, &key, &first).await.expect("written");
        wait_for_replica(&world).await;
        let connection = Connection::open(&replica.url()).await.expect("a connection");
        let store = RedisStore::danger_volatile(connection);
        let store = store.with_prefix(world.prefix()).expect("a prefix");
        assert_eq!(store.load(&key).await.expect("loaded").record, Some(first.clone()));
        let error = store.swap(&key, Some(first.version), None).await;
        assert_eq!(error.expect_err("a replica takes no writes").kind(), StoreErrorKind::ReadOnly);
    });
}

#[test]
fn a_connection_that_leads_to_a_replica_after_a_fail_over_is_replaced() {
    let Some(former) = Server::start(&["--repl-diskless-sync-delay", "0"]) else { return };
    let Some(promoted) = Server::start(&["--replicaof", "127.0.0.1", &former.port()]) else {
        return;
    };
    let name = Name::of(&former);
    let (at_former, at_promoted) = (World::at(former.url()), World::at(promoted.url()));
    RUNTIME.block_on(async {
        let (key, first) = (key("user"), record("first"));
        let connection = Connection::open(&name.url()).await.expect("a connection");
        let store = RedisStore::danger_volatile(connection);
        let store = store.with_prefix(at_former.prefix()).expect("a prefix");
        put(&store, &key, &first).await.expect("written");
        wait_for_replica(&at_former).await;

        let _: () = at_promoted.ask(cmd("REPLICAOF").arg(&["NO", "ONE"])).await;
        let follow = ["127.0.0.1", &promoted.port()];
        let _: () = at_former.ask(cmd("REPLICAOF").arg(&follow)).await;
        name.lead_to(&promoted);
        done(store.swap(&key, Some(first.version), Some(&record("second"))).await);
    });
}

/// An address that leads new connections to another server than old ones, as a name does after a
/// fail-over.
struct Name {
    port: u16,
    target: Arc<AtomicU16>,
}

impl Name {
    fn of(server: &Server) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let name = Self { port, target: Arc::default() };
        name.lead_to(server);
        let target = name.target.clone();
        thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                let target = ("127.0.0.1", target.load(Ordering::SeqCst));
                let Ok(server) = TcpStream::connect(target) else { continue };
                let (from, to) = (client.try_clone(), server.try_clone());
                carry(client, server);
                carry(to.expect("a socket"), from.expect("a socket"));
            }
        });
        name
    }

    fn lead_to(&self, server: &Server) {
        self.target.store(server.port().parse().expect("a port"), Ordering::SeqCst);
    }

    fn url(&self) -> String {
        format!("redis://127.0.0.1:{}/", self.port)
    }
}

fn carry(mut from: TcpStream, mut to: TcpStream) {
    thread::spawn(move || io::copy(&mut from, &mut to));
}

#[test]
fn a_swap_that_too_few_replicas_have_is_an_error_until_they_have_it() {
    let Some(primary) = Server::start(&["--repl-diskless-sync-delay", "0"]) else { return };
    let port = primary.port();
    let Some(replica) = Server::start(&["--replicaof", "127.0.0.1", &port]) else { return };
    let world = World::at(primary.url());
    RUNTIME.block_on(async {
        let (key, first, next) = (key("user"), record("first"), record("next"));
        put(&world.store().await, &key, &first).await.expect("written");
        wait_for_replica(&world).await;
        let store = async || world.store().await.with_replicas(1, Duration::from_millis(300));
        replica.signal("STOP");
        // The second store has not written, and waits too.
        for store in [store().await, store().await] {
            let error = store.swap(&key, Some(first.version), Some(&next)).await;
            let error = error.expect_err("no replica has it");
            assert_eq!(error.kind(), StoreErrorKind::Unavailable);
            let told = error.source().expect("a source").to_string();
            assert!(told.contains("0 of 1 replicas"), "{told}");
        }
        let found = store().await.load(&key).await.expect("loaded").record;
        assert_eq!(found.as_ref(), Some(&next), "it is done");
        replica.signal("CONT");
        wait_for_replica(&world).await;
        done(store().await.swap(&key, Some(first.version), Some(&next)).await);
    });
}

/// Waits until the replica has all writes so far.
async fn wait_for_replica(world: &World) {
    let mut admin = crate::world::admin(world.url()).await;
    let mut all = redis::pipe();
    all.cmd("SET").arg("mark").arg("1").ignore().cmd("WAIT").arg(1).arg(9000);
    let (count,): (u64,) = all.query_async(&mut admin).await.expect("an answer");
    assert_eq!(count, 1, "the replica does not follow");
}

#[test]
fn a_server_that_is_silent_is_an_error_within_seconds() {
    let Some(server) = Server::start(DURABLE) else { return };
    let world = World::at(server.url());
    RUNTIME.block_on(async {
        let store = world.store().await;
        server.signal("STOP");
        let error = store.load(&key("user")).await.expect_err("no answer");
        assert_eq!(error.kind(), StoreErrorKind::Timeout);
        server.signal("CONT");
        assert_eq!(store.load(&key("user")).await.expect("loaded").record, None);
    });
}

#[test]
fn g05_neither_errors_nor_debug_show_a_password() {
    RUNTIME.block_on(async {
        for url in [
            "redis://app:pass-canary@127.0.0.1:1/",
            "redis://app:pass-canary@127.0.0.1:1/?protocol=pass-canary",
            "redis://app:pass-canary@:x/",
            "http://app:pass-canary@127.0.0.1/",
            "rediss://app:pass-canary@127.0.0.1:1/",
        ] {
            let error = Connection::open(url).await.expect_err("nothing is there");
            let shown = format!("{error:?} {error}");
            assert!(!shown.contains("pass-canary"), "{shown}");
        }
    });
    let Some(server) = Server::start(&["--requirepass", "pass-canary"]) else { return };
    RUNTIME.block_on(async {
        let at = |user: &str| format!("redis://{user}127.0.0.1:{}/", server.port());
        let open = async |user| Connection::open(&at(user)).await;
        let store = async |user| RedisStore::danger_volatile(open(user).await.expect("connected"));
        let none = store("").await.load(&key("user")).await.expect_err("no password");
        let other = open(":another-canary@").await.expect_err("another password");
        let store = store(":pass-canary@").await;
        assert_eq!(store.load(&key("user")).await.expect("loaded").record, None);
        let shown = format!("{none:?} {other:?} {store:?}");
        assert!(shown.contains("NOAUTH") && !shown.contains("-canary"), "{shown}");
    });
}

#[test]
fn a_prefix_has_nothing_that_breaks_the_hash_tag() {
    let Some(world) = World::open() else { return };
    let store = RUNTIME.block_on(world.store());
    for text in ["", "a{b", "a}b", "a b", "\u{e4}", "a\n"] {
        assert!(store.clone().with_prefix(text).is_err(), "{text:?}");
    }
    assert!(store.with_prefix("my:app").is_ok());
}

#[test]
fn the_store_shows_its_connection_and_its_prefix() {
    let Some(world) = World::open() else { return };
    let shown = format!("{:?}", RUNTIME.block_on(world.store()));
    assert!(shown.contains("Connection") && shown.contains("test-"), "{shown}");
}
