//! Any number of grants, kept fresh.

mod adopt;
mod alternates;
mod breaker;
mod builder;
mod cached;
mod clear;
mod due;
mod flight;
mod forget;
mod gate;
mod held;
mod in_use;
mod lead;
mod limited;
mod material;
mod outage;
mod outcome;
mod plan;
mod refresh;
mod rotation;
mod save;
mod slot;
mod source;
mod status;
mod stray;
mod timing;
mod tombstones;

use std::fmt;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use countersign_core::{AccessToken, Client};
use time::OffsetDateTime;

pub use builder::TokenManagerBuilder;
pub use due::KeepFresh;
pub use forget::Forgotten;
pub use source::TokenSource;
pub use status::GrantStatus;

use crate::error::{TokenError, TokenErrorKind};
use crate::event::Event;
use crate::executor::{Spawner, Timer};
use crate::key::GrantKey;
use crate::store::GrantStore;
use breaker::Breaker;
use in_use::InUse;
use limited::Limited;
use outage::Outage;
use refresh::Cause;
use slot::Slot;
use timing::Timing;
use tombstones::Tombstones;

/// How many refreshes a rejection may find under way that know nothing of it.
const MOST_UNKNOWING: u32 = 4;

/// Keeps grants fresh, any number of them: cheap to clone, without type parameters.
///
/// However many ask, one request refreshes a grant; it is made by a task of its own, and its
/// result is stored before anybody gets it.
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
/// tokens.adopt(&key, tokens_of_a_flow).await?;
///
/// let token = tokens.token(&key).await?;
/// let header = token.authorization_header();
/// # let _ = header;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct TokenManager(Arc<Inner>);

struct Inner {
    client: Client,
    store: Limited,
    spawner: Arc<dyn Spawner>,
    timer: Arc<dyn Timer>,
    timing: Timing,
    breaker: Breaker,
    outage: Outage,
    tombstones: Tombstones,
    resends_unknown: bool,
    on_event: Option<builder::OnEvent>,
    slots: papaya::HashMap<GrantKey, Arc<Slot>>,
}

impl TokenManager {
    /// Begins to describe a manager by the client that refreshes and the store that keeps.
    pub fn builder(client: Client, store: impl GrantStore) -> TokenManagerBuilder {
        TokenManagerBuilder::new(client, Arc::new(store))
    }

    /// The key of `subject`'s grant at this manager's client.
    ///
    /// # Errors
    ///
    /// [`InvalidKey`](crate::InvalidKey) when the subject is empty or too long.
    pub fn key(&self, subject: &str) -> Result<GrantKey, crate::InvalidKey> {
        GrantKey::of(&self.0.client, subject)
    }

    /// A fresh access token.
    ///
    /// While one is at hand this does not wait. One that is nearly due is refreshed by a task
    /// beside, and handed out meanwhile; one that has ended is refreshed first, once for all who
    /// ask. Dropping the future changes nothing.
    ///
    /// # Errors
    ///
    /// [`TokenError`], the same for everybody who waited. While the old token is good a failing
    /// refresh is none.
    pub async fn token(&self, key: &GrantKey) -> Result<AccessToken, TokenError> {
        let now = self.0.client.now();
        if let Some(token) = self.0.slots.pin().get(key).and_then(|slot| slot.quiet(now)) {
            return Ok(token);
        }
        Box::pin(async {
            let slot = self.slot(key)?;
            self.token_of(&slot).await
        })
        .await
    }

    /// A handle to one grant, for those who ask for it often.
    ///
    /// # Errors
    ///
    /// [`TokenErrorKind::ForeignKey`]. Whether there is such a grant is not looked at.
    pub fn source(&self, key: &GrantKey) -> Result<TokenSource, TokenError> {
        Ok(TokenSource::new(self.slot(key)?))
    }

    /// Says that the API refused `token` with a 401 although it is not due: it is refreshed, unless
    /// there is a newer one already, and not handed out meanwhile. Returns the token to go on with,
    /// which is never the one that was refused.
    ///
    /// When that refresh fails everybody shares the failure until it is time to try again. Who asks
    /// for a token then is given what the store has, and that may be the refused one, as long as it
    /// is good by its lifetime: the API may have erred, and there is no other.
    ///
    /// # Errors
    ///
    /// As [`token`](Self::token), and [`TokenErrorKind::SameToken`] when the refresh brought the
    /// same token again. A rejection costs one refresh at most.
    pub async fn reject(
        &self,
        key: &GrantKey,
        token: &AccessToken,
    ) -> Result<AccessToken, TokenError> {
        self.reject_of(&self.slot(key)?, token).await
    }

    /// Another token in the place of one of this slot that was refused.
    async fn reject_of(
        &self,
        slot: &InUse,
        token: &AccessToken,
    ) -> Result<AccessToken, TokenError> {
        let now = self.0.client.now();
        if let Some(newer) = slot.fresh(now).filter(|it| !it.same_as(token)) {
            return Ok(newer);
        }
        slot.retire(token);
        self.refreshed(slot, Some(token.clone())).await
    }

    /// A fresh token of this slot, at hand or refreshed.
    async fn token_of(&self, slot: &InUse) -> Result<AccessToken, TokenError> {
        let now = self.0.client.now();
        match slot.fresh(now) {
            Some(token) if slot.quiet(now).is_some() => Ok(token),
            Some(token) => {
                if self.is_its_turn(slot, now) {
                    // Nearly due: somebody refreshes it, and nobody waits. What becomes of it is
                    // told by events.
                    let _ = refresh::begin(self, slot, Cause::Due);
                }
                Ok(token)
            }
            None => self.refreshed(slot, None).await,
        }
    }

    /// Whether a good token that is due is to be refreshed now, rather than put off.
    fn is_its_turn(&self, slot: &Slot, now: OffsetDateTime) -> bool {
        let outage = &self.0.outage;
        let is_put_off = slot.due_at().is_some_and(|due_at| outage.puts_off(due_at, now));
        // One that could not begin is no trial.
        !is_put_off || (slot.cools_for(now).is_none() && outage.lets_through(now))
    }

    /// The token of a refresh, which may be under way or have failed just now.
    async fn refreshed(
        &self,
        slot: &InUse,
        rejected: Option<AccessToken>,
    ) -> Result<AccessToken, TokenError> {
        let is_rejected =
            |token: &AccessToken| rejected.as_ref().is_some_and(|it| it.same_as(token));
        for _ in 0..=MOST_UNKNOWING {
            let cause = rejected.clone().map_or(Cause::Asked, Cause::Rejected);
            match refresh::begin(self, slot, cause)?.outcome().await {
                // That refresh was under way, and saw nothing wrong with the token.
                Ok(token) if is_rejected(&token) => slot.retire(&token),
                Ok(token) => return Ok(token),
                // What the store had may be good still, though it was due (G13).
                Err(error) => {
                    let fresh = slot.fresh(self.0.now()).filter(|token| !is_rejected(token));
                    return fresh.ok_or(error);
                }
            }
        }
        Err(TokenError::new(TokenErrorKind::SameToken))
    }
}

impl Inner {
    fn now(&self) -> OffsetDateTime {
        self.client.now()
    }

    fn tell(&self, event: &Event) {
        if let Some(on_event) = &self.on_event {
            // The user's panic is not to cost a grant.
            let told = std::panic::catch_unwind(AssertUnwindSafe(|| on_event(event)));
            drop(told);
        }
    }
}

impl fmt::Debug for TokenManager {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenManager")
            .field("client", &self.0.client)
            .field("store", &self.0.store.store)
            .field("grants", &self.0.slots.len())
            .finish_non_exhaustive()
    }
}
