//! Files that are whole or not there, and open to their owner alone.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use zeroize::Zeroizing;

use crate::key::GrantKey;
use crate::store::{AttemptId, Record, StoreError, StoreErrorKind, StoreTime};

/// The extension of a record.
pub(super) const RECORD: &str = "json";

/// The extension of a file that is to replace another.
pub(super) const UNFINISHED: &str = "tmp";

/// Creates a folder that only its owner can enter, or checks that it is one.
pub(super) fn make_folder(folder: &Path) -> Result<(), StoreError> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder).map_err(|error| failed("create", folder, &error))?;
    #[cfg(unix)]
    {
        let metadata = fs::metadata(folder).map_err(|error| failed("open", folder, &error))?;
        let mode = std::os::unix::fs::PermissionsExt::mode(&metadata.permissions());
        if mode & 0o077 != 0 {
            return Err(StoreError::new(StoreErrorKind::Other).with_source(format!(
                "{} can be entered by others than its owner (mode {:03o}): `chmod 700` it, or use \
                 another folder",
                folder.display(),
                mode & 0o777
            )));
        }
    }
    Ok(())
}

/// Sets the options of a file that only its owner can open, from its first byte on.
pub(super) fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(options, 0o600);
    options
}

/// Reads a file. Returns `None` if there is none.
pub(super) fn bytes(path: &Path) -> Result<Option<Zeroizing<Vec<u8>>>, StoreError> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(Zeroizing::new(bytes))),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(failed("read", path, &error)),
    }
}

/// Reads the record of `key`. A damaged file is moved aside if `may_move`, for which the caller
/// holds the latch, and left alone otherwise.
pub(super) fn read(
    path: &Path,
    key: &GrantKey,
    may_move: bool,
) -> Result<Option<Record>, StoreError> {
    let Some(bytes) = bytes(path)? else { return Ok(None) };
    let error = match Record::decode(key, &bytes) {
        Ok(record) => return Ok(Some(record)),
        Err(error) => error,
    };
    let mut fate = "was left alone".to_owned();
    if may_move && error.kind() == StoreErrorKind::Damaged {
        let aside = path.with_extension(format!("damaged-{}", AttemptId::random()?));
        fs::rename(path, &aside).map_err(|error| failed("set aside", path, &error))?;
        fate = format!("was set aside as {}", aside.display());
    }
    let why = std::error::Error::source(&error).map(ToString::to_string).unwrap_or_default();
    let why = format!("{} {fate}: {why}", path.display());
    Err(StoreError::new(error.kind()).with_source(why))
}

/// Puts a file with these bytes in the place of what is there, at once. `at` becomes the time of
/// its last change. The caller holds the latch, so an unfinished file is of a killed process.
pub(super) fn replace(path: &Path, bytes: &[u8], at: StoreTime) -> Result<(), StoreError> {
    let unfinished = path.with_extension(UNFINISHED);
    let written = (|| {
        remove_if_there(&unfinished)?;
        let mut options = OpenOptions::new();
        let mut file = private(options.write(true).create_new(true)).open(&unfinished)?;
        file.write_all(bytes)?;
        let since = Duration::from_millis(u64::try_from(at.as_millis()).unwrap_or_default());
        // Some file systems cannot. The system's clock, which they use instead, is good enough.
        let _ = SystemTime::UNIX_EPOCH.checked_add(since).map(|at| file.set_modified(at));
        file.sync_all()?;
        fs::rename(&unfinished, path)
    })();
    written.map_err(|error| {
        let _ = fs::remove_file(&unfinished);
        failed("write", path, &error)
    })?;
    path.parent().map_or(Ok(()), sync_replaced)
}

/// Removes a file for good, and the file that was to replace it. The caller holds the latch.
pub(super) fn remove(path: &Path) -> Result<(), StoreError> {
    let removed = remove_if_there(&path.with_extension(UNFINISHED));
    removed.and_then(|()| remove_if_there(path)).map_err(|error| failed("remove", path, &error))?;
    path.parent().map_or(Ok(()), sync_replaced)
}

/// Makes the names in a folder durable after a file was replaced. Whatever the system refuses, the
/// file is another one now, so the error must not be that of a write that was refused.
fn sync_replaced(folder: &Path) -> Result<(), StoreError> {
    sync(folder).map_err(|error| {
        let why = std::error::Error::source(&error).map(ToString::to_string).unwrap_or_default();
        StoreError::new(StoreErrorKind::Unavailable).with_source(why)
    })
}

/// Removes a file that may not be there.
pub(super) fn remove_if_there(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Returns the files of a folder with this extension.
pub(super) fn files(
    folder: &Path,
    extension: &str,
) -> Result<impl Iterator<Item = PathBuf>, StoreError> {
    let entries = fs::read_dir(folder).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let entries = entries.map_err(|error| failed("list", folder, &error))?;
    let paths = entries.into_iter().map(|entry| entry.path());
    Ok(paths.filter(move |path| path.extension().is_some_and(|it| it == extension)))
}

/// Returns the time of the last change of a file.
pub(super) fn changed_at(path: &Path) -> Option<StoreTime> {
    let at = fs::metadata(path).ok()?.modified().ok()?;
    let since = at.duration_since(SystemTime::UNIX_EPOCH).ok()?;
    Some(StoreTime::default().plus(since))
}

/// Makes the names in a folder durable, where folders can be opened.
pub(super) fn sync(folder: &Path) -> Result<(), StoreError> {
    if cfg!(unix) {
        let synced = File::open(folder).and_then(|folder| folder.sync_all());
        synced.map_err(|error| failed("sync", folder, &error))?;
    }
    Ok(())
}

/// Creates the error of an operation that the system refused. It names the file.
pub(super) fn failed(what: &str, path: &Path, error: &io::Error) -> StoreError {
    let kind = match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => StoreErrorKind::Full,
        ErrorKind::ReadOnlyFilesystem | ErrorKind::PermissionDenied => StoreErrorKind::ReadOnly,
        _ => StoreErrorKind::Unavailable,
    };
    StoreError::new(kind).with_source(format!("cannot {what} {}: {error}", path.display()))
}
