//! Carries out what a [`Refresh`] asks for: the store, the provider and the timer are awaited here
//! and nowhere else.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use async_lock::SemaphoreGuardArc;
use countersign_core::{AccessToken, Error, Outcome, Recovery};
use futures_lite::{FutureExt, future};

use super::machine::{
    Action, Config, Event, Failure, Found, Input, Refresh, Step, Tokens as Worth,
};
use super::rewrite;
use crate::error::{TokenError, TokenErrorKind};
use crate::event;
use crate::manager::backoff::{Early, Permit};
use crate::manager::close::Ongoing;
use crate::manager::engine::{Engine, GrantInUse, Swapped};
use crate::manager::grant::Remembered;
use crate::manager::payload::Tokens;
use crate::manager::single_flight::{Finisher, SingleFlight};
use crate::manager::store_clock::Reading;
use crate::rules::{Contents, Now, Origin, Spending};
use crate::store::{AttemptId, GrantState, Payload, Record, StoreError, StoreErrorKind, Version};

/// The most requests of one refresh, if those before were not processed or did no harm.
const MOST_REQUESTS: u32 = 3;

/// A rest that callers wait for. A longer one is an error.
const LONGEST_REST: Duration = Duration::from_secs(1);

/// Bounds the waits between two tries of one swap to three seconds.
const MOST_REPEATS: u32 = 4;

/// Why a grant is refreshed.
#[derive(Debug, Clone)]
pub(in crate::manager) enum Cause {
    /// A caller asked for a token.
    Asked,
    /// The grant is due.
    Due,
    /// The API refused this token.
    Rejected(AccessToken),
}

/// A refresh that was joined or started.
pub(in crate::manager) struct Joined {
    pub(in crate::manager) flight: Arc<SingleFlight<AccessToken>>,
    /// Whether its callers have an outcome already, and it goes on settling its last write.
    pub(in crate::manager) is_settling: bool,
}

/// Joins the refresh under way, or starts one.
///
/// # Errors
///
/// The last failure, as long as it is not time to try again.
pub(in crate::manager) fn start(grant: &GrantInUse, cause: Cause) -> Result<Joined, TokenError> {
    let engine = &grant.engine;
    let mut work = grant.work();
    let is_settling = work.flight.as_ref().is_none_or(|flight| flight.is_finished());
    if work.is_unsaved && is_settling {
        // Storing the tokens goes on.
        return Err(TokenError::new(TokenErrorKind::NotStored));
    }
    let failure = work.failure.as_ref().filter(|_| is_settling);
    if let Some(failure) = failure.filter(|it| it.backoff.holds(engine.now())) {
        return Err(failure.error.clone());
    }
    if work.flight.is_none()
        && work.memory.is_none()
        && let Some(error) = engine.outage.error(engine.now())
    {
        return Err(error.into());
    }
    if let Some(flight) = &work.flight {
        return Ok(Joined { flight: Arc::clone(flight), is_settling });
    }
    let ongoing = engine.closing.begin(Some(&grant.key))?;
    if let Cause::Rejected(_) = cause {
        work.count_rejection(engine.now());
    }
    let (flight, finisher) = SingleFlight::new();
    work.flight = Some(Arc::clone(&flight));
    let driver = Driver {
        _ongoing: ongoing,
        engine: Arc::clone(engine),
        grant: grant.clone(),
        config: config(grant),
        incarnation: work.incarnation,
        cause,
        finisher,
        left: work.left,
        memory: work.memory.as_deref().cloned(),
        reading: None,
        permit: None,
        request: None,
        swapping: None,
        repeats: 0,
        read: None,
        fresh: None,
        is_unsaved: false,
        store_error: None,
        provider_error: None,
        other_error: None,
    };
    // A task that is refused is dropped, which takes the lock.
    drop(work);
    engine.spawn(driver.run());
    // The refresh may be over by now: its outcome still is that of the caller.
    Ok(Joined { flight, is_settling: false })
}

fn config(grant: &GrantInUse) -> Config {
    let rules = grant.client.rules;
    Config {
        rules,
        most_requests: MOST_REQUESTS,
        patience: rules.lease,
        longest_rest: LONGEST_REST,
        resends_unknown: grant.engine.resends_unknown,
    }
}

/// A refresh under way. When it is dropped, callers learn that it was interrupted, unless they have
/// an outcome.
struct Driver {
    _ongoing: Ongoing,
    engine: Arc<Engine>,
    grant: GrantInUse,
    config: Config,
    incarnation: u64,
    cause: Cause,
    finisher: Finisher<AccessToken>,
    left: Option<AttemptId>,
    /// The last record that was read or written.
    memory: Option<Remembered>,
    /// The store's last answer.
    reading: Option<Reading>,
    permit: Option<Permit>,
    /// The place among the requests that may be under way at the provider.
    request: Option<SemaphoreGuardArc>,
    /// The last swap.
    swapping: Option<(Version, Box<Record>)>,
    /// How often it was repeated.
    repeats: u32,
    /// The tokens of the last record that was read, and its payload.
    read: Option<(Payload, Tokens)>,
    /// The provider's answer.
    fresh: Option<Tokens>,
    /// Whether the answer serves from memory and is not known to be stored.
    is_unsaved: bool,
    store_error: Option<StoreError>,
    provider_error: Option<Error>,
    other_error: Option<TokenError>,
}

impl Driver {
    async fn run(mut self) {
        let mut machine = Refresh::new(self.left);
        let mut event = self.remembered().unwrap_or(Event::Wanted);
        loop {
            let version = match Version::draw(&*self.engine.randomness) {
                Ok(version) => version,
                Err(error) => return self.finish(Err(error.into()), true),
            };
            let now = self.now();
            let (next, actions) = machine.step(event, Input { now, version }, &self.config);
            machine = next;
            let mut following = None;
            for action in actions {
                following = self.act(action, &machine).await.or(following);
            }
            match following {
                Some(next) => event = next,
                None => break,
            }
        }
        let mut work = self.grant.work();
        if work.incarnation == self.incarnation {
            work.left = machine.left;
        }
    }

    /// Returns the bounds of the store's clock.
    fn now(&self) -> Now {
        let reading = self.reading.as_ref();
        reading.map_or_else(Now::default, |reading| reading.now(self.engine.moment()))
    }

    /// Begins from memory if the record there allows it, which saves a round trip. If the record
    /// has changed meanwhile, the conflict brings the present one.
    fn remembered(&mut self) -> Option<Event> {
        let Remembered { record, reading } = self.memory.clone()?;
        let rules = &self.config.rules;
        let moment = self.engine.moment();
        let now = reading.now(moment);
        // With a grace window or a rest, the instant of the attempt must not be too late.
        let is_timed = matches!(rules.spending, Spending::Grace(_)) || record.retry_at.is_some();
        let is_old = is_timed && reading.age(moment) > rules.lease;
        // The record is hours old, or a clock of this process was set. That an answer was slow
        // only makes `earliest` earlier.
        let is_vague = reading.error(moment) > rules.margin;
        let is_clear = record.attempts.is_empty() && rules.obstacle(&record, now).is_none();
        if is_old || is_vague || !is_clear {
            return None;
        }
        let found = self.found(Some(record), reading);
        (found.tokens == Worth::Due).then_some(Event::Remembered(found))
    }

    /// Carries out an action. Returns the event that follows from it, if one does.
    async fn act(&mut self, action: Action, machine: &Refresh) -> Option<Event> {
        match action {
            // Callers have an outcome, and only the last write was to be settled.
            Action::Load if self.finisher.is_finished() => {}
            Action::Load | Action::Prepare | Action::AwaitChange | Action::BackOff
                if self.must_stop(machine) =>
            {
                self.finish(Err(TokenError::new(TokenErrorKind::Closed)), true);
            }
            Action::Load => return Some(self.load().await),
            Action::Prepare => return Some(self.prepare().await),
            Action::Swap { expected, next } => {
                self.swapping = Some((expected, next));
                self.repeats = 0;
                return self.swap().await;
            }
            Action::Repeat => {
                let wait =
                    Duration::from_millis(50) + self.engine.backoff(self.repeats.min(MOST_REPEATS));
                self.repeats += 1;
                let grant = self.grant.clone();
                future::or(self.engine.sleep(wait), grant.nudge.listen()).await;
                return self.swap().await;
            }
            Action::Send(record) => return Some(self.send(&record).await),
            Action::AwaitChange => {
                self.request = None;
                let at_most = self.engine.randomness.poll();
                self.engine.changed(&self.grant.key, at_most).await;
                return Some(Event::Woken);
            }
            Action::BackOff => {
                self.request = None;
                self.engine.sleep(self.engine.backoff(machine.requests)).await;
                return Some(Event::Woken);
            }
            Action::ServeUnsaved => self.serve_unsaved(),
            Action::KeepSuperseded => self.keep_superseded().await,
            Action::Stored => self.stored(),
            Action::Restored => self.notify_stored(),
            Action::Finish(outcome) => {
                let outcome = match outcome {
                    Ok(()) => self.token(),
                    Err(failure) => Err(self.error_of(failure)),
                };
                self.finish(outcome, machine.step == Step::Done);
            }
        }
        None
    }

    async fn load(&mut self) -> Event {
        match self.engine.load(&self.grant.key).await {
            Ok((record, reading)) => Event::Loaded(self.found(record, reading)),
            Err(error) => {
                if self.memory.is_none() && !error.needs_a_person() {
                    self.engine.outage.begin(error.clone(), self.engine.now());
                }
                self.store_failed(error);
                Event::LoadFailed
            }
        }
    }

    /// Returns whether the manager was closed, and nothing is lost if this refresh ends. An attempt
    /// that was left within a grace window has to be followed by another one.
    fn must_stop(&self, machine: &Refresh) -> bool {
        self.engine.closing.is_closed() && machine.left.is_none()
    }

    async fn prepare(&mut self) -> Event {
        if self.request.is_none() {
            let requests = &self.grant.client.requests;
            self.request = requests.try_acquire_arc();
            if self.request.is_none() {
                let acquired = async { Some(requests.acquire_arc().await) };
                let closed = async {
                    self.engine.closing.closed().await;
                    None
                };
                self.request = match self.engine.closing.is_closed() {
                    true => acquired.await,
                    false => future::or(acquired, closed).await,
                };
                // Another process may have refreshed the grant meanwhile.
                return Event::Woken;
            }
        }
        match self.grant.client.circuit.permit(self.engine.now()) {
            Ok(permit) => self.permit = Some(permit),
            Err(left) => {
                self.other_error = Some(TokenError::paused(left));
                return Event::NotReady;
            }
        }
        match AttemptId::draw(&*self.engine.randomness) {
            Ok(id) => Event::Ready(id),
            Err(error) => {
                self.other_error = Some(error.into());
                Event::NotReady
            }
        }
    }

    async fn swap(&mut self) -> Option<Event> {
        let (expected, next) = self.swapping.as_ref()?;
        match self.engine.swap(&self.grant.key, Some(*expected), Some(next)).await {
            Ok(Swapped::Done(reading)) => {
                self.remember((**next).clone(), reading);
                Some(Event::Done)
            }
            Ok(Swapped::Conflict(record, reading)) => {
                self.permit = None;
                Some(Event::Conflict(self.found(record, reading)))
            }
            Err(error) => {
                // An earlier try that was not answered may have been done.
                let is_refusal = error.is_refusal() && self.repeats == 0;
                (self.permit, self.request) = (None, None);
                self.store_failed(error);
                self.grant.progress.notify(usize::MAX);
                Some(if is_refusal { Event::NotDone } else { Event::Unheard })
            }
        }
    }

    /// Looks at what a record's tokens are good for, and hands the access token out if it serves.
    fn found(&mut self, record: Option<Record>, reading: Reading) -> Found {
        self.reading = Some(reading);
        let Some(record) = record.filter(|it| it.state != GrantState::Gone) else {
            self.memory = None;
            self.grant.remember(self.incarnation, None);
            self.grant.publish(self.incarnation, None);
            return Found { record: None, tokens: Worth::Useless };
        };
        let client = &self.grant.client;
        let read = self.engine.codec.read(&client.client, &self.grant.key, &record);
        let lost = self.lost(&record, read.as_ref().ok());
        if let Some(lost) = lost {
            return Found { record: Some(record), tokens: Worth::Lost(Box::new(lost)) };
        }
        self.remember(record.clone(), reading);
        let tokens = match read {
            Ok(tokens) => tokens,
            Err(error) => {
                self.other_error = Some(error);
                return Found { record: Some(record), tokens: Worth::Useless };
            }
        };
        let cached = self.grant.client.cached(&record, &tokens.main, &reading);
        let (now, is_due) = (self.engine.now(), self.is_due(&record));
        let is_fresh = !self.is_rejected(&cached.token) && cached.is_fresh(now);
        if is_fresh {
            // It serves, whatever becomes of the refresh.
            self.grant.publish(self.incarnation, Some(cached));
        }
        let can_refresh = tokens.can_refresh();
        self.read = Some((record.payload.clone(), tokens));
        let worth = if is_fresh && !(is_due && self.may_refresh_early()) {
            Worth::Fresh
        } else if can_refresh {
            Worth::Due
        } else {
            self.other_error = Some(TokenError::new(TokenErrorKind::NoRefreshToken));
            Worth::Useless
        };
        Found { record: Some(record), tokens: worth }
    }

    fn is_due(&self, record: &Record) -> bool {
        let now = self.now().earliest;
        record.state == GrantState::Live && record.due_at.is_some_and(|due_at| due_at <= now)
    }

    /// The other causes have asked the circuit before.
    fn may_refresh_early(&self) -> bool {
        !matches!(self.cause, Cause::Asked)
            || self.grant.client.circuit.early(self.engine.now()) == Early::Yes
    }

    fn is_rejected(&self, token: &AccessToken) -> bool {
        matches!(&self.cause, Cause::Rejected(it) if it.same_as(token))
    }

    /// Returns the record in memory if the store has an older one, as after a fail-over.
    fn lost(&mut self, record: &Record, read: Option<&Tokens>) -> Option<Record> {
        let memory = self.memory.as_ref().map(|it| &it.record)?;
        if memory.epoch != record.epoch
            || memory.generation <= record.generation
            || self.config.rules.spending == Spending::Never
        {
            return None;
        }
        // Generations say which tokens are newer only as long as the store does not go back: each
        // process counts on from where it went back to.
        let ours = self.engine.codec.read(&self.grant.client.client, &self.grant.key, memory);
        let is_newer = ours.is_ok_and(|ours| read.is_none_or(|it| ours.are_newer_than(it)));
        is_newer.then(|| memory.clone())
    }

    async fn send(&mut self, record: &Record) -> Event {
        let client = Arc::clone(&self.grant.client);
        let known = self.read.take().filter(|(payload, _)| *payload == record.payload);
        let tokens = match known {
            Some((_, tokens)) => Ok(tokens),
            None => self.engine.codec.read(&client.client, &self.grant.key, record),
        };
        let tokens = match tokens {
            Ok(tokens) => tokens,
            Err(error) => {
                self.other_error = Some(error);
                return Event::NotProcessed { rest: None, may_repeat: false };
            }
        };
        let Some(refresh_token) = tokens.main.refresh_token() else {
            self.other_error = Some(TokenError::new(TokenErrorKind::NoRefreshToken));
            return Event::NotProcessed { rest: None, may_repeat: false };
        };
        // A begin that was not answered at once has given its place up.
        let request = self.request.take().or_else(|| client.requests.try_acquire_arc());
        if request.is_none() {
            self.other_error = Some(TokenError::paused(Duration::ZERO));
            return Event::NotProcessed { rest: None, may_repeat: true };
        }
        if let Some(permit) = self.permit.take() {
            permit.used();
        }
        let answer = AssertUnwindSafe(client.client.refresh(refresh_token)).catch_unwind().await;
        drop(request);
        match answer {
            Ok(Ok(fresh)) => {
                client.circuit.answered();
                client.circuit.succeeded(self.engine.now());
                let fresh = tokens.refreshed(fresh);
                self.fresh = Some(fresh.clone());
                Event::Answered(self.contents(record, &fresh).await)
            }
            Ok(Err(error)) => self.refused(record, &tokens, error).await,
            Err(_) => {
                self.provider_error = None;
                client.circuit.provider_failed(self.engine.now(), &self.grant.key, None);
                Event::NoAnswer
            }
        }
    }

    /// Returns the answer in the form in which it is stored. Only a lack of random bytes makes that
    /// fail, and then the answer serves from memory until there are some.
    async fn contents(&mut self, record: &Record, fresh: &Tokens) -> Contents {
        let (client, key) = (Arc::clone(&self.grant.client), self.grant.key.clone());
        let generation = record.generation.saturating_add(1);
        let origin = Origin { epoch: record.epoch, generation };
        let mut failures = 0;
        loop {
            let now = (self.now(), false);
            match self.engine.contents(&client, &key, origin, fresh, now) {
                Ok(contents) => return contents,
                Err(error) => self.other_error = Some(error),
            }
            self.serve_unsaved();
            self.engine.sleep(Duration::from_millis(50) + self.engine.backoff(failures)).await;
            failures += 1;
        }
    }

    /// What follows from an answer without tokens.
    async fn refused(&mut self, record: &Record, tokens: &Tokens, error: Error) -> Event {
        let circuit = &self.grant.client.circuit;
        let (outcome, recovery) = (error.outcome(), error.recovery());
        let rest = match recovery {
            Recovery::Retry { after } => after,
            _ => None,
        };
        if outcome == Outcome::Refused {
            circuit.answered();
        } else {
            circuit.provider_failed(self.engine.now(), &self.grant.key, rest);
        }
        self.provider_error = Some(error);
        match outcome {
            Outcome::Refused if recovery == Recovery::Reauthorize => {
                let client = Arc::clone(&self.grant.client);
                let (key, now) = (&self.grant.key, (self.now(), false));
                let promoted = tokens.promoted().and_then(|promoted| {
                    let origin = Origin::of(record);
                    self.engine.contents(&client, key, origin, &promoted, now).ok()
                });
                Event::InvalidGrant(promoted)
            }
            Outcome::Unknown => Event::NoAnswer,
            outcome => {
                let may_repeat = outcome == Outcome::NotSent && recovery != Recovery::Fix;
                Event::NotProcessed { rest, may_repeat }
            }
        }
    }

    /// Hands out the answer although it is not stored, and says so (G9).
    fn serve_unsaved(&mut self) {
        let Some(fresh) = self.fresh.as_ref().filter(|_| !self.is_unsaved) else { return };
        self.is_unsaved = true;
        let unsaved = self.grant.client.unsaved(&fresh.main);
        let token = unsaved.token.clone();
        if !self.grant.publish(self.incarnation, Some(unsaved)) {
            // The grant was removed or replaced: nobody is to get this token.
            return self.finish(Err(TokenError::new(TokenErrorKind::Interrupted)), false);
        }
        let error = match &self.store_error {
            Some(error) => TokenError::of_store(TokenErrorKind::NotStored, error.clone()),
            None => TokenError::new(TokenErrorKind::NotStored),
        };
        self.engine.notify(&event::Event::NotStored { key: self.grant.key.clone(), error });
        self.finish(self.unless_rejected(token), false);
    }

    /// Hands out the answer, which is stored.
    fn stored(&mut self) {
        let (Some(fresh), Some(memory)) = (&self.fresh, &self.memory) else { return };
        let Remembered { record, reading } = memory;
        let cached = self.grant.client.cached(record, &fresh.main, reading);
        self.grant.publish(self.incarnation, Some(cached));
        let (key, generation) = (self.grant.key.clone(), record.generation);
        self.engine.notify(&event::Event::Refreshed { key, generation });
        if self.is_unsaved {
            self.notify_stored();
        }
    }

    fn notify_stored(&self) {
        self.engine.notify(&event::Event::Stored { key: self.grant.key.clone() });
    }

    /// Another process has stored a newer answer: that is the grant now.
    async fn keep_superseded(&mut self) {
        let Some(answer) = self.fresh.take() else { return };
        if self.is_unsaved {
            self.grant.publish(self.incarnation, None);
        }
        let Some((_, begun)) = &self.swapping else { return };
        if self.config.rules.spending == Spending::Never {
            return;
        }
        // Before the grant is read again: the provider may refuse what is there.
        let epoch = begun.epoch;
        if rewrite::keep(&self.grant, epoch, &answer.main).await.is_none() {
            let ongoing = self.engine.closing.go_on(&self.grant.key);
            let keeping = rewrite::keep_later(self.grant.clone(), epoch, answer.main);
            self.engine.spawn(async move {
                keeping.await;
                drop(ongoing);
            });
        }
    }

    /// Returns the token for the callers.
    fn token(&self) -> Result<AccessToken, TokenError> {
        let read = self.read.as_ref().map(|(_, tokens)| tokens);
        let tokens = self.fresh.as_ref().or(read);
        let token = tokens.map(|tokens| tokens.main.access_token().clone());
        self.unless_rejected(token.ok_or_else(|| TokenError::new(TokenErrorKind::UnknownGrant))?)
    }

    fn unless_rejected(&self, token: AccessToken) -> Result<AccessToken, TokenError> {
        // Sending the refresh token once more would bring the same token once more.
        match self.is_rejected(&token) {
            true => Err(TokenError::new(TokenErrorKind::SameToken)),
            false => Ok(token),
        }
    }

    fn error_of(&self, failure: Failure) -> TokenError {
        let of_provider = |kind| match &self.provider_error {
            Some(error) => TokenError::of_provider(kind, error.clone()),
            None => TokenError::new(kind),
        };
        let other = || self.other_error.clone();
        match failure {
            Failure::NoGrant => TokenError::new(TokenErrorKind::UnknownGrant),
            Failure::Useless | Failure::NotReady => {
                other().unwrap_or_else(|| TokenError::new(TokenErrorKind::Unreadable))
            }
            Failure::Reauthorize => of_provider(TokenErrorKind::Reauthorize),
            Failure::OutcomeUnknown => of_provider(TokenErrorKind::OutcomeUnknown),
            Failure::Busy => TokenError::new(TokenErrorKind::Busy),
            Failure::Resting(left) => TokenError::paused(left),
            Failure::Provider => match &self.provider_error {
                Some(_) => of_provider(TokenErrorKind::Refresh),
                None => other().unwrap_or_else(|| TokenError::new(TokenErrorKind::Interrupted)),
            },
            Failure::Store => {
                let late = || StoreError::new(StoreErrorKind::Timeout);
                self.store_error.clone().unwrap_or_else(late).into()
            }
        }
    }

    fn store_failed(&mut self, error: StoreError) {
        self.grant.client.circuit.store_failed();
        self.store_error = Some(error);
    }

    fn remember(&mut self, record: Record, reading: Reading) {
        let remembered = Remembered { record, reading };
        self.reading = Some(reading);
        self.grant.remember(self.incarnation, Some(remembered.clone()));
        self.memory = Some(remembered);
    }

    /// Gives the callers the outcome. `is_over`: the refresh does nothing more for the grant.
    fn finish(&self, outcome: Result<AccessToken, TokenError>, is_over: bool) {
        let error = outcome.as_ref().err().cloned();
        let mut work = self.grant.work();
        let is_current = work.incarnation == self.incarnation;
        if is_current && is_over {
            work.flight = None;
        }
        if is_current && !self.finisher.is_finished() {
            let now = self.engine.now();
            work.share_failure(error.clone(), now, &*self.engine.randomness);
        }
        drop(work);
        if !self.finisher.finish(outcome) || !is_current {
            return;
        }
        let key = self.grant.key.clone();
        let Some(error) = error else { return };
        match error.kind() {
            // Nothing fails for a grant that is not there, or in a manager that was closed.
            TokenErrorKind::UnknownGrant | TokenErrorKind::Closed => {}
            TokenErrorKind::Reauthorize
            | TokenErrorKind::OutcomeUnknown
            | TokenErrorKind::NoRefreshToken => {
                self.engine.notify(&event::Event::NeedsReauthorization { key, error });
            }
            _ => self.engine.notify(&event::Event::Failing { key, error }),
        }
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        self.finish(Err(TokenError::new(TokenErrorKind::Interrupted)), true);
        self.grant.progress.notify(usize::MAX);
    }
}
