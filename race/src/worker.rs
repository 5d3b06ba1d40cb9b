//! One process of the race.

use std::io::{self, BufRead, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::Duration;

use countersign::{AccessToken, ExposeSecret, Recovery};
use countersign_tokens::{Closed, Event, GrantKey, GrantStore, TokenError, TokenManager};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use crate::Outcome;
use crate::client::{client, hash};
use crate::counted::Counted;
use crate::limits::Limits;
use crate::message::{Answer, Ask, Grant, Message, Setup};
use crate::store::Place;
use crate::time::{Micros, pass};

/// How often a step is tried that other processes or an outage may hold up, and the wait between
/// two tries: longer than the backoff after a failure of the provider.
const TRIES: (u32, Duration) = (160, Duration::from_millis(500));

/// Does what its standard input says, until that ends.
pub(crate) async fn run() -> Outcome {
    die_with_parent();
    let mut lines = io::stdin().lock().lines();
    let setup: Setup = serde_json::from_str(&lines.next().ok_or("no setup was given")??)?;
    drop(lines);
    let mut orders = orders();
    let worker = Arc::new(Worker::new(&setup).await?);
    send(&Message::Ready);
    let mut terminated = signal(SignalKind::terminate())?;
    let asking = async {
        while let Some(ask) = orders.recv().await {
            worker.ask_all(ask).await;
            send(&Message::Done { round: ask.round });
        }
        Ok(())
    };
    tokio::select! {
        ended = asking => ended,
        _ = terminated.recv() => worker.close(setup.limits).await,
    }
}

/// Writes a message to the controller as one whole line.
pub(crate) fn send(message: &Message) {
    let Ok(mut line) = serde_json::to_vec(message) else { return };
    line.push(b'\n');
    let mut out = io::stdout().lock();
    // Without a controller the process ends soon.
    let _ = out.write_all(&line).and_then(|()| out.flush());
}

/// Reads the orders. The process ends when there are no more.
fn orders() -> mpsc::UnboundedReceiver<Ask> {
    let (orders, received) = mpsc::unbounded_channel();
    std::thread::spawn(move || {
        for line in io::stdin().lock().lines().map_while(Result::ok) {
            let Ok(ask) = serde_json::from_str(&line) else { break };
            if orders.send(ask).is_err() {
                break;
            }
        }
        std::process::exit(0);
    });
    received
}

/// Ends this process with the controller. A process that is stopped would not notice the end of
/// its input.
fn die_with_parent() {
    #[cfg(target_os = "linux")]
    {
        use rustix::process::{Signal, set_parent_process_death_signal};
        let _ = set_parent_process_death_signal(Some(Signal::KILL));
    }
}

/// How much longer than a lease closing may take, such as where another process locks the store.
const CLOSING: Duration = Duration::from_secs(20);

struct Worker {
    tokens: TokenManager,
    store: Counted,
    keys: Vec<GrantKey>,
    concurrency: usize,
    retries: bool,
}

impl Worker {
    async fn new(setup: &Setup) -> Outcome<Self> {
        let client = client(setup.provider.clone(), setup.provider_at, setup.limits)?;
        let key = |grant| GrantKey::of(&client, &subject(grant));
        let keys = (0..setup.grants).map(key).collect::<Result<Vec<_>, _>>()?;
        let store = Counted::new(opened(&setup.place).await?, &keys);
        let tokens = setup
            .place
            .manager(client, store.clone())?
            .store_timeout(setup.limits.step)
            .margin(setup.limits.margin)
            // Every refresh of a round is to be that of an expired token.
            .refresh_ahead(0.99)
            .on_event(report)
            .build()?;
        let Setup { concurrency, retries, .. } = *setup;
        Ok(Self { tokens, store, keys, concurrency, retries })
    }

    /// Asks for each grant once, several at a time.
    async fn ask_all(self: &Arc<Self>, ask: Ask) {
        let mut order: Vec<Grant> = (0..self.keys.len()).collect();
        fastrand::Rng::with_seed(ask.order).shuffle(&mut order);
        let (order, next) = (Arc::new(order), Arc::new(AtomicUsize::default()));
        let mut tasks = JoinSet::new();
        for _ in 0..self.concurrency {
            let (worker, order, next) = (Arc::clone(self), Arc::clone(&order), Arc::clone(&next));
            tasks.spawn(async move {
                while let Some(grant) = order.get(next.fetch_add(1, Relaxed)) {
                    worker.ask(*grant, ask.round).await;
                }
            });
        }
        tasks.join_all().await;
    }

    /// Ends as a program does at a deploy.
    async fn close(&self, limits: Limits) -> Outcome {
        let closed = self.tokens.close(limits.lease() + CLOSING).await;
        if closed == Closed::default() { Ok(()) } else { Err(format!("{closed:?}").into()) }
    }

    async fn ask(&self, grant: Grant, round: u32) {
        let Some(key) = self.keys.get(grant) else { return };
        let before = self.store.steps(key);
        self.store.reset(key);
        let began = Micros::now();
        let answered = self.token(key).await;
        let returned = Micros::now();
        let outcome = match answered {
            Ok(token) => Ok(hash(token.expose_secret())),
            Err(error) => Err(kind(&error)),
        };
        // One step of the store finds a token that another process has refreshed already.
        let waited = self.store.steps(key) > before.wrapping_add(1);
        send(&Message::Answer(Answer { grant, round, began, returned, outcome, waited }));
    }

    async fn token(&self, key: &GrantKey) -> Result<AccessToken, TokenError> {
        let (tries, wait) = TRIES;
        for _ in 1..tries {
            match self.tokens.token(key).await {
                Err(error) if self.retries && may_be_retried(&error) => pass(wait).await,
                answered => return answered,
            }
        }
        self.tokens.token(key).await
    }
}

/// Opens the store, which a process that is stopped may have locked for now.
async fn opened(place: &Place) -> Outcome<Arc<dyn GrantStore>> {
    let (tries, wait) = TRIES;
    for _ in 1..tries {
        match place.open().await {
            Ok(store) => return Ok(store),
            Err(_) => pass(wait).await,
        }
    }
    place.open().await
}

/// Returns the subject of a grant, which is the same for all processes.
pub(crate) fn subject(grant: Grant) -> String {
    format!("{grant}")
}

fn may_be_retried(error: &TokenError) -> bool {
    matches!(error.recovery(), Recovery::Retry { .. })
}

fn kind(error: &TokenError) -> String {
    format!("{:?}", error.kind())
}

fn report(event: &Event) {
    let grant = |key: &GrantKey| key.subject().parse::<Grant>().ok();
    let message = match event {
        Event::NeedsReauthorization { key, error } => {
            grant(key).map(|grant| Message::Lost { grant, kind: kind(error) })
        }
        Event::NotStored { key, .. } => {
            grant(key).map(|grant| Message::Unsaved { grant, is_unsaved: true })
        }
        Event::Stored { key } => {
            grant(key).map(|grant| Message::Unsaved { grant, is_unsaved: false })
        }
        _ => None,
    };
    if let Some(message) = message {
        send(&message);
    }
}
