//! One process of the race.

use std::io::{self, BufRead, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::Duration;

use countersign::{AccessToken, ExposeSecret, Recovery};
use countersign_tokens::{Event, GrantKey, GrantStore, TokenError, TokenManager, TokioExecutor};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use crate::Outcome;
use crate::client::{client, hash};
use crate::counted::Counted;
use crate::message::{Answer, Ask, Grant, Said, Setup};
use crate::store::Place;
use crate::time::{Micros, pass};

/// How often something is tried that may be in somebody's way, and how long is waited between:
/// longer than a provider that failed is left alone.
const PATIENCE: (u32, Duration) = (160, Duration::from_millis(500));

/// Does what its standard input says, until that ends.
pub(crate) async fn run() -> Outcome {
    die_with_parent();
    let mut lines = io::stdin().lock().lines();
    let setup: Setup = serde_json::from_str(&lines.next().ok_or("no setup was given")??)?;
    drop(lines);
    let mut orders = orders();
    let worker = Arc::new(Worker::new(&setup).await?);
    say(&Said::Ready);
    while let Some(ask) = orders.recv().await {
        worker.ask_all(ask).await;
        say(&Said::Done { round: ask.round });
    }
    Ok(())
}

/// Says a line to the controller, whole.
pub(crate) fn say(said: &Said) {
    let Ok(mut line) = serde_json::to_vec(said) else { return };
    line.push(b'\n');
    let mut out = io::stdout().lock();
    // Without a controller there is nobody to tell, and the end is near.
    let _ = out.write_all(&line).and_then(|()| out.flush());
}

/// The orders; when there is nobody to give any more, the process ends.
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

/// So that a process that is stopped does not outlive the controller, whose end it would not see.
fn die_with_parent() {
    #[cfg(target_os = "linux")]
    {
        use rustix::process::{Signal, set_parent_process_death_signal};
        let _ = set_parent_process_death_signal(Some(Signal::KILL));
    }
}

struct Worker {
    tokens: TokenManager,
    store: Counted,
    keys: Vec<GrantKey>,
    crowd: usize,
    is_patient: bool,
}

impl Worker {
    async fn new(setup: &Setup) -> Outcome<Self> {
        let client = client(setup.provider.clone(), setup.provider_at, setup.limits)?;
        let key = |grant| GrantKey::of(&client, &subject(grant));
        let keys = (0..setup.grants).map(key).collect::<Result<Vec<_>, _>>()?;
        let store = Counted::new(opened(&setup.place).await?, &keys);
        let tokens = TokenManager::builder(client, store.clone())
            .executor(TokioExecutor::current()?)
            .store_timeout(setup.limits.step)
            .margin(setup.limits.margin)
            // A round is to have refreshes of tokens that have ended, and no others.
            .refresh_ahead(0.99)
            .on_event(tell)
            .build()?;
        let Setup { crowd, is_patient, .. } = *setup;
        Ok(Self { tokens, store, keys, crowd, is_patient })
    }

    /// Asks for each grant once, some at a time.
    async fn ask_all(self: &Arc<Self>, ask: Ask) {
        let mut order: Vec<Grant> = (0..self.keys.len()).collect();
        fastrand::Rng::with_seed(ask.order).shuffle(&mut order);
        let (order, next) = (Arc::new(order), Arc::new(AtomicUsize::default()));
        let mut crowd = JoinSet::new();
        for _ in 0..self.crowd {
            let (worker, order, next) = (Arc::clone(self), Arc::clone(&order), Arc::clone(&next));
            crowd.spawn(async move {
                while let Some(grant) = order.get(next.fetch_add(1, Relaxed)) {
                    worker.ask(*grant, ask.round).await;
                }
            });
        }
        crowd.join_all().await;
    }

    async fn ask(&self, grant: Grant, round: u32) {
        let Some(key) = self.keys.get(grant) else { return };
        let before = self.store.begins(key);
        self.store.take_off(key);
        let began = Micros::now();
        let answered = self.token(key).await;
        let returned = Micros::now();
        let outcome = match answered {
            Ok(token) => Ok(hash(token.expose_secret())),
            Err(error) => Err(kind(&error)),
        };
        let waited = self.store.begins(key) != before;
        say(&Said::Answer(Answer { grant, round, began, returned, outcome, waited }));
    }

    async fn token(&self, key: &GrantKey) -> Result<AccessToken, TokenError> {
        let (tries, wait) = PATIENCE;
        for _ in 1..tries {
            match self.tokens.token(key).await {
                Err(error) if self.is_patient && may_be_retried(&error) => pass(wait).await,
                answered => return answered,
            }
        }
        self.tokens.token(key).await
    }
}

/// The store, which a process that is stopped may have locked for now.
async fn opened(place: &Place) -> Outcome<Arc<dyn GrantStore>> {
    let (tries, wait) = PATIENCE;
    for _ in 1..tries {
        match place.open().await {
            Ok(store) => return Ok(store),
            Err(_) => pass(wait).await,
        }
    }
    place.open().await
}

/// The subject of a grant, by which all processes know it.
pub(crate) fn subject(grant: Grant) -> String {
    format!("{grant}")
}

fn may_be_retried(error: &TokenError) -> bool {
    matches!(error.recovery(), Recovery::Retry { .. })
}

fn kind(error: &TokenError) -> String {
    format!("{:?}", error.kind())
}

fn tell(event: &Event) {
    let grant = |key: &GrantKey| key.subject().parse::<Grant>().ok();
    let said = match event {
        Event::NeedsReauthorization { key, error } => {
            grant(key).map(|grant| Said::Lost { grant, kind: kind(error) })
        }
        Event::NotStored { key, .. } => {
            grant(key).map(|grant| Said::Unsaved { grant, is_it: true })
        }
        Event::Stored { key } => grant(key).map(|grant| Said::Unsaved { grant, is_it: false }),
        _ => None,
    };
    if let Some(said) = said {
        say(&said);
    }
}
