//! Pages over all buckets, and with records that cannot be read.

use std::collections::BTreeSet;

use countersign_redis::RedisStore;
use countersign_redis::redis::cmd;
use countersign_testkit::steps::{put, record};
use countersign_tokens::{GrantKey, GrantStore, Payload, Record, StoreError};

use crate::own::{HOUR, key};
use crate::world::{RUNTIME, World, timed_record};

/// Reads all pages of what is due. Returns the keys and the errors of what was skipped.
async fn due(store: &RedisStore, limit: usize) -> (Vec<GrantKey>, Vec<StoreError>) {
    let (mut keys, mut skipped, mut after) = (Vec::new(), Vec::new(), None);
    loop {
        let page = store.due(HOUR, after.as_ref(), limit).await.expect("a page");
        assert!(page.records.len() <= limit);
        assert!(page.next.is_none() || !page.records.is_empty(), "an empty page");
        keys.extend(page.records.into_iter().map(|(key, _)| key));
        skipped.extend(page.skipped);
        match page.next {
            Some(next) => after = Some(next),
            None => return (keys, skipped),
        }
    }
}

/// Reads all pages of the list. Returns the keys and the errors of what was skipped.
async fn list(store: &RedisStore, limit: usize) -> (Vec<GrantKey>, Vec<StoreError>) {
    let (mut keys, mut skipped, mut after) = (Vec::new(), Vec::new(), None);
    loop {
        let page = store.list(after.as_ref(), limit).await.expect("a page");
        assert!(page.records.len() <= limit);
        assert!(page.next.is_none() || !page.records.is_empty(), "an empty page");
        keys.extend(page.records.into_iter().map(|(key, _)| key));
        skipped.extend(page.skipped);
        match page.next {
            Some(next) => after = Some(next),
            None => return (keys, skipped),
        }
    }
}

#[test]
fn many_records_of_one_instant_are_each_read_once() {
    let Some(world) = World::open() else { return };
    RUNTIME.block_on(async {
        let store = world.store().await;
        let now = store.load(&key("user")).await.expect("loaded").read_at;
        // Bytes that sort otherwise in the order of a locale.
        let names = ["a", "A", "b", "B", "-", "_", "z", "Z", "9", "~"];
        let mut expected = BTreeSet::new();
        for number in 0..400_usize {
            let key = key(&format!("{}{number}", names[number % names.len()]));
            let due_at = if number % 50 == 0 { now } else { now.plus(HOUR / 2) };
            let next = Record { due_at: Some(due_at), ..record("token") };
            put(&store, &key, &next).await.expect("written");
            expected.insert((due_at, key));
        }
        let by_due: Vec<_> = expected.iter().map(|(_, key)| key.clone()).collect();
        let mut by_key = by_due.clone();
        by_key.sort_unstable();
        for limit in [1, 7, 64, 399, 400, 401] {
            assert!(due(&store, limit).await.0 == by_due, "due in pages of {limit}");
            assert!(list(&store, limit).await.0 == by_key, "listed in pages of {limit}");
        }
        let none = store.list(None, 0).await.expect("a page");
        assert!(none.records.is_empty() && none.next.is_none());
    });
}

#[test]
fn records_that_cannot_be_read_are_skipped_once_and_end_no_page() {
    let Some(world) = World::open() else { return };
    RUNTIME.block_on(async {
        let store = world.store().await;
        let now = store.load(&key("user")).await.expect("loaded").read_at;
        let mut expected = BTreeSet::new();
        for number in 0..40 {
            let key = key(&format!("{number:02}"));
            put(&store, &key, &timed_record("token", now)).await.expect("written");
            expected.insert(key);
        }
        for number in [0, 1, 2, 17, 38, 39] {
            let key = key(&format!("{number:02}"));
            let hash = world.key(key.as_str()).await;
            match number {
                // Longer than a page.
                0 => {
                    let long = "x".repeat(2 << 20);
                    let _: u64 = world.ask(cmd("HSET").arg(&[&hash, "record", &long])).await;
                }
                17 => {
                    let _: u64 = world.ask(cmd("DEL").arg(&hash)).await;
                    let _: () = world.ask(cmd("SET").arg(&[&hash, "a string"])).await;
                }
                _ => {
                    let _: u64 = world.ask(cmd("HSET").arg(&[&hash, "record", "{}"])).await;
                }
            }
            expected.remove(&key);
        }
        // Keys that are none, one of them not even UTF-8, and records that have vanished.
        let prefix = world.prefix();
        for (name, score) in [("due", now.as_millis()), ("keys", 0)] {
            let mut add = cmd("ZADD");
            add.arg(format!("{{{prefix}:5}}:{name}")).arg(score).arg("a/b").arg(score);
            add.arg(b"\xff\xfe").arg(score).arg("provider/client/nobody");
            let _: u64 = world.ask(&add).await;
        }
        for limit in [1, 2, 5, 100] {
            for (what, (keys, skipped)) in
                [("due", due(&store, limit).await), ("listed", list(&store, limit).await)]
            {
                assert!(keys.iter().eq(&expected), "{what} in pages of {limit}: {keys:?}");
                assert_eq!(skipped.len(), 8, "{what} in pages of {limit}: {skipped:?}");
            }
        }
    });
}

#[test]
fn a_record_that_was_refreshed_meanwhile_is_not_due() {
    let Some(world) = World::open() else { return };
    RUNTIME.block_on(async {
        let store = world.store().await;
        let now = store.load(&key("user")).await.expect("loaded").read_at;
        put(&store, &key("user"), &timed_record("token", now.plus(HOUR * 9))).await.expect("put");
        // As the set was when the keys were read.
        let mut stale = cmd("ZADD");
        stale.arg(world.key(":due").await).arg(1).arg(key("user").as_str());
        let _: u64 = world.ask(&stale).await;
        let page = store.due(HOUR, None, 10).await.expect("a page");
        assert!(page.records.is_empty() && page.skipped.is_empty(), "{page:?}");
    });
}

#[test]
fn a_page_reads_about_as_much_as_fits() {
    let Some(world) = World::open() else { return };
    RUNTIME.block_on(async {
        let store = world.store().await;
        for index in 0..20 {
            let large = Record { payload: Payload::new(vec![7; 300 * 1024]), ..record("") };
            put(&store, &key(&format!("user {index}")), &large).await.expect("written");
        }
        let mut monitor = crate::monitor::Monitor::begin(&world);
        let page = store.list(None, 1000).await.expect("a page");
        assert_eq!(page.records.len(), 2, "records of 400 KiB in a page of 1 MiB");
        let lines = monitor.so_far(&world).await;
        let loads =
            lines.iter().filter(|line| line.contains(" lua]") && line.contains("\"HMGET\""));
        let loads = loads.count();
        assert!((3..=4).contains(&loads), "{loads} records were read");
    });
}
