//! Locks of the operating system, which end with the process that holds them. Who holds the latch
//! of a file may replace it.

use std::fs::{File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};

use super::disk::{failed, private, sync};
use crate::store::StoreError;

/// Returns the folder of the latches.
pub(super) fn folder(folder: &Path) -> PathBuf {
    folder.join("locks")
}

/// Returns the latch of the files called `name`, which is shared by 1/256 of the hashes.
pub(super) fn of(folder: &Path, name: &str) -> PathBuf {
    let share = if name == super::clock::NAME { name } else { name.get(..2).unwrap_or(name) };
    self::folder(folder).join(format!("{share}.latch"))
}

/// Waits for a latch, and holds it until the returned file is dropped.
pub(super) fn locked(path: &Path) -> Result<File, StoreError> {
    let file = open(path)?;
    file.lock().map_err(|error| failed("lock", path, &error))?;
    Ok(file)
}

/// Takes a latch if it is free. Returns `None` if another process holds it, or it cannot be opened.
pub(super) fn locked_if_free(path: &Path) -> Option<File> {
    open(path).ok().filter(|file| file.try_lock().is_ok())
}

/// Fails if the file system has no locks, or cannot sync a folder.
pub(super) fn probe(folder: &Path) -> Result<(), StoreError> {
    let path = of(folder, super::clock::NAME);
    match open(&path)?.try_lock() {
        Err(TryLockError::Error(error)) => Err(failed("lock", &path, &error)),
        Ok(()) | Err(TryLockError::WouldBlock) => sync(folder),
    }
}

fn open(path: &Path) -> Result<File, StoreError> {
    let mut options = OpenOptions::new();
    let options = private(options.write(true).create(true).truncate(false));
    options.open(path).map_err(|error| failed("open", path, &error))
}
