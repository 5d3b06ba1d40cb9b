//! A token that is at hand, beside arc-swap's `load_full` with a look at the clock.

use std::sync::{Arc, Barrier};
use std::thread;
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use countersign_benches::operation::ready;
use countersign_benches::report::{goal, median};
use countersign_core::{AccessToken, Clock, SystemClock};
use countersign_tokens::{GrantKey, TokenManager, TokenSource};
use stats_alloc::Region;
use time::OffsetDateTime;

use crate::ALLOCATOR;
use crate::world::{Far, access_token, canned, client, key, manager};

const ROUNDS: usize = 41;
const CALLS: usize = 100_000;
const MANY: usize = 1_000_000;
const CALLERS: usize = 10_000;

/// What anybody would write.
struct ByHand {
    held: ArcSwap<Held>,
    clock: Arc<dyn Clock>,
}

struct Held {
    token: AccessToken,
    until: OffsetDateTime,
}

impl ByHand {
    fn new() -> Self {
        let until = SystemClock.now() + Duration::from_secs(3600);
        let held = ArcSwap::from_pointee(Held { token: access_token(), until });
        Self { held, clock: Arc::new(SystemClock) }
    }

    fn token(&self) -> Option<Arc<Held>> {
        let now = self.clock.now();
        Some(self.held.load_full()).filter(|held| now < held.until)
    }
}

/// What one call of each does.
type Call<'a> = Box<dyn Fn(usize) + Sync + 'a>;

pub(crate) fn print() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.expect("a runtime");
    let (few, many) = runtime.block_on(async {
        let client = client(Far(Duration::ZERO), SystemClock);
        let store = canned(&client).await;
        let (few, many) = (manager(client.clone(), store.clone()), manager(client, store));
        few.token(&key(&few, 0)).await.expect("a token");
        for index in 0..MANY {
            many.token(&key(&many, index)).await.expect("a token");
        }
        (few, many)
    });
    let by_hand = ByHand::new();
    assert!(by_hand.token().is_some_and(|held| held.token.same_as(&access_token())));
    let at = |tokens: &TokenManager, index| tokens.source(&key(tokens, index)).expect("a source");
    let (of_few, of_many) = (at(&few, 0), at(&many, MANY / 2));
    let sources: Vec<TokenSource> = (0..CALLERS).map(|_| at(&few, 0)).collect();
    let (key_of_few, key_of_many) = (key(&few, 0), key(&many, MANY / 2));
    let subjects: [(&str, Call<'_>); 6] = [
        (
            "by hand: arc-swap's load_full, and the clock",
            Box::new(|_| drop(std::hint::black_box(by_hand.token()))),
        ),
        ("through a handle to the grant", Box::new(|_| of_source(&of_few))),
        ("through its key", Box::new(|_| of_key(&few, &key_of_few))),
        ("through a handle, among 1,000,000 grants", Box::new(|_| of_source(&of_many))),
        ("through its key, among 1,000,000 grants", Box::new(|_| of_key(&many, &key_of_many))),
        ("through 10,000 handles in turn", Box::new(|call| of_source(&sources[call % CALLERS]))),
    ];
    let mut ratios = Vec::new();
    for threads in [1, 2] {
        let rounds = measure(&subjects, threads);
        for ((name, _), times) in subjects.iter().zip(&rounds) {
            let ratio =
                median(times.iter().zip(&rounds[0]).map(|(own, base)| own / base).collect());
            let time = median(times.clone());
            let name = format!("{name}, {threads} thread{}", if threads == 1 { "" } else { "s" });
            println!("  {name:<60}{time:>7.0} ns{ratio:>9.2}");
            ratios.push(ratio);
        }
    }
    println!(
        "Medians of {ROUNDS} rounds of {CALLS} calls a thread; the ratio is that to the first line \
         in the same round."
    );
    let goals = [
        (
            ratios[1] <= 1.2 && ratios[7] <= 1.2,
            "a handle: at most 1.2 times, on one thread and two",
        ),
        (ratios[2] <= 2.5 && ratios[8] <= 2.5, "a key: at most 2.5 times, on one thread and two"),
        (ratios[3] <= ratios[1] * 1.1, "a handle costs the same among 1,000,000 grants"),
        (ratios[4] <= ratios[2] * 1.1, "a key costs the same among 1,000,000 grants"),
        (ratios[5] <= ratios[1] * 1.2, "a handle costs the same for 10,000 callers"),
    ];
    for (met, what) in goals {
        goal(met, what);
    }
    for (name, call) in &subjects[1..3] {
        call(0);
        let region = Region::new(ALLOCATOR);
        (0..1000).for_each(call);
        let allocations = region.change().allocations;
        goal(allocations == 0, &format!("{name}: no allocation in 1,000 calls ({allocations})"));
    }
}

fn of_source(source: &TokenSource) {
    drop(std::hint::black_box(ready(source.token())));
}

fn of_key(tokens: &TokenManager, key: &GrantKey) {
    drop(std::hint::black_box(ready(tokens.token(key))));
}

/// Nanoseconds a call, of each round of each subject.
fn measure(subjects: &[(&str, Call<'_>)], threads: usize) -> Vec<Vec<f64>> {
    let mut rounds = vec![Vec::new(); subjects.len()];
    for round in 0..=ROUNDS {
        for turn in 0..subjects.len() {
            // The first in a round may have the caches of the other.
            let which = (round + turn) % subjects.len();
            let time = timed(&subjects[which].1, threads);
            // The first round warms up.
            if round > 0 {
                rounds[which].push(time);
            }
        }
    }
    rounds
}

#[expect(clippy::disallowed_methods, reason = "what is measured is the time")]
fn timed(call: &Call<'_>, threads: usize) -> f64 {
    let start = Barrier::new(threads);
    let longest = thread::scope(|scope| {
        let threads: Vec<_> = (0..threads)
            .map(|_| {
                scope.spawn(|| {
                    start.wait();
                    let began = Instant::now();
                    (0..CALLS).for_each(call);
                    began.elapsed()
                })
            })
            .collect();
        threads.into_iter().map(|it| it.join().expect("no panic")).max().unwrap_or_default()
    });
    longest.as_nanos() as f64 / CALLS as f64
}
