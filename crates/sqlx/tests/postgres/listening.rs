//! Being told of changes.

use std::time::Duration;

use countersign_sqlx::PostgresStore;
use countersign_sqlx::sqlx;
use countersign_testkit::steps::{adopt, attempt, begin, epoch, material, save};
use countersign_tokens::{
    Adopt, Clear, Forget, GrantKey, GrantStore, Mark, Negative, Record, Takeover,
};
use futures_lite::future::poll_once;

use crate::world::{RUNTIME, World};

const LEASE: Duration = Duration::from_secs(40);

/// After which a notification is one that does not come.
const PATIENCE: Duration = Duration::from_secs(30);

fn key(subject: &str) -> GrantKey {
    GrantKey::new("provider", "client", subject).expect("a key")
}

async fn listening(world: &World) -> PostgresStore {
    world.store().listening(world.options()).await.expect("it listens")
}

/// Polls until something has changed, while `step` is done.
async fn told_of<T>(store: &PostgresStore, key: &GrantKey, step: impl Future<Output = T>) -> T {
    let mut changed = Box::pin(store.changed(key));
    // From here on it waits.
    assert!(poll_once(&mut changed).await.is_none(), "something changed before anything did");
    let done = step.await;
    tokio::time::timeout(PATIENCE, changed).await.expect("it was told nothing");
    done
}

#[test]
fn a_waiter_is_told_of_another_process_s_steps() {
    let Some(world) = World::open() else { return };
    RUNTIME.block_on(async {
        let (one, other, key) = (listening(&world).await, listening(&world).await, key("user"));
        let mut read = adopt(&one, &key, "first").await.expect("adopted");
        let begun = async |read: &Record| {
            let attempt = attempt();
            let begin = begin(read, attempt, LEASE, Takeover::Always);
            assert!(one.begin(&key, &begin).await.expect("begun").is_accepted());
            attempt
        };
        let saved = save(&read, begun(&read).await, "second");
        let saved = told_of(&other, &key, one.save(&key, &saved)).await.expect("saved");
        read = saved.accepted().expect("accepted");

        let clear = Clear { attempt: begun(&read).await, epoch: read.epoch, rests_for: None };
        told_of(&other, &key, one.clear(&key, &clear)).await.expect("cleared");

        let (epoch_read, generation) = (read.epoch, read.generation);
        let attempt = begun(&read).await;
        let as_state = Negative::Reauthorize;
        let mark = Mark { attempt, epoch: epoch_read, generation, as_state };
        told_of(&other, &key, one.mark(&key, &mark)).await.expect("marked");

        let adopt =
            Adopt { epoch: epoch(), replaces: Some(epoch_read), material: material("third") };
        told_of(&other, &key, one.adopt(&key, &adopt)).await.expect("adopted");

        let forget = Forget { epoch: adopt.epoch, tombstone: epoch() };
        told_of(&other, &key, one.forget(&key, &forget)).await.expect("forgotten");
    });
}

#[test]
fn a_waiter_is_not_told_of_another_grant() {
    let Some(world) = World::open() else { return };
    RUNTIME.block_on(async {
        let store = listening(&world).await;
        let (mine, another) = (key("mine"), key("another"));
        adopt(&store, &mine, "first").await.expect("adopted");
        adopt(&store, &another, "first").await.expect("adopted");
        let mut changed = Box::pin(store.changed(&mine));
        assert!(poll_once(&mut changed).await.is_none());
        let replaced = adopt(&store, &another, "second");
        told_of(&store, &another, replaced).await.expect("adopted");
        assert!(poll_once(&mut changed).await.is_none(), "it was told of another's");
        told_of(&store, &mine, adopt(&store, &mine, "second")).await.expect("adopted");
        changed.await;
    });
}

#[test]
fn a_step_that_was_refused_or_done_before_tells_nobody() {
    let Some(world) = World::open() else { return };
    RUNTIME.block_on(async {
        let (store, key) = (listening(&world).await, key("user"));
        let read = adopt(&store, &key, "first").await.expect("adopted");
        let attempt = attempt();
        let begin = begin(&read, attempt, LEASE, Takeover::Never);
        store.begin(&key, &begin).await.expect("begun");
        let step = save(&read, attempt, "second");
        told_of(&store, &key, store.save(&key, &step)).await.expect("saved");
        let mut changed = Box::pin(store.changed(&key));
        assert!(poll_once(&mut changed).await.is_none());
        assert!(store.save(&key, &step).await.expect("repeated").is_accepted());
        let late = save(&read, countersign_testkit::steps::attempt(), "late");
        assert!(!store.save(&key, &late).await.expect("refused").is_accepted());
        // Notifications come in order: those two would have come before this one.
        let fence = self::key("fence");
        adopt(&store, &fence, "first").await.expect("adopted");
        told_of(&store, &fence, adopt(&store, &fence, "second")).await.expect("adopted");
        assert!(poll_once(&mut changed).await.is_none(), "it was told of nothing");
    });
}

#[test]
fn who_does_not_listen_tells_nobody() {
    let Some(world) = World::open() else { return };
    RUNTIME.block_on(async {
        let (quiet, listening, key) = (world.store(), listening(&world).await, key("user"));
        adopt(&quiet, &key, "first").await.expect("adopted");
        let mut changed = Box::pin(listening.changed(&key));
        assert!(poll_once(&mut changed).await.is_none());
        adopt(&quiet, &key, "second").await.expect("adopted");
        let fence = self::key("fence");
        adopt(&listening, &fence, "first").await.expect("adopted");
        told_of(&listening, &fence, adopt(&listening, &fence, "second")).await.expect("adopted");
        assert!(poll_once(&mut changed).await.is_none(), "it takes the lock of all commits");
    });
}

#[test]
fn a_connection_that_was_lost_is_made_anew_and_waiters_look_again() {
    let Some(world) = World::open() else { return };
    RUNTIME.block_on(async {
        let (store, key) = (listening(&world).await, key("user"));
        adopt(&store, &key, "first").await.expect("adopted");
        // They are told that something may have been missed.
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
        told_of(&store, &key, adopt(&store, &key, "second")).await.expect("adopted");
    });
}

#[test]
fn g05_a_notification_shows_no_subject() {
    let Some(world) = World::open() else { return };
    RUNTIME.block_on(async {
        let (store, key) = (listening(&world).await, key("canary"));
        let options = world.options();
        let pool =
            sqlx::postgres::PgPoolOptions::new().connect_with(options).await.expect("a pool");
        let mut listener = sqlx::postgres::PgListener::connect_with(&pool).await.expect("one");
        listener.listen("countersign_grants").await.expect("it listens");
        adopt(&store, &key, "first").await.expect("adopted");
        adopt(&store, &key, "second").await.expect("adopted");
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
