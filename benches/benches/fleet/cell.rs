//! One line of the table: a fleet of one size.

use std::time::Duration;

use countersign_benches::report::median;
use tokio::runtime::Runtime;

use crate::Outcome;
use crate::args::{Args, Size};
use crate::message::{Setup, Steps, Subject, Turn};
use crate::process::Process;
use crate::server::Server;

/// How long each subject runs before it counts, to open connections and prepare statements.
const WARM_UP: Duration = Duration::from_millis(500);

/// The measurement of both subjects.
pub(crate) struct Cell {
    pub(crate) ours: Cost,
    pub(crate) bare: Cost,
    /// The ratio of refreshes a second, in the same round.
    pub(crate) ratio: f64,
    pub(crate) steps: Steps,
    pub(crate) refreshes: u64,
    /// The first refreshes of their grants.
    pub(crate) firsts: u64,
}

/// The medians of all rounds.
pub(crate) struct Cost {
    pub(crate) a_second: f64,
    /// Microseconds of CPU time for each refresh, of all processes together and of the server.
    pub(crate) clients: f64,
    pub(crate) server: Option<f64>,
}

/// One turn of the whole fleet.
struct Took {
    a_second: f64,
    clients: f64,
    server: Option<f64>,
    refreshes: u64,
    firsts: u64,
    steps: Steps,
}

pub(crate) fn measure(
    args: &Args,
    size: Size,
    server: &Server,
    runtime: &Runtime,
) -> Outcome<Cell> {
    let mut fleet = Fleet::start(args, size, server, runtime)?;
    for subject in [Subject::Ours, Subject::Bare] {
        fleet.turn(subject, WARM_UP)?;
    }
    let (mut ours, mut bare) = (Vec::new(), Vec::new());
    for round in 0..args.rounds {
        // The first in a round may have the caches of the other.
        let order = [Subject::Ours, Subject::Bare];
        for turn in 0..order.len() {
            let subject = order[(round + turn) % order.len()];
            let took = fleet.turn(subject, args.turn)?;
            match subject {
                Subject::Ours => ours.push(took),
                Subject::Bare => bare.push(took),
            }
        }
    }
    let ratios = ours.iter().zip(&bare).map(|(ours, bare)| ours.a_second / bare.a_second);
    Ok(Cell {
        ratio: median(ratios.collect()),
        steps: ours.iter().fold(Steps::default(), |sum, it| sum.and(it.steps)),
        refreshes: ours.iter().map(|it| it.refreshes).sum(),
        firsts: ours.iter().map(|it| it.firsts).sum(),
        ours: Cost::of(&ours),
        bare: Cost::of(&bare),
    })
}

impl Cost {
    fn of(rounds: &[Took]) -> Self {
        let of = |value: fn(&Took) -> f64| median(rounds.iter().map(value).collect());
        let server: Option<Vec<f64>> = rounds.iter().map(|it| it.server).collect();
        Self {
            a_second: of(|it| it.a_second),
            clients: of(|it| it.clients),
            server: server.map(median),
        }
    }
}

struct Fleet<'a> {
    processes: Vec<Process>,
    server: &'a Server,
    runtime: &'a Runtime,
}

impl<'a> Fleet<'a> {
    fn start(args: &Args, size: Size, server: &'a Server, runtime: &'a Runtime) -> Outcome<Self> {
        let setup = |process| Setup {
            kind: server.kind(),
            url: server.url().to_owned(),
            process,
            processes: size.processes,
            tasks: args.tasks,
            grants: size.grants,
        };
        let processes = (0..size.processes).map(|it| Process::start(&setup(it)));
        let mut fleet = Self { processes: processes.collect::<Outcome<_>>()?, server, runtime };
        for process in &mut fleet.processes {
            process.done()?;
        }
        Ok(fleet)
    }

    fn turn(&mut self, subject: Subject, time: Duration) -> Outcome<Took> {
        let turn = Turn { subject, micros: u64::try_from(time.as_micros())? };
        let before = self.runtime.block_on(self.server.microseconds());
        for process in &mut self.processes {
            process.give(turn)?;
        }
        let done: Vec<_> = self.processes.iter_mut().map(Process::done).collect::<Outcome<_>>()?;
        let after = self.runtime.block_on(self.server.microseconds());
        let refreshes: u64 = done.iter().map(|it| it.refreshes).sum();
        let each = |sum: f64| sum / refreshes as f64;
        Ok(Took {
            a_second: done.iter().map(|it| it.refreshes as f64 / it.micros * 1e6).sum(),
            clients: each(done.iter().map(|it| it.cpu).sum()),
            server: before.zip(after).map(|(before, after)| each(after - before)),
            refreshes,
            firsts: done.iter().map(|it| it.firsts).sum(),
            steps: done.iter().fold(Steps::default(), |sum, it| sum.and(it.steps)),
        })
    }
}
