//! The chores of this workspace, run as `cargo xtask <task>` with nothing but cargo.
//!
//! Each check that CI makes is a task here, so that whoever works on the code can make it too.

mod bench;
mod command;
mod copy;
mod features;
mod metadata;
mod model;
mod msrv;
mod patch;
mod peers;
mod prerequisites;
mod race;
mod report;
mod servers;
mod simulate;
mod test;
mod tree;
mod weight;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::{command::Outcome, metadata::Workspace};

#[derive(Parser)]
#[command(name = "xtask", bin_name = "cargo xtask", about = "The chores of this workspace")]
struct Cli {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Install what the tests need and run them all, doc tests included.
    Test {
        /// Do not start the servers of other authors that some tests talk to.
        #[arg(long)]
        no_peers: bool,
        /// What the test runner is given: a filter, `--nocapture`, …
        #[arg(last = true)]
        args: Vec<String>,
    },
    /// Lint each published crate with no feature, each one alone, the default ones and all.
    Features,
    /// Prove with `cargo tree` what the published crates do not depend on.
    Tree,
    /// Compare the declared `rust-version` with what the dependencies need.
    Msrv,
    /// Build cost and size of a minimal program, beside the same program on the `oauth2` crate.
    Weight {
        /// Cold builds of each program; the median counts.
        #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u8).range(1..))]
        rounds: u8,
        /// Fail when ours has more crates or a larger program.
        #[arg(long)]
        check: bool,
    },
    /// Run the benchmarks.
    Bench {
        /// What the benchmark runner is given: a filter, `--save-baseline`, …
        #[arg(last = true)]
        args: Vec<String>,
    },
    /// Let processes race for the tokens of the same grants, while they are killed, stopped or cut
    /// off. `--help` lists the options of the program.
    #[command(disable_help_flag = true)]
    Race {
        /// The arguments of the program: `--store postgres --kill --json`, …
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        args: Vec<String>,
    },
    /// Run fleets in virtual time, with everything that can go wrong drawn from seeds. `--help` lists
    /// the options of the program.
    #[command(disable_help_flag = true)]
    Simulate {
        /// Take this rule away, or each of those that must be found with `all`, and find what the
        /// rule prevents within ten minutes. `cargo xtask model --list` lists the rules.
        #[arg(long, value_name = "RULE")]
        without: Option<String>,
        /// The arguments of the program: `--seeds 1..100`, `--for 60s`, …
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        args: Vec<String>,
    },
    /// Check the refresh protocol in every order in which things can happen.
    Model {
        /// Take this rule away, or each rule in turn with `all`, and find what the rule prevents.
        #[arg(long, value_name = "RULE", conflicts_with_all = ["list", "runs"])]
        without: Option<String>,
        /// List the rules.
        #[arg(long, conflicts_with = "runs")]
        list: bool,
        /// The runs to check. Defaults to all.
        runs: Vec<String>,
    },
}

fn main() -> ExitCode {
    match run(Cli::parse().task) {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            eprintln!("\nerror: {problem}");
            ExitCode::FAILURE
        }
    }
}

fn run(task: Task) -> Outcome {
    let workspace = Workspace::load()?;
    match task {
        Task::Test { no_peers, args } => test::run(&workspace, !no_peers, &args),
        Task::Features => features::run(&workspace),
        Task::Tree => tree::run(&workspace),
        Task::Msrv => msrv::run(&workspace),
        Task::Weight { rounds, check } => weight::run(&workspace, rounds, check),
        Task::Bench { args } => bench::run(&workspace, &args),
        Task::Model { list: true, .. } => {
            model::list();
            Ok(())
        }
        Task::Model { without: Some(rule), .. } => model::without(&workspace, &rule),
        Task::Model { runs, .. } => model::run(&workspace, &runs),
        Task::Simulate { without: Some(rule), args } => simulate::without(&workspace, &rule, &args),
        Task::Simulate { args, .. } => simulate::run(&workspace, &args),
        Task::Race { args } => race::run(&workspace, &args),
    }
}
