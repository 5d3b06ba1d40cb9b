//! Notifications of changes.

use std::time::Duration;

use countersign_sqlx::PostgresStore;
use countersign_sqlx::sqlx;
use countersign_testkit::steps::{put, record};
use countersign_tokens::{GrantKey, GrantStore, Swap};
use futures_lite::future::poll_once;

use crate::world::{RUNTIME, World};

/// The longest wait for a notification.
const PATIENCE: Duration = Duration::from_secs(30);

/// Returns a key of this world only: the tests share a database, and so its notifications.
fn key(world: &World, subject: &str) -> GrantKey {
    GrantKey::new("provider", world.name(), subject).expect("a key")
}

async fn listening(world: &World) -> PostgresStore {
    world.store().listening(world.options()).await.expect("it listens")
}

/// Runs `step` while a waiter waits, and returns when the waiter is woken.
async fn told_of<T>(store: &PostgresStore, key: &GrantKey, step: impl Future<Output = T>) -> T {
    let mut changed = Box::pin(store.changed(key));
    // The first poll begins to wait.
    assert!(poll_once(&mut changed).await.is_none(), "something changed before anything did");
    let done = step.await;
    tokio::time::timeout(PATIENCE, changed).await.expect("it was told nothing");
    done
}

#[test]
fn a_waiter_is_told_of_every_write_of_another_process() {
    let Some(world) = World::open() else { return };
    RUNTIME.block_on(async {
        let (one, other, key) =
            (listening(&world).await, listening(&world).await, key(&world, "user"));
        let mut expected = None;
        for next in [Some(record("first")), Some(record("second")), None] {
            let swap = told_of(&other, &key, one.swap(&key, expected, next.as_ref())).await;
            assert!(matches!(swap.expect("swapped"), Swap::Done(_)));
            expected = next.map(|it| it.version);
        }
    });
}

#[test]
fn a_waiter_is_not_told_of_another_grant() {
    let Some(world) = World::open() else { return };
    RUNTIME.block_on(async {
        let store = listening(&world).await;
        let (mine, another) = (key(&world, "mine"), key(&world, "another"));
        // By a store that notifies nobody: those notifications could arrive late.
        put(&world.store(), &mine, &record("first")).await.expect("written");
        let mut changed = Box::pin(store.changed(&mine));
        assert!(poll_once(&mut changed).await.is_none());
        let second = record("second");
        told_of(&store, &another, put(&store, &another, &second)).await.expect("written");
        assert!(poll_once(&mut changed).await.is_none(), "it was told of another's");
        told_of(&store, &mine, put(&store, &mine, &record("second"))).await.expect("written");
        changed.await;
    });
}

#[test]
fn a_conflict_or_a_repeated_swap_tells_nobody() {
    let Some(world) = World::open() else { return };
    RUNTIME.block_on(async {
        let (store, key) = (listening(&world).await, key(&world, "user"));
        let (first, second) = (record("first"), record("second"));
        put(&world.store(), &key, &first).await.expect("written");
        let swap = store.swap(&key, Some(first.version), Some(&second));
        told_of(&store, &key, swap).await.expect("swapped");
        let mut changed = Box::pin(store.changed(&key));
        assert!(poll_once(&mut changed).await.is_none());
        let again = store.swap(&key, Some(first.version), Some(&second)).await;
        assert!(matches!(again.expect("repeated"), Swap::Done(_)));
        let late = store.swap(&key, Some(first.version), Some(&record("late"))).await;
        assert!(matches!(late.expect("compared"), Swap::Conflict(_)));
        // Notifications come in order: those two would have come before this one.
        let fence = self::key(&world, "fence");
        told_of(&store, &fence, put(&store, &fence, &record("first"))).await.expect("written");
        assert!(poll_once(&mut changed).await.is_none(), "it was told of nothing");
    });
}

#[test]
fn who_does_not_listen_tells_nobody() {
    let Some(world) = World::open() else { return };
    RUNTIME.block_on(async {
        let (quiet, listening, key) = (world.store(), listening(&world).await, key(&world, "user"));
        put(&quiet, &key, &record("first")).await.expect("written");
        let mut changed = Box::pin(listening.changed(&key));
        assert!(poll_once(&mut changed).await.is_none());
        put(&quiet, &key, &record("second")).await.expect("written");
        let fence = self::key(&world, "fence");
        put(&listening, &fence, &record("first")).await.expect("written");
        told_of(&listening, &fence, put(&listening, &fence, &record("second")))
            .await
            .expect("written");
        assert!(poll_once(&mut changed).await.is_none(), "it takes the lock of all commits");
    });
}

#[test]
fn a_connection_that_was_lost_is_made_anew_and_waiters_look_again() {
    let Some(world) = World::open() else { return };
    RUNTIME.block_on(async {
        let (store, key) = (listening(&world).await, key(&world, "user"));
        put(&world.store(), &key, &record("first")).await.expect("written");
        // Waiters are woken, since notifications may have been missed.
        told_of(&store, &key, async {
            let ended: Vec<bool> = sqlx::query_scalar(
                "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity
                WHERE application_name = $1 AND query LIKE 'LISTEN%'",
            )
            .bind(world.name())
            .fetch_all(world.admin())
            .await
            .expect("ended");
            assert_eq!(ended, [true]);
        })
        .await;
        told_of(&store, &key, put(&store, &key, &record("second"))).await.expect("written");
    });
}

#[test]
fn g05_a_notification_shows_no_subject() {
    let Some(world) = World::open() else { return };
    RUNTIME.block_on(async {
        let (store, key) = (listening(&world).await, key(&world, "canary"));
        let options = world.options();
        let pool =
            sqlx::postgres::PgPoolOptions::new().connect_with(options).await.expect("a pool");
        let mut listener = sqlx::postgres::PgListener::connect_with(&pool).await.expect("one");
        listener.listen("countersign_grants").await.expect("it listens");
        put(&store, &key, &record("first")).await.expect("written");
        put(&store, &key, &record("second")).await.expect("written");
        loop {
            let told = listener.recv().await.expect("told");
            assert!(!told.payload().contains("canary"), "{}", told.payload());
            if told.payload().len() == 64 {
                break;
            }
            // The self-tests of others.
            assert_eq!(told.payload().len(), 32, "neither is it a hash: {}", told.payload());
        }
    });
}

#[test]
fn a_listener_at_a_server_that_is_not_there_says_so_soon() {
    let Some(world) = World::open() else { return };
    RUNTIME.block_on(async {
        let nowhere = world.options().host("127.0.0.1").port(1);
        let error = world.store().listening(nowhere).await.expect_err("nothing is there");
        assert_eq!(error.kind(), countersign_tokens::StoreErrorKind::Unavailable);
    });
}
