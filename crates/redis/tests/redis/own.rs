use std::collections::BTreeSet;
use std::error::Error;
use std::time::Duration;

use countersign_redis::redis::{self, cmd};
use countersign_redis::{Connection, RedisStore};
use countersign_testkit::steps::{adopt, attempt, begin, epoch, material, save};
use countersign_tokens::{
    Adopt, Begin, Clear, Due, Forget, GrantKey, GrantState, GrantStore, Material, StoreErrorKind,
    Takeover,
};

use crate::monitor::Monitor;
use crate::server::{DURABLE, Server};
use crate::world::{RUNTIME, World, sealed};

pub(crate) const LEASE: Duration = Duration::from_secs(40);

pub(crate) fn key(subject: &str) -> GrantKey {
    GrantKey::new("provider", "client", subject).expect("a key")
}

async fn refresh(store: &impl GrantStore, key: &GrantKey, text: &str) {
    let read = store.load(key).await.expect("loaded").expect("a record");
    let attempt = attempt();
    let begun = store.begin(key, &begin(&read, attempt, LEASE, Takeover::Never)).await;
    assert!(begun.expect("begun").is_accepted());
    let saved = store.save(key, &save(&read, attempt, text)).await;
    assert!(saved.expect("saved").is_accepted());
}

#[test]
fn g05_monitor_shows_no_token_of_a_sealed_store() {
    let Some(world) = World::open() else { return };
    RUNTIME.block_on(async {
        let (plain, key, open) = (world.store().await, key("user"), key("in clear"));
        let mut monitor = Monitor::begin(&world);
        adopt(&plain, &open, "canary-in-clear").await.expect("adopted");
        let said = monitor.so_far(&world).await.concat();
        assert!(said.contains("canary-in-clear"), "the monitor shows no arguments: {said}");

        let store = sealed(plain);
        adopt(&store, &key, "canary-of-adopt").await.expect("adopted");
        refresh(&store, &key, "canary-of-save").await;
        let said = monitor.so_far(&world).await.concat();
        assert!(said.contains("evalsha") || said.contains("EVALSHA"), "{said}");
        assert!(said.contains("payload"), "the monitor does not show what scripts do: {said}");
        for token in ["canary-of-adopt", "canary-of-save"] {
            assert!(!said.contains(token), "the monitor shows {token}");
        }
    });
}

#[test]
fn each_step_is_one_round_trip() {
    let Some(world) = World::open() else { return };
    RUNTIME.block_on(async {
        let (store, key) = (world.store().await, key("user"));
        // The server is told every script.
        adopt(&store, &key, "first").await.expect("adopted");
        refresh(&store, &key, "second").await;
        store.due(LEASE, None, 10).await.expect("listed");

        let mut monitor = Monitor::begin(&world);
        refresh(&store, &key, "third").await;
        assert_eq!(sent(&monitor.so_far(&world).await), 3, "read, begin and save");
        store.due(LEASE, None, 10).await.expect("listed");
        assert_eq!(sent(&monitor.so_far(&world).await), 1, "the due scan");
    });
}

/// What clients have sent, without what scripts have done.
fn sent(said: &[String]) -> usize {
    said.iter().filter(|line| !line.contains(" lua]")).count()
}

#[test]
fn a_server_that_has_forgotten_the_scripts_is_told_them_again() {
    let Some(server) = Server::start(DURABLE) else { return };
    let world = World::at(server.url());
    RUNTIME.block_on(async {
        let (store, key) = (world.store().await, key("user"));
        adopt(&store, &key, "first").await.expect("adopted");
        for text in ["second", "third"] {
            let _: () = world.ask(cmd("SCRIPT").arg("FLUSH")).await;
            refresh(&store, &key, text).await;
        }
        let _: () = world.ask(cmd("SCRIPT").arg("FLUSH")).await;
        assert!(store.due(Duration::from_secs(4000), None, 10).await.is_ok());
    });
}

#[test]
fn a_lost_connection_is_no_error() {
    let Some(server) = Server::start(DURABLE) else { return };
    let world = World::at(server.url());
    RUNTIME.block_on(async {
        let (store, key) = (world.store().await, key("user"));
        adopt(&store, &key, "token").await.expect("adopted");
        for _ in 0..3 {
            let ended: u64 = world.ask(cmd("CLIENT").arg(&["KILL", "TYPE", "normal"])).await;
            assert!(ended >= 1, "the store had no connection");
            refresh(&store, &key, "token").await;
        }
    });
}

#[test]
fn accepted_steps_survive_a_crash_and_the_store_finds_the_server_again() {
    let Some(mut server) = Server::start(DURABLE) else { return };
    let world = World::at(server.url());
    RUNTIME.block_on(async {
        let (store, key) = (world.store().await, key("user"));
        let adopted = adopt(&store, &key, "first").await.expect("adopted");
        let mut rounds = 0;
        let mut read = adopted;
        for _ in 0..5 {
            let attempt = attempt();
            let step = begin(&read, attempt, LEASE, Takeover::Never);
            let begun = store.begin(&key, &step).await.expect("begun").accepted();
            server.crash();
            let found = store.load(&key).await.expect("loaded").expect("a record");
            let begun = begun.expect("accepted");
            assert_eq!((found.attempts, found.lease), (begun.attempts, begun.lease));

            let saved = store.save(&key, &save(&read, attempt, "next")).await.expect("saved");
            read = saved.accepted().expect("accepted");
            server.crash();
            let found = store.load(&key).await.expect("loaded").expect("a record");
            assert_eq!(found.generation, read.generation);
            let due = store.due(Duration::from_secs(4000), None, 10).await.expect("listed");
            assert_eq!(due.grants.len(), 1, "the list of what is due is lost");
            rounds += 1;
        }
        assert_eq!(rounds, 5);
    });
}

#[test]
fn what_is_none_of_ours_is_damaged_and_left_alone() {
    let Some(world) = World::open() else { return };
    RUNTIME.block_on(async {
        let (store, key) = (world.store().await, key("user"));
        let adopted = adopt(&store, &key, "token").await.expect("adopted");
        let record = world.record().await;
        let begin = begin(&adopted, attempt(), LEASE, Takeover::Never);

        let _: u64 = world.ask(cmd("HSET").arg(&[&record, "fence", "canary"])).await;
        let error = store.begin(&key, &begin).await.expect_err("a fence that is no number");
        assert_eq!(error.kind(), StoreErrorKind::Damaged);

        let _: u64 = world.ask(cmd("HSET").arg(&[&record, "format", "2"])).await;
        let error = store.begin(&key, &begin).await.expect_err("a later version's record");
        assert_eq!(error.kind(), StoreErrorKind::UnknownVersion);

        let _: u64 = world.ask(cmd("DEL").arg(&record)).await;
        let _: u64 = world.ask(cmd("HSET").arg(&[&record, "another", "program's"])).await;
        let error = store.load(&key).await.expect_err("another program's hash");
        assert_eq!(error.kind(), StoreErrorKind::Damaged);

        let _: () = world.ask(cmd("SET").arg(&[&record, "canary"])).await;
        for error in [
            store.load(&key).await.expect_err("a string"),
            store.begin(&key, &begin).await.expect_err("a string"),
        ] {
            assert_eq!(error.kind(), StoreErrorKind::Damaged);
            assert!(!format!("{error:?}").contains("canary"), "{error:?}");
        }
        let text: String = world.ask(cmd("GET").arg(&record)).await;
        assert_eq!(text, "canary");
    });
}

#[test]
fn a_step_that_fails_half_way_has_done_nothing() {
    let Some(world) = World::open() else { return };
    RUNTIME.block_on(async {
        let (store, key) = (world.store().await, key("user"));
        let adopted = adopt(&store, &key, "token").await.expect("adopted");
        let list = world.list().await;
        let _: u64 = world.ask(cmd("DEL").arg(&list)).await;
        let _: () = world.ask(cmd("SET").arg(&[&list, "a string"])).await;
        let error = store.save(&key, &save(&adopted, attempt(), "next")).await;
        assert_eq!(error.expect_err("no list").kind(), StoreErrorKind::Damaged);
        let found = store.load(&key).await.expect("loaded").expect("a record");
        assert_eq!(found.revision, adopted.revision, "the record was written");
    });
}

#[test]
fn a_list_that_was_lost_is_mended_by_the_next_refresh() {
    let Some(world) = World::open() else { return };
    RUNTIME.block_on(async {
        let (store, key) = (world.store().await, key("user"));
        adopt(&store, &key, "token").await.expect("adopted");
        let _: u64 = world.ask(cmd("DEL").arg(world.list().await)).await;
        refresh(&store, &key, "next").await;
        let refreshed = store.load(&key).await.expect("loaded").expect("a record");
        let page = store.due(Duration::from_secs(4000), None, 10).await.expect("listed");
        assert_eq!(page.grants, [Due { due_at: refreshed.due_at.expect("due"), key }]);
    });
}

#[test]
fn a_full_server_refuses_steps_and_serves_reads() {
    let Some(server) = Server::start(DURABLE) else { return };
    let world = World::at(server.url());
    RUNTIME.block_on(async {
        let (store, key) = (world.store().await, key("user"));
        let adopted = adopt(&store, &key, "canary").await.expect("adopted");
        let _: () = world.ask(cmd("CONFIG").arg(&["SET", "maxmemory", "1"])).await;
        let error = store.save(&key, &save(&adopted, attempt(), "canary")).await;
        let error = error.expect_err("no memory");
        assert_eq!(error.kind(), StoreErrorKind::Full);
        assert!(!format!("{error:?}").contains("canary"), "{error:?}");
        let found = store.load(&key).await.expect("loaded").expect("a record");
        assert_eq!(found.revision, adopted.revision, "half of it was written");

        let _: () = world.ask(cmd("CONFIG").arg(&["SET", "maxmemory", "0"])).await;
        refresh(&store, &key, "next").await;
    });
}

#[test]
fn nothing_expires() {
    let Some(world) = World::open() else { return };
    RUNTIME.block_on(async {
        let store = world.store().await;
        adopt(&store, &key("adopted"), "token").await.expect("adopted");
        adopt(&store, &key("refreshed"), "token").await.expect("adopted");
        refresh(&store, &key("refreshed"), "token").await;
        let read = adopt(&store, &key("begun"), "token").await.expect("adopted");
        let step = begin(&read, attempt(), Duration::from_millis(1), Takeover::Never);
        store.begin(&key("begun"), &step).await.expect("begun");
        let read = adopt(&store, &key("forgotten"), "token").await.expect("adopted");
        let forget = Forget { epoch: read.epoch, tombstone: epoch() };
        store.forget(&key("forgotten"), &forget).await.expect("forgotten");
        let keys = world.keys().await;
        assert!(keys.len() >= 5, "{keys:?}");
        for key in keys {
            let left: i64 = world.ask(cmd("PTTL").arg(&key)).await;
            assert_eq!(left, -1, "{key} expires");
        }
    });
}

#[test]
fn what_is_purged_leaves_no_key() {
    let Some(world) = World::open() else { return };
    RUNTIME.block_on(async {
        let (store, key) = (world.store().await, key("user"));
        let read = adopt(&store, &key, "token").await.expect("adopted");
        let list = world.list().await;
        let forget = Forget { epoch: read.epoch, tombstone: epoch() };
        store.forget(&key, &forget).await.expect("forgotten");
        // As after the list was restored alone.
        let _: u64 = world.ask(cmd("ZADD").arg(&list).arg(1).arg(key.as_str())).await;
        store.purge(&key, forget.tombstone).await.expect("purged");
        assert_eq!(world.keys().await, Vec::<String>::new());
    });
}

#[test]
fn many_that_are_due_at_one_instant_are_each_listed_once() {
    let Some(world) = World::open() else { return };
    RUNTIME.block_on(async {
        let store = world.store().await;
        let names = ["a", "A", "b", "B", "-", "_", "z", "Z", "9", "~"];
        let mut expected = BTreeSet::new();
        for number in 0..400 {
            let key = key(&format!("{}{number}", names[number % names.len()]));
            adopt(&store, &key, "token").await.expect("adopted");
            expected.insert(key);
        }
        // The same instant for all, but for two in each list.
        for list in world.keys().await.into_iter().filter(|key| key.ends_with(":due")) {
            let members: Vec<String> = world.ask(cmd("ZRANGE").arg(&list).arg(0).arg(-1)).await;
            for (place, member) in members.iter().enumerate() {
                let due = if place < 2 { 1_000_000 + place } else { 2_000_000 };
                let _: u64 = world.ask(cmd("ZADD").arg(&list).arg(due).arg(member)).await;
            }
        }
        for limit in [1, 7, 64, 399, 400, 401] {
            let mut found: Vec<Due> = Vec::new();
            loop {
                let page = store.due(LEASE, found.last(), limit).await.expect("listed").grants;
                let is_last = page.len() < limit;
                found.extend(page);
                if is_last || found.len() > 2 * expected.len() {
                    break;
                }
            }
            assert!(found.is_sorted(), "in pages of {limit} they are in another order");
            assert_eq!(found.len(), expected.len(), "in pages of {limit}");
            let found: BTreeSet<_> = found.into_iter().map(|due| due.key).collect();
            assert_eq!(found, expected, "in pages of {limit}");
        }
        assert_eq!(store.due(LEASE, None, 0).await.expect("listed").grants, []);
    });
}

#[test]
fn times_without_end_are_kept_as_far_away() {
    let Some(world) = World::open() else { return };
    RUNTIME.block_on(async {
        let (store, key) = (world.store().await, key("user"));
        let forever = Some(Duration::MAX);
        let material = Material { expires_in: forever, due_in: forever, ..material("token") };
        let adopted = Adopt { epoch: epoch(), replaces: None, material };
        let record = store.adopt(&key, &adopted).await.expect("adopted").accepted();
        let record = record.expect("accepted");
        let years = Duration::from_secs(100_000 * 365 * 24 * 3600);
        assert!(record.expires_at.expect("an end").since(record.read_at) > years);
        let step = Begin {
            attempt: attempt(),
            epoch: record.epoch,
            generation: u64::MAX,
            lease: Duration::MAX,
            takeover: Takeover::Within(Duration::MAX),
        };
        assert!(!store.begin(&key, &step).await.expect("refused").is_accepted());
        let step = Begin { generation: 1, ..step };
        let begun = store.begin(&key, &step).await.expect("begun").accepted().expect("accepted");
        assert!(begun.live_lease().expect("a lease").until.since(begun.read_at) > years);
        let clear = Clear { attempt: step.attempt, epoch: step.epoch, rests_for: forever };
        let cleared = store.clear(&key, &clear).await.expect("cleared").accepted();
        assert_eq!(cleared.expect("accepted").state, GrantState::Live);
        assert_eq!(store.due(Duration::MAX, None, 10).await.expect("listed").grants.len(), 1);
    });
}

#[test]
fn a_replica_refuses_steps_and_serves_reads() {
    let Some(primary) = Server::start(&["--repl-diskless-sync-delay", "0"]) else { return };
    let port = primary.port();
    let Some(replica) = Server::start(&["--replicaof", "127.0.0.1", &port]) else { return };
    let world = World::at(primary.url());
    RUNTIME.block_on(async {
        let key = key("user");
        let adopted = adopt(&world.store().await, &key, "token").await.expect("adopted");
        wait_for_replica(&world).await;
        let connection = Connection::open(&replica.url()).await.expect("a connection");
        let store = RedisStore::danger_volatile(connection);
        let store = store.with_prefix(world.prefix()).expect("a prefix");
        assert!(store.load(&key).await.expect("loaded").is_some());
        let step = begin(&adopted, attempt(), LEASE, Takeover::Never);
        let error = store.begin(&key, &step).await.expect_err("a replica takes no writes");
        assert_eq!(error.kind(), StoreErrorKind::ReadOnly);
    });
}

#[test]
fn a_step_that_too_few_replicas_have_is_an_error_until_they_have_it() {
    let Some(primary) = Server::start(&["--repl-diskless-sync-delay", "0"]) else { return };
    let port = primary.port();
    let Some(replica) = Server::start(&["--replicaof", "127.0.0.1", &port]) else { return };
    let world = World::at(primary.url());
    RUNTIME.block_on(async {
        let key = key("user");
        let adopted = adopt(&world.store().await, &key, "token").await.expect("adopted");
        wait_for_replica(&world).await;
        let store = async || world.store().await.with_replicas(1, Duration::from_millis(300));
        let step = begin(&adopted, attempt(), LEASE, Takeover::Never);
        replica.signal("STOP");
        // The second has not written it, and waits all the same.
        for store in [store().await, store().await] {
            let error = store.begin(&key, &step).await.expect_err("no replica has it");
            assert_eq!(error.kind(), StoreErrorKind::Unavailable);
            let told = error.source().expect("a source").to_string();
            assert!(told.contains("0 of 1 replicas"), "{told}");
        }
        let found = store().await.load(&key).await.expect("loaded").expect("a record");
        assert_eq!(found.attempts.len(), 1, "it is done");
        replica.signal("CONT");
        wait_for_replica(&world).await;
        let begun = store().await.begin(&key, &step).await.expect("begun").accepted();
        assert_eq!(begun.expect("accepted").revision, found.revision, "it was done again");
    });
}

/// Until the replica has what was written so far.
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
        assert_eq!(store.load(&key("user")).await.expect("loaded"), None);
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
        assert_eq!(store.load(&key("user")).await.expect("loaded"), None);
        let shown = format!("{none:?} {other:?} {store:?}");
        assert!(shown.contains("NOAUTH") && !shown.contains("-canary"), "{shown}");
    });
}
