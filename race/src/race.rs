//! The controller: starts the processes, lets grants expire and faults strike, and ends the race.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use countersign_sandbox::Sandbox;
use countersign_tokens::{GrantKey, GrantStore};
use fastrand::Rng;
use tokio::sync::mpsc::{self, UnboundedReceiver, UnboundedSender};

use crate::Outcome;
use crate::args::{Args, Kind, Rotate};
use crate::attempts::Strike;
use crate::client::client;
use crate::evidence::Evidence;
use crate::faults::{FaultKind, Faults};
use crate::grants::{clean, insert, sandbox};
use crate::limits::Limits;
use crate::message::{Ask, Grant, Message, Setup};
use crate::observed::Observed;
use crate::process::{News, Number, Process, Proxies};
use crate::proxy::{Proxy, Traffic};
use crate::report::Report;
use crate::store::Place;
use crate::time::{Micros, pass};

/// How many grants a process asks for at once: without faults, and with faults, each of which may
/// cost all of these grants at a strict provider.
const MANY: usize = 16;
const FEW: usize = 4;

/// The time limit for a process to end.
const END_LIMIT: Duration = Duration::from_secs(60);

/// The time limit for storing the grants that serve from memory, once all faults are over.
const STORED_WITHIN: Duration = Duration::from_secs(20);

#[expect(clippy::disallowed_methods, reason = "the seed, which is printed")]
fn any_seed() -> u64 {
    fastrand::u64(0..1_000_000_000)
}

/// Runs a race to its end. The second value is the error if the report is not as required.
pub(crate) async fn run(args: Args) -> Outcome<(Report, Outcome)> {
    let seed = args.seed.unwrap_or_else(any_seed);
    eprintln!("seed {seed}");
    let limits = Limits::of(&args);
    let folder = tempfile::tempdir()?;
    let place = Place::of(&args, folder.path())?;
    place.prepare().await?;
    let store = place.open().await?;
    let (sandbox, provider) = sandbox(&args, limits).await?;
    // No limit of the race applies to the approval of the grants.
    let generous = Limits { step: Duration::from_secs(30), ..limits };
    let direct = client(provider.clone(), None, generous)?;
    let grants = usize::try_from(args.grants)?;
    let keys = insert(&sandbox, &direct, &place, Arc::clone(&store), grants).await?;
    let (news, events) = mpsc::unbounded_channel();
    let setup = Setup {
        provider,
        provider_at: None,
        place,
        limits,
        grants,
        concurrency: if args.has_faults() { FEW } else { MANY },
        // Within a grace window a process that asks again saves the grant.
        retries: args.rotate == Rotate::Grace,
    };
    let mut race = Race {
        rng: Rng::with_seed(seed),
        limits,
        sandbox,
        setup,
        processes: Vec::new(),
        is_cuttable: args.partition,
        present: Vec::new(),
        ask: None,
        faults: Faults::default(),
        pending: 0,
        observed: Observed::default(),
        fresh: HashMap::new(),
        news,
        events,
        args,
    };
    let ran = race.run(seed, &keys, &*store).await;
    // The store may be one that is in use otherwise.
    let cleaned = clean(&*store, &keys).await;
    let (report, outcome) = ran?;
    cleaned?;
    race.sandbox.stop().await;
    Ok((report, outcome))
}

struct Race {
    args: Args,
    limits: Limits,
    rng: Rng,
    sandbox: Sandbox,
    setup: Setup,
    /// All processes of the race, by their numbers.
    processes: Vec<Process>,
    /// Whether new processes get proxies.
    is_cuttable: bool,
    /// The processes that run, by their index.
    present: Vec<Number>,
    /// The order of the round.
    ask: Option<Ask>,
    faults: Faults,
    /// How many faults are about to strike or to end.
    pending: usize,
    observed: Observed,
    /// The answers of the last process.
    fresh: HashMap<Grant, Result<String, String>>,
    news: UnboundedSender<(Number, News)>,
    events: UnboundedReceiver<(Number, News)>,
}

impl Race {
    async fn run(
        &mut self,
        seed: u64,
        keys: &[GrantKey],
        store: &dyn GrantStore,
    ) -> Outcome<(Report, Outcome)> {
        for index in 0..usize::from(self.args.processes) {
            let number = self.start(index).await?;
            self.present.push(number);
        }
        let has_server = self.setup.place.server().is_ok_and(|it| it.is_some());
        for round in 1..=self.args.expiries {
            self.let_expire().await?;
            let order = self.rng.u64(..);
            self.faults = Faults::of_round(&mut self.rng, &self.args, self.limits, has_server);
            self.ask_all(Ask { round, order }).await?;
            let is_over = |race: &Self| race.present().all(|it| it.done >= round || it.is_paused());
            let limit = self.limits.round(&self.args);
            self.until(is_over, limit, &format!("round {round}")).await?;
        }
        self.heal().await?;
        let before = self.sandbox.grants();
        self.end().await?;
        self.ask_a_fresh_one().await?;
        let evidence = Evidence {
            seed,
            args: &self.args,
            limits: self.limits,
            observed: &self.observed,
            fresh: &self.fresh,
            before: &before,
            sandbox: &self.sandbox,
        };
        evidence.evaluate(keys, store).await
    }

    fn present(&self) -> impl Iterator<Item = &Process> {
        self.present.iter().filter_map(|number| self.processes.get(*number))
    }

    async fn start(&mut self, index: usize) -> Outcome<Number> {
        let number = self.processes.len();
        let mut proxies = Proxies::default();
        let mut setup = self.setup.clone();
        if self.is_cuttable {
            if let Some(server) = setup.place.server()? {
                let proxy = Proxy::start(server).await?;
                setup.place = setup.place.through(proxy.address.port())?;
                proxies.store = Some(proxy);
            }
            let origin = url::Url::parse(self.sandbox.origin())?;
            let (host, port) = (origin.host_str().unwrap_or_default(), origin.port());
            let proxy = Proxy::start((host.to_owned(), port.unwrap_or_default())).await?;
            setup.provider_at = Some(proxy.address);
            proxies.provider = Some(proxy);
        }
        let process = Process::start(number, index, &setup, proxies, self.news.clone()).await?;
        self.processes.push(process);
        Ok(number)
    }

    async fn ask_all(&mut self, ask: Ask) -> Outcome {
        self.ask = Some(ask);
        for number in self.present.clone() {
            if let Some(process) = self.processes.get_mut(number) {
                process.ask(ask).await?;
            }
        }
        Ok(())
    }

    /// Waits until every access token has expired.
    async fn let_expire(&mut self) -> Outcome {
        // A process that was stopped may refresh a grant meanwhile.
        for _ in 0..3 {
            let ends = self.sandbox.access_token_ends(str::to_owned).into_values().max();
            let left = ends.unwrap_or_default().saturating_sub(self.sandbox.now());
            if left.is_zero() {
                break;
            }
            self.for_a_while(left + Duration::from_millis(5)).await?;
        }
        Ok(())
    }

    /// Waits for the end of all faults, and for late answers to be stored.
    async fn heal(&mut self) -> Outcome {
        self.faults = Faults::default();
        let last = self.args.expiries;
        let is_over = |race: &Self| race.pending == 0 && race.present().all(|it| it.done >= last);
        let limit = self.limits.round(&self.args);
        self.until(is_over, limit, "the last round").await?;
        if self.args.has_faults() {
            self.for_a_while(self.limits.lease()).await?;
            // No event reports an answer that was superseded, so the time limit is no failure.
            let is_stored = |race: &Self| race.observed.unsaved.is_empty();
            let _ = self.until(is_stored, STORED_WITHIN, "storing").await;
        }
        Ok(())
    }

    /// Ends all processes.
    async fn end(&mut self) -> Outcome {
        // Messages that are in flight count.
        self.for_a_while(Duration::from_millis(50)).await?;
        for process in &mut self.processes {
            tokio::time::timeout(END_LIMIT, process.end()).await??;
        }
        self.present.clear();
        Ok(())
    }

    /// Asks a process that has nothing in memory for the token of every grant.
    async fn ask_a_fresh_one(&mut self) -> Outcome {
        self.let_expire().await?;
        self.is_cuttable = false;
        self.setup.retries = true;
        let number = self.start(0).await?;
        self.present.push(number);
        let round = self.args.expiries + 1;
        self.ask_all(Ask { round, order: 0 }).await?;
        let is_over = |race: &Self| race.present().all(|it| it.done >= round);
        let limit = self.limits.round(&self.args);
        self.until(is_over, limit, "the fresh process").await?;
        self.end().await
    }

    /// Handles what happens until `is_over`.
    async fn until(
        &mut self,
        is_over: impl Fn(&Self) -> bool,
        limit: Duration,
        what: &str,
    ) -> Outcome {
        let mut elapsed = Box::pin(pass(limit));
        while !is_over(self) {
            tokio::select! {
                Some((number, news)) = self.events.recv() => self.handle(number, news).await?,
                () = &mut elapsed => return Err(format!("{what} did not end in {limit:?}").into()),
            }
        }
        Ok(())
    }

    /// Handles what happens in the next `time`.
    async fn for_a_while(&mut self, time: Duration) -> Outcome {
        let mut elapsed = Box::pin(pass(time));
        loop {
            tokio::select! {
                Some((number, news)) = self.events.recv() => self.handle(number, news).await?,
                () = &mut elapsed => return Ok(()),
            }
        }
    }

    async fn handle(&mut self, number: Number, news: News) -> Outcome {
        match news {
            News::Message(message) => self.received(number, message),
            News::Ended => match self.processes.get_mut(number) {
                Some(process) if process.is_alive() && process.is_closing() => {
                    let index = process.index;
                    process.end().await?;
                    self.pending -= 1;
                    self.replace(number, index).await?;
                }
                Some(process) if process.is_alive() => {
                    return Err("a process ended by itself".into());
                }
                _ => {}
            },
            News::Struck(kind) => {
                self.pending -= 1;
                self.strike(number, kind).await?;
            }
            News::Resumes => {
                self.pending -= 1;
                if let Some(process) = self.processes.get_mut(number) {
                    process.resume()?;
                }
                self.healed(number, |kind| matches!(kind, FaultKind::Pause(_)));
            }
            News::Heals(link) => {
                self.pending -= 1;
                if let Some(process) = self.processes.get(number) {
                    process.set(link, Traffic::Open);
                }
                self.healed(number, |kind| matches!(kind, FaultKind::Cut(it, ..) if *it == link));
            }
        }
        Ok(())
    }

    fn received(&mut self, number: Number, message: Message) {
        let round = self.ask.map_or(0, |ask| ask.round);
        let last = self.args.expiries;
        // The refreshes of a process without memory begin with a load.
        let has_memory = (2..=last).contains(&round);
        self.observed.note(number, &message, has_memory);
        let Some(process) = self.processes.get_mut(number) else { return };
        match message {
            Message::Answer(answer) if answer.round > last => {
                self.fresh.insert(answer.grant, answer.outcome);
            }
            Message::Answer(answer) => {
                let was_paused = if self.args.store == Kind::File {
                    // The steps of others wait for the lock of a process that is stopped.
                    self.processes.iter().any(|it| it.was_paused_in(&answer))
                } else {
                    process.was_paused_in(&answer)
                };
                self.observed.answered(number, answer, was_paused);
            }
            Message::Done { round } => process.done = round,
            Message::At { point, .. } if process.is_alive() => {
                for fault in self.faults.take(process.index, point) {
                    self.later(number, fault.after, News::Struck(fault.kind));
                }
            }
            _ => {}
        }
    }

    fn later(&mut self, number: Number, after: Duration, happens: News) {
        self.pending += 1;
        let news = self.news.clone();
        tokio::spawn(async move {
            pass(after).await;
            let _ = news.send((number, happens));
        });
    }

    async fn strike(&mut self, number: Number, kind: FaultKind) -> Outcome {
        let Some(process) = self.processes.get_mut(number).filter(|it| it.is_alive()) else {
            return Ok(());
        };
        if process.is_closing() || matches!(kind, FaultKind::Pause(_)) && process.is_paused() {
            return Ok(());
        }
        let round = self.ask.map_or(0, |ask| ask.round);
        eprintln!("round {round}, process {number}: {kind:?}");
        let (from, until) = (Micros::now(), None);
        self.observed.strikes.push(Strike { process: number, round, kind, from, until });
        match kind {
            FaultKind::Kill => {
                let index = process.index;
                process.kill().await?;
                self.replace(number, index).await?;
            }
            FaultKind::Close => {
                self.pending += 1;
                process.close()?;
            }
            FaultKind::Pause(time) => {
                process.pause()?;
                self.later(number, time, News::Resumes);
            }
            FaultKind::Cut(link, mode, time) => {
                process.set(link, Traffic::Cut(mode));
                self.later(number, time, News::Heals(link));
            }
        }
        Ok(())
    }

    /// Starts another process in the place of one that has ended.
    async fn replace(&mut self, number: Number, index: usize) -> Outcome {
        self.observed.gone(number);
        let next = self.start(index).await?;
        if let Some(present) = self.present.get_mut(index) {
            *present = next;
        }
        if let (Some(ask), Some(process)) = (self.ask, self.processes.get_mut(next)) {
            process.ask(ask).await?;
        }
        Ok(())
    }

    /// Notes the end of the faults of a process.
    fn healed(&mut self, number: Number, is_it: impl Fn(&FaultKind) -> bool) {
        let strikes = self.observed.strikes.iter_mut().filter(|it| it.process == number);
        for strike in strikes.filter(|it| it.until.is_none() && is_it(&it.kind)) {
            strike.until = Some(Micros::now());
        }
    }
}
