//! Locks of the operating system, which end with the process that holds them.

use std::collections::HashMap;
use std::fs::{File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::disk::{failed, private, take_away};
use crate::key::GrantKey;
use crate::store::{AttemptId, Record, StoreError};

/// Waits for the lock of this file, and holds it until the answer is dropped.
pub(super) fn locked(path: &Path) -> Result<File, StoreError> {
    let file = open(path)?;
    file.lock().map_err(failed)?;
    Ok(file)
}

/// The same where nobody else holds it. `None` where somebody does, or it cannot be had.
pub(super) fn locked_if_free(path: &Path) -> Option<File> {
    open(path).ok().filter(|file| file.try_lock().is_ok())
}

fn open(path: &Path) -> Result<File, StoreError> {
    let mut options = OpenOptions::new();
    private(options.write(true).create(true).truncate(false)).open(path).map_err(failed)
}

/// The leases that attempts of this process hold. Each has a file of its own: who still has that
/// of a lease which ran out keeps nobody from holding the next.
#[derive(Default)]
pub(super) struct Leases(Mutex<HashMap<GrantKey, (AttemptId, File)>>);

/// The files of one grant's leases.
pub(super) struct LeaseFiles {
    /// The folder, and the part of the name that is the grant's.
    pub(super) locks: PathBuf,
    pub(super) hash: String,
}

impl LeaseFiles {
    fn of(&self, owner: AttemptId) -> PathBuf {
        self.locks.join(format!("{}.{owner}.lease", self.hash))
    }
}

impl Leases {
    /// Takes the lease out of a record when its holder has died. Under the latch.
    pub(super) fn bury_the_dead(
        &self,
        key: &GrantKey,
        files: &LeaseFiles,
        record: &mut Record,
    ) -> Result<(), StoreError> {
        let Some(lease) = record.lease else { return Ok(()) };
        if self.holds(key, lease.owner) {
            return Ok(());
        }
        let path = files.of(lease.owner);
        match open(&path)?.try_lock() {
            Ok(()) => {
                let _ = take_away(&path);
                record.lease = None;
                Ok(())
            }
            Err(TryLockError::WouldBlock) => Ok(()),
            Err(TryLockError::Error(error)) => Err(failed(error)),
        }
    }

    /// Holds the lock of the lease that `own` has taken, and lets go of that of `former` if it is
    /// the lease no more. Somebody else's is locked by them, and not ours to hold. Under the latch,
    /// as everything that opens or removes the files.
    pub(super) fn follow(
        &self,
        key: &GrantKey,
        files: &LeaseFiles,
        (former, present): (Option<AttemptId>, Option<AttemptId>),
        own: Option<AttemptId>,
    ) -> Result<(), StoreError> {
        if let Some(former) = former.filter(|_| former != present) {
            let _ = take_away(&files.of(former));
        }
        let mut held = self.held();
        if held.get(key).is_some_and(|(of, _)| Some(*of) != present) {
            held.remove(key);
        }
        let taken = present.filter(|_| present == own && !held.contains_key(key));
        let Some(owner) = taken else { return Ok(()) };
        let file = open(&files.of(owner))?;
        match file.try_lock() {
            Ok(()) => {
                held.insert(key.clone(), (owner, file));
                Ok(())
            }
            Err(TryLockError::WouldBlock) => Ok(()),
            Err(TryLockError::Error(error)) => Err(failed(error)),
        }
    }

    fn holds(&self, key: &GrantKey, owner: AttemptId) -> bool {
        self.held().get(key).is_some_and(|(of, _)| *of == owner)
    }

    fn held(&self) -> MutexGuard<'_, HashMap<GrantKey, (AttemptId, File)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
