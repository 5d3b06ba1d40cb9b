//! The controller: starts everything, lets grants expire and faults strike, and ends it all.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use countersign_sandbox::Sandbox;
use countersign_tokens::{GrantKey, GrantStore};
use fastrand::Rng;
use tokio::sync::mpsc::{self, UnboundedReceiver, UnboundedSender};

use crate::Outcome;
use crate::adopt::{adopt, clean, sandbox};
use crate::args::{Args, Kind, Rotate};
use crate::client::client;
use crate::faults::{Deed, Faults};
use crate::judge::Evidence;
use crate::ledger::Ledger;
use crate::limits::Limits;
use crate::message::{Ask, Grant, Said, Setup};
use crate::process::{News, Number, Process, Ways};
use crate::proxy::{Proxy, Way};
use crate::report::Report;
use crate::store::Place;
use crate::time::pass;

/// How many grants a process asks for at once. A fault may cost a strict provider's clients all of
/// them, and a race without grants is none.
const MANY: usize = 16;
const FEW: usize = 4;

/// How long processes may take to start, and to end.
const PATIENCE: Duration = Duration::from_secs(60);

/// How long grants that are in memory alone may take to be stored when nothing is in the way.
const STORED_WITHIN: Duration = Duration::from_secs(20);

/// Runs a race to its end; the second of the two says whether what came out is as it has to be.
pub(crate) async fn run(args: Args) -> Outcome<(Report, Outcome)> {
    let seed = args.seed.unwrap_or_else(|| fastrand::u64(0..1_000_000_000));
    eprintln!("seed {seed}");
    let limits = Limits::of(&args);
    let folder = tempfile::tempdir()?;
    let place = Place::of(&args, folder.path())?;
    place.prepare().await?;
    let store = place.open().await?;
    let (sandbox, provider) = sandbox(&args, limits).await?;
    // The grants are approved without hurry.
    let unhurried = Limits { step: Duration::from_secs(30), ..limits };
    let direct = client(provider.clone(), None, unhurried)?;
    let grants = usize::try_from(args.grants)?;
    let keys = adopt(&sandbox, &direct, Arc::clone(&store), grants).await?;
    let (news, received) = mpsc::unbounded_channel();
    let setup = Setup {
        provider,
        provider_at: None,
        place,
        limits,
        grants,
        crowd: if args.has_faults() { FEW } else { MANY },
        // Within a grace a grant is saved by whoever asks again in time.
        is_patient: args.rotate == Rotate::Grace,
    };
    let mut race = Race {
        rng: Rng::with_seed(seed),
        limits,
        sandbox,
        setup,
        processes: Vec::new(),
        is_cuttable: args.partition,
        seats: Vec::new(),
        ask: None,
        faults: Faults::default(),
        pending: 0,
        struck: 0,
        ledger: Ledger::default(),
        fresh: HashMap::new(),
        news,
        received,
        args,
    };
    let ran = race.run(seed, &keys, &*store).await;
    // Whatever came of it, a store of somebody's own is left as it was.
    let cleaned = clean(&*store, &keys).await;
    let (report, verdict) = ran?;
    cleaned?;
    race.sandbox.stop().await;
    Ok((report, verdict))
}

struct Race {
    args: Args,
    limits: Limits,
    rng: Rng,
    sandbox: Sandbox,
    setup: Setup,
    /// All that there were, by their numbers.
    processes: Vec<Process>,
    /// Whether their ways can be cut.
    is_cuttable: bool,
    /// Those that there are.
    seats: Vec<Number>,
    /// What they are asked for.
    ask: Option<Ask>,
    faults: Faults,
    /// What is still to happen by itself.
    pending: usize,
    struck: u64,
    ledger: Ledger,
    /// What the last process was answered.
    fresh: HashMap<Grant, Result<String, String>>,
    news: UnboundedSender<(Number, News)>,
    received: UnboundedReceiver<(Number, News)>,
}

impl Race {
    async fn run(
        &mut self,
        seed: u64,
        keys: &[GrantKey],
        store: &dyn GrantStore,
    ) -> Outcome<(Report, Outcome)> {
        for seat in 0..usize::from(self.args.processes) {
            let number = self.start(seat).await?;
            self.seats.push(number);
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
            ledger: &self.ledger,
            fresh: &self.fresh,
            struck: self.struck,
            before: &before,
            sandbox: &self.sandbox,
        };
        evidence.judged(keys, store).await
    }

    fn present(&self) -> impl Iterator<Item = &Process> {
        self.seats.iter().filter_map(|number| self.processes.get(*number))
    }

    async fn start(&mut self, seat: usize) -> Outcome<Number> {
        let number = self.processes.len();
        let mut ways = Ways::default();
        let mut setup = self.setup.clone();
        if self.is_cuttable {
            if let Some(server) = setup.place.server()? {
                let proxy = Proxy::start(server).await?;
                setup.place = setup.place.through(proxy.address.port())?;
                ways.store = Some(proxy);
            }
            let origin = url::Url::parse(self.sandbox.origin())?;
            let (host, port) = (origin.host_str().unwrap_or_default(), origin.port());
            let proxy = Proxy::start((host.to_owned(), port.unwrap_or_default())).await?;
            setup.provider_at = Some(proxy.address);
            ways.provider = Some(proxy);
        }
        let process = Process::start(number, seat, &setup, ways, self.news.clone()).await?;
        self.processes.push(process);
        Ok(number)
    }

    async fn ask_all(&mut self, ask: Ask) -> Outcome {
        self.ask = Some(ask);
        for number in self.seats.clone() {
            if let Some(process) = self.processes.get_mut(number) {
                process.ask(ask).await?;
            }
        }
        Ok(())
    }

    /// Waits until every access token has ended.
    async fn let_expire(&mut self) -> Outcome {
        // A process that was stopped may refresh one meanwhile; that is not waited for for ever.
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

    /// Lets what struck pass by, and what is late be stored.
    async fn heal(&mut self) -> Outcome {
        self.faults = Faults::default();
        let last = self.args.expiries;
        let is_over = |race: &Self| race.pending == 0 && race.present().all(|it| it.done >= last);
        let limit = self.limits.round(&self.args);
        self.until(is_over, limit, "the last round").await?;
        if self.args.has_faults() {
            self.for_a_while(self.limits.lease()).await?;
            // A save that is superseded is given up without a word: no reason to fail.
            let is_stored = |race: &Self| race.ledger.unsaved.is_empty();
            let _ = self.until(is_stored, STORED_WITHIN, "storing").await;
        }
        Ok(())
    }

    /// Ends all processes.
    async fn end(&mut self) -> Outcome {
        // What they have said by now counts.
        self.for_a_while(Duration::from_millis(50)).await?;
        for process in &mut self.processes {
            tokio::time::timeout(PATIENCE, process.end()).await??;
        }
        self.seats.clear();
        Ok(())
    }

    /// What is left is what a process finds that knows nothing.
    async fn ask_a_fresh_one(&mut self) -> Outcome {
        self.let_expire().await?;
        self.is_cuttable = false;
        self.setup.is_patient = true;
        let number = self.start(0).await?;
        self.seats.push(number);
        let round = self.args.expiries + 1;
        self.ask_all(Ask { round, order: 0 }).await?;
        let is_over = |race: &Self| race.present().all(|it| it.done >= round);
        let limit = self.limits.round(&self.args);
        self.until(is_over, limit, "the fresh process").await?;
        self.end().await
    }

    /// Attends to whatever happens until `is_over`.
    async fn until(
        &mut self,
        is_over: impl Fn(&Self) -> bool,
        limit: Duration,
        what: &str,
    ) -> Outcome {
        let mut elapsed = Box::pin(pass(limit));
        while !is_over(self) {
            tokio::select! {
                Some((number, news)) = self.received.recv() => self.attend(number, news).await?,
                () = &mut elapsed => return Err(format!("{what} did not end in {limit:?}").into()),
            }
        }
        Ok(())
    }

    /// Attends to whatever happens meanwhile.
    async fn for_a_while(&mut self, time: Duration) -> Outcome {
        let mut elapsed = Box::pin(pass(time));
        loop {
            tokio::select! {
                Some((number, news)) = self.received.recv() => self.attend(number, news).await?,
                () = &mut elapsed => return Ok(()),
            }
        }
    }

    async fn attend(&mut self, number: Number, news: News) -> Outcome {
        match news {
            News::Said(said) => self.said(number, said),
            News::Ended => {
                let is_alive = self.processes.get(number).is_some_and(Process::is_alive);
                if is_alive {
                    return Err("a process ended by itself".into());
                }
            }
            News::Struck(deed) => {
                self.pending -= 1;
                self.strike(number, deed).await?;
            }
            News::Resumes => {
                self.pending -= 1;
                if let Some(process) = self.processes.get_mut(number) {
                    process.resume()?;
                }
            }
            News::Heals(end) => {
                self.pending -= 1;
                if let Some(process) = self.processes.get(number) {
                    process.set(end, Way::Open);
                }
            }
        }
        Ok(())
    }

    fn said(&mut self, number: Number, said: Said) {
        self.ledger.note(number, &said);
        let last = self.args.expiries;
        let Some(process) = self.processes.get_mut(number) else { return };
        match said {
            Said::Answer(answer) if answer.round > last => {
                self.fresh.insert(answer.grant, answer.outcome);
            }
            Said::Answer(answer) => {
                let was_paused = if self.args.store == Kind::File {
                    // A process that is stopped in a step has its lock, and steps block.
                    self.processes.iter().any(|it| it.was_paused_in(&answer))
                } else {
                    process.was_paused_in(&answer)
                };
                self.ledger.answered(number, answer, was_paused);
            }
            Said::Done { round } => process.done = round,
            Said::At(point, _) if process.is_alive() => {
                for fault in self.faults.at(process.seat, point) {
                    self.later(number, fault.after, News::Struck(fault.deed));
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

    async fn strike(&mut self, number: Number, deed: Deed) -> Outcome {
        let Some(process) = self.processes.get_mut(number).filter(|it| it.is_alive()) else {
            return Ok(());
        };
        let round = self.ask.map_or(0, |ask| ask.round);
        eprintln!("round {round}, process {number}: {deed:?}");
        match deed {
            Deed::Kill => {
                let seat = process.seat;
                process.kill().await?;
                self.ledger.gone(number);
                let next = self.start(seat).await?;
                if let Some(place) = self.seats.get_mut(seat) {
                    *place = next;
                }
                if let (Some(ask), Some(process)) = (self.ask, self.processes.get_mut(next)) {
                    process.ask(ask).await?;
                }
            }
            Deed::Pause(_) if process.is_paused() => return Ok(()),
            Deed::Pause(time) => {
                process.pause()?;
                self.later(number, time, News::Resumes);
            }
            Deed::Cut(end, manner, time) => {
                process.set(end, Way::Cut(manner));
                self.later(number, time, News::Heals(end));
            }
        }
        self.struck += 1;
        Ok(())
    }
}
