//! What a refresh over loopback costs in CPU time, through each transport and beside it: the same
//! POST by the bare client, and by oauth2.
//!
//! The server is another process, so that its time is not counted; the client's is that of all its
//! threads. The subjects take turns, so that a noisy machine is noisy for all. Sequential: one call
//! at a time, on a connection that is kept.
//!
//! oauth2 has a reqwest of its own, older than the workspace's; here it gets the same client as the
//! others, through the closure that it takes in its place.
#![expect(clippy::expect_used, reason = "where setting up fails there is nothing to measure")]

mod isahc_subjects;
mod reqwest_subjects;
mod server;

use std::env;

use countersign_benches::cpu;
use countersign_benches::report::median;

/// A subject: how it does this many exchanges.
pub(crate) struct Subject {
    name: &'static str,
    /// Whose ratio to the last bare client before it is worth telling.
    bare: bool,
    run: Box<dyn FnMut(usize)>,
}

impl Subject {
    pub(crate) fn new(name: &'static str, bare: bool, run: impl FnMut(usize) + 'static) -> Self {
        Self { name, bare, run: Box::new(run) }
    }
}

const ROUNDS: usize = 300;
const EXCHANGES: usize = 50;

fn main() {
    let args: Vec<String> = env::args().collect();
    if args.get(1).is_some_and(|arg| arg == server::ARGUMENT) {
        return server::serve();
    }
    // `cargo test --benches` asks for a test, and this is none; a filter asks for another benchmark.
    if !args.iter().any(|arg| arg == "--bench") {
        return;
    }
    if cpu::microseconds().is_none() {
        println!("transports: skipped, the CPU time of threads is read from Linux's /proc");
        return;
    }
    // On one processor, if that can be had: where the system puts client and server decides more than
    // anything else. The server inherits it.
    let pinned = cpu::pin();
    let server = server::Server::start();
    let mut subjects = reqwest_subjects::all(&server.origin);
    subjects.extend(isahc_subjects::all(&server.origin));
    let mut rounds = vec![Vec::new(); subjects.len()];
    for round in 0..=ROUNDS {
        // Whoever begins has the caches of another.
        for turn in 0..subjects.len() {
            let which = (round + turn) % subjects.len();
            let before = cpu::microseconds().unwrap_or_default();
            (subjects[which].run)(EXCHANGES);
            let spent = cpu::microseconds().unwrap_or_default() - before;
            // The first round connects, and warms up.
            if round > 0 {
                rounds[which].push(spent / EXCHANGES as f64);
            }
        }
    }
    print(&subjects, &rounds);
    if !pinned {
        println!("Not on one processor (there is no `taskset`): the times differ, the ratios too.");
    }
}

fn print(subjects: &[Subject], rounds: &[Vec<f64>]) {
    println!("\n{:<44}{:>12}{:>9}", "a refresh over loopback", "CPU", "ratio");
    let mut bare = 0;
    for (which, subject) in subjects.iter().enumerate() {
        if subject.bare {
            bare = which;
        }
        let ratios = rounds[which].iter().zip(&rounds[bare]).map(|(own, bare)| own / bare);
        let (ratio, time) = (median(ratios.collect()), median(rounds[which].clone()));
        println!("  {:<42}{time:>9.1} µs{ratio:>9.2}", subject.name);
    }
    println!("Medians of {ROUNDS} rounds; the ratio is that to the bare client in the same round.");
}
