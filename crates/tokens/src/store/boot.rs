use std::time::Duration;

use super::time::StoreTime;

/// How long ago this machine was started, by a clock that nobody sets and that runs on while the
/// machine sleeps.
///
/// All processes of a machine read the same, so that a store which they share can reckon its time
/// from it: leases and grace windows do not move when the wall clock is set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BootTime {
    /// Which start it was: another one each time.
    pub id: String,
    /// How long ago it was.
    pub since: Duration,
}

impl BootTime {
    /// Now. `None` where the system does not tell it, as elsewhere than on Linux.
    #[must_use]
    pub fn now() -> Option<Self> {
        Some(Self { id: id()?, since: Self::elapsed()? })
    }

    /// How long ago the start was, for somebody who knows already which one.
    #[must_use]
    pub fn elapsed() -> Option<Duration> {
        since()
    }

    /// The start on a clock on which it is `now`.
    #[must_use]
    pub fn start(&self, now: StoreTime) -> StoreTime {
        let since = i64::try_from(self.since.as_millis()).unwrap_or(i64::MAX);
        StoreTime::from_millis(now.as_millis().saturating_sub(since))
    }
}

#[cfg(any(target_os = "linux", target_os = "android"))]
fn id() -> Option<String> {
    let id = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    Some(id.trim().to_owned()).filter(|id| !id.is_empty())
}

#[cfg(any(target_os = "linux", target_os = "android"))]
fn since() -> Option<Duration> {
    rustix::time::clock_gettime(rustix::time::ClockId::Boottime).try_into().ok()
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn id() -> Option<String> {
    None
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn since() -> Option<Duration> {
    None
}

#[cfg(test)]
#[cfg(target_os = "linux")]
mod tests {
    use super::*;

    #[test]
    fn it_runs_on_from_one_start() {
        let (first, second) = (BootTime::now().unwrap(), BootTime::now().unwrap());
        assert_eq!(first.id, second.id);
        assert!(first.since <= second.since);
        assert!(second.since <= BootTime::elapsed().unwrap());
        // The kernel's own account, which counts in hundredths of a second.
        let uptime = std::fs::read_to_string("/proc/uptime").unwrap();
        let uptime: f64 = uptime.split(' ').next().unwrap().parse().unwrap();
        assert!((uptime - second.since.as_secs_f64()).abs() < 60.0, "{uptime} {second:?}");
    }

    #[test]
    fn the_start_is_as_long_ago_as_it_is() {
        let boot = BootTime { id: "one".to_owned(), since: Duration::from_millis(250) };
        let start = boot.start(StoreTime::from_millis(1000));
        assert_eq!(start, StoreTime::from_millis(750));
        assert_eq!(start.plus(boot.since), StoreTime::from_millis(1000));
    }
}
