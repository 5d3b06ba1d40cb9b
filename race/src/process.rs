//! One process of the race, as the controller sees it.

use std::process::Stdio;

use rustix::process::{Pid, Signal, kill_process};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::sync::mpsc::UnboundedSender;

use crate::faults::{FaultKind, Link};
use crate::message::{Answer, Ask, Message, Setup};
use crate::proxy::{Proxy, Traffic};
use crate::time::Micros;
use crate::{Outcome, WORKER};

/// The number of a process, counted from the first process of the race.
pub(crate) type Number = usize;

pub(crate) struct Process {
    /// The index of the process among those that run at a time.
    pub(crate) index: usize,
    /// The last round in which the process has asked for all grants.
    pub(crate) done: u32,
    child: Child,
    /// `None` when the process is to end.
    orders: Option<ChildStdin>,
    proxies: Proxies,
    pauses: Vec<Pause>,
    is_alive: bool,
    is_closing: bool,
}

/// The proxies before the servers that the process talks to, if connections can be cut.
#[derive(Default)]
pub(crate) struct Proxies {
    pub(crate) store: Option<Proxy>,
    pub(crate) provider: Option<Proxy>,
}

struct Pause {
    from: Micros,
    /// `None` as long as the pause lasts.
    until: Option<Micros>,
}

/// What happens to a process.
pub(crate) enum News {
    Message(Message),
    /// The process has closed its output.
    Ended,
    /// A fault strikes the process.
    Struck(FaultKind),
    /// The pause of the process is over.
    Resumes,
    /// The connection of the process is not cut any more.
    Heals(Link),
}

impl Process {
    /// Starts a process. Its messages are sent to `news`.
    pub(crate) async fn start(
        number: Number,
        index: usize,
        setup: &Setup,
        proxies: Proxies,
        news: UnboundedSender<(Number, News)>,
    ) -> Outcome<Self> {
        let mut command = Command::new(std::env::current_exe()?);
        command.arg(WORKER).stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true);
        let mut child = command.spawn()?;
        let (Some(orders), Some(out)) = (child.stdin.take(), child.stdout.take()) else {
            return Err("a process was started without pipes".into());
        };
        tokio::spawn(listen(number, out, news));
        let mut process = Self {
            index,
            done: 0,
            child,
            orders: Some(orders),
            proxies,
            pauses: Vec::new(),
            is_alive: true,
            is_closing: false,
        };
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

    /// Asks the process to close its manager and to end.
    pub(crate) fn close(&mut self) -> Outcome {
        self.is_closing = true;
        self.signal(Signal::TERM)
    }

    pub(crate) fn is_closing(&self) -> bool {
        self.is_closing
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

    /// Sets what a proxy of the process does. Does nothing if there is no such proxy.
    pub(crate) fn set(&self, link: Link, traffic: Traffic) {
        let proxy = match link {
            Link::Store => &self.proxies.store,
            Link::Provider => &self.proxies.provider,
        };
        if let Some(proxy) = proxy {
            proxy.set(traffic);
        }
    }

    /// Returns whether the process was stopped during this call.
    pub(crate) fn was_paused_in(&self, answer: &Answer) -> bool {
        let is_during = |pause: &Pause| {
            pause.from <= answer.returned && pause.until.is_none_or(|until| answer.began <= until)
        };
        self.pauses.iter().any(is_during)
    }

    /// Ends the process, and waits for its end.
    pub(crate) async fn end(&mut self) -> Outcome {
        self.orders = None;
        if std::mem::take(&mut self.is_alive) && !self.child.wait().await?.success() {
            return Err("a process ended with a failure".into());
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
        // A process that was killed may have written half a line.
        let Ok(message) = serde_json::from_str(&line) else { continue };
        if news.send((number, News::Message(message))).is_err() {
            return;
        }
    }
    let _ = news.send((number, News::Ended));
}
