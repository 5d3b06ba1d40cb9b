//! Grants in a folder.

mod clock;
mod disk;
mod latch;
mod name;
mod scan;
mod thread;

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use countersign_core::Clock;

use crate::key::GrantKey;
use crate::store::{
    Due, DuePage, GrantStore, ListPage, Loaded, Record, StoreError, StoreErrorKind, StoreTime,
    Swap, Version,
};
use clock::StoreClock;
use latch::{locked, locked_if_free};
use name::Name;
use thread::{Turn, on_a_thread};

/// Grants in a folder, one file each, for the processes of one machine. Clones share the folder.
///
/// * **Privacy.** Only the owner can enter the folder (0700) and open its files (0600). The tokens
///   are in clear.
/// * **Crashes.** A file is replaced whole: a new file is written, synced and renamed, and then the
///   folder is synced. A crash leaves the former record or the new one. The next swap of the record
///   and the next [`open`](Self::open) remove unfinished files.
/// * **Damage.** A file that cannot be read is set aside under another name, and the error names
///   both. A file in the format of another version is left alone.
/// * **Time** is the time since the machine started (Linux), so setting the wall clock moves no
///   lease. On other systems it is the wall clock.
/// * **Blocking.** Each step runs on a thread of its own, so a slow disk does not block the async
///   runtime, and any runtime will do. [`load`](GrantStore::load) waits for no lock. A
///   [`swap`](GrantStore::swap) waits for the lock of the process that writes. Steps that wait for
///   a disk or a lock that hangs occupy at most one thread for each of 256 groups of keys, and one
///   more for each group with loads.
/// * **Limits.** `due` and `list` read every file, so use the store for thousands of grants, not
///   for millions. The folder needs a local file system with locks.
///
/// # Examples
///
/// ```
/// use countersign_tokens::{FileStore, GrantKey, GrantStore};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let folder = tempfile::tempdir()?;
/// # let folder = folder.path().join("grants");
/// let store = FileStore::open(folder)?;
/// # futures_lite::future::block_on(async {
/// let loaded = store.load(&GrantKey::new("hellosign", "client", "user 42")?).await?;
/// assert!(loaded.record.is_none());
/// # Ok(())
/// # })
/// # }
/// ```
#[derive(Clone)]
pub struct FileStore(Arc<Inner>);

struct Inner {
    folder: PathBuf,
    clock: StoreClock,
    /// One turn for each latch, so that one thread at most waits for a latch.
    swaps: Vec<Turn>,
    /// As many turns for loads, which need no latch and must not wait for swaps.
    loads: Vec<Turn>,
    scans: Turn,
}

impl FileStore {
    /// Opens the store in `folder`, and creates the folder if there is none. A relative path is
    /// resolved once, here.
    ///
    /// # Errors
    ///
    /// [`StoreErrorKind::Other`] if others than its owner can enter the folder. Another kind if the
    /// folder cannot be created, or if its file system has no locks or cannot sync a folder. A
    /// folder that is read-only opens, and its records can be loaded.
    pub fn open(folder: impl AsRef<Path>) -> Result<Self, StoreError> {
        Self::with(folder.as_ref(), StoreClock::of_the_machine())
    }

    /// Opens the store as [`open`](Self::open) does, with a custom clock. All processes that share
    /// the folder must use the same clock.
    ///
    /// # Errors
    ///
    /// As [`open`](Self::open).
    pub fn open_with_clock(
        folder: impl AsRef<Path>,
        clock: impl Clock,
    ) -> Result<Self, StoreError> {
        Self::with(folder.as_ref(), StoreClock::given(clock))
    }

    fn with(folder: &Path, clock: StoreClock) -> Result<Self, StoreError> {
        let absolute = std::path::absolute(folder);
        let folder = absolute.map_err(|error| disk::failed("resolve", folder, &error))?;
        disk::make_folder(&folder)?;
        disk::make_folder(&latch::folder(&folder))?;
        if let Err(error) = latch::probe(&folder)
            && error.kind() != StoreErrorKind::ReadOnly
        {
            return Err(error);
        }
        remove_unfinished(&folder);
        // The first answer may have to wait for another process, which must not be within a step.
        clock.now(&folder);
        let turns = || (0..=u8::MAX).map(|_| Turn::default()).collect();
        let (swaps, loads) = (turns(), turns());
        Ok(Self(Arc::new(Inner { folder, clock, swaps, loads, scans: Turn::default() })))
    }

    async fn step<T: Send + 'static>(
        &self,
        turn: &Turn,
        work: impl FnOnce(&Inner, &dyn Fn() -> bool) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let inner = Arc::clone(&self.0);
        on_a_thread(turn, move |is_wanted| work(&inner, is_wanted)).await
    }
}

impl Inner {
    fn now(&self) -> StoreTime {
        self.clock.now(&self.folder)
    }

    fn load(&self, name: &Name, key: &GrantKey) -> Result<Loaded, StoreError> {
        let read_at = self.now();
        let path = name.record(&self.folder);
        let record = match disk::read(&path, key, false) {
            Err(error) if error.kind() == StoreErrorKind::Damaged => {
                // Only the latch makes it safe to move the file, and it may be held for long.
                match locked_if_free(&name.latch(&self.folder)) {
                    Some(_latch) => disk::read(&path, key, true)?,
                    None => return Err(error),
                }
            }
            read => read?,
        };
        Ok(Loaded { record, read_at })
    }

    fn swap(
        &self,
        name: &Name,
        key: &GrantKey,
        expected: Option<Version>,
        next: Option<&Record>,
        is_wanted: &dyn Fn() -> bool,
    ) -> Result<Swap, StoreError> {
        let path = name.record(&self.folder);
        let _latch = locked(&name.latch(&self.folder))?;
        if !is_wanted() {
            // The caller gave up while another process held the latch.
            return Err(StoreError::new(StoreErrorKind::Timeout));
        }
        let present = disk::read(&path, key, true)?;
        let read_at = self.now();
        let version = present.as_ref().map(|record| record.version);
        if version == next.map(|record| record.version) {
            // An earlier try may have failed after the file was renamed and before that was synced.
            disk::sync(&self.folder)?;
        } else if version != expected {
            return Ok(Swap::Conflict(Loaded { record: present, read_at }));
        } else if let Some(next) = next {
            disk::replace(&path, &next.encode(key)?, read_at)?;
        } else {
            disk::remove(&path)?;
        }
        Ok(Swap::Done(read_at))
    }
}

/// Removes the files that processes left when they were killed while they wrote. They may hold
/// tokens. A file that cannot be removed now is removed by the next swap of its record.
fn remove_unfinished(folder: &Path) {
    for path in disk::files(folder, disk::UNFINISHED).into_iter().flatten() {
        let name = path.file_stem().and_then(|it| it.to_str()).unwrap_or_default();
        if let Some(_latch) = locked_if_free(&latch::of(folder, name)) {
            let _ = disk::remove_if_there(&path);
        }
    }
}

#[async_trait]
impl GrantStore for FileStore {
    async fn load(&self, key: &GrantKey) -> Result<Loaded, StoreError> {
        let (key, name) = (key.clone(), Name::new(key));
        let turn = self.0.loads.get(name.group).unwrap_or(&self.0.scans);
        self.step(turn, move |inner, _| inner.load(&name, &key)).await
    }

    async fn swap(
        &self,
        key: &GrantKey,
        expected: Option<Version>,
        next: Option<&Record>,
    ) -> Result<Swap, StoreError> {
        let (key, next, name) = (key.clone(), next.cloned(), Name::new(key));
        let turn = self.0.swaps.get(name.group).unwrap_or(&self.0.scans);
        let swap = move |inner: &Inner, is_wanted: &dyn Fn() -> bool| {
            inner.swap(&name, &key, expected, next.as_ref(), is_wanted)
        };
        self.step(turn, swap).await
    }

    async fn due(
        &self,
        within: Duration,
        after: Option<&Due>,
        limit: usize,
    ) -> Result<DuePage, StoreError> {
        let after = after.cloned();
        self.step(&self.0.scans, move |inner, _| {
            let now = inner.now();
            let place = |key: &_, due_at| scan::due(key, due_at, now.plus(within));
            scan::page(&inner.folder, now, after.as_ref(), limit, place)
        })
        .await
    }

    async fn list(&self, after: Option<&GrantKey>, limit: usize) -> Result<ListPage, StoreError> {
        let after = after.cloned();
        self.step(&self.0.scans, move |inner, _| {
            let place = |key: &GrantKey, _| Some(key.clone());
            scan::page(&inner.folder, inner.now(), after.as_ref(), limit, place)
        })
        .await
    }
}

impl fmt::Debug for FileStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "FileStore({})", self.0.folder.display())
    }
}
