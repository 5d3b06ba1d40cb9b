//! Whether so much of the lease remains that a request may still be sent.

use std::time::Duration;

use time::OffsetDateTime;

use super::Inner;

/// The instant before a refresh began in the store, by two clocks.
#[derive(Clone, Copy)]
pub(super) struct Started {
    wall: OffsetDateTime,
    elapsed: Option<Duration>,
}

impl Started {
    pub(super) fn now(inner: &Inner) -> Self {
        Self { wall: inner.now(), elapsed: inner.timer.elapsed() }
    }

    /// How long ago that was. The longer counts: the wall clock may have been set back meanwhile,
    /// and where there is no other clock the process may have slept.
    pub(super) fn took(&self, inner: &Inner) -> Duration {
        let wall = Duration::try_from(inner.now() - self.wall).unwrap_or_default();
        let elapsed = self.elapsed.zip(inner.timer.elapsed());
        let elapsed = elapsed.map(|(before, now)| now.saturating_sub(before));
        wall.max(elapsed.unwrap_or_default())
    }
}

impl Inner {
    /// How long after begin a request may still be sent: its answer has to be stored within the
    /// lease.
    pub(super) fn time_to_send(&self) -> Duration {
        let needed = self.client.limits().timeout + self.store.limit + self.timing.margin;
        self.timing.lease.saturating_sub(needed)
    }

    /// How long after begin a request may still arrive.
    pub(super) fn time_to_arrive(&self) -> Duration {
        let limit = self.client.limits().timeout;
        self.time_to_send().saturating_add(limit).saturating_add(self.timing.margin)
    }

    /// How long new tokens rest beside the intents of others, whose requests would find the grace
    /// of the former token ended if the new one were used before.
    pub(super) fn contested_rest(&self) -> Option<Duration> {
        self.has_grace().then(|| self.time_to_arrive())
    }
}
