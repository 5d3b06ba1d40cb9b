//! Files that are whole or not there, and open to their owner alone.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use super::form::{self, Unreadable};
use super::refused;
use crate::key::GrantKey;
use crate::store::{AttemptId, Record, StoreError, StoreErrorKind};

/// Makes a folder that its owner alone may enter, or checks that it is one.
pub(super) fn make_folder(folder: &Path) -> Result<(), StoreError> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder).map_err(failed)?;
    #[cfg(unix)]
    {
        let mode = std::os::unix::fs::PermissionsExt::mode(
            &fs::metadata(folder).map_err(failed)?.permissions(),
        );
        if mode & 0o077 != 0 {
            let why = format!(
                "{} may be entered by others than its owner (mode {:03o}): `chmod 700` it, or give \
                 the store a folder of its own",
                folder.display(),
                mode & 0o777
            );
            return Err(refused(StoreErrorKind::Other, why));
        }
    }
    Ok(())
}

/// The options of a file that its owner alone may open, from its first byte on.
pub(super) fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(options, 0o600);
    options
}

/// The record in this file, which is that of `key`.
pub(super) fn read(path: &Path, key: &GrantKey) -> Result<Option<Record>, StoreError> {
    let bytes = match fs::read(path) {
        Ok(bytes) => Zeroizing::new(bytes),
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed(error)),
    };
    let why = match form::read(&bytes) {
        Ok((of, record)) if of == *key => return Ok(Some(record)),
        Ok((of, _)) => format!("it is that of {of}"),
        Err(Unreadable::Later(version)) => {
            let why = format!("{} has version {version}, and was left alone", path.display());
            return Err(refused(StoreErrorKind::UnknownVersion, why));
        }
        Err(Unreadable::Damaged(why)) => why,
    };
    let aside = path.with_extension(format!("damaged-{}", AttemptId::random()?));
    fs::rename(path, &aside).map_err(failed)?;
    let why = format!("the file was set aside as {}: {why}", aside.display());
    Err(refused(StoreErrorKind::Damaged, why))
}

/// Puts the record in the place of what is there, at once.
pub(super) fn write(
    folder: &Path,
    path: &Path,
    key: &GrantKey,
    record: &Record,
) -> Result<(), StoreError> {
    let bytes = form::write(key, record)
        .map_err(|error| StoreError::new(StoreErrorKind::Other).with_source(error))?;
    replace(folder, path, &bytes)
}

/// The ending of a file that is to take the place of another.
const UNFINISHED: &str = "tmp";

/// Puts a file with these bytes in the place of what is there, at once. Under the latch of that
/// place: what lies beside it is of a process that was killed.
pub(super) fn replace(folder: &Path, path: &Path, bytes: &[u8]) -> Result<(), StoreError> {
    let beside = path.with_extension(UNFINISHED);
    let written = (|| {
        take_away(&beside)?;
        let mut file = private(OpenOptions::new().write(true).create_new(true)).open(&beside)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&beside, path)
    })();
    if let Err(error) = written {
        // What is there stays; the half beside it is of no use to anybody.
        let _ = fs::remove_file(&beside);
        return Err(failed(error));
    }
    sync(folder)
}

/// Every record that can be read.
pub(super) fn all(folder: &Path) -> Result<impl Iterator<Item = (GrantKey, Record)>, StoreError> {
    let entries = fs::read_dir(folder).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let paths = entries.map_err(failed)?.into_iter().map(|entry| entry.path());
    let records = paths.filter(|path| path.extension().is_some_and(|it| it == "json"));
    Ok(records.filter_map(|path| {
        let bytes = Zeroizing::new(fs::read(path).ok()?);
        form::read(&bytes).ok()
    }))
}

/// Removes a file for good, and what was to take its place. Under the latch of that place.
pub(super) fn remove(folder: &Path, path: &Path) -> Result<(), StoreError> {
    take_away(&path.with_extension(UNFINISHED)).and_then(|()| take_away(path)).map_err(failed)?;
    sync(folder)
}

/// What processes write, or left when they were killed while they wrote.
pub(super) fn unfinished(folder: &Path) -> io::Result<impl Iterator<Item = PathBuf>> {
    let paths = fs::read_dir(folder)?.filter_map(|entry| Some(entry.ok()?.path()));
    Ok(paths.filter(|path| path.extension().is_some_and(|it| it == UNFINISHED)))
}

/// Removes a file that may not be there.
pub(super) fn take_away(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Makes names in a folder durable, where folders can be opened.
fn sync(folder: &Path) -> Result<(), StoreError> {
    if cfg!(unix) {
        File::open(folder).and_then(|folder| folder.sync_all()).map_err(failed)?;
    }
    Ok(())
}

/// What an operating system's error says of the store.
pub(super) fn failed(error: io::Error) -> StoreError {
    let kind = match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => StoreErrorKind::Full,
        ErrorKind::ReadOnlyFilesystem | ErrorKind::PermissionDenied => StoreErrorKind::ReadOnly,
        _ => StoreErrorKind::Unavailable,
    };
    StoreError::new(kind).with_source(error)
}
