//! Two real processes on one file store.

use std::env;
use std::error::Error;
use std::io::{self, BufRead, Write};
use std::path::Path;
use std::process::Child;
use std::time::Duration;

use countersign::{Client, ExposeSecret, Provider, ReqwestTransport};
use countersign_sandbox::Config;
use countersign_testkit::ManualClock;
use countersign_tests::{Fixture, TestResult, child, said, say};
use countersign_tokens::{FileStore, TokenManager, TokioExecutor};

const FOLDER: &str = "COUNTERSIGN_TEST_FOLDER";
const PROVIDER: &str = "COUNTERSIGN_TEST_PROVIDER";

/// Longer than a token lives.
const LATER: Duration = Duration::from_secs(2 * 3600);

/// Tells the fresh token each time that it is told to let time pass.
#[tokio::test]
async fn as_a_child() -> TestResult {
    let Ok(folder) = env::var(FOLDER) else { return Ok(()) };
    let clock = ManualClock::default();
    let client = Client::builder(serde_json::from_str(&env::var(PROVIDER)?)?, Config::CLIENT_ID)
        .secret(Config::CLIENT_SECRET)
        .transport(ReqwestTransport::new()?)
        .clock(clock.clone())
        .build()?;
    let store = FileStore::open_with_clock(folder, clock.clone())?;
    let tokens =
        TokenManager::builder(client, store).executor(TokioExecutor::current()?).build()?;
    let key = tokens.key("user 42")?;
    for line in io::stdin().lock().lines() {
        line?;
        clock.advance(LATER);
        say(tokens.token(&key).await?.expose_secret());
    }
    Ok(())
}

fn begin(folder: &Path, provider: &Provider) -> Result<Child, Box<dyn Error>> {
    let mut command = child("as_a_child")?;
    command.env(FOLDER, folder).env(PROVIDER, serde_json::to_string(provider)?);
    Ok(command.spawn()?)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn g10_two_processes_on_one_file_store_refresh_once_for_each_expiry() -> TestResult {
    let at = Fixture::start(Config::rfc6749()).await?;
    let folder = tempfile::tempdir()?;
    let folder = folder.path().join("grants");
    let store = FileStore::open_with_clock(&folder, at.clock.clone())?;
    let tokens = TokenManager::builder(at.client.clone(), store)
        .executor(TokioExecutor::current()?)
        .build()?;
    tokens.insert(&tokens.key("user 42")?, at.authorized().await?.into_tokens()).await?;

    let mut processes = Vec::new();
    for _ in 0..2 {
        let mut process = begin(&folder, at.client.provider())?;
        let tells = said(process.stdout.take().ok_or("no output")?);
        let told = process.stdin.take().ok_or("no input")?;
        processes.push((process, told, tells));
    }
    for expiry in 1..=20 {
        at.advance(LATER);
        for (_, told, _) in &mut processes {
            writeln!(told, "later")?;
        }
        let tokens: Vec<_> = processes.iter_mut().map(|(_, _, tells)| tells.next()).collect();
        assert!(tokens[0].is_some(), "a process ended");
        assert_eq!(tokens[0], tokens[1]);
        assert_eq!(at.sandbox.counts().token_refresh, expiry);
    }
    for (mut process, told, _) in processes {
        drop(told);
        assert!(process.wait()?.success());
    }
    Ok(())
}
