//! What the library costs a program that does little else, beside the same program on the `oauth2`
//! crate: compile time, number of crates, size.
//!
//! Every program really uses its library, behind a condition that is known only at run time, or
//! the linker would throw it away. The builds are cold and take turns, so that a noisy machine is
//! noisy for both. What counts is CPU time, and the ratios more than the seconds.

mod measure;
mod program;

use crate::{command::Outcome, metadata::Workspace};
use program::{Built, Program};

/// Ours, the other, and what they have in common.
struct Pair {
    what: &'static str,
    ours: Program,
    theirs: Program,
}

const PAIRS: [Pair; 2] = [
    Pair {
        what: "without an HTTP client",
        ours: Program {
            name: "core-user",
            main: include_str!("weight/templates/core_user.rs"),
            dependencies: &[
                r#"countersign-core = { path = "{crates}/core" }"#,
                r#"async-trait = "0.1""#,
                r#"http = "1""#,
            ],
        },
        theirs: Program {
            name: "oauth2-user",
            main: include_str!("weight/templates/oauth2_user.rs"),
            dependencies: &[r#"oauth2 = { version = "5", default-features = false }"#],
        },
    },
    Pair {
        what: "with reqwest",
        ours: Program {
            name: "reqwest-user",
            main: include_str!("weight/templates/reqwest_user.rs"),
            dependencies: &[r#"countersign = { path = "{crates}/countersign" }"#, TOKIO],
        },
        theirs: Program {
            name: "oauth2-reqwest-user",
            main: include_str!("weight/templates/oauth2_reqwest_user.rs"),
            dependencies: &[r#"oauth2 = "5""#, TOKIO],
        },
    },
];

const TOKIO: &str = r#"tokio = { version = "1", features = ["rt"] }"#;

/// Builds all programs `rounds` times and prints a table. With `check`, fails when ours has more
/// crates than the other, or a larger program; compile time is never judged.
pub(crate) fn run(workspace: &Workspace, rounds: u8, check: bool) -> Outcome {
    let mut table = Vec::new();
    let mut worse = Vec::new();
    for pair in &PAIRS {
        let [ours, theirs] = build_in_turn(workspace, [&pair.ours, &pair.theirs], rounds)?;
        if ours.crates > theirs.crates {
            worse.push(format!("{}: {} crates, not {}", pair.what, ours.crates, theirs.crates));
        }
        if ours.bytes > theirs.bytes {
            worse.push(format!("{}: {} bytes, not {}", pair.what, ours.bytes, theirs.bytes));
        }
        table.push(format!("\n{}", pair.what));
        table.push(row(pair.ours.name, &ours));
        table.push(row(pair.theirs.name, &theirs));
        table.push(format!(
            "{:<22}{:>10.2}{:>8.2}{:>12.2}",
            "ratio",
            ours.cpu / theirs.cpu,
            ratio(ours.crates, theirs.crates),
            ratio(ours.bytes, theirs.bytes),
        ));
    }
    println!("\n{:<22}{:>10}{:>8}{:>12}", "program", "CPU s", "crates", "stripped MB");
    println!("{}", table.join("\n"));
    if check && !worse.is_empty() {
        return Err(format!("ours is the heavier one:\n{}", worse.join("\n")).into());
    }
    Ok(())
}

fn build_in_turn(
    workspace: &Workspace,
    programs: [&Program; 2],
    rounds: u8,
) -> Outcome<[Built; 2]> {
    for program in programs {
        program.prepare(workspace)?;
    }
    let mut seconds = [Vec::new(), Vec::new()];
    for round in 1..=rounds {
        for (program, seconds) in programs.into_iter().zip(&mut seconds) {
            println!("round {round} of {rounds}: {}", program.name);
            seconds.push(program.build(workspace)?);
        }
    }
    let [first, second] = seconds.map(median);
    Ok([programs[0].built(workspace, first)?, programs[1].built(workspace, second)?])
}

fn median(mut seconds: Vec<f64>) -> f64 {
    seconds.sort_by(f64::total_cmp);
    let middle = seconds.len() / 2;
    if seconds.len() % 2 == 1 {
        seconds[middle]
    } else {
        seconds[middle - 1..=middle].iter().sum::<f64>() / 2.0
    }
}

fn row(name: &str, built: &Built) -> String {
    let megabytes = ratio(built.bytes, 1_000_000);
    format!("{name:<22}{:>10.1}{:>8}{megabytes:>12.2}", built.cpu, built.crates)
}

/// The numbers are far below the 52 bits that a float keeps.
fn ratio(a: u64, b: u64) -> f64 {
    a as f64 / b as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_of_an_even_number_lies_between_the_two_in_the_middle() {
        assert_eq!(median(vec![3.0, 1.0, 100.0]), 3.0);
        assert_eq!(median(vec![100.0, 1.0, 2.0, 4.0]), 3.0);
    }
}
