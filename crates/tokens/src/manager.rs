//! Any number of grants, kept fresh.

mod backoff;
mod close;
mod engine;
mod grant;
pub(crate) mod insert;
mod leader;
mod maintenance;
mod moving;
mod payload;
pub(crate) mod refresh;
pub(crate) mod remove;
mod scheduler;
mod single_flight;
mod source;
mod status;
mod store_clock;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_lock::Semaphore;
use countersign_core::{AccessToken, Client, Runtime, TokenSet};
use futures_lite::future;

pub use close::Closed;
pub use maintenance::Maintained;
pub use remove::Removed;
pub use scheduler::KeepFresh;
pub use source::TokenSource;
pub use status::{GrantList, GrantStatus};

use crate::error::{TokenError, TokenErrorKind};
use crate::event::Event;
use crate::executor::{Spawner, Timer};
use crate::key::{GrantKey, InvalidKey};
#[cfg(feature = "sealed")]
use crate::sealed::KeyRing;
use crate::store::{GrantStore, Randomness, SystemRandomness};
use backoff::Circuit;
use engine::{Engine, OnEvent, Outage, Registered, Timing};
use maintenance::Change;
use payload::Codec;
use refresh::callers;

/// Keeps any number of grants fresh. Cheap to clone, without type parameters.
///
/// However many callers ask for a token, one request refreshes the grant. A task of its own makes
/// the request and stores the answer before any caller gets the new token.
///
/// # Examples
///
/// ```
/// # use countersign_core as countersign;
/// use countersign::Client;
/// use countersign_tokens::{GrantKey, MemoryStore, TokenManager, TokioExecutor};
///
/// # async fn example(client: Client, tokens_of_a_flow: countersign::TokenSet) -> Result<(), Box<dyn std::error::Error>> {
/// let tokens = TokenManager::builder(client, MemoryStore::new())
///     .executor(TokioExecutor::current()?)
///     .build()?;
/// let key = tokens.key("user 42")?;
/// tokens.insert(&key, tokens_of_a_flow).await?;
///
/// let token = tokens.token(&key).await?;
/// let header = token.authorization_header();
/// # let _ = header;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct TokenManager(Arc<Engine>);

impl TokenManager {
    /// Creates a builder for a manager that refreshes with `client` and stores in `store`.
    pub fn builder(client: Client, store: impl GrantStore) -> TokenManagerBuilder {
        TokenManagerBuilder {
            client,
            store: Arc::new(store),
            spawner: None,
            timer: None,
            randomness: Arc::new(SystemRandomness),
            on_event: None,
            codec: Codec::default(),
            timing: Timing {
                ahead: 0.9,
                margin: Duration::from_secs(5),
                lease: None,
                scan_period: Duration::from_secs(60),
                store_timeout: Duration::from_secs(5),
            },
            resends_unknown: false,
            max_requests: MAX_REQUESTS,
        }
    }

    /// Registers another client, so that this manager keeps its grants too. The client of a grant
    /// is found by its key ([`GrantKey::of`]).
    ///
    /// # Errors
    ///
    /// [`TokenErrorKind::Configuration`] if a client with the same provider name and client id is
    /// registered, if its transport needs a runtime that the executor does not have, or if the
    /// lease is too short for its time limit.
    ///
    /// # Examples
    ///
    /// ```
    /// # use countersign_core as countersign;
    /// use countersign::{Client, TokenSet};
    /// use countersign_tokens::{GrantKey, TokenManager};
    ///
    /// # async fn example(tokens: TokenManager, other: Client, new: TokenSet) -> Result<(), Box<dyn std::error::Error>> {
    /// let key = GrantKey::of(&other, "user 42")?;
    /// tokens.register(other)?;
    /// tokens.insert(&key, new).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn register(&self, client: Client) -> Result<(), TokenError> {
        check_runtime(&client, &*self.0.spawner)?;
        let registered =
            registered(client, &self.0.timing, self.0.max_requests, &self.0.randomness)?;
        let key = registered.key.clone();
        match self.0.clients.pin().try_insert(key, registered) {
            Ok(_) => Ok(()),
            Err(_) => Err(refused(
                "a client with the same provider name and client id is registered already: give \
                 the providers different names",
            )),
        }
    }

    /// Returns the key of `subject`'s grant at the client that the manager was built with.
    ///
    /// # Errors
    ///
    /// [`InvalidKey`] if the subject is empty or too long.
    pub fn key(&self, subject: &str) -> Result<GrantKey, InvalidKey> {
        GrantKey::of(&self.0.first.client, subject)
    }

    /// Stores a new grant, such as [`into_tokens`] of a completed flow, in the place of whatever is
    /// there. The grant is stored when this returns.
    ///
    /// The refresh token of a former grant is not revoked: [`remove`](Self::remove) that grant
    /// first if it is to be revoked.
    ///
    /// [`into_tokens`]: countersign_core::AuthorizationFlow::into_tokens
    ///
    /// # Errors
    ///
    /// * [`TokenErrorKind::NotStored`] if the store failed. The grant serves this process from
    ///   memory as long as its access token is valid, and storing it is tried again.
    /// * [`TokenErrorKind::UnknownGrant`] if another process removed the grant meanwhile.
    /// * [`TokenErrorKind::ForeignKey`] if the client of the key is not registered.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future loses nothing: storing goes on.
    pub async fn insert(&self, key: &GrantKey, tokens: TokenSet) -> Result<(), TokenError> {
        self.0.closing.check()?;
        insert::insert(self.0.grant(key)?, tokens).await
    }

    /// Returns a fresh access token.
    ///
    /// While a fresh token is in memory this does not wait. A token that is nearly due is refreshed
    /// in the background and handed out meanwhile. An expired token is refreshed first, once for
    /// all callers.
    ///
    /// # Errors
    ///
    /// [`TokenError`], the same for every caller that waited. A failed refresh is not an error
    /// while the old token is still valid.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future loses nothing: a refresh goes on.
    pub async fn token(&self, key: &GrantKey) -> Result<AccessToken, TokenError> {
        let now = self.0.now();
        if let Some(token) = self.0.grants.pin().get(key).and_then(|grant| grant.quiet(now)) {
            return Ok(token);
        }
        Box::pin(async { callers::token_of(&self.0.grant(key)?).await }).await
    }

    /// Returns a handle to one grant, for callers that ask for its token often.
    ///
    /// # Errors
    ///
    /// [`TokenErrorKind::ForeignKey`] if the client of the key is not registered. The store is not
    /// asked whether there is such a grant.
    pub fn source(&self, key: &GrantKey) -> Result<TokenSource, TokenError> {
        Ok(TokenSource::new(self.0.grant(key)?))
    }

    /// Returns a replacement for `token`, which the API refused with a 401 although it is not due.
    ///
    /// The token is not handed out any more. It is refreshed, unless there is a newer one already.
    /// A rejection costs one refresh at most. If tokens are rejected one after the other soon after
    /// they were refreshed, the fourth refresh comes 1 s after the third, and each further one after
    /// twice as long, up to 10 min. If a refresh fails, callers share the failure
    /// until it is time to try again. A later call of [`token`](Self::token) then returns what the
    /// store has, which may be the refused token as long as it has not expired.
    ///
    /// # Errors
    ///
    /// Those of [`token`](Self::token), [`TokenErrorKind::SameToken`] if the refresh brought the
    /// same token again, and [`TokenErrorKind::RejectedAgain`] if it is too soon for another
    /// refresh: the token stays in use.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future loses nothing: a refresh goes on.
    pub async fn reject(
        &self,
        key: &GrantKey,
        token: &AccessToken,
    ) -> Result<AccessToken, TokenError> {
        callers::reject(&self.0.grant(key)?, token).await
    }

    /// Removes a grant from the store, and revokes its tokens at the provider if the provider can
    /// (RFC 7009).
    ///
    /// Nothing is handed out any more. A refresh under way is waited for, up to the time limit of
    /// a request. The local copy goes whatever the provider answers, and nothing that comes late
    /// brings it back. Revoking is tried up to three times, with the waits that the provider asks
    /// for as long as they are within the time limit of a request.
    ///
    /// # Errors
    ///
    /// * [`TokenErrorKind::UnknownGrant`] if there is no such grant.
    /// * [`TokenErrorKind::Store`] if the store failed: nothing was revoked, and the grant may
    ///   still be there.
    /// * [`TokenErrorKind::Interrupted`] if the executor shut down: call it again.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future loses its result: the removal goes on.
    ///
    /// # Examples
    ///
    /// ```
    /// use countersign_tokens::{GrantKey, Removed, TokenError, TokenManager};
    ///
    /// # async fn example(tokens: TokenManager, key: GrantKey) -> Result<(), TokenError> {
    /// if let Removed::MayBeLive(error) = tokens.remove(&key).await? {
    ///     eprintln!("end the grant in the provider's settings: {error}");
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub async fn remove(&self, key: &GrantKey) -> Result<Removed, TokenError> {
        self.0.closing.check()?;
        remove::remove(self.0.grant(key)?).await
    }

    /// Returns how a grant stands. This reads the store and refreshes nothing.
    ///
    /// # Errors
    ///
    /// [`TokenErrorKind::UnknownGrant`] if there is no such grant, [`TokenErrorKind::Store`] if the
    /// store failed, [`TokenErrorKind::ForeignKey`] if the client of the key is not registered.
    pub async fn status(&self, key: &GrantKey) -> Result<GrantStatus, TokenError> {
        self.0.closing.check()?;
        status::status(&self.0, key).await
    }

    /// Returns how the grants of the manager's clients stand, in the order of their keys: at most
    /// `limit`, after the key `after`. A page may have fewer, since the store has other records
    /// too: see [`GrantList::next`].
    ///
    /// # Errors
    ///
    /// [`TokenErrorKind::Store`] if the store failed.
    pub async fn list(
        &self,
        after: Option<&GrantKey>,
        limit: usize,
    ) -> Result<GrantList, TokenError> {
        self.0.closing.check()?;
        status::list(&self.0, after, limit).await
    }

    /// Seals a grant again with the current key of the ring. Returns whether the record was
    /// written: not if the current key seals it already, or if another process writes it at the
    /// same time.
    ///
    /// # Errors
    ///
    /// [`TokenErrorKind::UnknownGrant`] if there is no such grant, [`TokenErrorKind::Store`] if it
    /// cannot be opened or the store failed.
    #[cfg(feature = "sealed")]
    pub async fn reseal(&self, key: &GrantKey) -> Result<bool, TokenError> {
        self.0.closing.check()?;
        maintenance::reseal(&self.0.grant(key)?).await
    }

    /// Seals all grants of the manager's clients again with the current key of the ring. The former
    /// keys are not needed any more once this returns without pending and failed records.
    ///
    /// A grant with a pending refresh is left as it is and counted in [`Maintained::pending`]. A
    /// grant whose state is unknown, or whose user has to sign in again, may stay so.
    ///
    /// # Errors
    ///
    /// [`TokenErrorKind::Store`] if the store could not be listed. [`Maintained`] has the failures
    /// of single records.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future leaves the rest as it is. Call it again.
    #[cfg(feature = "sealed")]
    pub async fn reseal_all(&self) -> Result<Maintained, TokenError> {
        maintenance::change_all(&self.0, Change::Reseal).await
    }

    /// Marks the grants of a restored backup: call it after the store was restored, and before any
    /// process refreshes.
    ///
    /// At a provider that rotates refresh tokens, the token of the backup may have been used since,
    /// and sending it again may end the grant. Each such grant becomes [`GrantState::Unknown`]: its
    /// access token is handed out as long as it is fresh, and then
    /// [`token`](Self::token) returns [`TokenErrorKind::OutcomeUnknown`]. A process that still has
    /// the newer tokens in memory stores them again. Grants at providers that do not rotate are
    /// left as they are.
    ///
    /// [`GrantState::Unknown`]: crate::GrantState::Unknown
    ///
    /// # Errors
    ///
    /// [`TokenErrorKind::Store`] if the store could not be listed. [`Maintained`] has the failures
    /// of single records.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future leaves the rest as it is. Call it again.
    pub async fn mark_restored(&self) -> Result<Maintained, TokenError> {
        maintenance::change_all(&self.0, Change::MarkRestored).await
    }

    /// Removes tombstones that a process left behind which ended during an insert, a removal or a
    /// move. They do no harm and take room.
    ///
    /// After a [move](Self::move_to) that was interrupted, call the move again first: the
    /// tombstone says how far it came.
    ///
    /// # Errors
    ///
    /// [`TokenErrorKind::Store`] if the store could not be listed. [`Maintained`] has the failures
    /// of single records.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future leaves the rest as it is. Call it again.
    ///
    /// # Examples
    ///
    /// ```
    /// use countersign_tokens::{TokenError, TokenManager};
    ///
    /// # async fn example(tokens: TokenManager) -> Result<(), TokenError> {
    /// let swept = tokens.sweep().await?;
    /// println!("{} tombstones removed", swept.changed);
    /// # Ok(())
    /// # }
    /// ```
    pub async fn sweep(&self) -> Result<Maintained, TokenError> {
        maintenance::change_all(&self.0, Change::Sweep).await
    }

    /// Moves a grant to the store of another manager while both are in use, such as from files to a
    /// database. Nothing is revoked. The grant keeps its tokens; its times are reckoned anew by the
    /// clock of the other store, and the other manager's ring seals it.
    ///
    /// Until the move is over, callers of the other manager wait for the grant. Afterwards this
    /// manager has no such grant. Whatever the other store has under the key is replaced.
    ///
    /// # Errors
    ///
    /// * [`TokenErrorKind::UnknownGrant`] if there is no such grant.
    /// * [`TokenErrorKind::Reauthorize`] or [`TokenErrorKind::OutcomeUnknown`] if the grant cannot
    ///   be refreshed.
    /// * [`TokenErrorKind::NotStored`] if the newest tokens are in the memory of this process
    ///   alone, or [`TokenErrorKind::Busy`] if another process refreshes the grant for too long.
    /// * [`TokenErrorKind::Store`] if one of the stores failed. Call it again: the move goes on
    ///   from where it stopped.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future loses its result: the move goes on. If the process ends during a move,
    /// the grant is in one of the stores, or in both and can be refreshed in one at most. Call it
    /// again in any process.
    ///
    /// # Examples
    ///
    /// ```
    /// use countersign_tokens::{TokenError, TokenManager};
    ///
    /// # async fn example(files: TokenManager, database: TokenManager) -> Result<(), TokenError> {
    /// let mut after = None;
    /// loop {
    ///     let page = files.list(after.as_ref(), 100).await?;
    ///     for grant in page.grants {
    ///         files.move_to(&grant.key, &database).await?;
    ///     }
    ///     let Some(next) = page.next else { break };
    ///     after = Some(next);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub async fn move_to(&self, key: &GrantKey, other: &Self) -> Result<(), TokenError> {
        self.0.closing.check()?;
        other.0.closing.check()?;
        moving::move_to(self.0.grant(key)?, other.0.grant(key)?).await
    }

    /// Refreshes grants ahead of time by a task of its own: each grant that is due by the store's
    /// word, at its time. The task ends within a minute or so after the guard or the last clone of
    /// the manager is dropped.
    ///
    /// One of the processes that share a store does it for each client: the one that holds the
    /// lease in a record of its own. Each of the others reads that record about once a
    /// [`scan_period`](TokenManagerBuilder::scan_period) and takes over when the lease has ended.
    /// Grants that came due in an outage follow at less than twice the usual rate.
    ///
    /// # Errors
    ///
    /// [`TokenErrorKind::Interrupted`] if no task can be started.
    pub fn keep_fresh(&self) -> Result<KeepFresh, TokenError> {
        scheduler::keep_fresh(&self.0)
    }

    /// Closes the manager: begins nothing more, and waits for what is under way, for at most
    /// `at_most`.
    ///
    /// Refreshes whose request was sent are carried through and stored, and so are inserts and
    /// removals. The lease of [`keep_fresh`](Self::keep_fresh) ends, so that another process takes
    /// over at once. Access tokens in memory are handed out as long as they are fresh. All other
    /// calls, on every clone of the manager, fail as [`TokenErrorKind::Closed`].
    ///
    /// Close a manager after the work that uses it has ended, and before the executor shuts down:
    /// at a provider that rotates refresh tokens, a process that ends during a refresh may cost the
    /// grant. A limit longer than the time limit of a request (30 s by default) and of a store
    /// operation (5 s) waits for everything that can end.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future leaves the manager closed, and what is under way goes on. Call `close`
    /// again to wait for it.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use countersign_tokens::TokenManager;
    ///
    /// # async fn example(tokens: TokenManager) {
    /// let closed = tokens.close(Duration::from_secs(40)).await;
    /// for key in closed.unsaved {
    ///     eprintln!("the new tokens of {key} are not stored");
    /// }
    /// # }
    /// ```
    pub async fn close(&self, at_most: Duration) -> Closed {
        let (engine, closing) = (&self.0, &self.0.closing);
        closing.close();
        for grant in engine.grants.pin().values() {
            // Writes that have failed are tried at once.
            grant.nudge.notify(usize::MAX);
        }
        future::or(closing.finished(), engine.sleep(at_most)).await;
        let grants = engine.grants.pin();
        let unsaved = grants.iter().filter(|(_, grant)| grant.work().is_unsaved);
        let mut closed = Closed {
            unsaved: unsaved.map(|(key, _)| key.clone()).collect(),
            unfinished: closing.unfinished(),
        };
        for keys in [&mut closed.unsaved, &mut closed.unfinished] {
            keys.sort();
            keys.dedup();
        }
        closed
    }
}

impl fmt::Debug for TokenManager {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenManager")
            .field("client", &self.0.first.client)
            .field("store", &self.0.store)
            .field("grants", &self.0.grants.len())
            .finish_non_exhaustive()
    }
}

/// Builds a [`TokenManager`]. An executor, or a spawner and a timer, are required.
#[must_use = "nothing is made before `build`"]
pub struct TokenManagerBuilder {
    client: Client,
    store: Arc<dyn GrantStore>,
    spawner: Option<Arc<dyn Spawner>>,
    timer: Option<Arc<dyn Timer>>,
    randomness: Arc<dyn Randomness>,
    on_event: Option<OnEvent>,
    codec: Codec,
    timing: Timing,
    resends_unknown: bool,
    max_requests: usize,
}

/// The default of [`TokenManagerBuilder::max_requests`].
const MAX_REQUESTS: usize = 64;

impl TokenManagerBuilder {
    /// Sets what runs tasks and waits, such as [`TokioExecutor`](crate::TokioExecutor) or
    /// [`ThreadExecutor`](crate::ThreadExecutor).
    pub fn executor(self, executor: impl Spawner + Timer + Clone) -> Self {
        self.spawner(executor.clone()).timer(executor)
    }

    /// Sets what runs tasks.
    pub fn spawner(mut self, spawner: impl Spawner) -> Self {
        self.spawner = Some(Arc::new(spawner));
        self
    }

    /// Sets what waits.
    pub fn timer(mut self, timer: impl Timer) -> Self {
        self.timer = Some(Arc::new(timer));
        self
    }

    /// Sets where random bytes come from. Defaults to the operating system.
    ///
    /// Two processes that draw the same id write over each other's grants, and a nonce that repeats
    /// opens what it seals. For simulations and tests.
    pub fn danger_randomness(mut self, randomness: impl Randomness) -> Self {
        self.randomness = Arc::new(randomness);
        self
    }

    /// Registers a callback for grant events. It runs on the refreshing task, so keep it short. A
    /// panic of the callback is caught.
    pub fn on_event(mut self, callback: impl Fn(&Event) + Send + Sync + 'static) -> Self {
        self.on_event = Some(Box::new(callback));
        self
    }

    /// Seals the payloads of records with the keys of `ring`. Everything else of a record is in
    /// clear. A payload that is not sealed, or was changed, is refused and left as it is.
    #[cfg(feature = "sealed")]
    pub fn sealed_by(mut self, ring: KeyRing) -> Self {
        self.codec.ring = Some(ring);
        self
    }

    /// Sets after which part of a token's usable time it is refreshed. Defaults to 0.9. Each
    /// refresh is put off by a random part of the rest.
    pub fn refresh_ahead(mut self, part: f64) -> Self {
        self.timing.ahead = part;
        self
    }

    /// Sets the time limit of a store operation. Defaults to 5 s.
    pub fn store_timeout(mut self, limit: Duration) -> Self {
        self.timing.store_timeout = limit;
        self
    }

    /// Sets how long an attempt holds its lease. It has to be longer than the client's time limit,
    /// the store's and the margin together. By default it is longer by the store's limit and the
    /// margin, which is how long beginning may take.
    pub fn lease(mut self, lease: Duration) -> Self {
        self.timing.lease = Some(lease);
        self
    }

    /// Sets the allowance for clocks that differ and for the time between two steps. Defaults to
    /// 5 s.
    pub fn margin(mut self, margin: Duration) -> Self {
        self.timing.margin = margin;
        self
    }

    /// Sets how often the store is searched for grants that are due. Defaults to one minute.
    pub fn scan_period(mut self, period: Duration) -> Self {
        self.timing.scan_period = period;
        self
    }

    /// Sets how many requests of this process may be under way at one provider. Refreshes beyond
    /// that wait for their turn. Defaults to 64.
    pub fn max_requests(mut self, most: usize) -> Self {
        self.max_requests = most;
        self
    }

    /// Retries a refresh token that may already have been used, instead of returning
    /// [`OutcomeUnknown`](TokenErrorKind::OutcomeUnknown). Off by default.
    ///
    /// It helps if the request was lost. If the answer was lost, a provider that rotates refresh
    /// tokens sees a used token again and may revoke the whole grant, with its valid tokens (RFC
    /// 9700 section 4.14.2).
    pub fn danger_resend_unknown(mut self) -> Self {
        self.resends_unknown = true;
        self
    }

    /// Checks the settings and creates the manager.
    ///
    /// # Errors
    ///
    /// [`TokenErrorKind::Configuration`] if the executor or the timer is missing, if the client's
    /// transport needs a runtime that the executor does not have, if the lease is too short, if the
    /// part of [`refresh_ahead`](Self::refresh_ahead) is not between 0 and 1, or if
    /// [`max_requests`](Self::max_requests) is 0.
    pub fn build(self) -> Result<TokenManager, TokenError> {
        let (Some(spawner), Some(timer)) = (self.spawner, self.timer) else {
            return Err(refused(
                "there is nothing to run tasks or to wait: give the builder an executor, such as \
                 `TokioExecutor::current()?`",
            ));
        };
        check_runtime(&self.client, &*spawner)?;
        let ahead = self.timing.ahead;
        if !(ahead > 0.0 && ahead < 1.0) {
            return Err(refused("`refresh_ahead` takes a part between 0 and 1"));
        }
        if self.max_requests == 0 {
            return Err(refused("`max_requests` takes a number of at least 1"));
        }
        let first = registered(self.client, &self.timing, self.max_requests, &self.randomness)?;
        let blocking = || papaya::ResizeMode::Blocking;
        let clients = papaya::HashMap::builder().resize_mode(blocking()).build();
        clients.pin().insert(first.key.clone(), Arc::clone(&first));
        Ok(TokenManager(Arc::new(Engine {
            store: self.store,
            spawner,
            timer,
            randomness: self.randomness,
            codec: self.codec,
            timing: self.timing,
            on_event: self.on_event,
            closing: Arc::default(),
            outage: Outage::default(),
            resends_unknown: self.resends_unknown,
            max_requests: self.max_requests,
            first,
            clients,
            grants: papaya::HashMap::builder().resize_mode(blocking()).build(),
        })))
    }
}

fn registered(
    client: Client,
    timing: &Timing,
    max_requests: usize,
    randomness: &Arc<dyn Randomness>,
) -> Result<Arc<Registered>, TokenError> {
    let (rules, key) = (timing.rules(&client)?, GrantKey::reserved(&client));
    let circuit = Arc::new(Circuit::new(Arc::clone(randomness)));
    let requests = Arc::new(Semaphore::new(max_requests));
    Ok(Arc::new(Registered { client, rules, circuit, requests, key }))
}

fn check_runtime(client: &Client, spawner: &dyn Spawner) -> Result<(), TokenError> {
    if client.runtime() == Runtime::Tokio && spawner.runtime() != Runtime::Tokio {
        return Err(refused(
            "the client's transport needs a tokio runtime, and the executor has none: give the \
             builder a `TokioExecutor`, or the client another transport",
        ));
    }
    Ok(())
}

fn refused(why: &'static str) -> TokenError {
    TokenError::new(TokenErrorKind::Configuration(why))
}

impl fmt::Debug for TokenManagerBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenManagerBuilder")
            .field("client", &self.client)
            .field("store", &self.store)
            .field("spawner", &self.spawner)
            .finish_non_exhaustive()
    }
}
