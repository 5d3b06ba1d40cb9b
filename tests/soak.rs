//! A thousand exchanges through each transport leave nothing behind: no socket, no thread, no
//! memory.
//!
//! A process of its own, which counts its own sockets, threads and pages; one test, so that nobody
//! else's are among them.

#![cfg(target_os = "linux")]

use std::fs;
use std::sync::Arc;

use countersign::{IsahcTransport, ReqwestTransport, Transport};
use countersign_sandbox::Config;
use countersign_tests::{Fixture, TestResult};

const EXCHANGES: usize = 1_000;

/// At a time. The isahc transport keeps as many threads.
const WAVE: usize = 8;

/// Exchanges after which the transport has all that it keeps.
const WARM: usize = 200;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_exchanges_leave_nothing_behind() -> TestResult {
    leaves_nothing(ReqwestTransport::new()?).await?;
    leaves_nothing(IsahcTransport::new()?).await
}

async fn leaves_nothing(transport: impl Transport) -> TestResult {
    let name = format!("{transport:?}");
    let name = name.split([' ', '{']).next().unwrap_or_default();
    let at = Arc::new(Fixture::with_transport(Config::hellosign(), transport).await?);
    exchanges(&at, WARM).await?;
    let before = Use::now()?;
    exchanges(&at, EXCHANGES - WARM).await?;
    let after = Use::now()?;
    println!("{name}: {before:?}, {} exchanges later {after:?}", EXCHANGES - WARM);
    assert_eq!(at.sandbox.counts().token_generate, EXCHANGES as u64);
    // A pool of this size may have been a few short of it; a leak would be in the hundreds.
    assert!(after.files <= before.files + WAVE, "{name} leaks files: {before:?} {after:?}");
    assert!(after.threads <= before.threads + 2, "{name} leaks threads: {before:?} {after:?}");
    // The sandbox remembers its grants, at less than a kilobyte each.
    assert!(after.kilobytes <= before.kilobytes + 4_000, "{name} grows: {before:?} {after:?}");
    Ok(())
}

async fn exchanges(at: &Arc<Fixture>, number: usize) -> TestResult {
    for _ in 0..number / WAVE {
        let mut wave = Vec::new();
        for _ in 0..WAVE {
            let at = Arc::clone(at);
            wave.push(tokio::spawn(async move {
                at.authorized().await.map(drop).map_err(|error| error.to_string())
            }));
        }
        for exchange in wave {
            exchange.await??;
        }
    }
    Ok(())
}

/// What the process holds.
#[derive(Debug)]
struct Use {
    files: usize,
    threads: usize,
    kilobytes: usize,
}

impl Use {
    fn now() -> std::io::Result<Self> {
        let status = fs::read_to_string("/proc/self/status")?;
        let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kilobytes = resident.and_then(|it| it.split_whitespace().next()?.parse().ok());
        Ok(Self {
            files: fs::read_dir("/proc/self/fd")?.count(),
            threads: fs::read_dir("/proc/self/task")?.count(),
            kilobytes: kilobytes.unwrap_or_default(),
        })
    }
}
