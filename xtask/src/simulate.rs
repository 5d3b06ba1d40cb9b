//! The simulator, on the code as it is and without one of its rules, as for the model.

use crate::{
    command::{Outcome, cargo, run as run_command},
    copy::Copy,
    metadata::Workspace,
    model::rows::ROWS,
    patch::Patch,
};

/// The rule that a new token is stored before it is handed out. The model has no callers.
pub(crate) const STORED_FIRST: &str = "stored-first";
pub(crate) const ORDER: &str = include_str!("simulate/without/stored-first.txt");

/// The rules whose absence the simulator must find.
const ALL: [&str; 3] = [STORED_FIRST, "rest", "generation-on-save"];

/// How the simulator looks: for ten minutes, until it finds something.
const SEARCH: [&str; 4] = ["--for", "600s", "--quiet", "--first"];

/// The crates that the simulator is built from.
const MEMBERS: [&str; 4] = ["crates/core", "crates/tokens", "crates/testkit", "simulator"];

/// Runs the simulator with these arguments.
pub(crate) fn run(workspace: &Workspace, args: &[String]) -> Outcome {
    let mut command = cargo(&workspace.root);
    command.args(["run", "--quiet", "--package", "countersign-simulator", "--"]);
    run_command(command.args(args))
}

/// Takes the rule `name` away, or each of [`ALL`], and runs the simulator with these arguments, or a
/// search if there are none. Fails if the simulator does not find that.
pub(crate) fn without(workspace: &Workspace, name: &str, args: &[String]) -> Outcome {
    let args: Vec<_> = args.iter().map(String::as_str).collect();
    let args = if args.is_empty() { &SEARCH[..] } else { &args };
    let names = if name == "all" { ALL.to_vec() } else { vec![name] };
    let copy = Copy::new(workspace, "simulator-without", &MEMBERS, "countersign-simulator");
    let mut missed = Vec::new();
    for name in names {
        let patches = ROWS.iter().map(|row| (row.name, row.patch));
        let patch = patches.chain([(STORED_FIRST, ORDER)]).find(|(of, _)| *of == name);
        let (_, patch) = patch.ok_or_else(|| {
            format!("there is no rule {name}: `cargo xtask model --list` lists them")
        })?;
        println!("\n## without {name}");
        copy.write(&Patch::parse(patch)?)?;
        if copy.holds(args)? {
            missed.push(name);
        }
    }
    if missed.is_empty() {
        return Ok(());
    }
    Err(format!("the simulator found nothing without: {}", missed.join(", ")).into())
}
