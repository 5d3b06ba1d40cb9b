//! The processes: how they start, and what strikes them.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering::Relaxed};
use std::time::Duration;

use countersign_core::Clock;
use countersign_testkit::SeededRandomness;
use countersign_tokens::{Event, KeepFresh, NotSpawned, Spawner, Task, Timer, TokenManager};
use time::OffsetDateTime;

use crate::executor::{Life, Micros, locked};
use crate::fault::{Fault, Strike};
use crate::network::{Network, grant_of};
use crate::settings::MINUTE;
use crate::world::World;

/// A process that runs.
pub(crate) struct Process {
    pub(crate) life: Arc<Life>,
    pub(crate) machine: Arc<Machine>,
    pub(crate) tokens: TokenManager,
    _guard: Option<KeepFresh>,
}

/// The clocks of a process.
pub(crate) struct Machine {
    world: Arc<World>,
    /// By how much the wall clock is ahead, in microseconds.
    ahead: AtomicI64,
    /// How fast the clock runs that nobody sets, in parts of a million.
    drift: i64,
}

impl Machine {
    pub(crate) fn set(&self, by: i64) {
        self.ahead.fetch_add(by, Relaxed);
    }

    fn ahead(&self) -> i64 {
        self.ahead.load(Relaxed)
    }
}

impl fmt::Debug for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Machine({} ahead)", self.ahead())
    }
}

/// The wall clock of a process.
#[derive(Debug, Clone)]
pub(crate) struct WallClock(pub(crate) Arc<Machine>);

impl Clock for WallClock {
    fn now(&self) -> OffsetDateTime {
        let micros = i64::try_from(self.0.world.now()).unwrap_or(i64::MAX);
        let micros = i128::from(micros.saturating_add(self.0.ahead()));
        let began = 1_800_000_000_000_000_000;
        let now = OffsetDateTime::from_unix_timestamp_nanos(began + micros * 1000);
        now.unwrap_or(OffsetDateTime::UNIX_EPOCH)
    }
}

/// What runs the tasks of one life, and waits for them.
struct Runner {
    life: Arc<Life>,
    machine: Arc<Machine>,
}

impl fmt::Debug for Runner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Runner({})", self.life.number)
    }
}

impl Spawner for Runner {
    fn spawn(&self, task: Task) -> Result<(), NotSpawned> {
        self.life.spawn(task);
        Ok(())
    }
}

impl Timer for Runner {
    fn sleep(&self, duration: Duration) -> Task {
        Box::pin(self.life.sleep(duration))
    }

    fn elapsed(&self) -> Option<Duration> {
        if !self.machine.world.settings.has_boot_clock {
            return None;
        }
        let now = i64::try_from(self.machine.world.now()).unwrap_or(i64::MAX);
        let now = now.saturating_add(now / 1_000_000 * self.machine.drift);
        Some(Duration::from_micros(u64::try_from(now).unwrap_or_default()))
    }
}

/// Starts the process of this place.
pub(crate) fn start(world: &Arc<World>, place: usize) -> Result<(), String> {
    let (number, machine, seed) = {
        let mut state = world.state();
        state.life_count += 1;
        let drift = state.rng.i64(-400..=400);
        let machine = Machine { world: Arc::clone(world), ahead: AtomicI64::new(0), drift };
        (state.life_count, Arc::new(machine), state.rng.u64(..))
    };
    let life = Life::new(&world.executor, number);
    let network = Network { world: Arc::clone(world), life: Arc::clone(&life) };
    let client = world.settings.client();
    let client = client.transport(network.clone()).clock(WallClock(Arc::clone(&machine)));
    let client = client.build().map_err(|it| it.to_string())?;
    let runner = || Runner { life: Arc::clone(&life), machine: Arc::clone(&machine) };
    let observer = (Arc::clone(world), Arc::clone(&life));
    let builder = TokenManager::builder(client, network)
        .spawner(runner())
        .timer(runner())
        .danger_randomness(SeededRandomness::new(seed))
        .on_event(move |event| observed(&observer.0, &observer.1, event));
    let tokens = world.settings.manager(builder).build().map_err(|it| it.to_string())?;
    let is_fresh_one = place == world.settings.processes;
    let keeps_fresh = world.settings.keeps_fresh && !is_fresh_one;
    let guard = keeps_fresh.then(|| tokens.keep_fresh()).transpose();
    let guard = guard.map_err(|it| it.to_string())?;
    world.note(format_args!("{number} starts in place {place}"));
    let process = Process { life, machine, tokens, _guard: guard };
    let mut fleet = locked(&world.fleet);
    if fleet.len() <= place {
        fleet.resize_with(place + 1, || None);
    }
    if let Some(of) = fleet.get_mut(place) {
        *of = Some(process);
    }
    Ok(())
}

fn observed(world: &World, life: &Life, event: &Event) {
    // Tasks that are dropped by a kill report that they were interrupted. Nobody hears that.
    if life.is_dead() {
        return;
    }
    let (name, key) = match event {
        Event::Refreshed { key, .. } => ("refreshed", Some(key)),
        Event::Failing { key, .. } => ("failing", Some(key)),
        Event::NeedsReauthorization { key, .. } => ("needs reauthorization", Some(key)),
        Event::NotStored { key, .. } => ("not stored", Some(key)),
        Event::Stored { key } => ("stored", Some(key)),
        _ => ("other", None),
    };
    let mut state = world.state();
    let number = life.number;
    state.trace.note(world.now(), format_args!("{number} event: {name} {key:?}"));
    let Some(grant) = key.and_then(grant_of) else { return };
    match event {
        Event::NotStored { .. } => state.oracle.is_unsaved(number, grant, true),
        Event::Stored { .. } => state.oracle.is_unsaved(number, grant, false),
        _ => {}
    }
}

/// Strikes a life, if it is still there.
pub(crate) fn strike(world: &Arc<World>, life: u32, strike: Strike) {
    let fleet = locked(&world.fleet);
    let is_it = |it: &Option<Process>| it.as_ref().is_some_and(|it| it.life.number == life);
    let Some(place) = fleet.iter().position(is_it) else { return };
    match strike {
        Strike::Crash(down) => {
            if !world.state().strikes(Fault::Crash, &world.settings) {
                return;
            }
            drop(fleet);
            end(world, life, down);
        }
        Strike::Pause(time) => {
            let Some(process) = fleet.get(place).and_then(Option::as_ref) else { return };
            let is_paused = process.life.is_paused();
            if is_paused || !world.state().strikes(Fault::Pause, &world.settings) {
                return;
            }
            world.note(format_args!("{life} is paused for {time} µs"));
            world.state().oracle.was_paused(life);
            process.life.pause();
            let life = Arc::clone(&process.life);
            world.after(time, move |world| {
                world.note(format_args!("{} goes on", life.number));
                life.resume();
            });
        }
    }
}

/// Ends a life, if it is still there. Another one starts in its place after `down`.
pub(crate) fn end(world: &Arc<World>, life: u32, down: Micros) {
    let mut fleet = locked(&world.fleet);
    let is_it = |it: &Option<Process>| it.as_ref().is_some_and(|it| it.life.number == life);
    let Some(place) = fleet.iter().position(is_it) else { return };
    let process = fleet.get_mut(place).and_then(Option::take);
    drop(fleet);
    let Some(process) = process else { return };
    world.note(format_args!("{life} dies"));
    process.life.kill();
    drop(process);
    let mut state = world.state();
    state.calls.retain(|_, (of, _)| *of != life);
    state.oracle.died(life, world.now());
    drop(state);
    world.after(down, move |world| {
        if let Err(error) = start(world, place) {
            world.state().oracle.violated(world.now(), &error);
        }
    });
}

/// How long a fleet has to settle everything after the last fault.
pub(crate) const SETTLES: Micros = 20 * MINUTE;
