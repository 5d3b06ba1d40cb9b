//! The benchmarks: criterion's, and after them the table of what was counted.
//!
//! Nothing is judged here: it fails only when something cannot be run.

use crate::{
    command::{Outcome, cargo, run as run_command},
    metadata::Workspace,
};

/// Runs them all. `args` are the benchmark runner's.
pub(crate) fn run(workspace: &Workspace, args: &[String]) -> Outcome {
    let mut command = cargo(&workspace.root);
    run_command(command.args(["bench", "--package", "countersign-benches", "--"]).args(args))
}
