//! Pages with rows that cannot be read.

use std::collections::BTreeSet;
use std::time::Duration;

use countersign_sqlx::sqlx;
use countersign_testkit::steps::{put, record};
use countersign_tokens::{GrantKey, GrantStore, Payload, Record, StoreError, StoreErrorKind};

use crate::own::key;
use crate::world::{RUNTIME, World, timed_record};

const DAY: Duration = Duration::from_secs(24 * 3600);

/// Reads all pages of `limit` records of what is due, or of the list. Returns their keys and the
/// errors of the rows that were skipped.
async fn read(
    store: &impl GrantStore,
    limit: usize,
    is_due: bool,
) -> (Vec<GrantKey>, Vec<StoreError>) {
    let (mut keys, mut skipped) = (Vec::new(), Vec::new());
    let (mut due, mut list) = (None, None);
    loop {
        let (page, is_last) = if is_due {
            let page = store.due(DAY, due.as_ref(), limit).await.expect("a page");
            due = page.next;
            ((page.records, page.skipped), due.is_none())
        } else {
            let page = store.list(list.as_ref(), limit).await.expect("a page");
            list = page.next;
            ((page.records, page.skipped), list.is_none())
        };
        assert!(page.0.len() <= limit && (is_last || !page.0.is_empty()), "an empty page");
        keys.extend(page.0.into_iter().map(|(key, _)| key));
        skipped.extend(page.1);
        if is_last {
            return (keys, skipped);
        }
    }
}

#[test]
fn rows_that_cannot_be_read_are_skipped_once_and_end_no_page() {
    let Some(world) = World::open() else { return };
    RUNTIME.block_on(async {
        let store = world.store();
        let now = store.load(&key("user")).await.expect("loaded").read_at;
        let mut expected = BTreeSet::new();
        for index in 0..6 {
            let key = key(&format!("user {index}"));
            put(&store, &key, &timed_record("token", now)).await.expect("written");
            expected.insert(key);
        }
        // Rows before, between and after: damaged records, records of a later version, and keys
        // that are none. The first ones have no readable row before them, even in pages of bytes.
        let damage =
            "INSERT INTO countersign_grants (key, version, record, state, due_at, written_at)
            SELECT prefix || n, '', CASE n % 2 WHEN 0 THEN convert_to('{\"format\":9}', 'UTF8')
                ELSE convert_to(repeat('x', 300000), 'UTF8') END, 'live',
                CASE prefix WHEN 'zz' THEN $1 + 99 WHEN 'a/b/' THEN 1 ELSE $1 END, 0
            FROM (VALUES ('a/b/'), ('provider/client/user%202x'), ('zz')) AS prefixes (prefix),
                generate_series(1, 9) AS n";
        let due = timed_record("", now).due_at.expect("due").as_millis();
        sqlx::query(damage).bind(due).execute(world.admin()).await.expect("rows");
        for (limit, is_due) in [1, 2, 5, 100].into_iter().flat_map(|it| [(it, true), (it, false)]) {
            let (keys, skipped) = read(&store, limit, is_due).await;
            let what = format!("in pages of {limit}, due: {is_due}");
            assert_eq!(keys, expected.iter().cloned().collect::<Vec<_>>(), "{what}");
            assert_eq!(skipped.len(), 27, "{what}");
            let of = |kind| skipped.iter().filter(move |it| it.kind() == kind).count();
            assert_eq!(of(StoreErrorKind::UnknownVersion), 8, "{what}: {skipped:?}");
            assert_eq!(of(StoreErrorKind::Damaged), 19, "{what}");
        }
    });
}

#[test]
fn a_limit_of_zero_reads_no_record() {
    let Some(world) = World::open() else { return };
    RUNTIME.block_on(async {
        let store = world.store();
        for _ in 0..2 {
            let page = store.list(None, 0).await.expect("a page");
            assert!(page.records.is_empty() && page.next.is_none(), "{page:?}");
            put(&store, &key("user"), &record("token")).await.expect("written");
        }
    });
}

#[test]
fn a_page_fetches_one_record_more_than_fits() {
    let Some(world) = World::open() else { return };
    RUNTIME.block_on(async {
        let server = world.options();
        let proxy =
            crate::wire::Proxy::before(server.get_host().to_owned(), server.get_port()).await;
        let store = world.connected(Some(proxy.port)).await;
        for index in 0..20 {
            let payload = Payload::new(vec![7; 300 * 1024]);
            let large = Record { payload, ..record("") };
            put(&store, &key(&format!("user {index}")), &large).await.expect("written");
        }
        let before = proxy.received();
        let page = store.list(None, 1000).await.expect("a page");
        assert_eq!(page.records.len(), 2, "records of 400 KiB in a page of 1 MiB");
        // Three records as hexadecimal digits or as bytes.
        let fetched = proxy.received() - before;
        assert!(fetched < 3 * 900 * 1024, "{fetched} bytes for a page of 1 MiB");
    });
}
