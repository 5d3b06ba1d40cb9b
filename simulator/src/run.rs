//! One run: a fleet for some hours, what its seed has happen to it, and the verdict.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use crate::caller;
use crate::executor::{Micros, locked};
use crate::fault::{Armed, Fault, Point, Strike};
use crate::fleet::{self, SETTLES};
use crate::oracle::Final;
use crate::provider::{Grant, REFRESH, tokens_in};
use crate::report::Report;
use crate::settings::{HOUR, MINUTE, SECOND, micros};
use crate::store::MOST_LOST;
use crate::world::World;

/// Runs a fleet of the seed for this many hours of virtual time. `prints` prints what happens.
#[must_use]
pub fn run(seed: u64, hours: u32, prints: bool) -> Report {
    let world = World::new(seed, prints);
    if let Err(error) = drive(&world, hours) {
        world.state().oracle.violated(world.now(), &error);
    }
    let report = Report::of(&mut world.state(), seed, hours);
    // Tasks and messages hold the world.
    let fleet = std::mem::take(&mut *locked(&world.fleet));
    for process in fleet.into_iter().flatten() {
        process.life.kill();
    }
    world.executor.clear();
    report
}

fn drive(world: &Arc<World>, hours: u32) -> Result<(), String> {
    for place in 0..world.settings.processes {
        fleet::start(world, place)?;
    }
    for grant in 0..world.settings.grants {
        caller::consent(world, grant);
    }
    let end = HOUR * Micros::from(hours);
    let (strikes, actions) = (world.settings.strikes, world.settings.actions);
    while world.now() < end {
        let wait = world.state().next(strikes + actions);
        world.executor.run_until(world.now().saturating_add(wait).min(end));
        let is_strike = {
            let mut state = world.state();
            state.rng.f64() * (strikes + actions) < strikes
        };
        if is_strike { strike(world) } else { act(world) }
    }
    settle(world)?;
    look(world)
}

/// What callers and users do.
fn act(world: &Arc<World>) {
    let (kind, grant) = {
        let mut state = world.state();
        (state.rng.u32(0..1000), state.any_grant())
    };
    match kind {
        0..5 => caller::consent(world, grant),
        5..10 => {
            if let Some(caller) = caller::any(world) {
                let call = caller.clone();
                caller.spawn(async move { call.remove(grant).await });
            }
        }
        10..15 => {
            if let Some(caller) = caller::any(world) {
                let call = caller.clone();
                caller.spawn(async move { call.status(grant).await });
            }
        }
        // A place for `move_to`, when there is one.
        15..60 => {
            for caller in caller::all(world) {
                let call = caller.clone();
                caller.spawn(async move { call.call(grant).await });
            }
        }
        _ => {
            if let Some(caller) = caller::any(world) {
                let call = caller.clone();
                caller.spawn(async move { call.call(grant).await });
            }
        }
    }
}

/// What strikes the fleet.
fn strike(world: &Arc<World>) {
    let settings = &world.settings;
    let now = world.now();
    let kind = world.state().rng.u32(0..100);
    match kind {
        0..8 => {
            if let Some(caller) = caller::any(world)
                && world.state().strikes(Fault::Shutdown, settings)
            {
                let call = caller.clone();
                caller.spawn(async move { call.shut_down().await });
            }
        }
        8..60 => {
            let mut state = world.state();
            let strike = match state.rng.bool() {
                true => Strike::Crash(state.time(SECOND / 10, 2 * MINUTE)),
                false => Strike::Pause(state.time(SECOND / 10, 4 * micros(settings.lease()))),
            };
            // Most strike a process that is at work.
            if kind < 45 {
                let (point, after) = (Point::draw(&mut state.rng), state.time(1, SECOND));
                state.armed.push(Armed { point, after, strike });
                return;
            }
            drop(state);
            if let Some(life) = any_life(world) {
                fleet::strike(world, life, strike);
            }
        }
        60..68 => {
            let mut state = world.state();
            if state.strikes(Fault::StoreOutage, settings) {
                state.store_away = now + state.time(SECOND, 2 * MINUTE);
                let until = state.store_away;
                state.trace.note(now, format_args!("the store is away until {until}"));
            }
        }
        68..76 => {
            let mut state = world.state();
            if state.strikes(Fault::ProviderOutage, settings) {
                let kinds = [Fault::NotConnected, Fault::Unavailable, Fault::RequestLost];
                let until = now + state.time(SECOND, 2 * MINUTE);
                state.provider_away = (until, kinds[state.rng.usize(0..3)]);
                state.trace.note(now, format_args!("the provider is away until {until}"));
            }
        }
        76..84 => {
            let mut state = world.state();
            let until = now + state.time(SECOND, 2 * MINUTE);
            state.api_rejects = until;
            state.trace.note(now, format_args!("the API rejects until {until}"));
        }
        84..89 => revoke(world),
        // All at once, as in a careless deployment.
        89..90 => {
            for caller in caller::all(world) {
                let down = world.state().time(SECOND / 10, MINUTE);
                fleet::strike(world, caller.number(), Strike::Crash(down));
            }
        }
        90..95 => set_clock(world),
        _ => fail_over(world),
    }
}

fn any_life(world: &Arc<World>) -> Option<u32> {
    let fleet = locked(&world.fleet);
    let lives: Vec<_> = fleet.iter().flatten().map(|it| it.life.number).collect();
    let index = world.state().rng.usize(0..lives.len().max(1));
    lives.get(index).copied()
}

/// A user ends a grant at the provider.
fn revoke(world: &Arc<World>) {
    let key = caller::any(world).and_then(|caller| {
        let grant = world.state().any_grant();
        caller.key(grant)
    });
    let mut state = world.state();
    let record = key.and_then(|key| state.store.record(&key).cloned());
    let token = record.and_then(|it| tokens_in(it.payload.as_bytes(), REFRESH).next());
    let Some(token) = token else { return };
    if state.strikes(Fault::Revoked, &world.settings) {
        state.trace.note(world.now(), format_args!("the user revokes rt-{token}"));
        state.provider.revoke(token);
    }
}

fn set_clock(world: &Arc<World>) {
    let fleet = locked(&world.fleet);
    let running: Vec<_> = fleet.iter().flatten().collect();
    let mut state = world.state();
    let index = state.rng.usize(0..running.len().max(1));
    let Some(process) = running.get(index) else { return };
    if !state.strikes(Fault::ClockJump, &world.settings) {
        return;
    }
    let by = state.time(SECOND / 10, HOUR);
    let is_back = state.rng.bool();
    let (now, life) = (world.now(), process.life.number);
    state.trace.note(now, format_args!("the clock of {life} jumps by {by}, back: {is_back}"));
    // What is reckoned by a clock that jumped may be stored, and serve other processes.
    match world.settings.has_boot_clock {
        true if is_back => state.oracle.was_set_back(by, now),
        true => {}
        false => state.oracle.was_set_back(by, Micros::MAX),
    }
    let by = i64::try_from(by).unwrap_or_default();
    process.machine.set(if is_back { -by } else { by });
}

fn fail_over(world: &Arc<World>) {
    let now = world.now();
    let mut state = world.state();
    if !state.strikes(Fault::FailOver, &world.settings) {
        return;
    }
    let (lost, away) = (state.time(1_000, MOST_LOST), state.time(SECOND / 10, 30 * SECOND));
    state.store_away = now + away;
    let keys = state.store.fail_over(now.saturating_sub(lost));
    state.trace.note(now, format_args!("the store loses {} writes", keys.len()));
    for grant in keys.iter().filter_map(crate::network::grant_of) {
        state.oracle.lost_write(grant);
    }
}

/// All faults end, and everything has its time.
fn settle(world: &Arc<World>) -> Result<(), String> {
    {
        let mut state = world.state();
        state.is_faulty = false;
        state.armed.clear();
        (state.store_away, state.provider_away.0, state.api_rejects) = (0, 0, 0);
        state.trace.note(world.now(), format_args!("all faults end"));
    }
    // Pauses and crashes end by themselves.
    let end = world.now() + SETTLES + micros(world.settings.lifetime);
    let settled = world.now() + SETTLES;
    world.executor.run_until(settled);
    let unfinished: Vec<_> = world.state().calls.values().map(|(_, what)| what.clone()).collect();
    for what in unfinished {
        world.state().oracle.violated(settled, &format!("a call does not end: {what}"));
    }
    world.executor.run_until(end);
    Ok(())
}

/// Asks a process without memory for every grant.
fn look(world: &Arc<World>) -> Result<(), String> {
    let place = world.settings.processes;
    fleet::start(world, place)?;
    let Some(caller) = caller::all(world).pop() else { return Err("nothing runs".to_owned()) };
    let seen: Arc<Mutex<BTreeMap<Grant, Final>>> = Arc::default();
    for grant in 0..world.settings.grants {
        let (call, seen) = (caller.clone(), Arc::clone(&seen));
        caller.spawn(async move {
            let Some(outcome) = call.look(grant).await else { return };
            let outcome = match outcome {
                Ok(token) if call.is_refused(&token) => Final::Useless,
                Ok(_) => Final::Served,
                Err(kind) => Final::Failed(kind),
            };
            locked(&seen).insert(grant, outcome);
        });
    }
    world.executor.run_until(world.now() + 15 * MINUTE);
    let seen = std::mem::take(&mut *locked(&seen));
    for grant in 0..world.settings.grants {
        let outcome = seen.get(&grant).copied();
        let key = caller.key(grant);
        let mut state = world.state();
        let state = &mut *state;
        let record = key.and_then(|key| state.store.record(&key));
        let now = world.now();
        state.trace.note(now, format_args!("grant {grant}: {outcome:?}"));
        state.oracle.judge(grant, record, outcome, &state.provider, now);
    }
    Ok(())
}
