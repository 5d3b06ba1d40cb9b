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
mod lead;
mod limited;
mod material;
mod outage;
mod outcome;
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
use limited::Limited;
use outage::Outage;
use refresh::Cause;
use slot::Slot;
use timing::Timing;
use tombstones::Tombstones;

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
            let token = self.token_of(&slot).await;
            if token.as_ref().is_err_and(|it| it.kind() == TokenErrorKind::UnknownGrant) {
                // Whoever asks for grants that are not there does not fill the memory.
                self.0.slots.pin().remove_if(key, |_, it| Arc::ptr_eq(it, &slot)).ok();
            }
            token
        })
        .await
    }

    /// A handle to one grant, for those who ask for it often.
    ///
    /// # Errors
    ///
    /// [`TokenErrorKind::ForeignKey`]. Whether there is such a grant is not looked at.
    pub fn source(&self, key: &GrantKey) -> Result<TokenSource, TokenError> {
        Ok(TokenSource::new(self.clone(), self.slot(key)?))
    }

    /// Says that the API refused `token` with a 401 although it is not due: it is handed out no
    /// more, and refreshed unless there is a newer one already. Returns the token to go on with.
    ///
    /// # Errors
    ///
    /// As [`token`](Self::token).
    pub async fn reject(
        &self,
        key: &GrantKey,
        token: &AccessToken,
    ) -> Result<AccessToken, TokenError> {
        let slot = self.slot(key)?;
        let now = self.0.client.now();
        if let Some(newer) = slot.fresh(now).filter(|it| !it.same_as(token)) {
            return Ok(newer);
        }
        slot.retire(token);
        self.refreshed(&slot, Some(token.clone())).await
    }

    /// The slot of this key, which may be a new one.
    fn slot(&self, key: &GrantKey) -> Result<Arc<Slot>, TokenError> {
        let slots = self.0.slots.pin();
        if let Some(slot) = slots.get(key) {
            return Ok(Arc::clone(slot));
        }
        let client = &self.0.client;
        if key.provider() != client.provider().name || key.client_id() != client.client_id() {
            return Err(TokenError::new(TokenErrorKind::ForeignKey));
        }
        Ok(Arc::clone(slots.get_or_insert_with(key.clone(), || Arc::new(Slot::new(key.clone())))))
    }

    /// A fresh token of this slot, at hand or refreshed.
    async fn token_of(&self, slot: &Arc<Slot>) -> Result<AccessToken, TokenError> {
        let now = self.0.client.now();
        match slot.fresh(now) {
            Some(token) if slot.quiet(now).is_some() => Ok(token),
            Some(token) => {
                let is_put_off =
                    slot.due_at().is_some_and(|due_at| self.0.outage.puts_off(due_at, now));
                if !is_put_off {
                    // Nearly due: somebody refreshes it, and nobody waits. What becomes of it is
                    // told by events.
                    let _ = refresh::begin(self, slot, Cause::Asked);
                }
                Ok(token)
            }
            None => self.refreshed(slot, None).await,
        }
    }

    /// The token of a refresh, which may be under way or have failed just now.
    async fn refreshed(
        &self,
        slot: &Arc<Slot>,
        rejected: Option<AccessToken>,
    ) -> Result<AccessToken, TokenError> {
        let is_rejected =
            |token: &AccessToken| rejected.as_ref().is_some_and(|it| it.same_as(token));
        loop {
            let cause = rejected.clone().map_or(Cause::Asked, Cause::Rejected);
            match refresh::begin(self, slot, cause)?.outcome().await {
                // That refresh began before the rejection, and saw nothing wrong with the token.
                Ok(token) if is_rejected(&token) => slot.retire(&token),
                Ok(token) => return Ok(token),
                // What the store had may be good still, though it was due (G13).
                Err(error) => {
                    let fresh = slot.fresh(self.0.now()).filter(|token| !is_rejected(token));
                    return fresh.ok_or(error);
                }
            }
        }
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
