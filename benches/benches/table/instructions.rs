//! Instructions, counted by callgrind while a program of ours runs an operation many times.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use countersign_benches::catalogue::Name;

const PROGRAM: &str = env!("CARGO_BIN_EXE_countersign-instructions");

const TIMES: u32 = 100;

/// Whether valgrind is installed.
pub(crate) fn can_be_counted() -> bool {
    let mut command = Command::new("valgrind");
    let command = command.arg("--version").stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

/// The instructions of one run. What is done once, such as finding a function of a shared library,
/// falls out of the difference between few runs and twice as many.
pub(crate) fn of(name: Name) -> Result<u64, String> {
    let (few, many) = (counted(name, TIMES)?, counted(name, 2 * TIMES)?);
    Ok(many.saturating_sub(few) / u64::from(TIMES))
}

fn counted(name: Name, times: u32) -> Result<u64, String> {
    let name = name.text();
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("callgrind.{name}.{times}"));
    let failed = |why: String| format!("counting the instructions of `{name}`: {why}");

    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--toggle-collect=*operation::measured*"])
        .arg(format!("--callgrind-out-file={}", file.display()))
        .args([PROGRAM, name.as_str(), &times.to_string()])
        .stdin(Stdio::null())
        .output()
        .map_err(|error| failed(error.to_string()))?;
    if !output.status.success() {
        return Err(failed(String::from_utf8_lossy(&output.stderr).into_owned()));
    }
    let counts = fs::read_to_string(&file).map_err(|error| failed(error.to_string()))?;
    let total = counts.lines().find_map(|line| line.strip_prefix("totals: ")?.trim().parse().ok());
    match total {
        Some(total) if total > 0 => Ok(total),
        _ => Err(failed(format!("{} has no total", file.display()))),
    }
}
