//! CPU time of a command and all that it started.
//!
//! The shell's `times` tells it on every Unix, without a dependency and without `unsafe`.

use std::process::{Command, Stdio};

use crate::command::{Outcome, judge, unstartable};

/// Runs the command and returns its user and system time together.
pub(super) fn cpu_seconds(command: &mut Command) -> Outcome<f64> {
    let mut shell = Command::new("sh");
    shell.args(["-c", "\"$@\" >&2; code=$?; times; exit $code", "sh"]);
    shell.arg(command.get_program()).args(command.get_args()).stderr(Stdio::inherit());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => shell.env(name, value),
            None => shell.env_remove(name),
        };
    }
    if let Some(folder) = command.get_current_dir() {
        shell.current_dir(folder);
    }
    let output = shell.output().map_err(|error| unstartable(&shell, &error))?;
    judge(command, output.status)?;
    let printed = String::from_utf8_lossy(&output.stdout);
    of_children(&printed).ok_or_else(|| format!("`times` printed `{printed}`").into())
}

/// Reads the second line, `1m2.34s 0m5.67s`: user and system time of the shell's children.
fn of_children(times: &str) -> Option<f64> {
    times.lines().nth(1)?.split_whitespace().map(seconds).sum()
}

fn seconds(time: &str) -> Option<f64> {
    let (minutes, seconds) = time.strip_suffix('s')?.split_once('m')?;
    Some(minutes.parse::<f64>().ok()? * 60.0 + seconds.parse::<f64>().ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_shells_print() {
        assert_eq!(of_children("0m0.001s 0m0.002s\n1m2.500s 0m3.250s\n"), Some(65.75));
        assert_eq!(of_children("0m0.00s 0m0.00s\n"), None);
        assert_eq!(of_children("user 1\nsys 2\n"), None);
    }
}
