use std::panic::AssertUnwindSafe;
use std::time::Duration;

use countersign_core::{Client, Error, Recovery, Rotation, TokenSet};
use futures_lite::FutureExt;

use super::flight::Flight;
use super::in_use::InUse;
use super::timing::backoff;
use super::{TokenManager, material};
use crate::error::{TokenError, TokenErrorKind};
use crate::key::GrantKey;
use crate::store::{Epoch, Forget, GrantState, Record, StoreError, Verdict};

/// What became of a grant at the provider when it was forgotten here.
#[derive(Debug, Clone)]
#[non_exhaustive]
#[must_use = "a grant that was not revoked may be live at the provider"]
pub enum Forgotten {
    /// The provider has revoked its refresh token, or the access token where it had no other.
    Revoked,
    /// The provider has no way to revoke: the grant lives there until it ends by itself, or its
    /// user ends it. HelloSign is such a provider.
    NotRevocable,
    /// It may be live at the provider: revoking it failed, or what was revoked may not have been
    /// its newest token. The tokens are gone from here, so that this cannot be tried again; its
    /// user can end it at the provider.
    ///
    /// The error's kind is [`TokenErrorKind::NotRevoked`], with what the provider said, or
    /// [`TokenErrorKind::Unreadable`] when there was no token to be found in the store.
    MayBeLive(TokenError),
}

impl TokenManager {
    /// Forgets a grant: hands nothing out any more, waits for a refresh that is under way, takes
    /// the tokens out of the store, and revokes them where the provider can (RFC 7009). Dropping the
    /// future does not stop it. A tombstone without tokens stays in the store for an hour, lest a
    /// late adoption bring the grant back, and for longer when this process ends before.
    ///
    /// The local copy goes whatever the provider says, and nothing that comes late brings it back.
    /// What the provider did say is the result: look at it, since a grant that was not revoked may
    /// be live there. Revoking is tried up to three times, with the waits that the provider asks
    /// for as long as they are within the time limit of a call.
    ///
    /// ```
    /// use countersign_tokens::{Forgotten, GrantKey, TokenError, TokenManager};
    ///
    /// # async fn example(tokens: TokenManager, key: GrantKey) -> Result<(), TokenError> {
    /// if let Forgotten::MayBeLive(error) = tokens.forget(&key).await? {
    ///     eprintln!("end it in the provider's settings: {error}");
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`TokenErrorKind::UnknownGrant`] when there is none; [`TokenErrorKind::Store`] when the
    /// store failed: nothing was revoked, and the grant may be there still;
    /// [`TokenErrorKind::Interrupted`] when the executor shut down: call it again.
    pub async fn forget(&self, key: &GrantKey) -> Result<Forgotten, TokenError> {
        let forgetting = Forgetting { manager: self.clone(), slot: self.slot(key)? };
        let (flight, task) = Flight::new(forgetting.run(), |_| {});
        let _ = self.0.spawner.spawn(task);
        flight.outcome().await
    }
}

/// A grant that is being forgotten.
struct Forgetting {
    manager: TokenManager,
    slot: InUse,
}

/// What is known of the newest tokens of a grant when it is buried.
struct Remains {
    /// The epoch of the tombstone that is in its place.
    tombstone: Epoch,
    tokens: Result<TokenSet, TokenError>,
    /// Whether there may be newer ones, which are not here.
    may_be_stale: bool,
}

/// How often the provider is asked to revoke a grant, and the store to bury or purge it.
const MOST_TRIES: u32 = 3;

impl Forgetting {
    async fn run(self) -> Result<Forgotten, TokenError> {
        // What is under way is to end first: its answer would be refused, and be lost.
        let flight = self.slot.work().flight.clone();
        if let Some(flight) = flight {
            let _ = flight.outcome().await;
        }
        let is_unsaved = !self.is_saved_in_time().await;
        let life = self.slot.begin_life();
        let buried = self.bury().await;
        let is_gone = match &buried {
            Ok(_) => true,
            Err(error) => error.kind() == TokenErrorKind::UnknownGrant,
        };
        if is_gone {
            // Who asked meanwhile may have read it before it was buried, and get it later.
            self.slot.begin_life_after(life, None);
        }
        let mut remains = buried?;
        remains.may_be_stale |= is_unsaved;
        self.manager.purge_later(&self.slot.key, remains.tombstone);
        Ok(self.revoke(remains).await)
    }

    /// Waits for tokens that are in memory alone to be stored: they are the newest there are.
    async fn is_saved_in_time(&self) -> bool {
        let mut waited = Duration::ZERO;
        while self.slot.work().is_unsaved {
            if !self.wait(&mut waited).await {
                return false;
            }
        }
        true
    }

    /// Puts the tombstone in the place of the grant.
    async fn bury(&self) -> Result<Remains, TokenError> {
        let inner = &self.manager.0;
        let store = &inner.store;
        let key = &self.slot.key;
        let mut waited = Duration::ZERO;
        loop {
            let record = store.present(key).await?;
            // What this process has buried itself is gone, and what became of it was told.
            let record = record.filter(|it| !inner.tombstones.has(it.epoch));
            let record = record.ok_or_else(|| TokenError::new(TokenErrorKind::UnknownGrant))?;
            // Another process is at it: what it is about to store is to be the last.
            if record.live_lease().is_some() && self.wait(&mut waited).await {
                continue;
            }
            // Another each time: over a tombstone that was refused somebody may be about to adopt.
            let tombstone = Epoch::random()?;
            let forget = Forget { epoch: record.epoch, tombstone };
            let buried = || store.wait(store.store.forget(key, &forget));
            if let Verdict::Accepted(buried) = self.repeated(buried).await? {
                return Ok(Remains::of(&inner.client, &record, &buried));
            }
        }
    }

    async fn revoke(&self, remains: Remains) -> Forgotten {
        let client = &self.manager.0.client;
        if !client.can_revoke() {
            return Forgotten::NotRevocable;
        }
        let tokens = match remains.tokens {
            Ok(tokens) => tokens,
            Err(error) => return Forgotten::MayBeLive(error),
        };
        let mut tries = 0;
        loop {
            tries += 1;
            let error = match revoke(client, &tokens).await {
                Ok(()) if remains.may_be_stale => return Forgotten::MayBeLive(not_revoked(None)),
                Ok(()) => return Forgotten::Revoked,
                Err(error) => error,
            };
            match error.as_ref().map(Error::recovery) {
                Some(Recovery::Retry { after })
                    if tries < MOST_TRIES
                        && after.unwrap_or_default() <= client.limits().timeout =>
                {
                    let wait = backoff(tries).max(after.unwrap_or_default());
                    self.manager.0.timer.sleep(wait).await;
                }
                _ => return Forgotten::MayBeLive(not_revoked(error)),
            }
        }
    }

    /// Takes a step of the store until it is done: each may be repeated.
    async fn repeated<T, F>(&self, step: impl Fn() -> F) -> Result<T, StoreError>
    where
        F: Future<Output = Result<T, StoreError>>,
    {
        let mut tries = 0;
        loop {
            tries += 1;
            match step().await {
                Err(_) if tries < MOST_TRIES => self.manager.0.timer.sleep(backoff(tries)).await,
                done => return done,
            }
        }
    }

    /// Waits a little for others; `false` when that was done for as long as a call may take.
    async fn wait(&self, waited: &mut Duration) -> bool {
        let inner = &self.manager.0;
        if *waited >= inner.client.limits().timeout {
            return false;
        }
        let wait = Duration::from_millis(fastrand::u64(50..250));
        *waited += wait;
        inner.timer.sleep(wait).await;
        true
    }
}

impl Remains {
    /// Of the record that was read, and the tombstone that took its place.
    fn of(client: &Client, record: &Record, buried: &Record) -> Self {
        let tokens = match record.state {
            // Somebody has forgotten it before, and whether the tokens were revoked is not known.
            GrantState::Gone => Err(not_revoked(None)),
            _ => material::read(client, record).map(|kept| kept.tokens),
        };
        let rotates = client.provider().rotation != Rotation::Never;
        // Whose intent stands may have bought a token that nobody has stored.
        let is_spent = rotates && !record.attempts.is_empty();
        let may_be_stale = is_spent || record.generation != buried.generation;
        Self { tombstone: buried.epoch, tokens, may_be_stale }
    }
}

/// Revokes the refresh token, with which the access tokens end (RFC 7009 section 2.1), or the
/// access token where there is no other. `None` as error: the transport panicked.
async fn revoke(client: &Client, tokens: &TokenSet) -> Result<(), Option<Error>> {
    let revoked = async {
        match tokens.refresh_token() {
            Some(token) => client.revoke_refresh_token(token).await,
            None => client.revoke_access_token(tokens.access_token()).await,
        }
    };
    match AssertUnwindSafe(revoked).catch_unwind().await {
        Ok(answer) => answer.map_err(Some),
        Err(_) => Err(None),
    }
}

fn not_revoked(error: Option<Error>) -> TokenError {
    let kind = TokenErrorKind::NotRevoked;
    match error {
        Some(error) => TokenError::of_provider(kind, error),
        None => TokenError::new(kind),
    }
}
