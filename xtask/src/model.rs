//! The model checker, on the code as it is and without one of its rules.
//!
//! Production code has no switch that turns a rule off. `--without` copies the sources of the model
//! into the target folder, takes the rule out of the copy by a textual patch, and runs the model
//! there: the failure that the rule prevents has to be found, or nothing where the rule is only one
//! of two.

pub(crate) mod rows;

use crate::{
    command::{Outcome, cargo, run as run_command},
    copy::Copy,
    metadata::Workspace,
    patch::Patch,
};
use rows::{ABSENT, Expected, ROWS, Row};

/// The crates that the model is built from.
const MEMBERS: [&str; 3] = ["crates/core", "crates/tokens", "model"];

/// Checks the runs `args`, or all.
pub(crate) fn run(workspace: &Workspace, args: &[String]) -> Outcome {
    let mut command = cargo(&workspace.root);
    run_command(command.args(["run", "--quiet", "--package", "countersign-model", "--"]).args(args))
}

/// Prints the rules that can be taken away, and those of the protocol that the code does not have.
pub(crate) fn list() {
    for row in ROWS {
        println!("{}: {}", row.name, row.what);
        for expected in row.expected {
            println!("    {expected}");
        }
    }
    println!("\nNot in the code:");
    for (what, why) in ABSENT {
        println!("{what}: {why}");
    }
}

/// Takes the rule `name` away, or each rule in turn if it is `all`. Fails if the model does not find
/// what the row says.
pub(crate) fn without(workspace: &Workspace, name: &str) -> Outcome {
    let rows: Vec<&Row> = ROWS.iter().filter(|it| name == "all" || it.name == name).collect();
    if rows.is_empty() {
        return Err(
            format!("there is no rule {name}: `cargo xtask model --list` lists them").into()
        );
    }
    let copy = Copy::new(workspace, "model-without", &MEMBERS, "countersign-model");
    let mut differing = Vec::new();
    for row in rows {
        println!("\n## without {}: {}", row.name, row.what);
        copy.write(&Patch::parse(row.patch)?)?;
        for expected in row.expected {
            let is_as_expected = match expected {
                Expected::Failure { run, property } => {
                    !copy.holds(&["--property", property, run])?
                }
                Expected::Nothing { runs } => copy.holds(runs)?,
            };
            let verdict = if is_as_expected { "as expected" } else { "NOT AS EXPECTED" };
            println!("{verdict}: {expected}");
            if !is_as_expected {
                differing.push(format!("without {}: expected: {expected}", row.name));
            }
        }
    }
    if differing.is_empty() { Ok(()) } else { Err(differing.join("\n").into()) }
}
