//! Locks of the operating system, which end with the process that holds them.

use std::collections::HashMap;
use std::fs::{File, OpenOptions, TryLockError};
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::disk::{failed, private};
use crate::key::GrantKey;
use crate::store::{AttemptId, Record, StoreError};

/// Waits for the lock of this file, and holds it until the answer is dropped.
pub(super) fn locked(path: &Path) -> Result<File, StoreError> {
    let file = open(path)?;
    file.lock().map_err(failed)?;
    Ok(file)
}

fn open(path: &Path) -> Result<File, StoreError> {
    let mut options = OpenOptions::new();
    private(options.write(true).create(true).truncate(false)).open(path).map_err(failed)
}

/// The leases that attempts of this process hold.
#[derive(Default)]
pub(super) struct Leases(Mutex<HashMap<GrantKey, (AttemptId, File)>>);

impl Leases {
    /// Takes the lease out of a record when its holder has died. Under the latch.
    pub(super) fn bury_the_dead(
        &self,
        key: &GrantKey,
        path: &Path,
        record: &mut Record,
    ) -> Result<(), StoreError> {
        let Some(lease) = record.lease else { return Ok(()) };
        if self.held().get(key).is_some_and(|(owner, _)| *owner == lease.owner) {
            return Ok(());
        }
        match open(path)?.try_lock() {
            Ok(()) => record.lease = None,
            Err(TryLockError::WouldBlock) => {}
            Err(TryLockError::Error(error)) => return Err(failed(error)),
        }
        Ok(())
    }

    /// Holds the lock of a lease that was taken, and lets go of one that was released. Under the
    /// latch, as everything that opens or removes the file.
    pub(super) fn follow(
        &self,
        key: &GrantKey,
        path: &Path,
        record: Option<&Record>,
    ) -> Result<(), StoreError> {
        let mut held = self.held();
        let owner = record.and_then(|record| record.lease).map(|lease| lease.owner);
        if held.get(key).is_some_and(|(of, _)| Some(*of) != owner) {
            held.remove(key);
        }
        let Some(owner) = owner.filter(|_| !held.contains_key(key)) else {
            if record.is_none() {
                let _ = std::fs::remove_file(path);
            }
            return Ok(());
        };
        let file = open(path)?;
        // Somebody else's lease is locked by them, and not ours to hold.
        match file.try_lock() {
            Ok(()) => {
                held.insert(key.clone(), (owner, file));
                Ok(())
            }
            Err(TryLockError::WouldBlock) => Ok(()),
            Err(TryLockError::Error(error)) => Err(failed(error)),
        }
    }

    fn held(&self) -> MutexGuard<'_, HashMap<GrantKey, (AttemptId, File)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
