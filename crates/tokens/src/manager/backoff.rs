//! Waits before another try, the circuit breaker of a provider, and the rate limit after an outage.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use time::OffsetDateTime;

use crate::key::GrantKey;
use crate::store::Randomness;

const FIRST_BOUND: Duration = Duration::from_millis(200);
const LAST_BOUND: Duration = Duration::from_secs(60);

/// Returns a wait before another try after `failures` consecutive failures: full jitter up to a
/// bound that doubles from 200 ms to 60 s.
pub(super) fn backoff(failures: u32, randomness: &dyn Randomness) -> Duration {
    let bound = FIRST_BOUND.saturating_mul(1_u32 << failures.min(16)).min(LAST_BOUND);
    bound.mul_f64(randomness.fraction())
}

/// Converts to the duration of the `time` crate.
pub(super) fn time_of(duration: Duration) -> time::Duration {
    time::Duration::try_from(duration).unwrap_or(time::Duration::MAX)
}

/// A time in which nothing is tried. A clock that is set back ends it, instead of prolonging it by
/// the jump.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Backoff {
    pub(super) from: OffsetDateTime,
    pub(super) length: Duration,
}

impl Backoff {
    /// Returns how much longer it lasts. `None` if it is over.
    pub(super) fn left(self, now: OffsetDateTime) -> Option<Duration> {
        let gone = Duration::try_from(now - self.from).ok()?;
        self.length.checked_sub(gone).filter(|left| !left.is_zero())
    }

    pub(super) fn holds(self, now: OffsetDateTime) -> bool {
        self.left(now).is_some()
    }
}

/// Consecutive failures of the provider after which requests wait between tries.
const BREAKS_AFTER: u32 = 5;

/// How many grants the provider asks to wait until the wait is taken for the provider's own, and
/// holds for all of its grants.
const SEVERAL: usize = 3;

/// The rest of the other grants after the first grant that was asked to wait. It doubles with each
/// consecutive failure, up to [`LAST_BOUND`].
const SHORT_REST: Duration = Duration::from_secs(1);

/// How long a probe may take until another one is granted.
const PROBE: Duration = Duration::from_secs(30);

/// How long the others wait before they ask for the outcome of a probe again.
const ASK_AGAIN: Duration = Duration::from_secs(1);

/// The shortest time between two probes for grants whose tokens are still good.
const BETWEEN_PROBES: Duration = Duration::from_secs(1);

/// After an outage, refreshes ahead of time come at this multiple of the rate before it. Less than
/// twice, so that what comes due meanwhile and what came due in the outage stay below double the
/// usual load.
const RECOVERY_RATE: f64 = 1.8;

/// For how long the token bucket saves up what is not used.
const BURST: Duration = Duration::from_millis(50);

/// The time over which the usual rate is averaged.
const AVERAGED: f64 = 60.0;

/// The time in which the lowest rate doubles while an outage is recovered from. It starts at one a
/// second, for a process that knows no usual rate.
const DOUBLES_IN: f64 = 30.0;

/// How long no refresh was held back when the recovery is over. Longer than the scheduler puts
/// grants off.
const RECOVERED: Duration = Duration::from_secs(10);

/// The circuit breaker of one client's provider, with a rate limit after an outage.
///
/// *Closed*, everything is let through. After a failure of the provider or the store it is *open*:
/// tokens that are still good are refreshed as probes alone, one a second or less. After five
/// failures of the provider no request is sent for a while, and then one as a probe. If the
/// provider asks a grant to wait, that grant waits, and the others rest for a second or some before
/// one of them is the probe: the limit may be that of one user. If it asks three grants, all wait.
/// With the first success the circuit is *recovering*: refreshes ahead of time go through a token
/// bucket, so that what came due in the outage does not come at once.
pub(super) struct Circuit {
    state: Mutex<State>,
    randomness: Arc<dyn Randomness>,
}

#[derive(Default)]
struct State {
    /// Consecutive failures of the provider.
    failures: u32,
    /// No request is sent while this lasts.
    backoff: Option<Backoff>,
    /// Whether the backoff is that of a probe, whose outcome may end it earlier.
    is_probing: bool,
    /// The grants that the provider has asked to wait since it answered another, and how long.
    asked_to_wait: Vec<(GrantKey, Backoff)>,
    phase: Phase,
    rate: Rate,
}

#[derive(Default)]
enum Phase {
    #[default]
    Closed,
    Open {
        probes: u32,
        backoff: Option<Backoff>,
    },
    Recovering {
        since: OffsetDateTime,
        /// When the token bucket has a token again.
        next: OffsetDateTime,
        /// When a refresh was held back last.
        held_back: OffsetDateTime,
    },
}

/// Whether a grant whose token is still good may be refreshed now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Early {
    Yes,
    /// Not before the bucket has a token, which is in so long.
    In(Duration),
    /// Not while the outage lasts.
    No,
}

impl Circuit {
    pub(super) fn new(randomness: Arc<dyn Randomness>) -> Self {
        Self { state: Mutex::default(), randomness }
    }

    /// Grants a request, or says in how long to ask again. After a backoff one request is granted
    /// as a probe, and the others wait for its outcome.
    pub(super) fn permit(self: &Arc<Self>, now: OffsetDateTime) -> Result<Permit, Duration> {
        let mut state = self.state();
        if let Some(left) = state.backoff.and_then(|it| it.left(now)) {
            return Err(if state.is_probing { left.min(ASK_AGAIN) } else { left });
        }
        let probe = Backoff { from: now, length: PROBE };
        let is_half_open = state.failures >= BREAKS_AFTER || !state.asked_to_wait.is_empty();
        state.backoff = is_half_open.then_some(probe);
        state.is_probing = is_half_open;
        Ok(Permit { probe: state.backoff.map(|probe| (Arc::clone(self), probe)) })
    }

    /// Notes an answer of the provider, whatever it says.
    pub(super) fn answered(&self) {
        let mut state = self.state();
        (state.failures, state.backoff) = (0, None);
        state.asked_to_wait.clear();
    }

    /// Notes a failure of the provider for the grant of `key`. `after` is how long the provider
    /// asked to wait.
    pub(super) fn provider_failed(
        &self,
        now: OffsetDateTime,
        key: &GrantKey,
        after: Option<Duration>,
    ) {
        let mut state = self.state();
        let rest = after.map(|after| state.rest(now, key, after));
        state.failures = state.failures.saturating_add(1);
        let over = state.failures.checked_sub(BREAKS_AFTER);
        let broken = over.map(|over| backoff(over, &*self.randomness));
        if let Some(length) = rest.into_iter().chain(broken).max() {
            (state.backoff, state.is_probing) = (Some(Backoff { from: now, length }), false);
        }
        state.open();
    }

    /// Notes a failure of the store, without which nothing is refreshed either.
    pub(super) fn store_failed(&self) {
        self.state().open();
    }

    /// Notes that a grant was refreshed.
    pub(super) fn succeeded(&self, now: OffsetDateTime) {
        let mut state = self.state();
        match state.phase {
            Phase::Closed => state.rate.count(now),
            Phase::Open { .. } => {
                state.phase = Phase::Recovering { since: now, next: now, held_back: now };
            }
            Phase::Recovering { .. } => {}
        }
    }

    /// Notes how many grants of the client come due in a second. A process that has just begun to
    /// schedule them has not refreshed any, and does not know the usual rate otherwise.
    pub(super) fn expect(&self, rate: f64) {
        self.state().rate.expected = rate;
    }

    /// Returns whether a grant whose token is still good may be refreshed now.
    pub(super) fn early(&self, now: OffsetDateTime) -> Early {
        let mut state = self.state();
        let usual = state.rate.of_second();
        let is_resting = state.backoff.is_some_and(|it| it.holds(now));
        match &mut state.phase {
            Phase::Closed => Early::Yes,
            Phase::Open { backoff, .. }
                if is_resting || backoff.is_some_and(|it| it.holds(now)) =>
            {
                Early::No
            }
            Phase::Open { probes, backoff: until } => {
                let length = BETWEEN_PROBES + backoff(*probes, &*self.randomness);
                *probes = probes.saturating_add(1);
                *until = Some(Backoff { from: now, length });
                Early::Yes
            }
            Phase::Recovering { since, held_back, .. }
                if now < *since || now - *held_back >= RECOVERED =>
            {
                state.phase = Phase::Closed;
                state.rate.begin(now);
                Early::Yes
            }
            Phase::Recovering { next, held_back, .. } if now < *next => {
                *held_back = now;
                Early::In(Duration::try_from(*next - now).unwrap_or_default())
            }
            Phase::Recovering { since, next, .. } => {
                let lowest = ((now - *since).as_seconds_f64() / DOUBLES_IN).exp2();
                let rate = (usual * RECOVERY_RATE).max(lowest);
                // Hardly any of what was not used is saved up.
                let next_token = (*next).max(now - BURST);
                *next = next_token.saturating_add(time::Duration::seconds_f64(1.0 / rate));
                Early::Yes
            }
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Returns how long the provider as a whole rests when it asks the grant of `key` to wait.
    fn rest(&mut self, now: OffsetDateTime, key: &GrantKey, after: Duration) -> Duration {
        let asked = &mut self.asked_to_wait;
        asked.retain(|(it, _)| it != key);
        asked.push((key.clone(), Backoff { from: now, length: after }));
        // The longest waits: what several grants agree on is the shortest of these.
        asked.sort_by_key(|(_, it)| std::cmp::Reverse(it.left(now)));
        asked.truncate(SEVERAL);
        let short = SHORT_REST.saturating_mul(1 << self.failures.min(16)).min(LAST_BOUND);
        let agreed = asked.get(SEVERAL - 1).and_then(|(_, it)| it.left(now));
        agreed.unwrap_or_default().max(short.min(after))
    }

    fn open(&mut self) {
        if !matches!(self.phase, Phase::Open { .. }) {
            self.phase = Phase::Open { probes: 0, backoff: None };
        }
    }
}

/// A permit to send a request. A probe that is dropped unused is granted to another.
pub(super) struct Permit {
    probe: Option<(Arc<Circuit>, Backoff)>,
}

impl Permit {
    pub(super) fn used(mut self) {
        self.probe = None;
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        if let Some((circuit, probe)) = &self.probe {
            circuit.state().backoff.take_if(|it| it == probe);
        }
    }
}

/// How many grants are refreshed in a second, averaged over the last minute or so.
#[derive(Default)]
struct Rate {
    /// Decays exponentially.
    count: f64,
    since: Option<OffsetDateTime>,
    last: Option<OffsetDateTime>,
    /// The rate at which grants come due, as the scheduler found.
    expected: f64,
}

impl Rate {
    /// Goes on after a time that does not count.
    fn begin(&mut self, now: OffsetDateTime) {
        self.last = Some(now);
    }

    fn count(&mut self, now: OffsetDateTime) {
        let last = self.last.replace(now).unwrap_or(now);
        self.since.get_or_insert(now);
        let gone = (now - last).as_seconds_f64().max(0.0);
        self.count = self.count * (-gone / AVERAGED).exp() + 1.0;
    }

    fn of_second(&self) -> f64 {
        let counted = self
            .since
            .zip(self.last)
            .map_or(0.0, |(since, last)| (last - since).as_seconds_f64().max(1.0));
        // A count that has not run for long has not decayed as much.
        let measured = self.count / (AVERAGED * (1.0 - (-counted / AVERAGED).exp())).max(1.0);
        measured.max(self.expected)
    }
}

#[cfg(test)]
mod tests;
