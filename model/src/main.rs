//! Prints how large the runs are, and what they find.

use countersign_core::{Clock, SystemClock};
use countersign_model::{Findings, runs};

type Run = (&'static str, fn() -> Findings);

const RUNS: &[Run] = &[
    ("two processes", || runs::two_processes().check()),
    ("two processes and everything", || runs::two_processes_and_everything().check()),
    ("two processes and losses", || runs::two_processes_and_losses().check()),
    ("two processes and a new grant", || runs::two_processes_and_a_new_grant().check()),
    ("two processes without rotation", || runs::two_processes_without_rotation().check()),
    ("two processes with grace", || runs::two_processes_with_grace().check()),
    ("two processes with grace and a crash", || {
        runs::two_processes_with_grace_and_a_crash().check()
    }),
    ("three processes", || runs::three_processes().check()),
    ("three processes again and again", || runs::three_processes_again_and_again().check()),
    ("three processes and forgetting", || runs::three_processes_and_forgetting().check()),
];

fn main() {
    println!("| run | states | steps | seconds | result |\n|---|---|---|---|---|");
    for (name, check) in RUNS {
        let began = SystemClock.now();
        let found = check();
        let seconds = (SystemClock.now() - began).as_seconds_f64();
        let result = if found.failures.is_empty() { "holds" } else { "FAILS" };
        println!("| {name} | {} | {} | {seconds:.1} | {result} |", found.states, found.depth);
        for (property, run) in found.failures {
            println!("\n{property}: after");
            for action in run {
                println!("  {action:?}");
            }
        }
    }
}
