//! Everything that processes share: time, the network, the store, the provider, and the oracle.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard};

use countersign_tokens::GrantKey;
use fastrand::Rng;

use crate::executor::{Executor, Life, Micros, Slot, locked};
use crate::fault::{Armed, Fault, Point};
use crate::fleet::{self, Process};
use crate::oracle::Oracle;
use crate::provider::{Grant, Provider};
use crate::settings::{SECOND, Settings, micros};
use crate::store::Store;
use crate::trace::Trace;

pub(crate) struct World {
    pub(crate) executor: Executor,
    pub(crate) settings: Settings,
    state: Mutex<State>,
    /// The processes by their place. `None` while one is down.
    pub(crate) fleet: Mutex<Vec<Option<Process>>>,
}

pub(crate) struct State {
    pub(crate) rng: Rng,
    pub(crate) trace: Trace,
    pub(crate) store: Store,
    pub(crate) provider: Provider,
    pub(crate) oracle: Oracle,
    /// Whether faults may strike.
    pub(crate) is_faulty: bool,
    pub(crate) faults: BTreeMap<Fault, u64>,
    pub(crate) armed: Vec<Armed>,
    /// Until when the store is away.
    pub(crate) store_away: Micros,
    /// Until when the provider is away, and how that shows.
    pub(crate) provider_away: (Micros, Fault),
    /// Until when the API refuses every token.
    pub(crate) api_rejects: Micros,
    /// Who waits for a change of a record.
    pub(crate) watchers: BTreeMap<GrantKey, Vec<Slot<()>>>,
    /// The grants whose users are about to consent again.
    pub(crate) consents: Vec<bool>,
    /// The calls that have not returned, with their lives.
    pub(crate) calls: BTreeMap<u64, (u32, String)>,
    pub(crate) call_count: u64,
    pub(crate) life_count: u32,
}

impl World {
    pub(crate) fn new(seed: u64, prints: bool) -> Arc<Self> {
        let mut rng = Rng::with_seed(seed);
        let settings = Settings::draw(&mut rng);
        let mut trace = Trace::new(prints);
        trace.note(0, format_args!("seed {seed}: {settings:?}"));
        let lifetime = micros(settings.lifetime);
        let provider = Provider::new(settings.rotation, settings.keeps_siblings, lifetime);
        let state = State {
            rng,
            trace,
            store: Store::default(),
            provider,
            oracle: Oracle::new(settings.grants),
            is_faulty: true,
            faults: BTreeMap::new(),
            armed: Vec::new(),
            store_away: 0,
            provider_away: (0, Fault::NotConnected),
            api_rejects: 0,
            watchers: BTreeMap::new(),
            consents: vec![false; settings.grants],
            calls: BTreeMap::new(),
            call_count: 0,
            life_count: 0,
        };
        Arc::new(Self {
            executor: Executor::default(),
            settings,
            state: Mutex::new(state),
            fleet: Mutex::default(),
        })
    }

    pub(crate) fn now(&self) -> Micros {
        self.executor.now()
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        locked(&self.state)
    }

    pub(crate) fn note(&self, what: fmt::Arguments<'_>) {
        self.state().trace.note(self.now(), what);
    }

    /// Calls `what` after this time, with the world.
    pub(crate) fn after(
        self: &Arc<Self>,
        wait: Micros,
        what: impl FnOnce(&Arc<Self>) + Send + 'static,
    ) {
        let world = Arc::clone(self);
        self.executor.after(wait, move || what(&world));
    }

    /// A process has come to a point.
    pub(crate) fn at(self: &Arc<Self>, life: &Life, point: Point) {
        let mut state = self.state();
        let Some(index) = state.armed.iter().position(|it| it.point == point) else { return };
        let armed = state.armed.remove(index);
        drop(state);
        let life = life.number;
        self.after(armed.after, move |world| fleet::strike(world, life, armed.strike));
    }
}

impl State {
    /// Returns whether a fault of this kind may strike, and counts it.
    pub(crate) fn strikes(&mut self, fault: Fault, settings: &Settings) -> bool {
        let strikes = self.is_faulty && settings.faults.contains(&fault);
        if strikes {
            *self.faults.entry(fault).or_default() += 1;
        }
        strikes
    }

    /// Draws the fault of one request, of those that the seed has.
    pub(crate) fn draw(&mut self, part: f64, of: &[Fault], settings: &Settings) -> Option<Fault> {
        if self.rng.f64() >= part {
            return None;
        }
        let fault = *of.get(self.rng.usize(0..of.len()))?;
        self.strikes(fault, settings).then_some(fault)
    }

    /// Draws a time whose logarithm is evenly spread.
    pub(crate) fn time(&mut self, least: Micros, most: Micros) -> Micros {
        let (least, most) = ((least.max(1)) as f64, (most.max(1)) as f64);
        (least * (most / least).powf(self.rng.f64())) as Micros
    }

    /// Draws when something happens that happens so often in an hour.
    pub(crate) fn next(&mut self, in_an_hour: f64) -> Micros {
        let mean = 3600.0 / in_an_hour;
        ((-(1.0 - self.rng.f64()).ln() * mean) * SECOND as f64) as Micros
    }

    pub(crate) fn any_grant(&mut self) -> Grant {
        let grants = self.consents.len();
        self.rng.usize(0..grants)
    }
}
