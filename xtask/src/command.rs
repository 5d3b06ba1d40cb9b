//! Running other programs, so that a failure names the command and how it ended.

use std::{
    env,
    error::Error,
    ffi::OsStr,
    path::Path,
    process::{Command, ExitStatus, Stdio},
};

/// A task's result. The error is a text for a person; nothing here reacts to its kind.
pub(crate) type Outcome<T = ()> = Result<T, Box<dyn Error + Send + Sync>>;

/// The cargo that runs this task, in `folder`.
pub(crate) fn cargo(folder: &Path) -> Command {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(folder);
    command
}

/// Tells the command, beside what it prints, runs it with our own output, and fails if it does.
pub(crate) fn run(command: &mut Command) -> Outcome {
    eprintln!("$ {}", shown(command));
    let status = command.status().map_err(|error| unstartable(command, &error))?;
    judge(command, status)
}

/// Runs the command silently and returns what it printed on standard output.
pub(crate) fn output(command: &mut Command) -> Outcome<String> {
    let output =
        command.stdin(Stdio::null()).output().map_err(|error| unstartable(command, &error))?;
    judge(command, output.status)
        .map_err(|error| format!("{error}\n{}", String::from_utf8_lossy(&output.stderr).trim()))?;
    Ok(String::from_utf8(output.stdout)?)
}

/// Whether the command can be started and ends well. What it prints is thrown away.
pub(crate) fn works(program: &str, args: &[&str]) -> bool {
    Command::new(program)
        .args(args)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

/// Fails, in words, unless the command ended well.
pub(crate) fn judge(command: &Command, status: ExitStatus) -> Outcome {
    if status.success() {
        return Ok(());
    }
    Err(match status.code() {
        Some(code) => format!("`{}` failed with exit code {code}", shown(command)),
        None => format!("`{}` was ended by a signal ({status})", shown(command)),
    }
    .into())
}

/// The error for a program that could not be started at all.
pub(crate) fn unstartable(command: &Command, error: &std::io::Error) -> String {
    format!("`{}` could not be started: {error}", shown(command))
}

/// The command as one would type it: cargo by its name, whatever path it has.
fn shown(command: &Command) -> String {
    let program = Path::new(command.get_program());
    let program = program.file_name().unwrap_or(program.as_os_str());
    std::iter::once(program)
        .chain(command.get_args())
        .map(OsStr::to_string_lossy)
        .collect::<Vec<_>>()
        .join(" ")
}
