//! Runs the race of many processes for the tokens of the same grants: starts the server that its
//! store needs, and the program `countersign-race`.

use std::env;

use crate::{
    command::{Outcome, cargo, run as run_command},
    metadata::Workspace,
    servers::{Postgres, Redis, Server},
};

/// Runs the program with the arguments `args`.
pub(crate) fn run(workspace: &Workspace, args: &[String]) -> Outcome {
    // The server ends when this is dropped.
    let server = server(args)?;
    let (args, url) = without_url(args);
    let mut command = cargo(&workspace.root);
    command.args(["run", "--quiet", "--package", "countersign-race", "--"]).args(args);
    command.envs(server.iter().map(|server| (server.variable, &server.url)));
    command.envs(url);
    run_command(&mut command)
}

/// Starts the server that the store needs, unless the arguments or the environment name one.
fn server(args: &[String]) -> Outcome<Option<Server>> {
    let is_missing = |variable| value(args, "--url").is_none() && env::var_os(variable).is_none();
    match value(args, "--store") {
        Some("postgres") if is_missing(Postgres::VARIABLE) => Postgres::start().map(Some),
        Some("redis") if is_missing(Redis::VARIABLE) => Redis::start().map(Some),
        // The program checks its arguments itself.
        _ => Ok(None),
    }
}

/// Returns the arguments without the URL of a database, and the URL in its environment variable:
/// the URL may have a password, and a list of the machine's processes shows their arguments.
fn without_url(args: &[String]) -> (Vec<String>, Option<(&'static str, String)>) {
    let variable = match value(args, "--store") {
        Some("postgres") => Postgres::VARIABLE,
        Some("redis") => Redis::VARIABLE,
        _ => return (args.to_vec(), None),
    };
    let Some(url) = value(args, "--url") else { return (args.to_vec(), None) };
    let is_value = |index: usize| index > 0 && args[index - 1] == "--url";
    let is_option = |arg: &str| arg == "--url" || arg.starts_with("--url=");
    let others =
        args.iter().enumerate().filter(|(index, arg)| !is_option(arg) && !is_value(*index));
    (others.map(|(_, arg)| arg.clone()).collect(), Some((variable, url.to_owned())))
}

/// Returns the value of an option, in either spelling.
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
    fn the_url_of_a_database_is_not_an_argument() {
        for given in [&["--url", "redis://:canary@x"][..], &["--url=redis://:canary@x"]] {
            let args: Vec<_> = [&["--store", "redis"], given, &["--json"]]
                .concat()
                .into_iter()
                .map(str::to_owned)
                .collect();
            let (others, url) = without_url(&args);
            assert_eq!(others, ["--store", "redis", "--json"]);
            assert_eq!(url, Some((Redis::VARIABLE, "redis://:canary@x".to_owned())));
        }
        let files = ["--store", "file", "--url", "/srv/grants"].map(str::to_owned);
        assert_eq!(without_url(&files), (files.to_vec(), None));
    }

    #[test]
    fn an_option_is_found_in_either_spelling() {
        let args = ["--json", "--store=redis", "--url", "redis://x"].map(str::to_owned);
        assert_eq!(value(&args, "--store"), Some("redis"));
        assert_eq!(value(&args, "--url"), Some("redis://x"));
        assert_eq!(value(&args, "--seed"), None);
    }
}
