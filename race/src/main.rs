//! A race of many processes for the tokens of the same grants, evaluated by the log of the
//! authorization server. The README explains the counts.
//!
//! The program is the controller and the workers: it starts itself once for each process.

mod args;
mod attempts;
mod client;
mod counted;
mod evidence;
mod faults;
mod grants;
mod limits;
mod message;
mod observed;
mod process;
mod proxy;
mod race;
mod report;
mod store;
mod time;
mod worker;

use std::error::Error;
use std::process::ExitCode;

use clap::Parser;

/// A result whose error is printed.
pub(crate) type Outcome<T = ()> = Result<T, Box<dyn Error + Send + Sync>>;

/// The hidden subcommand by which the program starts itself.
pub(crate) const WORKER: &str = "worker";

#[tokio::main(worker_threads = 2)]
async fn main() -> ExitCode {
    let is_worker = std::env::args_os().nth(1).is_some_and(|it| it == WORKER);
    let ran = if is_worker { worker::run().await } else { race(args::Args::parse()).await };
    match ran {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            eprintln!("error: {}", told(&*problem));
            ExitCode::FAILURE
        }
    }
}

/// Returns the text of an error and of its causes.
fn told(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}

async fn race(args: args::Args) -> Outcome {
    let is_json = args.json;
    let (report, outcome) = race::run(args).await?;
    if is_json {
        eprint!("{}", report.notes());
        println!("{}", serde_json::to_string(&report)?);
    } else {
        print!("{report}");
    }
    outcome
}
