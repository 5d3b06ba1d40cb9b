//! The settings of a run: all but the hours are drawn from the seed.

use std::collections::BTreeSet;
use std::time::Duration;

use countersign_core::{Client, ClientBuilder, Limits, Provider, Rotation};
use countersign_tokens::TokenManagerBuilder;
use fastrand::Rng;

use crate::executor::Micros;
use crate::fault::Fault;

pub(crate) const SECOND: Micros = 1_000_000;
pub(crate) const MINUTE: Micros = 60 * SECOND;
pub(crate) const HOUR: Micros = 60 * MINUTE;

#[derive(Debug, Clone)]
pub(crate) struct Settings {
    pub(crate) processes: usize,
    pub(crate) grants: usize,
    pub(crate) rotation: Rotation,
    /// Whether all answers to one refresh token stay good.
    pub(crate) keeps_siblings: bool,
    /// How long access tokens live.
    pub(crate) lifetime: Duration,
    /// The time limit of a request to the provider.
    pub(crate) request: Duration,
    /// The time limit of a store operation.
    pub(crate) step: Duration,
    pub(crate) margin: Duration,
    pub(crate) ahead: f64,
    pub(crate) scan_period: Duration,
    pub(crate) keeps_fresh: bool,
    pub(crate) can_revoke: bool,
    /// Whether processes have a clock that nobody sets.
    pub(crate) has_boot_clock: bool,
    /// Whether the store notifies processes of changes.
    pub(crate) notifies: bool,
    pub(crate) faults: BTreeSet<Fault>,
    /// The part of the requests to the store that a fault strikes.
    pub(crate) store_faults: f64,
    /// The part of the requests to the provider that a fault strikes.
    pub(crate) provider_faults: f64,
    /// How often something strikes the fleet, in an hour.
    pub(crate) strikes: f64,
    /// How often users and callers do something, in an hour.
    pub(crate) actions: f64,
}

impl Settings {
    pub(crate) fn draw(rng: &mut Rng) -> Self {
        let seconds = |rng: &mut Rng, range| Duration::from_secs(rng.u64(range));
        let request = seconds(rng, 3..=30);
        let (step, margin) = (seconds(rng, 1..=5), seconds(rng, 1..=5));
        let rotation = match rng.u32(0..10) {
            0..4 => Rotation::Strict,
            4..5 => Rotation::Never,
            _ => Rotation::Grace {
                window: seconds(rng, 30..=600),
                ends_when_child_used: rng.u32(0..4) > 0,
            },
        };
        let faults = Fault::ALL.into_iter().filter(|fault| rng.f64() < fault.share()).collect();
        Self {
            processes: rng.usize(2..=8),
            grants: rng.usize(12..=32),
            rotation,
            keeps_siblings: rng.u32(0..3) > 0,
            lifetime: seconds(rng, 2 * 60..=10 * 60),
            request,
            step,
            margin,
            ahead: [0.5, 0.8, 0.9][rng.usize(0..3)],
            scan_period: seconds(rng, 10..=60),
            keeps_fresh: rng.u32(0..4) > 0,
            can_revoke: rng.bool(),
            has_boot_clock: rng.u32(0..8) > 0,
            notifies: rng.u32(0..3) == 0,
            faults,
            store_faults: [0.002, 0.01, 0.03][rng.usize(0..3)],
            provider_faults: [0.02, 0.08, 0.2][rng.usize(0..3)],
            strikes: [15.0, 40.0, 90.0][rng.usize(0..3)],
            actions: [600.0, 1500.0, 3000.0][rng.usize(0..3)],
        }
    }

    pub(crate) fn client(&self) -> ClientBuilder {
        let provider = Provider::rfc6749("https://id.example/authorize", TOKEN_URL)
            .with_rotation(self.rotation);
        let provider = match self.can_revoke {
            true => provider.with_revocation_url(REVOCATION_URL),
            false => provider,
        };
        Client::builder(provider, "simulator")
            .secret("secret")
            .limits(Limits::default().with_timeout(self.request))
    }

    pub(crate) fn manager(&self, builder: TokenManagerBuilder) -> TokenManagerBuilder {
        builder
            .store_timeout(self.step)
            .margin(self.margin)
            .refresh_ahead(self.ahead)
            .scan_period(self.scan_period)
    }

    /// The lease by default.
    pub(crate) fn lease(&self) -> Duration {
        self.request + 2 * self.step + 2 * self.margin
    }
}

const TOKEN_URL: &str = "https://id.example/token";
pub(crate) const REVOCATION_URL: &str = "https://id.example/revoke";

pub(crate) fn micros(duration: Duration) -> Micros {
    Micros::try_from(duration.as_micros()).unwrap_or(Micros::MAX)
}
