//! Refreshes a second of a fleet: real processes that share a store, PostgreSQL or Redis, with a
//! provider that answers at once. This measures the cost of the store and of the manager.
//!
//! The rival makes as many bare round trips: a write of the record that begins an attempt, a write
//! of the record that saves the answer, and before the first refresh of a grant a read. The writes
//! compare nothing. The rival runs in the same processes, with as many tasks in flight, over the
//! same library, on records of the same form and size; in PostgreSQL each task has a connection of
//! its own, without a pool. Both take turns, so that a noisy machine is noisy for both.
//!
//! ```console
//! $ cargo xtask bench
//! $ COUNTERSIGN_REDIS_URL=… cargo bench -p countersign-benches --bench fleet -- --store redis --processes 8
//! ```
//!
//! `--store`, `--processes` and `--grants` (numbers, parted by commas), `--tasks` in flight of each
//! process, `--seconds` of a turn and `--rounds` narrow it down. It has a schema and a prefix of its
//! own, which go afterwards: one run at a time on a server. The whole takes some ten minutes, and a
//! million grants, with as many of the rival's, 2 GB of Redis's memory.
#![expect(clippy::expect_used, reason = "where setting up fails there is nothing to measure")]

mod args;
mod bare;
mod cell;
#[path = "../common/mod.rs"]
mod common;
mod counted;
mod message;
mod ours;
mod postgres;
mod process;
mod redis;
mod server;
mod table;
mod worker;

use std::env;
use std::error::Error;
use std::process::ExitCode;
use std::time::Duration;

use args::Args;
use server::Server;
use table::Table;

/// How long tokens are good.
pub(crate) const HOUR: Duration = Duration::from_secs(3600);

/// A result whose error is a text for a person.
pub(crate) type Outcome<T = ()> = Result<T, Box<dyn Error + Send + Sync>>;

fn main() -> ExitCode {
    let args: Vec<String> = env::args().skip(1).collect();
    if args.first().is_some_and(|arg| arg == worker::ARGUMENT) {
        return ended(worker::run());
    }
    // `cargo test --benches` asks for a test, and this is none; a filter asks for another benchmark.
    match Args::read(&args) {
        Ok(Some(args)) => ended(compare(&args)),
        Ok(None) => ExitCode::SUCCESS,
        Err(problem) => ended(Err(problem)),
    }
}

fn ended(outcome: Outcome) -> ExitCode {
    let Err(problem) = outcome else { return ExitCode::SUCCESS };
    eprintln!("error: {problem}");
    ExitCode::FAILURE
}

fn compare(args: &Args) -> Outcome {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    for kind in &args.stores {
        let Some(url) = kind.url() else {
            println!("fleet: {} skipped, set {} to a server", kind.name(), kind.variable());
            continue;
        };
        let server = runtime.block_on(Server::prepare(*kind, &url))?;
        let measured = measure(args, &runtime, &server);
        runtime.block_on(server.clean())?;
        measured?.goals(args);
    }
    Ok(())
}

fn measure(args: &Args, runtime: &tokio::runtime::Runtime, server: &Server) -> Outcome<Table> {
    let mut table = Table::new(server.kind(), &runtime.block_on(server.description())?, args);
    for size in &args.sizes {
        // Anew, since a fleet takes each grant's token for the one that it was filled with.
        runtime.block_on(server.fill(size.grants))?;
        if table.is_empty() {
            table.cold(runtime.block_on(ours::cold(server.kind(), server.url()))?);
        }
        table.add(*size, cell::measure(args, *size, server, runtime)?);
    }
    Ok(table)
}
