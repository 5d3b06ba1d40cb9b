//! The processes: how they start, what strikes them, and what they are asked for.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering::Relaxed};
use std::time::Duration;

use countersign_core::{AccessToken, Clock, ExposeSecret, RefreshToken, TokenSet};
use countersign_testkit::SeededRandomness;
use countersign_tokens::{
    Event, GrantKey, KeepFresh, NotSpawned, Spawner, Task, Timer, TokenError, TokenErrorKind,
    TokenManager,
};
use time::OffsetDateTime;

use crate::executor::{Life, Micros, locked};
use crate::fault::{Fault, Strike};
use crate::network::{Network, grant_of};
use crate::oracle::{Change, is_report};
use crate::provider::{ACCESS, Grant, tokens_in};
use crate::settings::{MINUTE, SECOND};
use crate::world::{State, World};

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

#[derive(Debug, Clone)]
struct WallClock(Arc<Machine>);

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
    let mut fleet = locked(&world.fleet);
    let is_it = |it: &Option<Process>| it.as_ref().is_some_and(|it| it.life.number == life);
    let Some(place) = fleet.iter().position(is_it) else { return };
    match strike {
        Strike::Crash(down) => {
            if !world.state().strikes(Fault::Crash, &world.settings) {
                return;
            }
            let process = fleet.get_mut(place).and_then(Option::take);
            drop(fleet);
            if let Some(process) = process {
                crash(world, process);
            }
            world.after(down, move |world| {
                if let Err(error) = start(world, place) {
                    world.state().oracle.violated(world.now(), &error);
                }
            });
        }
        Strike::Pause(time) => {
            let Some(process) = fleet.get(place).and_then(Option::as_ref) else { return };
            let is_paused = process.life.is_paused();
            if is_paused || !world.state().strikes(Fault::Pause, &world.settings) {
                return;
            }
            world.note(format_args!("{life} is paused for {time} µs"));
            process.life.pause();
            let life = Arc::clone(&process.life);
            world.after(time, move |world| {
                world.note(format_args!("{} goes on", life.number));
                life.resume();
            });
        }
    }
}

/// Kills a process.
pub(crate) fn crash(world: &World, process: Process) {
    let life = process.life.number;
    world.note(format_args!("{life} dies"));
    process.life.kill();
    drop(process);
    let mut state = world.state();
    state.calls.retain(|_, (of, _)| *of != life);
    state.oracle.died(life, world.now());
}

/// A process as its callers use it.
#[derive(Clone)]
pub(crate) struct Caller {
    world: Arc<World>,
    life: Arc<Life>,
    tokens: TokenManager,
    machine: Arc<Machine>,
}

impl Caller {
    pub(crate) fn of(world: &Arc<World>, process: &Process) -> Self {
        Self {
            world: Arc::clone(world),
            life: Arc::clone(&process.life),
            tokens: process.tokens.clone(),
            machine: Arc::clone(&process.machine),
        }
    }

    /// Returns the number of the process's life.
    pub(crate) fn number(&self) -> u32 {
        self.life.number
    }

    /// Runs a call in the process.
    pub(crate) fn spawn(&self, call: impl Future<Output = ()> + Send + 'static) {
        self.life.spawn(Box::pin(call));
    }

    pub(crate) fn key(&self, grant: Grant) -> Option<GrantKey> {
        self.tokens.key(&grant.to_string()).ok()
    }

    /// Awaits a call, which has to come to an end while its process lives.
    async fn timed<T>(&self, what: &str, grant: Grant, call: impl Future<Output = T>) -> T {
        let number = {
            let mut state = self.world.state();
            state.call_count += 1;
            let (number, now) = (state.call_count, self.world.now());
            let what = format!("{what} of grant {grant}, asked at {:.6} s", now as f64 / 1e6);
            state.calls.insert(number, (self.life.number, what));
            number
        };
        let answer = call.await;
        self.world.state().calls.remove(&number);
        answer
    }

    /// Asks for a token and uses it.
    pub(crate) async fn call(&self, grant: Grant) {
        let Some(key) = self.key(grant) else { return };
        match self.token(grant, &key, None).await {
            Ok(token) if self.is_refused(&token) => {
                let again = self.token(grant, &key, Some(&token)).await;
                self.reported(grant, again.err().as_ref());
            }
            Ok(_) => {}
            Err(error) => self.reported(grant, Some(&error)),
        }
    }

    /// Asks for a token, or for one in the place of `rejected`.
    pub(crate) async fn token(
        &self,
        grant: Grant,
        key: &GrantKey,
        rejected: Option<&AccessToken>,
    ) -> Result<AccessToken, TokenError> {
        let pauses = self.life.pauses();
        let answer = match rejected {
            None => self.timed("token", grant, self.tokens.token(key)).await,
            Some(it) => self.timed("reject", grant, self.tokens.reject(key, it)).await,
        };
        let (life, now) = (self.life.number, self.world.now());
        let mut state = self.world.state();
        let what = if rejected.is_some() { "reject" } else { "token" };
        let state = &mut *state;
        match &answer {
            Ok(token) => {
                let token = number(token);
                state.trace.note(now, format_args!("{life} {what} {grant}: at-{token}"));
                // A refresh that a pause fell into may bring a token that has ended meanwhile.
                let is_timely =
                    pauses == self.life.pauses() && !self.life.has_just_resumed(10 * SECOND);
                state.oracle.served(life, grant, token, is_timely, &state.provider, now);
            }
            Err(error) => {
                state.trace.note(now, format_args!("{life} {what} {grant}: {:?}", error.kind()));
            }
        }
        answer
    }

    /// Whether the API refuses a token.
    pub(crate) fn is_refused(&self, token: &AccessToken) -> bool {
        let now = self.world.now();
        let mut state = self.world.state();
        let serves = state.provider.serves(number(token), now);
        !serves || now < state.api_rejects && state.strikes(Fault::ApiRejects, &self.world.settings)
    }

    /// The user of a grant that is lost or was removed is asked to consent again.
    fn reported(&self, grant: Grant, error: Option<&TokenError>) {
        let asks = |kind| is_report(kind) || kind == TokenErrorKind::UnknownGrant;
        if !error.is_some_and(|it| asks(it.kind())) {
            return;
        }
        let mut state = self.world.state();
        if !state.is_faulty || state.consents.get(grant) != Some(&false) {
            return;
        }
        let wait = state.time(MINUTE / 6, 10 * MINUTE);
        if let Some(is_asked) = state.consents.get_mut(grant) {
            *is_asked = true;
        }
        drop(state);
        self.world.after(wait, move |world| {
            let key = any(world).and_then(|caller| caller.key(grant));
            let mut state = world.state();
            if let Some(is_asked) = state.consents.get_mut(grant) {
                *is_asked = false;
            }
            let record = key.and_then(|key| state.store.record(&key).cloned());
            let State { oracle, provider, .. } = &mut *state;
            if let Some(record) = record {
                oracle.judge_report(grant, &record, provider, world.now());
            }
            drop(state);
            consent(world, grant);
        });
    }

    pub(crate) async fn insert(&self, grant: Grant) {
        let Some(key) = self.key(grant) else { return };
        let (world, life, began) = (&self.world, self.life.number, self.world.now());
        let (tokens, call) = {
            let mut state = world.state();
            let tokens = state.provider.consent(grant, began);
            let call = state.oracle.began(Change::Insert, life, grant, began);
            state.trace.note(began, format_args!("{life} insert {grant}: {tokens:?}"));
            (tokens, call)
        };
        let wall = WallClock(Arc::clone(&self.machine)).now();
        let set = AccessToken::new(&tokens.access_token())
            .and_then(|access| Ok((access, RefreshToken::new(&tokens.refresh_token())?)));
        let Ok((access, refresh)) = set else { return };
        let set = TokenSet::new(access, wall)
            .with_refresh_token(refresh)
            .with_lifetime(world.settings.lifetime);
        let inserted = self.timed("insert", grant, self.tokens.insert(&key, set)).await;
        let kind = inserted.err().map(|it| it.kind());
        let mut state = world.state();
        let now = world.now();
        state.trace.note(now, format_args!("{life} inserted {grant}: {kind:?}"));
        state.oracle.ended(Change::Insert, grant, call, kind.is_none(), now);
    }

    /// Asks how a grant stands, and changes nothing.
    pub(crate) async fn status(&self, grant: Grant) {
        let Some(key) = self.key(grant) else { return };
        let status = self.timed("status", grant, self.tokens.status(&key)).await;
        let state = status.map(|it| it.state).map_err(|it| it.kind());
        self.world.note(format_args!("{} status {grant}: {state:?}", self.life.number));
    }

    pub(crate) async fn remove(&self, grant: Grant) {
        let Some(key) = self.key(grant) else { return };
        let (world, life, began) = (&self.world, self.life.number, self.world.now());
        let call = world.state().oracle.began(Change::Removal, life, grant, began);
        world.note(format_args!("{life} remove {grant}"));
        let removed = self.timed("remove", grant, self.tokens.remove(&key)).await;
        let (now, is_done) = (world.now(), removed.is_ok());
        world.note(format_args!("{life} removed {grant}: {is_done}"));
        world.state().oracle.ended(Change::Removal, grant, call, is_done, now);
        if !is_done || world.state().oracle.was_inserted_since(grant, began) {
            return;
        }
        // Nothing is handed out any more.
        let token = self.tokens.token(&key).await;
        let mut state = world.state();
        if token.is_ok() && !state.oracle.was_inserted_since(grant, began) {
            let what = format!("grant {grant}: {life} removed it and handed a token out");
            state.oracle.violated(world.now(), &what);
        }
    }

    /// Returns what a process without memory gets, when everything has had its time.
    pub(crate) async fn look(&self, grant: Grant) -> Option<Result<AccessToken, TokenErrorKind>> {
        let key = self.key(grant)?;
        let mut rejected = None;
        for _ in 0..60 {
            match self.token(grant, &key, rejected.as_ref()).await {
                // The refresh token has to be good too.
                Ok(token) if rejected.is_none() => rejected = Some(token),
                Ok(token) => return Some(Ok(token)),
                Err(error) if is_report(error.kind()) => return Some(Err(error.kind())),
                Err(error) if error.kind() == TokenErrorKind::UnknownGrant => {
                    return Some(Err(error.kind()));
                }
                Err(_) => self.life.sleep(Duration::from_secs(10)).await,
            }
        }
        None
    }
}

/// A user consents, and any process inserts the new tokens.
pub(crate) fn consent(world: &Arc<World>, grant: Grant) {
    if let Some(caller) = any(world) {
        let call = caller.clone();
        caller.spawn(async move { call.insert(grant).await });
    }
}

/// Returns any process that runs.
pub(crate) fn any(world: &Arc<World>) -> Option<Caller> {
    let fleet = locked(&world.fleet);
    let running: Vec<_> = fleet.iter().flatten().collect();
    let index = world.state().rng.usize(0..running.len().max(1));
    running.get(index).map(|process| Caller::of(world, process))
}

/// Returns all processes that run.
pub(crate) fn all(world: &Arc<World>) -> Vec<Caller> {
    let fleet = locked(&world.fleet);
    fleet.iter().flatten().map(|process| Caller::of(world, process)).collect()
}

/// Returns the number of an access token.
pub(crate) fn number(token: &AccessToken) -> usize {
    tokens_in(token.expose_secret().as_bytes(), ACCESS).next().unwrap_or_default()
}

/// How long a fleet has to settle everything after the last fault.
pub(crate) const SETTLES: Micros = 20 * MINUTE;
