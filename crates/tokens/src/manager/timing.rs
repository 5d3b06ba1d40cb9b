//! When to refresh, and how long to wait.

use std::time::Duration;

use countersign_core::{Client, TokenSet};
use time::OffsetDateTime;

/// How long a lease lasts, and when a token is due.
#[derive(Debug, Clone, Copy)]
pub(super) struct Timing {
    /// The part of a token's usable time after which it is due, at the earliest.
    pub(super) ahead: f64,
    pub(super) margin: Duration,
    pub(super) lease: Duration,
    pub(super) scan_period: Duration,
    pub(super) store_limit: Duration,
}

/// Of what is left after [`Timing::ahead`], the part over which refreshes are spread.
const SPREAD: f64 = 0.7;

const FIRST_WAIT: Duration = Duration::from_millis(200);
const LONGEST_WAIT: Duration = Duration::from_secs(60);

impl Timing {
    /// How long the process that lists what is due does so unasked: a period, and what a step of
    /// the store may take, twice.
    pub(super) fn scan_lease(&self) -> Duration {
        self.scan_period + self.store_limit * 2 + self.margin
    }

    /// In how long tokens that were just had are due. Grants that were adopted together would come
    /// due together for ever, so a first refresh is spread over the time that the later ones take
    /// in the mean: over more, the last of the first would meet the first of the second.
    pub(super) fn due_in(&self, left: Duration, is_first: bool) -> Duration {
        let spread = (1.0 - self.ahead) * SPREAD;
        let share = if is_first {
            (self.ahead + spread / 2.0) * fastrand::f64()
        } else {
            self.ahead + spread * fastrand::f64()
        };
        left.mul_f64(share)
    }
}

/// How much longer the access token is good, less the margin. `None` when that is not known.
pub(super) fn usable(client: &Client, tokens: &TokenSet, now: OffsetDateTime) -> Option<Duration> {
    let ends = fresh_until(client, tokens)?;
    Some(Duration::try_from(ends - now).unwrap_or_default())
}

/// Until when the access token counts as good.
pub(super) fn fresh_until(client: &Client, tokens: &TokenSet) -> Option<OffsetDateTime> {
    tokens.expires_at()?.checked_sub(time_of(margin(client, tokens)))
}

/// How long before its end an access token counts as ended.
pub(super) fn margin(client: &Client, tokens: &TokenSet) -> Duration {
    let lifetime = tokens.expires_at().map(|ends| ends - tokens.requested_at());
    let lifetime = lifetime.and_then(|it| Duration::try_from(it).ok()).unwrap_or_default();
    client.expiry_margin().min(lifetime / 10)
}

/// A wait before another try, with full jitter: anything up to a bound that doubles.
pub(super) fn backoff(strikes: u32) -> Duration {
    let bound = FIRST_WAIT.saturating_mul(1_u32 << strikes.min(16)).min(LONGEST_WAIT);
    bound.mul_f64(fastrand::f64())
}

pub(super) fn time_of(duration: Duration) -> time::Duration {
    time::Duration::try_from(duration).unwrap_or(time::Duration::MAX)
}
