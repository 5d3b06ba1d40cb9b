//! One process of the race, as the controller has it.

use std::process::Stdio;

use rustix::process::{Pid, Signal, kill_process};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::sync::mpsc::UnboundedSender;

use crate::faults::{Deed, End};
use crate::message::{Answer, Ask, Said, Setup};
use crate::proxy::{Proxy, Way};
use crate::time::Micros;
use crate::{Outcome, WORKER};

/// Which process, counted from the first of the race.
pub(crate) type Number = usize;

pub(crate) struct Process {
    /// Which of the processes at a time it is.
    pub(crate) seat: usize,
    /// The last round that it has asked all grants in.
    pub(crate) done: u32,
    child: Child,
    /// None when it is to end.
    orders: Option<ChildStdin>,
    ways: Ways,
    pauses: Vec<Pause>,
    is_alive: bool,
}

/// The ways on which it reaches others, where they can be cut.
#[derive(Default)]
pub(crate) struct Ways {
    pub(crate) store: Option<Proxy>,
    pub(crate) provider: Option<Proxy>,
}

struct Pause {
    from: Micros,
    /// None as long as it lasts.
    until: Option<Micros>,
}

/// What becomes known of a process.
pub(crate) enum News {
    Said(Said),
    /// It says nothing any more.
    Ended,
    /// A fault strikes it.
    Struck(Deed),
    /// Its pause is over.
    Resumes,
    /// Its way there is open again.
    Heals(End),
}

impl Process {
    /// Starts it. What it says is sent to `news`.
    pub(crate) async fn start(
        number: Number,
        seat: usize,
        setup: &Setup,
        ways: Ways,
        news: UnboundedSender<(Number, News)>,
    ) -> Outcome<Self> {
        let mut command = Command::new(std::env::current_exe()?);
        command.arg(WORKER).stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true);
        let mut child = command.spawn()?;
        let (Some(orders), Some(out)) = (child.stdin.take(), child.stdout.take()) else {
            return Err("a process was started without pipes".into());
        };
        tokio::spawn(listen(number, out, news));
        let (pauses, is_alive) = (Vec::new(), true);
        let mut process =
            Self { seat, done: 0, child, orders: Some(orders), ways, pauses, is_alive };
        process.write(&serde_json::to_vec(setup)?).await?;
        Ok(process)
    }

    pub(crate) async fn ask(&mut self, ask: Ask) -> Outcome {
        self.write(&serde_json::to_vec(&ask)?).await
    }

    pub(crate) fn is_alive(&self) -> bool {
        self.is_alive
    }

    pub(crate) fn is_paused(&self) -> bool {
        self.pauses.last().is_some_and(|it| it.until.is_none())
    }

    pub(crate) async fn kill(&mut self) -> Outcome {
        self.is_alive = false;
        Ok(self.child.kill().await?)
    }

    pub(crate) fn pause(&mut self) -> Outcome {
        self.pauses.push(Pause { from: Micros::now(), until: None });
        self.signal(Signal::STOP)
    }

    pub(crate) fn resume(&mut self) -> Outcome {
        self.signal(Signal::CONT)?;
        if let Some(pause) = self.pauses.last_mut() {
            pause.until = Some(Micros::now());
        }
        Ok(())
    }

    /// Sets a way of it; without effect where it cannot be cut.
    pub(crate) fn set(&self, end: End, way: Way) {
        let proxy = match end {
            End::Store => &self.ways.store,
            End::Provider => &self.ways.provider,
        };
        if let Some(proxy) = proxy {
            proxy.set(way);
        }
    }

    /// Whether it was stopped during this call.
    pub(crate) fn was_paused_in(&self, answer: &Answer) -> bool {
        let is_during = |pause: &Pause| {
            pause.from <= answer.returned && pause.until.is_none_or(|until| answer.began <= until)
        };
        self.pauses.iter().any(is_during)
    }

    /// Has it end, and waits until it has.
    pub(crate) async fn end(&mut self) -> Outcome {
        self.orders = None;
        if std::mem::take(&mut self.is_alive) && !self.child.wait().await?.success() {
            return Err("a process ended badly".into());
        }
        Ok(())
    }

    async fn write(&mut self, line: &[u8]) -> Outcome {
        let Some(orders) = &mut self.orders else { return Ok(()) };
        orders.write_all(line).await?;
        orders.write_all(b"\n").await?;
        Ok(orders.flush().await?)
    }

    fn signal(&self, signal: Signal) -> Outcome {
        let pid = self.child.id().and_then(|id| Pid::from_raw(i32::try_from(id).ok()?));
        let Some(pid) = pid else { return Ok(()) };
        Ok(kill_process(pid, signal)?)
    }
}

async fn listen(number: Number, out: ChildStdout, news: UnboundedSender<(Number, News)>) {
    let mut lines = BufReader::new(out).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        // A process that was killed may have said half a line.
        let Ok(said) = serde_json::from_str(&line) else { continue };
        if news.send((number, News::Said(said))).is_err() {
            return;
        }
    }
    let _ = news.send((number, News::Ended));
}
