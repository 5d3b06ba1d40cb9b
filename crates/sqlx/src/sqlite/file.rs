//! The file, before the pool opens it.

use std::fs::{self, OpenOptions};
use std::io;
use std::path::Path;

use countersign_tokens::{AttemptId, StoreError, StoreErrorKind};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, SqliteConnection};

use crate::error::failed;

/// The number of times that a file is switched to WAL mode. A switch fails if another process
/// switches the file or writes.
const MOST_SWITCHES: u32 = 100;

/// Creates the file if there is none, and takes the access of other users away. SQLite gives the
/// files `-wal` and `-shm` the permissions of the file when it creates them.
pub(super) fn make_private(file: &Path) -> Result<(), StoreError> {
    let failed = |error: io::Error| {
        let kind = match error.kind() {
            io::ErrorKind::PermissionDenied => StoreErrorKind::ReadOnly,
            _ => StoreErrorKind::Unavailable,
        };
        let why = format!("cannot make {} private to its owner: {error}", file.display());
        StoreError::new(kind).with_source(why)
    };
    if !file.try_exists().map_err(failed)? {
        create(file).map_err(failed)?;
    }
    for suffix in ["", "-wal", "-shm"] {
        let mut path = file.as_os_str().to_owned();
        path.push(suffix);
        restrict(path.as_ref()).map_err(failed)?;
    }
    Ok(())
}

/// Creates the file under another name first: closing a file that SQLite has open elsewhere in this
/// process would release SQLite's locks on it.
fn create(file: &Path) -> io::Result<()> {
    let id = AttemptId::random().map_err(io::Error::other)?;
    let mut beside = file.as_os_str().to_owned();
    beside.push(format!(".{id}.tmp"));
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(&beside).map(drop)?;
    let linked = fs::hard_link(&beside, file);
    fs::remove_file(&beside)?;
    match linked {
        // Another process was faster.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        linked => linked,
    }
}

#[cfg(unix)]
fn restrict(file: &Path) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;

    match file.metadata() {
        Ok(it) if it.permissions().mode() & 0o077 != 0 => {
            fs::set_permissions(file, fs::Permissions::from_mode(0o600))
        }
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

#[cfg(not(unix))]
fn restrict(_: &Path) -> io::Result<()> {
    Ok(())
}

/// Switches the file to WAL mode, which the file keeps, and returns the connection.
pub(super) async fn in_wal_mode(
    options: &SqliteConnectOptions,
) -> Result<SqliteConnection, StoreError> {
    let mut connection = options.connect().await.map_err(failed)?;
    for _ in 0..MOST_SWITCHES {
        let switch = sqlx::raw_sql("PRAGMA journal_mode = WAL").execute(&mut connection).await;
        match switch.map_err(failed) {
            Ok(_) => return Ok(connection),
            // Another process switches it. SQLite does not wait for that here, but for a lock.
            Err(error) if error.kind() == StoreErrorKind::Timeout => {
                let wait = sqlx::raw_sql("BEGIN IMMEDIATE; COMMIT");
                wait.execute(&mut connection).await.map_err(failed)?;
            }
            Err(error) => return Err(error),
        }
    }
    let why = "cannot set the file to WAL mode: other processes keep it locked";
    Err(StoreError::new(StoreErrorKind::Timeout).with_source(why))
}
