//! The sandbox's own time: the system's plus an offset, or a fixed start plus an offset.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Time since the Unix epoch.
pub(crate) type SinceEpoch = Duration;

pub(crate) struct Clock {
    frozen_at: Option<SinceEpoch>,
    offset: Mutex<Duration>,
}

impl Clock {
    pub(crate) fn new(frozen_at: Option<u64>) -> Self {
        Self { frozen_at: frozen_at.map(Duration::from_secs), offset: Mutex::default() }
    }

    pub(crate) fn now(&self) -> SinceEpoch {
        let offset = *self.offset.lock().unwrap_or_else(PoisonError::into_inner);
        self.frozen_at.unwrap_or_else(system_time).saturating_add(offset)
    }

    /// Moves the clock on. It never goes back.
    pub(crate) fn advance(&self, by: Duration) {
        let mut offset = self.offset.lock().unwrap_or_else(PoisonError::into_inner);
        *offset = offset.saturating_add(by);
    }
}

#[expect(clippy::disallowed_methods, reason = "this is the clock that everything else reads")]
fn system_time() -> SinceEpoch {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frozen_clock_moves_only_when_told() {
        let clock = Clock::new(Some(1_000));
        assert_eq!(clock.now(), Duration::from_secs(1_000));
        clock.advance(Duration::from_millis(1_500));
        assert_eq!(clock.now(), Duration::from_millis(1_001_500));
        clock.advance(Duration::MAX);
        assert_eq!(clock.now(), Duration::MAX);
    }

    #[test]
    fn a_running_clock_starts_at_the_system_s_time() {
        assert!(Clock::new(None).now() > Duration::from_secs(1_700_000_000));
    }
}
