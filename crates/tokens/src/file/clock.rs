//! The time of a folder, on which all processes of a machine agree.

use std::fs;
use std::path::Path;
use std::sync::{Arc, OnceLock};

use countersign_core::{Clock, SystemClock};
use serde::{Deserialize, Serialize};

use super::disk;
use super::locks::locked;
use crate::store::{BootTime, StoreError, StoreErrorKind, StoreTime};

/// Where the first process after a start of the machine writes which instant that was.
const FILE: &str = "clock.json";

/// Its name without the ending.
pub(super) const NAME: &str = "clock";

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

    /// The time since the machine was started, or the wall clock where that is not told.
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

/// `None` where the system does not tell, and where its start can neither be read nor written: in
/// a folder, that is, that takes no writes, so that nothing is decided by it.
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

/// The start of `boot` by the wall clock, but not so early that time would go back behind what was
/// written before: a machine without a battery starts with any time.
fn anchor(folder: &Path, wall: &dyn Clock, boot: &BootTime) -> Result<StoreTime, StoreError> {
    let _latch = locked(&folder.join("locks").join("clock.latch"))?;
    if let Some(start) = written(folder, boot) {
        return Ok(start);
    }
    let latest = disk::all(folder)?.map(|(_, record)| record.read_at).max();
    let now = read(wall);
    let started_at = boot.start(latest.map_or(now, |latest| latest.max(now)));
    let bytes = serde_json::to_vec(&Written { boot_id: boot.id.clone(), started_at })
        .map_err(|error| StoreError::new(StoreErrorKind::Other).with_source(error))?;
    disk::replace(folder, &folder.join(FILE), &bytes)?;
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
    use crate::store::{Adopt, Epoch, GrantStore, Material, Payload};

    const DAY: Duration = Duration::from_secs(24 * 3600);

    /// A store of a process that sees this wall clock.
    fn open(folder: &Path, wall: &ManualClock) -> FileStore {
        let (wall, start) = (Arc::new(wall.clone()), OnceLock::new());
        FileStore::with(folder, StoreClock::Machine { wall, start }).unwrap()
    }

    fn adopt(store: &FileStore) {
        let material = Material {
            payload: Payload::new(b"token".to_vec()),
            key_id: None,
            expires_in: None,
            due_in: None,
        };
        let key = GrantKey::new("provider", "client", "user").unwrap();
        let adopt = Adopt { epoch: Epoch::random().unwrap(), replaces: None, material };
        futures_lite::future::block_on(store.adopt(&key, &adopt)).unwrap();
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
        assert!(is_about(store.now(), began));
        wall.advance(DAY);
        assert!(is_about(store.now(), began), "it moved with the wall clock");
        assert!(is_about(open(&grants, &wall).now(), began), "another process has another time");
    }

    #[test]
    fn time_does_not_go_back_over_a_start_of_the_machine() {
        let folder = tempfile::tempdir().unwrap();
        let grants = folder.path().join("grants");
        let wall = ManualClock::default();
        let early = read(&wall);
        wall.advance(DAY);
        let store = open(&grants, &wall);
        let before = store.now();
        adopt(&store);
        let another = Written { boot_id: "another".to_owned(), started_at: early };
        fs::write(grants.join(FILE), serde_json::to_vec(&another).unwrap()).unwrap();
        // It starts with the time that it had a day ago.
        let after = open(&grants, &ManualClock::default()).now();
        assert!(before <= after && is_about(before, after), "{before:?} {after:?}");
    }

    #[test]
    fn what_cannot_be_read_is_written_anew() {
        let folder = tempfile::tempdir().unwrap();
        let grants = folder.path().join("grants");
        let wall = ManualClock::default();
        open(&grants, &wall).now();
        fs::write(grants.join(FILE), "{").unwrap();
        let now = open(&grants, &wall).now();
        wall.advance(DAY);
        assert!(is_about(open(&grants, &wall).now(), now));
    }
}
