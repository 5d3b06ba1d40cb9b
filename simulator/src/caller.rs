//! What callers and users do with a process.

use std::sync::Arc;
use std::time::Duration;

use countersign_core::{AccessToken, Clock, ExposeSecret, RefreshToken, TokenSet};
use countersign_tokens::{GrantKey, TokenError, TokenErrorKind, TokenManager};

use crate::executor::{Life, locked};
use crate::fault::Fault;
use crate::fleet::{self, Machine, Process, WallClock};
use crate::oracle::{Change, is_report};
use crate::provider::{ACCESS, Grant, tokens_in};
use crate::settings::{MINUTE, SECOND};
use crate::world::{State, World};

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
                let is_timely = pauses == self.life.pauses();
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

    /// Closes the manager and ends the process, as a deployment does. What is closed whole explains no
    /// loss.
    pub(crate) async fn shut_down(&self) {
        let settings = &self.world.settings;
        let limit = settings.request + 2 * settings.step;
        let closed = self.tokens.close(limit).await;
        let (unsaved, unfinished) = (closed.unsaved.len(), closed.unfinished.len());
        let life = self.life.number;
        let mut state = self.world.state();
        state.trace.note(
            self.world.now(),
            format_args!("{life} is closed: {unsaved} unsaved, {unfinished} unfinished"),
        );
        if unsaved + unfinished == 0 {
            state.oracle.closed(life);
        }
        let down = state.time(SECOND / 10, MINUTE);
        drop(state);
        // A task cannot drop itself.
        self.world.after(1, move |world| fleet::end(world, life, down));
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
