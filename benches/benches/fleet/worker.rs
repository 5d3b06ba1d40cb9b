//! One process of the fleet.

use std::future::Future;
use std::io::{self, BufRead, Write};
use std::sync::Arc;
use std::time::{Duration, Instant};

use countersign_benches::cpu;
use countersign_tokens::GrantStore;
use tokio::runtime::Runtime;
use tokio::task::JoinSet;

use crate::Outcome;
use crate::bare::{Bare, Records};
use crate::common::manager;
use crate::counted::Counted;
use crate::message::{Done, Setup, Subject, Turn};
use crate::ours::{Ours, at_once, key};

/// By which the program starts itself.
pub(crate) const ARGUMENT: &str = "worker";

/// What one task in flight does, again and again.
pub(crate) trait Lane: Send + 'static {
    /// Refreshes one grant. Returns whether that was the first refresh of the grant by this process.
    fn refresh(&mut self) -> impl Future<Output = Outcome<bool>> + Send;
}

/// Does what its standard input says, until that ends.
pub(crate) fn run() -> Outcome {
    let mut lines = io::stdin().lock().lines();
    let setup: Setup = serde_json::from_str(&lines.next().ok_or("no setup was given")??)?;
    // As many threads as there are processors, as a program's runtime has.
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let mut worker = runtime.block_on(Worker::new(&setup))?;
    say(&Done::default())?;
    for line in lines {
        say(&worker.turn(&runtime, serde_json::from_str(&line?)?)?)?;
    }
    Ok(())
}

fn say(done: &Done) -> Outcome {
    let mut out = io::stdout().lock();
    writeln!(out, "{}", serde_json::to_string(done)?)?;
    Ok(out.flush()?)
}

struct Worker {
    store: Counted,
    ours: Vec<Ours>,
    bare: Vec<Bare>,
}

impl Worker {
    async fn new(setup: &Setup) -> Outcome<Self> {
        let client = at_once();
        let store = Counted::new(setup.kind.open(&setup.url).await?);
        let mut ways = setup.kind.ways(&setup.url, setup.tasks).await?;
        let tokens = manager(client.clone(), store.clone());
        let loaded = store.load(&key(&client, 0)).await?;
        let records = Records::of(&client, &loaded.record.ok_or("there are no grants")?)?;
        let records = Arc::new(records);
        // No two tasks of the fleet meet at one grant.
        let tasks = setup.processes * setup.tasks;
        let lanes = (0..setup.tasks).map(|it| setup.process * setup.tasks + it);
        let (mut ours, mut bare) = (Vec::new(), Vec::new());
        for lane in lanes {
            let grants = || (lane..setup.grants).step_by(tasks);
            let random = fastrand::Rng::with_seed(lane as u64);
            ours.push(Ours::new(&tokens, &client, grants(), random.clone()));
            let way = ways.pop().ok_or("there is a way for each task")?;
            bare.push(Bare::new(way, &client, grants(), &records, random));
        }
        Ok(Self { store, ours, bare })
    }

    fn turn(&mut self, runtime: &Runtime, turn: Turn) -> Outcome<Done> {
        let time = Duration::from_micros(turn.micros);
        let before = cpu::microseconds().unwrap_or_default();
        self.store.take();
        let ((refreshes, firsts), took) = match turn.subject {
            Subject::Ours => runtime.block_on(go_on(&mut self.ours, time))?,
            Subject::Bare => runtime.block_on(go_on(&mut self.bare, time))?,
        };
        let cpu = cpu::microseconds().unwrap_or_default() - before;
        let micros = took.as_secs_f64() * 1e6;
        Ok(Done { refreshes, firsts, micros, cpu, steps: self.store.take() })
    }
}

/// Lets all lanes refresh until the time is over. Returns the number of refreshes, how many of them
/// were first ones, and the time until the last refresh had ended.
#[expect(clippy::disallowed_methods, reason = "what is measured is the time")]
async fn go_on<L: Lane>(lanes: &mut Vec<L>, time: Duration) -> Outcome<((u64, u64), Duration)> {
    let began = Instant::now();
    let mut tasks = JoinSet::new();
    for mut lane in lanes.drain(..) {
        tasks.spawn(async move {
            let (mut refreshes, mut firsts) = (0, 0);
            while began.elapsed() < time {
                firsts += u64::from(lane.refresh().await?);
                refreshes += 1;
            }
            Outcome::Ok((lane, refreshes, firsts))
        });
    }
    let (mut refreshes, mut firsts) = (0, 0);
    while let Some(ended) = tasks.join_next().await {
        let (lane, count, first) = ended??;
        lanes.push(lane);
        refreshes += count;
        firsts += first;
    }
    Ok(((refreshes, firsts), began.elapsed()))
}
