//! Features only add: each published crate has to stand with any of them alone.
//!
//! A build of the whole workspace unites the features of all its members and hides what is missing
//! in one of them.

use crate::{
    command::{Outcome, cargo, run as run_command, works},
    metadata::{Package, Workspace},
};

/// Lints (or, without clippy, checks) every published crate under every set of features.
pub(crate) fn run(workspace: &Workspace) -> Outcome {
    let clippy = works("cargo", &["clippy", "--version"]);
    if !clippy {
        println!("clippy is not installed: `cargo check` stands in for it, and warnings pass");
    }
    let mut failed = Vec::new();
    let mut done = 0;
    for package in workspace.published() {
        for features in sets(package) {
            let mut command = cargo(&workspace.root);
            command.arg(if clippy { "clippy" } else { "check" });
            command.args(["--quiet", "--package", &package.name]).args(&features);
            if clippy {
                command.args(["--", "-D", "warnings"]);
            }
            done += 1;
            if let Err(problem) = run_command(&mut command) {
                failed.push(problem.to_string());
            }
        }
    }
    if failed.is_empty() {
        println!("features: {done} combinations stand");
        return Ok(());
    }
    Err(format!("{} of {done} combinations fail:\n{}", failed.len(), failed.join("\n")).into())
}

/// The arguments for no feature, each one alone, the default ones and all; none of them twice.
fn sets(package: &Package) -> Vec<Vec<&str>> {
    let mut sets = vec![vec!["--no-default-features"]];
    let single = package.features.keys().filter(|feature| *feature != "default");
    sets.extend(single.clone().map(|feature| vec!["--no-default-features", "--features", feature]));
    if package.features.get("default").is_some_and(|features| !features.is_empty()) {
        sets.push(Vec::new());
    }
    if single.count() > 1 {
        sets.push(vec!["--all-features"]);
    }
    sets
}
