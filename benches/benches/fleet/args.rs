//! What is to be measured.

use std::str::FromStr;
use std::time::Duration;

use crate::Outcome;
use crate::server::Kind;

pub(crate) struct Args {
    pub(crate) stores: Vec<Kind>,
    pub(crate) sizes: Vec<Size>,
    /// How many refreshes each process has in flight.
    pub(crate) tasks: usize,
    /// How long each subject's turn is.
    pub(crate) turn: Duration,
    pub(crate) rounds: usize,
}

/// How large a fleet is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Size {
    pub(crate) processes: usize,
    pub(crate) grants: usize,
}

/// The size that has a goal.
pub(crate) const GOAL: Size = Size { processes: 8, grants: 1000 };

const PROCESSES: [usize; 5] = [1, 2, 4, 8, 16];
const GRANTS: [usize; 3] = [10_000, 100_000, 1_000_000];

impl Args {
    /// Reads the arguments. Returns `None` if they ask for another benchmark. Unknown options are
    /// those of other benchmarks.
    pub(crate) fn read(args: &[String]) -> Outcome<Option<Self>> {
        let is_other = |arg: &String| !arg.starts_with('-') && !"fleet".contains(arg.as_str());
        if !args.iter().any(|arg| arg == "--bench") || args.first().is_some_and(is_other) {
            return Ok(None);
        }
        let stores = list(args, "--store")?.unwrap_or_else(|| Kind::ALL.to_vec());
        let sizes = match (list(args, "--processes")?, list(args, "--grants")?) {
            (None, None) => every_size(),
            (processes, grants) => {
                let processes = processes.unwrap_or_else(|| vec![GOAL.processes]);
                let grants: Vec<usize> = grants.unwrap_or_else(|| vec![GOAL.grants]);
                let of = |&grants| processes.iter().map(move |&it| Size { processes: it, grants });
                grants.iter().flat_map(of).collect()
            }
        };
        let one = |option, default| -> Outcome<f64> {
            Ok(list(args, option)?.and_then(|it: Vec<f64>| it.first().copied()).unwrap_or(default))
        };
        let (tasks, rounds) = (one("--tasks", 8.0)?, one("--rounds", 9.0)?);
        let turn = Duration::try_from_secs_f64(one("--seconds", 1.0)?)?;
        let (tasks, rounds) = (tasks.max(1.0) as usize, rounds.max(1.0) as usize);
        if sizes.iter().any(|it: &Size| it.processes == 0 || it.grants < it.processes * tasks) {
            return Err("there are too few grants: each task of each process needs its own".into());
        }
        Ok(Some(Self { stores, sizes, tasks, turn, rounds }))
    }
}

fn every_size() -> Vec<Size> {
    let by_processes = PROCESSES.map(|processes| Size { processes, ..GOAL });
    let by_grants = GRANTS.map(|grants| Size { grants, ..GOAL });
    by_processes.into_iter().chain(by_grants).collect()
}

/// Returns the values of an option, separated by commas.
fn list<T: FromStr>(args: &[String], option: &str) -> Outcome<Option<Vec<T>>> {
    let Some(place) = args.iter().position(|arg| arg == option) else { return Ok(None) };
    let values = args.get(place + 1).map(String::as_str).unwrap_or_default();
    let read = values.split(',').map(|it| it.parse().map_err(|_| format!("{option}: {values}?")));
    Ok(Some(read.collect::<Result<_, _>>()?))
}
