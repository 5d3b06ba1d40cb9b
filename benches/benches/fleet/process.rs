//! One process of the fleet, as the controller uses it.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde::Serialize;

use crate::Outcome;
use crate::message::{Done, Setup, Turn};
use crate::worker::ARGUMENT;

/// A process, which ends when this is dropped.
pub(crate) struct Process {
    child: Child,
    /// `None` when the process is to end.
    orders: Option<ChildStdin>,
    says: BufReader<ChildStdout>,
}

impl Process {
    /// Starts a process. The process sends an empty outcome when it is ready.
    pub(crate) fn start(setup: &Setup) -> Outcome<Self> {
        let mut command = Command::new(std::env::current_exe()?);
        command.arg(ARGUMENT).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn()?;
        let (Some(orders), Some(says)) = (child.stdin.take(), child.stdout.take()) else {
            return Err("a process was started without pipes".into());
        };
        let mut process = Self { child, orders: Some(orders), says: BufReader::new(says) };
        process.write(setup)?;
        Ok(process)
    }

    pub(crate) fn give(&mut self, turn: Turn) -> Outcome {
        self.write(&turn)
    }

    /// Waits for the outcome of the turn.
    pub(crate) fn done(&mut self) -> Outcome<Done> {
        let mut line = String::new();
        if self.says.read_line(&mut line)? == 0 {
            return Err("a process of the fleet has ended; its error is above".into());
        }
        Ok(serde_json::from_str(&line)?)
    }

    fn write(&mut self, order: &impl Serialize) -> Outcome {
        let Some(orders) = &mut self.orders else { return Ok(()) };
        let mut line = serde_json::to_vec(order)?;
        line.push(b'\n');
        orders.write_all(&line)?;
        Ok(orders.flush()?)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.orders = None;
        let _ = self.child.wait();
    }
}
