//! The time of a folder, on which all processes of a machine agree.

use std::fs;
use std::path::Path;
use std::sync::{Arc, OnceLock};

use countersign_core::{Clock, SystemClock};
use serde::{Deserialize, Serialize};

use super::latch::locked;
use super::{disk, latch};
use crate::store::{BootTime, StoreError, StoreErrorKind, StoreTime};

/// The file in which the first process after a start of the machine writes when the machine started.
const FILE: &str = "clock.json";

/// The name of the file without its extension.
pub(super) const NAME: &str = "clock";

/// Returns whether this is the clock's file, which is no record.
pub(super) fn is_file(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name == FILE)
}

pub(super) enum StoreClock {
    Given(Arc<dyn Clock>),
    Machine { wall: Arc<dyn Clock>, start: OnceLock<StoreTime> },
}

#[derive(Serialize, Deserialize)]
struct Written {
    boot_id: String,
    started_at: StoreTime,
}

impl StoreClock {
    pub(super) fn given(clock: impl Clock) -> Self {
        Self::Given(Arc::new(clock))
    }

    /// Creates a clock of the time since the machine started, or of the wall clock where the system
    /// does not tell that time.
    pub(super) fn of_the_machine() -> Self {
        Self::Machine { wall: Arc::new(SystemClock), start: OnceLock::new() }
    }

    pub(super) fn now(&self, folder: &Path) -> StoreTime {
        match self {
            Self::Given(clock) => read(&**clock),
            Self::Machine { wall, start } => {
                since_boot(folder, &**wall, start).unwrap_or_else(|| read(&**wall))
            }
        }
    }
}

/// Returns `None` if the system does not tell the time since its start, or if the instant of the
/// start can neither be read nor written. Nothing is written to such a folder, so nothing is decided
/// by the wall clock that is used instead.
fn since_boot(folder: &Path, wall: &dyn Clock, start: &OnceLock<StoreTime>) -> Option<StoreTime> {
    let start = match start.get() {
        Some(known) => *known,
        None => {
            let boot = BootTime::now()?;
            let found = written(folder, &boot).or_else(|| anchor(folder, wall, &boot).ok())?;
            *start.get_or_init(|| found)
        }
    };
    Some(start.plus(BootTime::elapsed()?))
}

/// Writes when the machine started, by the wall clock, but not so early that time goes back behind
/// the last change of a file: a machine without a battery starts with any time.
fn anchor(folder: &Path, wall: &dyn Clock, boot: &BootTime) -> Result<StoreTime, StoreError> {
    let _latch = locked(&latch::of(folder, NAME))?;
    if let Some(start) = written(folder, boot) {
        return Ok(start);
    }
    let written_at = disk::files(folder, disk::RECORD)?.filter(|path| !is_file(path));
    let latest = written_at.filter_map(|path| disk::changed_at(&path)).max();
    let now = latest.unwrap_or_default().max(read(wall));
    let started_at = boot.start(now);
    let bytes = serde_json::to_vec(&Written { boot_id: boot.id.clone(), started_at })
        .map_err(|error| StoreError::new(StoreErrorKind::Other).with_source(error))?;
    disk::replace(&folder.join(FILE), &bytes, now)?;
    Ok(started_at)
}

fn written(folder: &Path, boot: &BootTime) -> Option<StoreTime> {
    let bytes = fs::read(folder.join(FILE)).ok()?;
    let written: Written = serde_json::from_slice(&bytes).ok()?;
    Some(written.started_at).filter(|_| written.boot_id == boot.id)
}

fn read(clock: &dyn Clock) -> StoreTime {
    let now = clock.now();
    StoreTime::from_millis(now.unix_timestamp() * 1000 + i64::from(now.millisecond()))
}

#[cfg(test)]
#[cfg(target_os = "linux")]
mod tests {
    use std::time::Duration;

    use countersign_testkit::ManualClock;

    use super::*;
    use crate::file::FileStore;
    use crate::key::GrantKey;
    use crate::store::{Epoch, GrantStore, Record, Version};

    const DAY: Duration = Duration::from_secs(24 * 3600);

    /// A store of a process that sees this wall clock.
    fn open(folder: &Path, wall: &ManualClock) -> FileStore {
        let (wall, start) = (Arc::new(wall.clone()), OnceLock::new());
        FileStore::with(folder, StoreClock::Machine { wall, start }).unwrap()
    }

    fn write(store: &FileStore) {
        let key = GrantKey::new("provider", "client", "user").unwrap();
        let (epoch, version) = (Epoch::random().unwrap(), Version::random().unwrap());
        let record = Record::tombstone(epoch, 1, version);
        futures_lite::future::block_on(store.swap(&key, None, Some(&record))).unwrap();
    }

    fn is_about(one: StoreTime, other: StoreTime) -> bool {
        one.since(other).max(other.since(one)) < DAY / 24
    }

    #[test]
    fn a_wall_clock_that_is_set_moves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let grants = folder.path().join("grants");
        let wall = ManualClock::default();
        let (store, began) = (open(&grants, &wall), read(&wall));
        assert!(is_about(store.0.now(), began));
        wall.advance(DAY);
        assert!(is_about(store.0.now(), began), "it moved with the wall clock");
        assert!(is_about(open(&grants, &wall).0.now(), began), "another process has another time");
    }

    #[test]
    fn time_does_not_go_back_over_a_start_of_the_machine() {
        let folder = tempfile::tempdir().unwrap();
        let grants = folder.path().join("grants");
        let wall = ManualClock::default();
        let early = read(&wall);
        wall.advance(DAY);
        let store = open(&grants, &wall);
        let before = store.0.now();
        write(&store);
        let another = Written { boot_id: "another".to_owned(), started_at: early };
        fs::write(grants.join(FILE), serde_json::to_vec(&another).unwrap()).unwrap();
        // It starts with the time that it had a day ago.
        let after = open(&grants, &ManualClock::default()).0.now();
        assert!(before <= after && is_about(before, after), "{before:?} {after:?}");
    }

    #[test]
    fn what_cannot_be_read_is_written_anew() {
        let folder = tempfile::tempdir().unwrap();
        let grants = folder.path().join("grants");
        let wall = ManualClock::default();
        open(&grants, &wall).0.now();
        fs::write(grants.join(FILE), "{").unwrap();
        let now = open(&grants, &wall).0.now();
        wall.advance(DAY);
        assert!(is_about(open(&grants, &wall).0.now(), now));
    }
}
