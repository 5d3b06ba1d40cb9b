//! The race of many processes for the tokens of the same grants: the server that its store needs,
//! and the program `countersign-race`.

use std::env;

use crate::{
    command::{Outcome, cargo, run as run_command},
    metadata::Workspace,
    servers::{Postgres, Redis, Server},
};

/// Runs it. `args` are the program's.
pub(crate) fn run(workspace: &Workspace, args: &[String]) -> Outcome {
    // It ends when this is dropped.
    let server = server(args)?;
    let mut command = cargo(&workspace.root);
    command.args(["run", "--quiet", "--package", "countersign-race", "--"]).args(args);
    command.envs(server.iter().map(|server| (server.variable, &server.url)));
    run_command(&mut command)
}

/// The server that the store needs, unless somebody says which one to take.
fn server(args: &[String]) -> Outcome<Option<Server>> {
    let is_missing = |variable| value(args, "--url").is_none() && env::var_os(variable).is_none();
    match value(args, "--store") {
        Some("postgres") if is_missing(Postgres::VARIABLE) => Postgres::start().map(Some),
        Some("redis") if is_missing(Redis::VARIABLE) => Redis::start().map(Some),
        // What else is given, the program judges.
        _ => Ok(None),
    }
}

/// The value of an option, in either spelling.
fn value<'a>(args: &'a [String], option: &str) -> Option<&'a str> {
    let mut args = args.iter();
    while let Some(arg) = args.next() {
        if arg == option {
            return args.next().map(String::as_str);
        }
        if let Some(value) = arg.strip_prefix(option).and_then(|it| it.strip_prefix('=')) {
            return Some(value);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_option_is_found_in_either_spelling() {
        let args = ["--json", "--store=redis", "--url", "redis://x"].map(str::to_owned);
        assert_eq!(value(&args, "--store"), Some("redis"));
        assert_eq!(value(&args, "--url"), Some("redis://x"));
        assert_eq!(value(&args, "--seed"), None);
    }
}
