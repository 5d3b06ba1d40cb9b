//! One of the two commands that a newcomer needs: installs what is missing and passes all tests.
//!
//! Everything is compiled first, examples and benchmarks too; the peers are started only then,
//! because they live for a limited time. The end says what was not tested and why.

use std::process::{Command, Stdio};

use crate::{
    command::{Outcome, cargo, judge, run as run_command, unstartable, works},
    metadata::Workspace,
    peers, prerequisites,
    report::Report,
    servers,
};

/// Runs all tests. `args` are the test runner's.
pub(crate) fn run(workspace: &Workspace, with_peers: bool, args: &[String]) -> Outcome {
    prerequisites::ensure()?;

    heading("compile");
    // Benchmarks and examples have to compile; running the former is not a test.
    run_command(cargo_test(workspace).args(["--all-targets", "--no-run"]))?;

    let (running, mut skipped) = if with_peers {
        heading("peers");
        peers::start(&workspace.root, &workspace.target)
    } else {
        (Vec::new(), vec!["peers: --no-peers was given".to_owned()])
    };

    heading("servers");
    let servers = servers::start_all()?;

    // As `tests/full_disk.rs` asks too.
    if !works("unshare", &["--user", "--map-root-user", "--mount", "true"]) {
        skipped.push("full_disk: this machine lets nobody mount a disk of their own".to_owned());
    }

    let mut problems = Vec::new();
    let mut summary = Vec::new();
    let mut finish = |what: &str, report: Option<Report>, result: Outcome| {
        if let Err(problem) = result {
            problems.push(problem.to_string());
        }
        summary.push(match &report {
            Some(report) => format!("{what}: {report}"),
            None => format!("{what}: counted above by nextest, which names what it skipped"),
        });
        let ignored = report.into_iter().flat_map(|report| report.ignored);
        skipped.extend(ignored.map(|test| format!("{what}, ignored: {test}")));
    };
    let environment = || {
        let peers = running.iter().map(|peer| (peer.variable, &peer.url));
        peers.chain(servers.iter().map(|server| (server.variable, &server.url)))
    };

    heading("tests");
    if works("cargo", &["nextest", "--version"]) {
        // nextest adds up by itself, and names at its end what it skipped; unless a filter was
        // given, when that is most of it.
        let names = if args.is_empty() { "skip" } else { "fail" };
        let mut command = cargo(&workspace.root);
        command.args(["nextest", "run", "--workspace", "--all-features", "--no-fail-fast"]);
        command.args(["--no-tests", "pass", "--final-status-level", names, "--"]);
        let result = run_command(command.args(args).envs(environment()));
        finish("tests", None, result);
    } else {
        let mut command = cargo_test(workspace);
        command.args(["--tests", "--no-fail-fast", "--"]).args(args).envs(environment());
        let (report, result) = followed(&mut command)?;
        finish("tests", Some(report), result);
    }

    // nextest cannot run these.
    heading("doc tests");
    let mut command = cargo_test(workspace);
    command.args(["--doc", "--no-fail-fast", "--"]).args(args).envs(environment());
    let (report, result) = followed(&mut command)?;
    finish("doc tests", Some(report), result);

    drop(running);
    heading("summary");
    for line in &summary {
        println!("{line}");
    }
    for line in &skipped {
        println!("skipped: {line}");
    }
    if skipped.is_empty() {
        println!("nothing else was skipped");
    }
    if problems.is_empty() { Ok(()) } else { Err(problems.join("\n").into()) }
}

fn cargo_test(workspace: &Workspace) -> Command {
    let mut command = cargo(&workspace.root);
    command.args(["test", "--workspace", "--all-features"]);
    command
}

/// Runs a `cargo test` and counts what it prints.
fn followed(command: &mut Command) -> Outcome<(Report, Outcome)> {
    let mut child =
        command.stdout(Stdio::piped()).spawn().map_err(|error| unstartable(command, &error))?;
    let mut report = Report::default();
    if let Some(output) = child.stdout.take() {
        report.follow(output);
    }
    let status = child.wait()?;
    Ok((report, judge(command, status)))
}

fn heading(text: &str) {
    println!("\n== {text}");
}
