//! This test program again, as another process.

use std::env;
use std::io::{self, BufRead, BufReader};
use std::process::{ChildStdout, Command, Stdio};

/// What tells a line of the other process from those of its test harness.
const MARK: &str = "child says: ";

/// This program again, to run the test `test` alone. What the test prints with [`say`] is for
/// [`said`].
///
/// # Errors
///
/// When the program does not know where it lies.
pub fn child(test: &str) -> io::Result<Command> {
    let mut command = Command::new(env::current_exe()?);
    command.args([test, "--exact", "--nocapture"]).stdin(Stdio::piped()).stdout(Stdio::piped());
    Ok(command)
}

/// Says a line to the process that began this one.
pub fn say(line: &str) {
    println!("\n{MARK}{line}");
}

/// What a process says, line by line.
pub fn said(out: ChildStdout) -> impl Iterator<Item = String> {
    let lines = BufReader::new(out).lines().map_while(Result::ok);
    lines.filter_map(|line| line.strip_prefix(MARK).map(str::to_owned))
}
