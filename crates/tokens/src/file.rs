//! Grants in a folder.

mod clock;
mod disk;
mod form;
mod locks;

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use countersign_core::Clock;
use sha2::{Digest, Sha256};

use crate::key::GrantKey;
use crate::store::{
    Adopt, AttemptId, Begin, Clear, Due, DuePage, Epoch, Forget, GrantStore, Mark, Record, Renew,
    Reseal, Rules, Save, StoreError, StoreErrorKind, StoreTime, Verdict,
};
use clock::StoreClock;
use locks::{LeaseFiles, Leases, locked, locked_if_free};

/// Grants in a folder, one file each, for the processes of one machine. Clones share it.
///
/// The folder is open to its owner alone (0700), and so is every file from its first byte (0600).
/// A file is replaced whole: written beside, synced, renamed, and the folder synced, so that a
/// crash leaves the old grant or the new one; what it leaves beside them is taken away with the
/// next change of that grant, and when the store is opened. A file that cannot be read is set aside
/// under another name, never overwritten, and the error says where. A lease is an operating
/// system's lock, which ends with its holder. Time is that since the machine was started, where the
/// system tells it (Linux), so that setting the wall clock moves no lease; else it is the wall
/// clock. Tokens are in clear: whoever reads the files has them.
///
/// Steps block for as long as the disk takes, and need no async runtime. The locks need a local
/// file system.
#[derive(Clone)]
pub struct FileStore(Arc<Inner>);

struct Inner {
    folder: PathBuf,
    clock: StoreClock,
    leases: Leases,
}

impl FileStore {
    /// The store in this folder, which is made when it is not there.
    ///
    /// # Errors
    ///
    /// [`StoreErrorKind::Other`] when others than its owner may enter the folder, and whatever
    /// keeps it from being made.
    pub fn open(folder: impl AsRef<Path>) -> Result<Self, StoreError> {
        Self::with(folder.as_ref(), StoreClock::of_the_machine())
    }

    /// The same by this clock, which has to be that of every process that shares the folder.
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
        let folder = folder.to_owned();
        disk::make_folder(&folder)?;
        disk::make_folder(&folder.join("locks"))?;
        take_away_unfinished(&folder);
        Ok(Self(Arc::new(Inner { folder, clock, leases: Leases::default() })))
    }

    fn now(&self) -> StoreTime {
        self.0.clock.now(&self.0.folder)
    }

    /// Applies a rule to the record of `key`, alone among all processes.
    fn step<T>(&self, key: &GrantKey, rule: impl FnOnce(Rules<'_>) -> T) -> Result<T, StoreError> {
        self.step_of(None, key, rule)
    }

    /// The same for the step of an attempt that holds the lease afterwards, if anybody does.
    fn step_of<T>(
        &self,
        holder: Option<AttemptId>,
        key: &GrantKey,
        rule: impl FnOnce(Rules<'_>) -> T,
    ) -> Result<T, StoreError> {
        let paths = Paths::new(&self.0.folder, key);
        let _latch = locked(&paths.latch)?;
        let mut place = disk::read(&paths.record, key)?;
        let now = self.now();
        let former = owner(place.as_ref());
        if let Some(record) = place.as_mut() {
            record.read_at = now;
            self.0.leases.bury_the_dead(key, &paths.leases, record)?;
        }
        let before = place.as_ref().map(|record| (record.epoch, record.revision));
        let answer = rule(Rules::new(&mut place, now));
        if before != place.as_ref().map(|record| (record.epoch, record.revision)) {
            match &place {
                Some(record) => disk::write(&self.0.folder, &paths.record, key, record)?,
                None => disk::remove(&self.0.folder, &paths.record)?,
            }
        }
        let present = owner(place.as_ref());
        self.0.leases.follow(key, &paths.leases, (former, present), holder)?;
        Ok(answer)
    }
}

/// Where what belongs to a grant lies. Hashed, since keys may differ where file systems see no
/// difference.
struct Paths {
    record: PathBuf,
    latch: PathBuf,
    leases: LeaseFiles,
}

impl Paths {
    fn new(folder: &Path, key: &GrantKey) -> Self {
        let hash: String =
            Sha256::digest(key.as_str()).iter().map(|byte| format!("{byte:02x}")).collect();
        let locks = folder.join("locks");
        Self {
            record: folder.join(format!("{hash}.json")),
            latch: latch(&locks, &hash),
            leases: LeaseFiles { locks, hash },
        }
    }
}

/// The file whose lock one has while one writes files of this name.
fn latch(locks: &Path, name: &str) -> PathBuf {
    // Many grants share one, but not with the clock.
    let share = if name == clock::NAME { name } else { name.get(..2).unwrap_or(name) };
    locks.join(format!("{share}.latch"))
}

/// Takes away what processes left that were killed while they wrote, which may be tokens. What
/// somebody writes now stays, as does what cannot be removed: whoever changes that grant next
/// tries again.
fn take_away_unfinished(folder: &Path) {
    let locks = folder.join("locks");
    for path in disk::unfinished(folder).into_iter().flatten() {
        let name = path.file_stem().and_then(|it| it.to_str()).unwrap_or_default();
        if let Some(_latch) = locked_if_free(&latch(&locks, name)) {
            let _ = disk::take_away(&path);
        }
    }
}

fn owner(record: Option<&Record>) -> Option<AttemptId> {
    record.and_then(|record| record.lease).map(|lease| lease.owner)
}

#[async_trait]
impl GrantStore for FileStore {
    async fn load(&self, key: &GrantKey) -> Result<Option<Record>, StoreError> {
        let paths = Paths::new(&self.0.folder, key);
        let latch = match locked(&paths.latch) {
            // Files are replaced whole, so one can be read without the lock where none can be had.
            Err(error) if error.kind() == StoreErrorKind::ReadOnly => None,
            latch => Some(latch?),
        };
        let mut record = disk::read(&paths.record, key)?;
        if let Some(record) = record.as_mut() {
            record.read_at = self.now();
            if latch.is_some() {
                self.0.leases.bury_the_dead(key, &paths.leases, record)?;
            }
        }
        Ok(record)
    }

    async fn begin(&self, key: &GrantKey, begin: &Begin) -> Result<Verdict, StoreError> {
        self.step_of(Some(begin.attempt), key, |rules| rules.begin(begin))
    }

    async fn save(&self, key: &GrantKey, save: &Save) -> Result<Verdict, StoreError> {
        self.step(key, |rules| rules.save(save))
    }

    async fn clear(&self, key: &GrantKey, clear: &Clear) -> Result<Verdict, StoreError> {
        self.step(key, |rules| rules.clear(clear))
    }

    async fn renew(&self, key: &GrantKey, renew: &Renew) -> Result<Verdict, StoreError> {
        self.step_of(Some(renew.attempt), key, |rules| rules.renew(renew))
    }

    async fn mark(&self, key: &GrantKey, mark: &Mark) -> Result<Verdict, StoreError> {
        self.step(key, |rules| rules.mark(mark))
    }

    async fn reseal(&self, key: &GrantKey, reseal: &Reseal) -> Result<Verdict, StoreError> {
        self.step(key, |rules| rules.reseal(reseal))
    }

    async fn adopt(&self, key: &GrantKey, adopt: &Adopt) -> Result<Verdict, StoreError> {
        self.step(key, |rules| rules.adopt(adopt))
    }

    async fn forget(&self, key: &GrantKey, forget: &Forget) -> Result<Verdict, StoreError> {
        self.step(key, |rules| rules.forget(forget))
    }

    async fn purge(&self, key: &GrantKey, tombstone: Epoch) -> Result<(), StoreError> {
        self.step(key, |rules| rules.purge(tombstone)).map(drop)
    }

    /// Reads every file of the folder: for thousands of grants, not for millions. Files that
    /// cannot be read are left out; whoever asks for the grant gets the error.
    async fn due(
        &self,
        within: Duration,
        after: Option<&Due>,
        limit: usize,
    ) -> Result<DuePage, StoreError> {
        let read_at = self.now();
        let until = read_at.plus(within);
        let mut due = Vec::new();
        for (key, record) in disk::all(&self.0.folder)? {
            due.extend(Rules::due(&key, &record).filter(|it| it.due_at <= until));
        }
        due.sort_unstable();
        due.retain(|it| after.is_none_or(|after| it > after));
        due.truncate(limit);
        Ok(DuePage { grants: due, read_at })
    }
}

impl fmt::Debug for FileStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "FileStore({})", self.0.folder.display())
    }
}

/// An error of this kind that says why.
fn refused(kind: StoreErrorKind, why: String) -> StoreError {
    StoreError::new(kind).with_source(why)
}
