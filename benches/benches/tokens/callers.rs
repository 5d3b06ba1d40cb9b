//! Ten thousand callers at the moment of expiry, and a provider that is 100 ms away.

use std::time::{Duration, Instant};

use countersign_benches::report::{goal, median};
use countersign_testkit::ManualClock;
use countersign_tokens::MemoryStore;
use tokio::sync::watch;

use crate::world::{Far, client, grant, key, manager};

const CALLERS: usize = 10_000;
const ROUNDS: usize = 15;
const MOST: f64 = 120.0;

#[expect(clippy::disallowed_methods, reason = "what is measured is the time")]
pub(crate) fn print() {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let times = runtime.expect("a runtime").block_on(async {
        let clock = ManualClock::default();
        let client = client(Far(Duration::from_millis(100)), clock.clone());
        let tokens = manager(client.clone(), MemoryStore::with_clock(clock.clone()));
        let key = key(&tokens, 0);
        let hour = Duration::from_secs(3600);
        tokens.insert(&key, grant(client.now(), hour)).await.expect("inserted");
        let mut times = Vec::new();
        for _ in 0..ROUNDS {
            let (go, gone) = watch::channel(false);
            let callers: Vec<_> = (0..CALLERS)
                .map(|_| {
                    let (tokens, key, mut gone) = (tokens.clone(), key.clone(), gone.clone());
                    tokio::spawn(async move {
                        gone.wait_for(|it| *it).await.expect("it goes");
                        tokens.token(&key).await.expect("a token");
                    })
                })
                .collect();
            while go.receiver_count() <= CALLERS {
                tokio::task::yield_now().await;
            }
            clock.advance(hour * 2);
            let began = Instant::now();
            go.send_replace(true);
            for caller in callers {
                caller.await.expect("served");
            }
            times.push(began.elapsed().as_secs_f64() * 1000.0);
        }
        times
    });
    let time = median(times);
    let what = "10,000 callers at expiry, a provider 100 ms away: all served";
    println!("  {what:<60}{time:>7.1} ms");
    goal(time <= MOST, "all served within 120 ms");
}
