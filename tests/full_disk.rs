//! A disk that is full, and one that takes no writes: real ones, in memory and of this size.

#![cfg(target_os = "linux")]

use std::env;
use std::error::Error;
use std::fs;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use countersign::{AccessToken, Authorized, Client, ReqwestTransport, Rotation};
use countersign_sandbox::Config;
use countersign_testkit::ManualClock;
use countersign_tests::{
    Fault as StoreFault, FaultyStore, Fixture, Injector, Step, TestResult, child, said, say,
};
use countersign_tokens::{
    Event, FileStore, GrantKey, GrantStore, StoreError, StoreErrorKind, TokenErrorKind,
    TokenManager, TokioExecutor,
};
use tokio::sync::mpsc;

const DISK: &str = "COUNTERSIGN_TEST_DISK";
const PROVIDER: &str = "COUNTERSIGN_TEST_PROVIDER";
const DONE: &str = "done";

/// Longer than a token lives.
const LATER: Duration = Duration::from_secs(2 * 3600);

/// A disk, and what is done to it.
#[derive(Debug, Clone)]
struct Disk(PathBuf);

impl Disk {
    fn folder(&self) -> PathBuf {
        self.0.join("grants")
    }

    fn fill(&self) -> io::Result<()> {
        let mut filler = fs::File::create(self.0.join("filler"))?;
        for size in [4096, 1] {
            while filler.write_all(&vec![b'x'; size]).is_ok() {}
        }
        Ok(())
    }

    fn empty(&self) -> io::Result<()> {
        fs::remove_file(self.0.join("filler"))
    }

    fn remount(&self, how: &str) -> TestResult {
        let mut mount = Command::new("mount");
        mount.args(["-o", &format!("remount,{how}")]).arg(&self.0).stdin(Stdio::null());
        if mount.status()?.success() { Ok(()) } else { Err(format!("not remounted {how}").into()) }
    }

    /// What lies in the store's folder, by name.
    fn records(&self) -> io::Result<Vec<(PathBuf, Vec<u8>)>> {
        let mut records = Vec::new();
        for entry in fs::read_dir(self.folder())? {
            let path = entry?.path();
            if path.is_file() {
                records.push((path.clone(), fs::read(path)?));
            }
        }
        Ok(records)
    }
}

/// Fills the disk between an answer and the store, once.
#[derive(Debug)]
struct FillBeforeSaving(Disk, AtomicBool);

#[async_trait]
impl Injector for FillBeforeSaving {
    async fn at(&self, step: Step, side: StoreFault) -> Result<(), StoreError> {
        let is_it = (step, side) == (Step::Save, StoreFault::Before);
        if is_it && !self.1.swap(true, Ordering::SeqCst) {
            let filled = self.0.fill();
            filled.map_err(|it| StoreError::new(StoreErrorKind::Other).with_source(it))?;
        }
        Ok(())
    }
}

struct World {
    tokens: TokenManager,
    key: GrantKey,
    events: mpsc::UnboundedReceiver<Event>,
}

impl World {
    fn new(client: Client, store: impl GrantStore) -> Result<Self, Box<dyn Error>> {
        let (tell, events) = mpsc::unbounded_channel();
        let tokens = TokenManager::builder(client, store)
            .executor(TokioExecutor::current()?)
            .on_event(move |event| drop(tell.send(event.clone())))
            .build()?;
        let key = tokens.key("user 42")?;
        Ok(Self { tokens, key, events })
    }

    /// What kept the grant from being stored, once that is told.
    async fn not_stored(&mut self) -> Option<StoreErrorKind> {
        while let Some(event) = self.events.recv().await {
            if let Event::NotStored { error, .. } = event {
                return error.store().map(StoreError::kind);
            }
        }
        None
    }

    async fn stored(&mut self) -> TestResult {
        while let Some(event) = self.events.recv().await {
            if let Event::Stored { .. } = event {
                return Ok(());
            }
        }
        Err("it was never stored".into())
    }
}

/// The test proper, on a disk of its own.
#[tokio::test]
async fn as_a_child() -> TestResult {
    let Ok(disk) = env::var(DISK) else { return Ok(()) };
    let disk = Disk(disk.into());
    let clock = ManualClock::default();
    let client = Client::builder(serde_json::from_str(&env::var(PROVIDER)?)?, Config::CLIENT_ID)
        .secret(Config::CLIENT_SECRET)
        .transport(ReqwestTransport::new()?)
        .clock(clock.clone())
        .build()?;
    let mut grant = String::new();
    io::stdin().read_to_string(&mut grant)?;
    let grant = client.resume(serde_json::from_str::<Authorized>(&grant)?)?.into_tokens();
    let case = Case { disk, clock, client };
    let world = World::new(case.client.clone(), case.open()?)?;
    world.tokens.insert(&world.key, grant).await?;
    if case.client.provider().rotation == Rotation::Never {
        case.goes_on_without_a_store().await?;
    } else {
        case.spends_nothing_that_it_cannot_note().await?;
        case.keeps_an_answer_that_it_cannot_store().await?;
    }
    say(DONE);
    Ok(())
}

struct Case {
    disk: Disk,
    clock: ManualClock,
    client: Client,
}

impl Case {
    fn open(&self) -> Result<FileStore, StoreError> {
        FileStore::open_with_clock(self.disk.folder(), self.clock.clone())
    }

    /// The token that is stored, as another process reads it.
    async fn stored_token(&self) -> Result<AccessToken, Box<dyn Error>> {
        let other = World::new(self.client.clone(), self.open()?)?;
        Ok(other.tokens.token(&other.key).await?)
    }

    /// Where a refresh spends the token: no intent, no request, and nothing is overwritten.
    async fn spends_nothing_that_it_cannot_note(&self) -> TestResult {
        for kind in [StoreErrorKind::Full, StoreErrorKind::ReadOnly] {
            let world = World::new(self.client.clone(), self.open()?)?;
            let before = world.tokens.token(&world.key).await?;
            self.spoil(kind)?;
            let records = self.disk.records()?;
            self.clock.advance(LATER);
            let token = world.tokens.token(&world.key).await;
            let error = token.err().ok_or("it was refreshed without a note")?;
            assert_eq!(error.kind(), TokenErrorKind::Store);
            assert_eq!(error.store().map(StoreError::kind), Some(kind));
            assert!(self.disk.records()? == records, "{kind:?}: something was written");
            self.mend(kind)?;
            self.clock.advance(Duration::from_secs(61));
            assert!(!world.tokens.token(&world.key).await?.same_as(&before));
        }
        Ok(())
    }

    /// It serves from memory, and is stored when there is room again.
    async fn keeps_an_answer_that_it_cannot_store(&self) -> TestResult {
        let before = self.stored_token().await?;
        let fill = FillBeforeSaving(self.disk.clone(), AtomicBool::new(false));
        let mut world =
            World::new(self.client.clone(), FaultyStore::new(self.open()?, Arc::new(fill)))?;
        self.clock.advance(LATER);
        let token = world.tokens.token(&world.key).await?;
        assert!(!token.same_as(&before));
        assert_eq!(world.not_stored().await, Some(StoreErrorKind::Full));
        assert!(world.tokens.token(&world.key).await?.same_as(&token));
        self.disk.empty()?;
        world.stored().await?;
        assert!(self.stored_token().await?.same_as(&token));
        Ok(())
    }

    /// Where a refresh spends nothing it is made all the same.
    async fn goes_on_without_a_store(&self) -> TestResult {
        for kind in [StoreErrorKind::Full, StoreErrorKind::ReadOnly] {
            let mut world = World::new(self.client.clone(), self.open()?)?;
            let before = world.tokens.token(&world.key).await?;
            self.spoil(kind)?;
            self.clock.advance(LATER);
            let token = world.tokens.token(&world.key).await?;
            assert!(!token.same_as(&before));
            assert_eq!(world.not_stored().await, Some(kind));
            self.mend(kind)?;
            world.stored().await?;
            assert!(self.stored_token().await?.same_as(&token));
        }
        Ok(())
    }

    fn spoil(&self, kind: StoreErrorKind) -> TestResult {
        match kind {
            StoreErrorKind::Full => Ok(self.disk.fill()?),
            _ => self.disk.remount("ro"),
        }
    }

    fn mend(&self, kind: StoreErrorKind) -> TestResult {
        match kind {
            StoreErrorKind::Full => Ok(self.disk.empty()?),
            _ => self.disk.remount("rw"),
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_disk_without_room_or_without_writes_costs_no_grant() -> TestResult {
    if !can_mount() {
        println!("skipped: this machine lets nobody mount a disk of their own (`unshare`)");
        return Ok(());
    }
    for (config, requests) in [(Config::rfc6749(), 3), (Config::hellosign(), 2)] {
        let at = Fixture::start(config).await?;
        let disk = tempfile::tempdir()?;
        let mut process = on_a_disk_of_its_own(disk.path())?
            .env(DISK, disk.path())
            .env(PROVIDER, serde_json::to_string(at.client.provider())?)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let grant = serde_json::to_vec(&at.authorized().await?.into_state())?;
        process.stdin.take().ok_or("no input")?.write_all(&grant)?;
        let mut lines = said(process.stdout.take().ok_or("no output")?);
        assert!(lines.any(|line| line == DONE), "it failed, as told above");
        assert!(process.wait()?.success());
        assert_eq!(at.sandbox.counts().token_refresh, requests);
    }
    Ok(())
}

/// What runs a command in a mount namespace of its own.
fn unshare() -> Command {
    let mut command = Command::new("unshare");
    command.args(["--user", "--map-root-user", "--mount", "sh", "-c"]);
    command
}

fn can_mount() -> bool {
    let tried = unshare().arg("mount -t tmpfs tmpfs /tmp").stderr(Stdio::null()).status();
    tried.is_ok_and(|status| status.success())
}

/// This program again, with a small disk at `place` that nobody else sees.
fn on_a_disk_of_its_own(place: &Path) -> Result<Command, Box<dyn Error>> {
    let test = child("as_a_child")?;
    let mut command = unshare();
    command.arg("mount -t tmpfs -o size=128k,mode=700 tmpfs \"$0\" && exec \"$@\"").arg(place);
    command.arg(test.get_program()).args(test.get_args());
    Ok(command)
}
