//! A process that is killed in the midst of a refresh, and the next one that goes on.

use std::error::Error;
use std::path::Path;
use std::process::Child;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use countersign::{Client, Provider, ReqwestTransport};
use countersign_sandbox::{Config, Fault, Target, When};
use countersign_testkit::ManualClock;
use countersign_tests::{
    Fault as StoreFault, FaultyStore, Fixture, Injector, Step, TestResult, child, said, say,
};
use countersign_tokens::{
    FileStore, GrantKey, GrantStore, StoreError, TokenErrorKind, TokenManager, TokioExecutor,
};

const POINT: &str = "COUNTERSIGN_TEST_POINT";
const FOLDER: &str = "COUNTERSIGN_TEST_FOLDER";
const PROVIDER: &str = "COUNTERSIGN_TEST_PROVIDER";

/// Longer than the lease of an attempt: the time limit of a request, that of the store twice, and
/// the margins.
const LEASE: Duration = Duration::from_secs(30 + 2 * STORE_TIMEOUT.as_secs() + 20);

/// A store that stops must not look like one that hangs.
const STORE_TIMEOUT: Duration = Duration::from_secs(600);

/// What the child says when it is where it is to be killed.
const THERE: &str = "it is there";

/// Stops its process at a point of a refresh.
#[derive(Debug)]
struct StopAt(String);

#[async_trait]
impl Injector for StopAt {
    async fn at(&self, step: Step, side: StoreFault) -> Result<(), StoreError> {
        let point = match (step, side) {
            (Step::Begin, StoreFault::Before) => "before begin",
            (Step::Begin, StoreFault::After) => "before sending",
            (Step::Save, StoreFault::Before) => "before the store",
            (Step::Save, StoreFault::After) => "after the store",
            _ => return Ok(()),
        };
        if self.0 == point {
            say(THERE);
            std::future::pending::<()>().await;
        }
        Ok(())
    }
}

fn manager(
    client: Client,
    store: impl GrantStore,
) -> Result<(TokenManager, GrantKey), Box<dyn Error>> {
    let builder = TokenManager::builder(client, store).executor(TokioExecutor::current()?);
    let tokens = builder.store_timeout(STORE_TIMEOUT).build()?;
    let key = tokens.key("user 42")?;
    Ok((tokens, key))
}

/// Another process that refreshes and stops at `point`.
fn begin(point: &str, folder: &Path, provider: &Provider) -> Result<Child, Box<dyn Error>> {
    let mut command = child("as_a_child")?;
    command.env(POINT, point).env(FOLDER, folder);
    command.env(PROVIDER, serde_json::to_string(provider)?);
    Ok(command.spawn()?)
}

/// What the other process does; as a test of this one it does nothing.
#[tokio::test]
async fn as_a_child() -> TestResult {
    let Ok(point) = std::env::var(POINT) else { return Ok(()) };
    let clock = ManualClock::default();
    clock.advance(Duration::from_secs(2 * 3600));
    let client =
        Client::builder(serde_json::from_str(&std::env::var(PROVIDER)?)?, Config::CLIENT_ID)
            .secret(Config::CLIENT_SECRET)
            .transport(ReqwestTransport::new()?)
            .clock(clock.clone())
            .build()?;
    let inner = FileStore::open_with_clock(std::env::var(FOLDER)?, clock)?;
    let (tokens, key) = manager(client, FaultyStore::new(inner, Arc::new(StopAt(point))))?;
    tokens.token(&key).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn g12_a_process_killed_at_any_point_loses_nothing_in_silence() -> TestResult {
    let points = [
        // Where it is killed, how many requests the server then had, and whether a provider that
        // rotates strictly has the next process report it.
        ("before begin", 0, false),
        ("before sending", 0, true),
        ("while waiting", 1, true),
        ("after the answer", 1, true),
        ("before the store", 1, true),
        ("after the store", 1, false),
    ];
    for is_strict in [false, true] {
        for (point, requests, is_reported) in points {
            let config = if is_strict { Config::rfc6749() } else { Config::hellosign() };
            let at = Fixture::start(config).await?;
            let folder = tempfile::tempdir()?;
            let folder = folder.path().join("grants");
            let open = || FileStore::open_with_clock(&folder, at.clock.clone());
            let (tokens, key) = manager(at.client.clone(), open()?)?;
            tokens.insert(&key, at.authorized().await?.into_tokens()).await?;
            at.advance(Duration::from_secs(2 * 3600));

            let held = match point {
                "while waiting" => Some(When::Before),
                "after the answer" => Some(When::After),
                _ => None,
            };
            if let Some(when) = held {
                at.sandbox.fail_next(Fault::Hold { when }.on(Target::TokenRefresh));
            }
            let mut process = begin(point, &folder, at.client.provider())?;
            if held.is_some() {
                at.sandbox.wait_for_held(1).await;
            } else {
                let mut lines = said(process.stdout.take().ok_or("no output")?);
                assert!(lines.any(|line| line == THERE), "{point}");
            }
            process.kill()?;
            process.wait()?;
            at.sandbox.release();
            assert_eq!(at.sandbox.counts().token_refresh, requests, "{point}");

            // The lease of the process that was killed ends.
            at.advance(LEASE);
            let (next, key) = manager(at.client.clone(), open()?)?;
            let token = next.token(&key).await;
            if is_strict && is_reported {
                let error = token.expect_err(point);
                assert_eq!(error.kind(), TokenErrorKind::OutcomeUnknown, "{point}");
                // What may be spent was not sent again.
                assert_eq!(at.sandbox.counts().token_refresh, requests, "{point}");
            } else {
                token?;
                let again = u64::from(point != "after the store");
                assert_eq!(at.sandbox.counts().token_refresh, requests + again, "{point}");
                // And it goes on.
                at.advance(Duration::from_secs(2 * 3600));
                next.token(&key).await?;
            }
        }
    }
    Ok(())
}
