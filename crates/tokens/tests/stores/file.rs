//! What the file store does to files, and what other processes do to it.

use std::error::Error;
use std::fs::{self, Permissions};
use std::io::{BufRead, BufReader};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{LazyLock, mpsc};
use std::thread;
use std::time::Duration;

use countersign_testkit::ManualClock;
use countersign_testkit::steps::{put, record};
use countersign_tokens::{
    FileStore, GrantKey, GrantStore, Payload, Record, StoreError, StoreErrorKind, Swap,
};
use futures_lite::future::block_on;
use tempfile::TempDir;

const CHILD: &str = "COUNTERSIGN_TEST_CHILD";
const FOLDER: &str = "COUNTERSIGN_TEST_FOLDER";

/// A store in a folder that is removed at the end of the test.
struct World {
    store: FileStore,
    grants: PathBuf,
    _folder: TempDir,
}

impl World {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let grants = folder.path().join("grants");
        Self { store: FileStore::open(&grants).expect("a store"), grants, _folder: folder }
    }

    fn load(&self) -> Result<Option<Record>, StoreError> {
        block_on(self.store.load(key())).map(|loaded| loaded.record)
    }

    fn write(&self, text: &str) -> Record {
        let next = record(text);
        let swap = block_on(put(&self.store, key(), &next)).expect("written");
        assert!(matches!(swap, Swap::Done(_)), "{swap:?}");
        next
    }

    fn files(&self, extension: &str) -> Vec<PathBuf> {
        let paths = fs::read_dir(&self.grants).expect("a folder");
        let paths = paths.map(|it| it.expect("an entry").path());
        let paths = paths.filter(|path| path.extension().is_some_and(|it| it == extension));
        paths.filter(|path| !path.ends_with("clock.json")).collect()
    }

    /// Returns the latch of the only record.
    fn latch(&self) -> PathBuf {
        let file = self.file();
        let group = file.file_stem().and_then(|it| it.to_str()).map(|it| it[..2].to_owned());
        self.grants.join("locks").join(group.expect("a name")).with_extension("latch")
    }

    /// Returns the only record's file.
    fn file(&self) -> PathBuf {
        self.files("json").pop().expect("a file")
    }
}

fn key() -> &'static GrantKey {
    static KEY: LazyLock<GrantKey> = LazyLock::new(|| key_of("user"));
    &KEY
}

fn key_of(user: &str) -> GrantKey {
    GrantKey::new("provider", "client", user).expect("a key")
}

fn why(error: &StoreError) -> String {
    error.source().expect("a source").to_string()
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).expect("there").permissions().mode() & 0o777
}

/// A process that runs [`as_a_child`]. It is killed at the end of the test, or after ten seconds, so
/// that a test that waits for a latch fails.
struct Process {
    watchdog: Option<thread::JoinHandle<()>>,
    end: Option<mpsc::Sender<()>>,
}

impl Process {
    fn start(what: &str, folder: &Path) -> Self {
        let mut command = Command::new(std::env::current_exe().expect("this program"));
        command.args(["file::as_a_child", "--exact", "--nocapture"]);
        command.env(CHILD, what).env(FOLDER, folder).stdout(Stdio::piped());
        let mut child = command.spawn().expect("a process");
        let out = BufReader::new(child.stdout.take().expect("piped"));
        let (end, ended) = mpsc::channel();
        let watchdog = thread::spawn(move || {
            let _ = ended.recv_timeout(Duration::from_secs(10));
            let _ = child.kill();
            let _ = child.wait();
        });
        let process = Self { watchdog: Some(watchdog), end: Some(end) };
        assert!(out.lines().any(|it| it.expect("text").contains("ready")), "the child ended");
        process
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        drop(self.end.take());
        let _ = self.watchdog.take().map(thread::JoinHandle::join);
    }
}

/// What the other process does. As a test of this process it does nothing.
#[test]
fn as_a_child() {
    let (Ok(what), Ok(grants)) = (std::env::var(CHILD), std::env::var(FOLDER)) else { return };
    if what == "stop" {
        // Within a step, that is: with every latch.
        let latches = (0..=u8::MAX).map(|group| format!("{group:02x}.latch"));
        let latches = latches.map(|name| Path::new(&grants).join("locks").join(name));
        let latches: Vec<_> =
            latches.map(|path| fs::File::create(path).expect("a latch")).collect();
        latches.iter().for_each(|latch| latch.lock().expect("locked"));
        println!("\nready");
        let own = std::process::id().to_string();
        let _ = Command::new("kill").args(["-STOP", &own]).stderr(Stdio::null()).status();
        // The signal may arrive later than the answer of the command.
        loop {
            thread::park();
        }
    }
    let store = FileStore::open(grants).expect("a store");
    println!("\nready");
    loop {
        for text in ["a".repeat(20_000), "b".repeat(40_000)] {
            block_on(put(&store, key(), &record(&text))).expect("written");
        }
    }
}

/// Returns how many threads wait for the lock of a file, as the kernel lists them.
fn threads_that_wait_for(path: &Path) -> usize {
    let inode = format!(":{} ", fs::metadata(path).expect("there").ino());
    let locks = fs::read_to_string("/proc/locks").expect("locks");
    locks.lines().filter(|line| line.contains("->") && line.contains(&inode)).count()
}

/// A stopped process never gives its latch back.
/// A manager over the store that gives a step of the store one second.
#[cfg(feature = "tokio")]
fn manager(store: &FileStore) -> countersign_tokens::TokenManager {
    let provider =
        countersign_core::Provider::rfc6749("https://id.example/a", "https://id.example/t");
    let client =
        countersign_core::Client::builder(provider.with_name(key().provider()), key().client_id())
            .secret("secret")
            .transport(countersign_testkit::NeverTransport::new())
            .build()
            .expect("a client");
    countersign_tokens::TokenManager::builder(client, store.clone())
        .executor(countersign_tokens::TokioExecutor::current().expect("a runtime"))
        .store_timeout(Duration::from_secs(1))
        .build()
        .expect("a manager")
}

#[tokio::test(flavor = "current_thread")]
async fn a_stopped_process_holds_up_neither_loads_nor_the_runtime() {
    let world = World::new();
    let written = record("text");
    put(&world.store, key(), &written).await.expect("written");
    let _stopped = Process::start("stop", &world.grants);
    let ticks = tokio::spawn(async {
        let mut longest = Duration::ZERO;
        let mut ticks = tokio::time::interval(Duration::from_millis(100));
        for _ in 0..22 {
            longest = longest.max(ticks.tick().await.elapsed());
        }
        longest
    });
    let loaded = tokio::time::timeout(Duration::from_secs(1), world.store.load(key()));
    assert_eq!(loaded.await.expect("a load waited").expect("loaded").record, Some(written.clone()));
    #[cfg(feature = "tokio")]
    {
        // A manager's status is such a load.
        let began = tokio::time::interval(Duration::from_secs(1)).tick().await;
        let status = manager(&world.store).status(key()).await.expect("a status");
        assert_eq!(status.generation, written.generation);
        assert!(began.elapsed() < Duration::from_millis(1200), "{:?}", began.elapsed());
    }
    let next = record("next");
    let swap = || world.store.swap(key(), Some(written.version), Some(&next));
    let mut waiting = Vec::new();
    for _ in 0..2 {
        let began = tokio::time::interval(Duration::from_secs(1)).tick().await;
        let swapped = tokio::time::timeout(Duration::from_secs(1), swap()).await;
        assert!(swapped.is_err(), "{swapped:?}");
        assert!(began.elapsed() < Duration::from_millis(1200), "{:?}", began.elapsed());
        waiting.extend((0..100).map(|_| swap()));
        for swap in &mut waiting {
            assert!(futures_lite::future::poll_once(swap).await.is_none());
        }
    }
    let longest = ticks.await.expect("ticked");
    assert!(longest < Duration::from_millis(300), "a task of the runtime was {longest:?} late");
    assert_eq!(threads_that_wait_for(&world.latch()), 1);
    drop(waiting);
    let loaded = tokio::time::timeout(Duration::from_secs(1), world.store.load(key()));
    assert_eq!(loaded.await.expect("a load waited").expect("loaded").record, Some(written));
}

/// The caller may have given up by the time the latch is free.
#[test]
fn a_dropped_swap_that_waited_for_a_latch_is_not_carried_out() {
    let world = World::new();
    let written = world.write("text");
    let stopped = Process::start("stop", &world.grants);
    let next = record("late");
    let mut swap = world.store.swap(key(), Some(written.version), Some(&next));
    assert!(block_on(futures_lite::future::poll_once(&mut swap)).is_none());
    drop(swap);
    drop(stopped);
    // The next swap comes after the dropped one.
    let next = record("next");
    let swap = block_on(world.store.swap(key(), Some(written.version), Some(&next)));
    assert!(matches!(swap, Ok(Swap::Done(_))), "{swap:?}");
}

#[test]
fn only_the_owner_can_open_files() {
    let world = World::new();
    world.write("text");
    let locks = world.grants.join("locks");
    assert_eq!((mode(&world.grants), mode(&locks)), (0o700, 0o700));
    let latches = fs::read_dir(locks).expect("a folder").map(|it| it.expect("an entry").path());
    for path in latches.chain([world.file(), world.grants.join("clock.json")]) {
        assert_eq!(mode(&path), 0o600, "{}", path.display());
    }
    fs::set_permissions(&world.grants, Permissions::from_mode(0o755)).expect("changed");
    let error = FileStore::open(&world.grants).expect_err("open to others");
    assert!(why(&error).contains("chmod 700"), "{}", why(&error));
}

#[test]
fn a_kill_leaves_the_former_record_or_the_next() {
    let world = World::new();
    world.write("a");
    for _ in 0..10 {
        let child = Process::start("write", &world.grants);
        let before = world.load().expect("loaded");
        // The child is killed after the first of its writes that is seen.
        while world.load().expect("loaded") == before {}
        drop(child);
        let record = world.load().expect("whole").expect("a record");
        let bytes = record.payload.as_bytes();
        assert!(matches!(bytes.len(), 1 | 20_000 | 40_000), "{}", bytes.len());
        assert!(bytes.iter().all(|it| *it == bytes[0]));
        world.write("a");
        assert_eq!(world.files("tmp"), Vec::<PathBuf>::new());
    }
}

#[test]
fn a_swap_removes_what_a_killed_process_was_writing() {
    let world = World::new();
    let written = world.write("text");
    let path = world.file();
    fs::copy(&path, path.with_extension("tmp")).expect("copied");
    let swap = block_on(world.store.swap(key(), Some(written.version), None));
    assert!(matches!(swap, Ok(Swap::Done(_))), "{swap:?}");
    assert_eq!((world.files("json"), world.files("tmp")), (vec![], vec![]));
}

#[test]
fn opening_the_store_removes_what_killed_processes_were_writing() {
    let world = World::new();
    let written = world.write("text");
    let path = world.file();
    for of in [&path, &world.grants.join("clock.json")] {
        fs::copy(&path, of.with_extension("tmp")).expect("copied");
    }
    FileStore::open(&world.grants).expect("a store");
    assert_eq!(world.files("tmp"), Vec::<PathBuf>::new());
    assert_eq!(world.load().expect("loaded"), Some(written));
}

#[test]
fn a_file_is_replaced_and_never_written_into() {
    let world = World::new();
    world.write("text");
    let before = fs::read(world.file()).expect("bytes");
    // A process that has the file open reads on in the former one.
    let mut opened = fs::File::open(world.file()).expect("opened");
    world.write("next");
    let mut bytes = Vec::new();
    std::io::Read::read_to_end(&mut opened, &mut bytes).expect("bytes");
    assert_eq!(bytes, before);
    assert_ne!(fs::read(world.file()).expect("bytes"), before);
}

#[test]
fn a_damaged_file_is_set_aside_and_never_overwritten() {
    let damages: [fn(&str) -> String; 4] = [
        |text| text[..text.len() / 2].to_owned(),
        |_| String::new(),
        |text| text.replace("\"generation\":1", "\"generation\":\"secret\""),
        |text| text.replace("/user", "/resu"),
    ];
    let load = |world: &World| world.load().map(drop);
    let swap = |world: &World| block_on(world.store.swap(key(), None, None)).map(drop);
    for damage in damages {
        for step in [load as fn(&World) -> _, swap] {
            let world = World::new();
            world.write("text");
            let damaged = damage(&fs::read_to_string(world.file()).expect("text"));
            fs::write(world.file(), &damaged).expect("written");
            let error = step(&world).expect_err("damaged");
            assert_eq!(error.kind(), StoreErrorKind::Damaged);
            let why = why(&error);
            assert!(why.contains("set aside as") && !why.contains("secret"), "{why}");
            world.write("again");
            let aside = why.split(": ").next().and_then(|it| it.rsplit(' ').next());
            assert_eq!(fs::read_to_string(aside.expect("a path")).expect("there"), damaged);
        }
    }
}

/// Another process may be about to replace the file.
#[test]
fn a_load_moves_no_damaged_file_while_another_process_holds_the_latch() {
    let world = World::new();
    world.write("text");
    let path = world.file();
    fs::write(&path, "damaged").expect("written");
    let _stopped = Process::start("stop", &world.grants);
    let error = world.load().expect_err("damaged");
    assert_eq!(error.kind(), StoreErrorKind::Damaged);
    assert!(why(&error).contains(path.to_str().expect("text")), "{}", why(&error));
    assert_eq!(fs::read_to_string(&path).expect("there"), "damaged");
}

#[test]
fn a_file_of_another_version_is_left_alone() {
    for other in [r#"{"version": 1, "key": "provider/client/user"}"#, r#"{"format": 3}"#] {
        let world = World::new();
        world.write("text");
        let path = world.file();
        fs::write(&path, other).expect("written");
        let errors = [
            world.load().expect_err("another version"),
            block_on(world.store.swap(key(), None, None)).expect_err("another version"),
        ];
        for error in errors {
            assert_eq!(error.kind(), StoreErrorKind::UnknownVersion);
            assert!(why(&error).contains(path.to_str().expect("text")), "{}", why(&error));
        }
        assert_eq!(fs::read_to_string(&path).expect("there"), other);
    }
}

#[test]
fn pages_skip_and_count_files_that_cannot_be_read() {
    let world = World::new();
    let now = block_on(world.store.load(key())).expect("loaded").read_at;
    for user in ["a", "b", "c", "d"] {
        let next = Record { due_at: Some(now), ..record(user) };
        block_on(put(&world.store, &key_of(user), &next)).expect("written");
    }
    let mut files = world.files("json");
    files.sort_unstable();
    fs::write(&files[0], "damaged").expect("written");
    fs::write(&files[1], r#"{"version": 1, "key": "provider/client/user"}"#).expect("written");
    fs::copy(&files[2], world.grants.join("copy.json")).expect("copied");
    let (mut due, mut list) = ((0, 0), (0, 0));
    let (mut after_due, mut after) = (None, None);
    for _ in 0..2 {
        let page = block_on(world.store.due(Duration::ZERO, after_due.as_ref(), 1)).expect("due");
        due = (due.0 + page.records.len(), due.1 + page.skipped.len());
        after_due = page.next;
        let page = block_on(world.store.list(after.as_ref(), 1)).expect("a list");
        list = (list.0 + page.records.len(), list.1 + page.skipped.len());
        after = page.next;
    }
    assert_eq!((after_due, after), (None, None));
    assert_eq!((due, list), ((2, 3), (2, 3)));
}

#[test]
fn errors_name_the_path() {
    let world = World::new();
    world.write("text");
    let (path, locks) = (world.file(), world.grants.join("locks"));
    let before = fs::read(&path).expect("bytes");
    fs::rename(&locks, world.grants.join("gone")).expect("renamed");
    let error = block_on(world.store.swap(key(), None, None)).expect_err("no latches");
    assert_eq!(error.kind(), StoreErrorKind::Unavailable);
    assert!(why(&error).contains(locks.to_str().expect("text")), "{}", why(&error));
    assert_eq!(fs::read(&path).expect("bytes"), before);
    fs::remove_file(&path).expect("removed");
    fs::create_dir(&path).expect("a folder in the place of the file");
    let error = world.load().expect_err("a folder");
    assert!(why(&error).contains(path.to_str().expect("text")), "{}", why(&error));
}

#[test]
fn a_relative_path_is_resolved_when_the_store_is_opened() {
    let world = World::new();
    let store = FileStore::open(&world.grants).expect("a store");
    assert_eq!(format!("{store:?}"), format!("FileStore({})", world.grants.display()));
    // Opened in the working directory, which the tests share: the name alone is checked.
    let name = format!("target-{}", std::process::id());
    let store = FileStore::open(&name).expect("a store");
    let path = std::env::current_dir().expect("a folder").join(&name);
    fs::remove_dir_all(&path).expect("removed");
    assert_eq!(format!("{store:?}"), format!("FileStore({})", path.display()));
}

#[test]
fn the_debug_output_shows_no_payload() {
    let world = World::new();
    let written = Record { payload: Payload::new(b"canary".to_vec()), ..record("") };
    block_on(put(&world.store, key(), &written)).expect("written");
    assert!(!format!("{:?}", world.store).contains("canary"));
}

#[test]
fn the_clock_of_the_store_shows_milliseconds() -> Result<(), Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    let clock = ManualClock::default();
    let store = FileStore::open_with_clock(folder.path().join("grants"), clock.clone())?;
    let before = block_on(store.load(key()))?.read_at;
    clock.advance(Duration::from_millis(250));
    let passed = block_on(store.load(key()))?.read_at.since(before);
    assert_eq!(passed, Duration::from_millis(250));
    Ok(())
}
