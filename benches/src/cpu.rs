//! The CPU time of processes.

use std::fs;
use std::process::{Command, Stdio, id};

/// That of all threads of this process, user and system, to the nanosecond. None elsewhere than on
/// Linux.
#[must_use]
pub fn microseconds() -> Option<f64> {
    microseconds_of("self")
}

/// That of the process with this id.
#[must_use]
pub fn microseconds_of(process: &str) -> Option<f64> {
    let threads = fs::read_dir(format!("/proc/{process}/task")).ok()?;
    let spent = threads.map(|thread| {
        let text = fs::read_to_string(thread.ok()?.path().join("schedstat")).ok()?;
        text.split_whitespace().next()?.parse::<u64>().ok()
    });
    let nanoseconds: u64 = spent.sum::<Option<u64>>()?;
    Some(nanoseconds as f64 / 1000.0)
}

/// Keeps this process, and those that it starts, on one processor; tells whether that was possible.
#[must_use]
pub fn pin() -> bool {
    let pid = id().to_string();
    let mut pin = Command::new("taskset");
    pin.args(["--cpu-list", "--pid", "0", &pid]).stdout(Stdio::null()).stderr(Stdio::null());
    pin.status().is_ok_and(|status| status.success())
}
