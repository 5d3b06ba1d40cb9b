//! Prints how large the runs are, and what they find.
//!
//! `countersign-model [RUN]…` checks all runs, or these ones. `countersign-model --property
//! PROPERTY [RUN]…` looks for the shortest run after which one property does not hold.

use std::process::ExitCode;

use countersign_core::{Clock, SystemClock};
use countersign_model::{Fleet, property, runs};

fn main() -> ExitCode {
    let mut wanted: Vec<String> = std::env::args().skip(1).collect();
    let mut only = None;
    if wanted.len() > 1 && wanted[0] == "--property" {
        only = property::ALL.iter().find(|it| it.0 == wanted[1]).map(|it| it.0);
        wanted.drain(..if only.is_some() { 2 } else { 0 });
    }
    if wanted.is_empty() {
        wanted = runs::WHOLE.iter().map(|it| it.0.to_owned()).collect();
    }
    let mut holds = true;
    for name in &wanted {
        let Some(fleet) = runs::named(name) else {
            let names: Vec<_> = runs::WHOLE.iter().chain(runs::SMALL).map(|it| it.0).collect();
            eprintln!("there is no run or property {name:?}. The runs are {names:#?}");
            return ExitCode::from(2);
        };
        holds &= match only {
            Some(property) => look_for(property, name, fleet),
            None => check(name, &fleet),
        };
    }
    if holds { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Prints a row of the table of runs. Returns whether every property holds.
fn check(name: &str, fleet: &Fleet) -> bool {
    let began = SystemClock.now();
    let found = fleet.clone().check();
    let seconds = (SystemClock.now() - began).as_seconds_f64();
    let result = if found.failures.is_empty() { "holds" } else { "fails" };
    println!("| {name} | {} | {} | {seconds:.1} | {result} |", found.states, found.depth);
    for property in &found.failures {
        look_for(property, name, fleet.clone());
    }
    found.failures.is_empty()
}

/// Prints the shortest run after which the property does not hold. Returns whether it holds.
fn look_for(property: &'static str, name: &str, fleet: Fleet) -> bool {
    let Some(run) = fleet.look_for(property) else {
        println!("{name}: holds: {property}");
        return true;
    };
    println!("{name}: fails: {property}, after");
    run.iter().for_each(|action| println!("  {action:?}"));
    false
}
