//! The benchmarks: criterion's, what a fleet costs on servers that are started for it, and after
//! them the table of what was counted.
//!
//! Nothing is judged here: it fails only when something cannot be run.

use crate::{
    command::{Outcome, cargo, run as run_command},
    metadata::Workspace,
    servers,
};

/// Runs them all. `args` are the benchmark runner's.
pub(crate) fn run(workspace: &Workspace, args: &[String]) -> Outcome {
    // They end when this is dropped. All but one of the benchmarks do without.
    let servers = servers::start_all().unwrap_or_else(|problem| {
        println!("no servers for the fleet: {problem}");
        Vec::new()
    });
    let mut command = cargo(&workspace.root);
    command.args(["bench", "--package", "countersign-benches", "--"]).args(args);
    command.envs(servers.iter().map(|server| (server.variable, &server.url)));
    run_command(&mut command)
}
