//! HelloSign's rate limit: counted and advertised, not enforced. A fault answers 429 on demand.

use std::time::Duration;

use crate::clock::SinceEpoch;

const WINDOW: Duration = Duration::from_secs(3600);
const LIMIT: u64 = 2_000;

/// The requests of the current hour.
#[derive(Default)]
pub(crate) struct RateLimit {
    resets_at: SinceEpoch,
    used: u64,
}

/// What the headers tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Allowance {
    pub(crate) limit: u64,
    pub(crate) remaining: u64,
    /// Unix seconds.
    pub(crate) resets_at: u64,
}

impl RateLimit {
    pub(crate) fn spend(&mut self, now: SinceEpoch) -> Allowance {
        if now >= self.resets_at {
            self.resets_at = now.saturating_add(WINDOW);
            self.used = 0;
        }
        self.used += 1;
        Allowance {
            limit: LIMIT,
            remaining: LIMIT.saturating_sub(self.used),
            resets_at: self.resets_at.as_secs(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_allowance_shrinks_and_comes_back() {
        let mut limit = RateLimit::default();
        let start = Duration::from_secs(10_000);
        assert_eq!(limit.spend(start).remaining, 1_999);
        let second = limit.spend(start);
        assert_eq!((second.remaining, second.resets_at), (1_998, 13_600));
        assert_eq!(limit.spend(start + WINDOW).remaining, 1_999);
    }
}
