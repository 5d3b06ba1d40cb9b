//! What the file store does to files, and what they do to it.

use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use countersign_testkit::ManualClock;
use countersign_tokens::{
    Adopt, Clear, FileStore, Forget, GrantStore, StoreErrorKind, Takeover, Verdict,
};
use futures_lite::future::block_on;

use crate::world::{attempt, begin, epoch, key, material};

const CHILD: &str = "COUNTERSIGN_TEST_CHILD";
const FOLDER: &str = "COUNTERSIGN_TEST_FOLDER";

fn adopt(store: &FileStore, subject: &str, text: &str) {
    let adopt = Adopt { epoch: epoch(), replaces: None, material: material(text) };
    assert!(block_on(store.adopt(&key(subject), &adopt)).expect("adopted").is_accepted());
}

fn records(folder: &Path) -> Vec<PathBuf> {
    let paths = fs::read_dir(folder).expect("a folder").map(|it| it.expect("an entry").path());
    let paths = paths.filter(|path| path.extension().is_some_and(|it| it == "json"));
    paths.filter(|path| !path.ends_with("clock.json")).collect()
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).expect("there").permissions().mode() & 0o777
}

/// This program again, as another process that does `what`.
fn child(what: &str, folder: &Path) -> Child {
    let program = std::env::current_exe().expect("this program");
    let mut command = Command::new(program);
    command.args(["file::as_a_child", "--exact", "--nocapture"]);
    command.env(CHILD, what).env(FOLDER, folder).stdout(Stdio::piped());
    command.spawn().expect("a process")
}

/// Reads the child's output up to the line that it says when it is there.
fn wait_for(child: &mut Child, line: &str) {
    let out = BufReader::new(child.stdout.take().expect("piped"));
    assert!(out.lines().any(|it| it.expect("text").contains(line)), "the child ended");
}

/// What the other process does; as a test of this one it does nothing.
#[test]
fn as_a_child() {
    let (Ok(what), Ok(folder)) = (std::env::var(CHILD), std::env::var(FOLDER)) else { return };
    let store = FileStore::open(folder).expect("a store");
    let load = || block_on(store.load(&key("user"))).expect("loaded").expect("a record");
    if what == "begin" {
        let step = begin(&load(), attempt(), Takeover::Never);
        assert!(block_on(store.begin(&key("user"), &step)).expect("begun").is_accepted());
        println!("\nready");
        loop {
            std::thread::park();
        }
    }
    println!("\nready");
    for round in 0_u64.. {
        let text = if round % 2 == 0 { "a".repeat(20_000) } else { "b".repeat(40_000) };
        let replaces = Some(load().epoch);
        let step = Adopt { epoch: epoch(), replaces, material: material(&text) };
        assert!(block_on(store.adopt(&key("user"), &step)).expect("adopted").is_accepted());
    }
}

#[test]
fn files_are_the_owners_alone() {
    let folder = tempfile::tempdir().expect("a folder");
    let grants = folder.path().join("grants");
    let store = FileStore::open(&grants).expect("a store");
    adopt(&store, "user", "text");
    assert_eq!((mode(&grants), mode(&grants.join("locks"))), (0o700, 0o700));
    let locks = fs::read_dir(grants.join("locks")).expect("a folder");
    let locks = locks.map(|it| it.expect("an entry").path());
    for path in records(&grants).into_iter().chain(locks).chain([grants.join("clock.json")]) {
        assert_eq!(mode(&path), 0o600, "{}", path.display());
    }
    fs::set_permissions(&grants, fs::Permissions::from_mode(0o755)).expect("changed");
    let error = FileStore::open(&grants).expect_err("open to others");
    let why = std::error::Error::source(&error).expect("why").to_string();
    assert!(why.contains("chmod 700"), "{why}");
}

#[test]
fn g12_a_lease_ends_with_the_process_that_held_it_and_its_intent_does_not() {
    let folder = tempfile::tempdir().expect("a folder");
    let grants = folder.path().join("grants");
    let store = FileStore::open(&grants).expect("a store");
    adopt(&store, "user", "text");
    let mut child = child("begin", &grants);
    wait_for(&mut child, "ready");
    let read = block_on(store.load(&key("user"))).expect("loaded").expect("a record");
    assert!(read.live_lease().is_some());
    let step = begin(&read, attempt(), Takeover::Always);
    assert!(!block_on(store.begin(&key("user"), &step)).expect("begun").is_accepted());
    child.kill().expect("killed");
    child.wait().expect("ended");
    let read = block_on(store.load(&key("user"))).expect("loaded").expect("a record");
    assert_eq!((read.live_lease(), read.attempts.len()), (None, 1));
    let strict = begin(&read, attempt(), Takeover::Never);
    assert!(matches!(
        block_on(store.begin(&key("user"), &strict)).expect("begun"),
        Verdict::Refused(Some(_))
    ));
    assert!(block_on(store.begin(&key("user"), &step)).expect("begun").is_accepted());
}

#[test]
fn g10_a_lease_is_held_by_the_process_that_took_it_and_by_no_other() {
    let folder = tempfile::tempdir().expect("a folder");
    let grants = folder.path().join("grants");
    let clock = ManualClock::default();
    let open = || FileStore::open_with_clock(&grants, clock.clone()).expect("a store");
    let load =
        |store: &FileStore| block_on(store.load(&key("user"))).expect("loaded").expect("a record");
    let (former, holder, other) = (open(), open(), open());
    adopt(&other, "user", "text");
    let step = begin(&load(&former), attempt(), Takeover::Always);
    assert!(block_on(former.begin(&key("user"), &step)).expect("begun").is_accepted());
    // It runs out, and the next is another's.
    clock.advance(step.lease * 2);
    let next = begin(&load(&holder), attempt(), Takeover::Always);
    assert!(block_on(holder.begin(&key("user"), &next)).expect("begun").is_accepted());
    let clear = Clear { attempt: step.attempt, epoch: step.epoch, rests_for: None };
    assert!(block_on(former.clear(&key("user"), &clear)).expect("cleared").is_accepted());
    drop(former);
    assert!(load(&other).live_lease().is_some(), "a lease ended with somebody else");
    drop(holder);
    assert!(load(&other).live_lease().is_none(), "a lease outlived its holder");
}

#[test]
fn locks_of_leases_leave_no_files() {
    let folder = tempfile::tempdir().expect("a folder");
    let grants = folder.path().join("grants");
    let store = FileStore::open(&grants).expect("a store");
    adopt(&store, "user", "text");
    for _ in 0..3 {
        let read = block_on(store.load(&key("user"))).expect("loaded").expect("a record");
        let step = begin(&read, attempt(), Takeover::Never);
        assert!(block_on(store.begin(&key("user"), &step)).expect("begun").is_accepted());
        let clear = Clear { attempt: step.attempt, epoch: step.epoch, rests_for: None };
        assert!(block_on(store.clear(&key("user"), &clear)).expect("cleared").is_accepted());
    }
    let locks = fs::read_dir(grants.join("locks")).expect("a folder");
    let leases = locks.map(|it| it.expect("an entry").path());
    assert_eq!(leases.filter(|it| it.extension().is_some_and(|it| it == "lease")).count(), 0);
}

#[test]
fn a_kill_leaves_the_old_grant_or_the_new_one() {
    let folder = tempfile::tempdir().expect("a folder");
    let grants = folder.path().join("grants");
    let store = FileStore::open(&grants).expect("a store");
    adopt(&store, "user", "a");
    for _ in 0..10 {
        let mut child = child("write", &grants);
        wait_for(&mut child, "ready");
        let before = block_on(store.load(&key("user"))).expect("loaded").expect("a record");
        loop {
            // It is killed in the midst of its writes: after the first of them that is seen.
            let now = block_on(store.load(&key("user"))).expect("loaded").expect("a record");
            if now.revision > before.revision {
                break;
            }
        }
        child.kill().expect("killed");
        child.wait().expect("ended");
        let record = block_on(store.load(&key("user"))).expect("whole").expect("a record");
        let bytes = record.payload.as_bytes();
        assert!(matches!(bytes.len(), 1 | 20_000 | 40_000), "{}", bytes.len());
        assert!(bytes.iter().all(|it| *it == bytes[0]));
        // Whoever writes next takes away what the killed one was about to put there.
        let replaces = Some(record.epoch);
        let step = Adopt { epoch: epoch(), replaces, material: material("a") };
        assert!(block_on(store.adopt(&key("user"), &step)).expect("adopted").is_accepted());
        assert_eq!(unfinished(&grants), Vec::<PathBuf>::new());
    }
}

/// Files that were to take the place of others.
fn unfinished(folder: &Path) -> Vec<PathBuf> {
    let paths = fs::read_dir(folder).expect("a folder").map(|it| it.expect("an entry").path());
    paths.filter(|path| path.extension().is_some_and(|it| it == "tmp")).collect()
}

#[test]
fn tokens_that_a_killed_process_was_writing_go_with_the_grant() {
    let folder = tempfile::tempdir().expect("a folder");
    let grants = folder.path().join("grants");
    let store = FileStore::open(&grants).expect("a store");
    adopt(&store, "user", "text");
    let path = records(&grants).pop().expect("a file");
    fs::copy(&path, path.with_extension("tmp")).expect("copied");
    let read = block_on(store.load(&key("user"))).expect("loaded").expect("a record");
    let forget = Forget { epoch: read.epoch, tombstone: epoch() };
    assert!(block_on(store.forget(&key("user"), &forget)).expect("forgotten").is_accepted());
    assert_eq!(unfinished(&grants), Vec::<PathBuf>::new());
    // One that dies over a tombstone leaves nothing either.
    fs::copy(&path, path.with_extension("tmp")).expect("copied");
    block_on(store.purge(&key("user"), forget.tombstone)).expect("purged");
    assert_eq!(unfinished(&grants), Vec::<PathBuf>::new());
}

#[test]
fn what_killed_processes_were_writing_is_taken_away_by_the_next_that_opens_the_store() {
    let folder = tempfile::tempdir().expect("a folder");
    let grants = folder.path().join("grants");
    let store = FileStore::open(&grants).expect("a store");
    adopt(&store, "user", "text");
    let path = records(&grants).pop().expect("a file");
    for of in [&path, &grants.join("clock.json")] {
        fs::copy(&path, of.with_extension("tmp")).expect("copied");
    }
    FileStore::open(&grants).expect("a store");
    assert_eq!(unfinished(&grants), Vec::<PathBuf>::new());
    assert!(block_on(store.load(&key("user"))).expect("loaded").is_some());
}

#[test]
fn a_file_is_replaced_and_never_written_into() {
    let folder = tempfile::tempdir().expect("a folder");
    let grants = folder.path().join("grants");
    let store = FileStore::open(&grants).expect("a store");
    adopt(&store, "user", "text");
    let path = records(&grants).pop().expect("a file");
    let before = fs::read(&path).expect("bytes");
    // Whoever has it open reads on in the old one.
    let mut opened = fs::File::open(&path).expect("opened");
    let read = block_on(store.load(&key("user"))).expect("loaded").expect("a record");
    let step = begin(&read, attempt(), Takeover::Never);
    assert!(block_on(store.begin(&key("user"), &step)).expect("begun").is_accepted());
    let mut bytes = Vec::new();
    std::io::Read::read_to_end(&mut opened, &mut bytes).expect("bytes");
    assert_eq!(bytes, before);
    assert_ne!(fs::read(&path).expect("bytes"), before);
}

#[test]
fn what_is_damaged_is_set_aside_and_never_overwritten() {
    let damages: [fn(&str) -> String; 4] = [
        |text| text[..text.len() / 2].to_owned(),
        |_| String::new(),
        |text| text.replace("\"generation\": 1", "\"generation\": \"secret\""),
        |text| text.replace("/user", "/resu"),
    ];
    for damage in damages {
        let folder = tempfile::tempdir().expect("a folder");
        let grants = folder.path().join("grants");
        let store = FileStore::open(&grants).expect("a store");
        adopt(&store, "user", "text");
        let path = records(&grants).pop().expect("a file");
        let damaged = damage(&fs::read_to_string(&path).expect("text"));
        fs::write(&path, &damaged).expect("written");
        let error = block_on(store.load(&key("user"))).expect_err("damaged");
        assert_eq!(error.kind(), StoreErrorKind::Damaged);
        let why = std::error::Error::source(&error).expect("why").to_string();
        assert!(why.contains("set aside as") && !why.contains("secret"), "{why}");
        adopt(&store, "user", "again");
        let aside = why.split(": ").next().and_then(|it| it.rsplit(' ').next()).expect("a path");
        assert_eq!(fs::read_to_string(aside).expect("there"), damaged);
    }
}

#[test]
fn what_a_later_version_wrote_is_left_alone() {
    let folder = tempfile::tempdir().expect("a folder");
    let grants = folder.path().join("grants");
    let store = FileStore::open(&grants).expect("a store");
    adopt(&store, "user", "text");
    let path = records(&grants).pop().expect("a file");
    let later = r#"{"version": 2, "anything": "else"}"#;
    fs::write(&path, later).expect("written");
    let replaces = Adopt { epoch: epoch(), replaces: None, material: material("new") };
    let error = block_on(store.adopt(&key("user"), &replaces)).expect_err("a later version");
    assert_eq!(error.kind(), StoreErrorKind::UnknownVersion);
    assert_eq!(fs::read_to_string(&path).expect("there"), later);
}

#[test]
fn a_folder_that_was_taken_away_is_told_and_nothing_is_lost() {
    let folder = tempfile::tempdir().expect("a folder");
    let grants = folder.path().join("grants");
    let store = FileStore::open(&grants).expect("a store");
    adopt(&store, "user", "text");
    let path = records(&grants).pop().expect("a file");
    let before = fs::read(&path).expect("bytes");
    let locks = grants.join("locks");
    fs::rename(&locks, grants.join("gone")).expect("renamed");
    let error = block_on(store.load(&key("user"))).expect_err("no locks");
    assert_eq!(error.kind(), StoreErrorKind::Unavailable);
    assert_eq!(fs::read(&path).expect("bytes"), before);
}
