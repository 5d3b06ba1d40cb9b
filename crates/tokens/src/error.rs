use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use countersign_core::{Error, Recovery};

use crate::store::StoreError;

/// Why a manager has no fresh token, or could not do what was asked.
///
/// Cheap to clone: everybody who waited for one refresh gets the same. `Display` tells one layer,
/// `source()` the next; no secret is in either.
#[derive(Clone)]
pub struct TokenError(Arc<Inner>);

struct Inner {
    kind: TokenErrorKind,
    cause: Option<Cause>,
}

enum Cause {
    Provider(Error),
    Store(StoreError),
    /// How long the rest still lasts.
    Rest(Duration),
}

/// What kind of thing went wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TokenErrorKind {
    /// There is no grant under this key, or it was forgotten.
    UnknownGrant,
    /// The key is of another provider or client than the manager's.
    ForeignKey,
    /// The access token has ended and the provider gave no refresh token.
    NoRefreshToken,
    /// The provider refused the grant: the user has to be asked again.
    Reauthorize,
    /// The refresh token may have been spent, and its answer been lost. A late answer takes this
    /// back.
    OutcomeUnknown,
    /// The refresh failed; the source says how.
    Refresh,
    /// The API refused the access token, and the refresh brought the same one again: the provider
    /// takes it for good. It is handed out still to whoever asks for a token.
    SameToken,
    /// The API refused one access token after the other soon after they had been refreshed, so
    /// that another refresh would not help: nothing was sent. The fault is more likely the API's,
    /// or a scope that is missing. [`recovery`](TokenError::recovery) says when a rejection
    /// refreshes again: 1 s after the third in a row, and twice as long each time, up to 10 min.
    RejectedAgain,
    /// The manager was [closed](crate::TokenManager::close): it begins nothing more.
    Closed,
    /// The provider failed again and again, or asked for a wait: nothing was sent.
    /// [`recovery`](TokenError::recovery) says for how much longer.
    Paused,
    /// Another process refreshes the grant, and has not come to an end in time.
    Busy,
    /// The store failed; the source says how.
    Store,
    /// The grant could not be stored. It serves this process from memory as long as its access
    /// token is good, is not refreshed before it is stored, and storing it is tried again.
    NotStored,
    /// What the store holds are not tokens of this client.
    Unreadable,
    /// The grant is not known to be revoked at the provider, and may be live there; the source, if
    /// there is one, says why.
    NotRevoked,
    /// The task ended before its work did: its executor shut down, or it panicked.
    Interrupted,
    /// The manager cannot work as it was set up.
    Configuration(&'static str),
}

impl TokenError {
    pub(crate) fn new(kind: TokenErrorKind) -> Self {
        Self(Arc::new(Inner { kind, cause: None }))
    }

    pub(crate) fn of_provider(kind: TokenErrorKind, error: Error) -> Self {
        Self(Arc::new(Inner { kind, cause: Some(Cause::Provider(error)) }))
    }

    pub(crate) fn of_store(kind: TokenErrorKind, error: StoreError) -> Self {
        Self(Arc::new(Inner { kind, cause: Some(Cause::Store(error)) }))
    }

    pub(crate) fn paused(rest: Duration) -> Self {
        let cause = Some(Cause::Rest(rest));
        Self(Arc::new(Inner { kind: TokenErrorKind::Paused, cause }))
    }

    pub(crate) fn rejected_again(left: Duration) -> Self {
        let cause = Some(Cause::Rest(left));
        Self(Arc::new(Inner { kind: TokenErrorKind::RejectedAgain, cause }))
    }

    /// What kind of thing went wrong.
    #[must_use]
    pub fn kind(&self) -> TokenErrorKind {
        self.0.kind
    }

    /// What can be done about it.
    #[must_use]
    pub fn recovery(&self) -> Recovery {
        match self.0.kind {
            // The tokens are gone from here: there is nothing left to try it again with.
            TokenErrorKind::NotRevoked
            | TokenErrorKind::ForeignKey
            | TokenErrorKind::Configuration(_) => Recovery::Fix,
            TokenErrorKind::UnknownGrant
            | TokenErrorKind::NoRefreshToken
            | TokenErrorKind::Reauthorize
            | TokenErrorKind::Unreadable => Recovery::Reauthorize,
            TokenErrorKind::OutcomeUnknown => Recovery::OutcomeUnknown,
            _ => match &self.0.cause {
                Some(Cause::Provider(error)) => match error.recovery() {
                    // Of a token that may be sent again: the manager knows for how long.
                    Recovery::OutcomeUnknown => Recovery::Retry { after: None },
                    known => known,
                },
                Some(Cause::Store(error)) if error.needs_a_person() => Recovery::Fix,
                Some(Cause::Rest(rest)) => Recovery::Retry { after: Some(*rest) },
                _ => Recovery::Retry { after: None },
            },
        }
    }

    /// What the provider, or the way to it, had to do with it.
    #[must_use]
    pub fn provider(&self) -> Option<&Error> {
        match &self.0.cause {
            Some(Cause::Provider(error)) => Some(error),
            _ => None,
        }
    }

    /// What the store had to do with it.
    #[must_use]
    pub fn store(&self) -> Option<&StoreError> {
        match &self.0.cause {
            Some(Cause::Store(error)) => Some(error),
            _ => None,
        }
    }

    /// How long to wait, when that is known.
    pub(crate) fn retry_after(&self) -> Option<Duration> {
        match self.recovery() {
            Recovery::Retry { after } => after,
            _ => None,
        }
    }
}

impl From<StoreError> for TokenError {
    fn from(error: StoreError) -> Self {
        Self::of_store(TokenErrorKind::Store, error)
    }
}

impl fmt::Display for TokenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0.kind {
            TokenErrorKind::UnknownGrant => "there is no grant under this key",
            TokenErrorKind::ForeignKey => {
                "the key is of another provider or client than the manager's"
            }
            TokenErrorKind::NoRefreshToken => {
                "the access token has ended and there is no refresh token: the user has to be \
                 asked again"
            }
            TokenErrorKind::Reauthorize => {
                "the provider takes the grant no more: the user has to be asked again"
            }
            TokenErrorKind::OutcomeUnknown => {
                "the refresh token may have been spent, and its answer been lost"
            }
            TokenErrorKind::Refresh => "the grant could not be refreshed",
            TokenErrorKind::SameToken => {
                "the API refused the access token, and the provider gave the same one again"
            }
            TokenErrorKind::RejectedAgain => {
                "the API keeps refusing access tokens that were refreshed a moment ago: nothing \
                 was sent. Check what the API refuses, such as a scope that is missing"
            }
            TokenErrorKind::Closed => "the token manager was closed: it begins nothing more",
            TokenErrorKind::Paused => {
                "the provider is given a rest, after failures or because it asked for one"
            }
            TokenErrorKind::Busy => "another process is refreshing the grant, and takes too long",
            TokenErrorKind::Store => "the grant's store failed",
            TokenErrorKind::NotStored => {
                "the grant could not be stored; this process has it in memory, and storing it is \
                 tried again"
            }
            TokenErrorKind::Unreadable => "what the store holds are not tokens of this client",
            TokenErrorKind::NotRevoked => {
                "the grant is not known to be revoked, and may be live at the provider"
            }
            TokenErrorKind::Interrupted => {
                "the work was interrupted: its executor shut down, or it panicked"
            }
            TokenErrorKind::Configuration(why) => why,
        })
    }
}

impl fmt::Debug for TokenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("TokenError");
        debug.field("kind", &self.0.kind);
        if let Some(source) = std::error::Error::source(self) {
            debug.field("source", &source);
        }
        debug.finish()
    }
}

impl std::error::Error for TokenError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self.0.cause.as_ref()? {
            Cause::Provider(error) => Some(error),
            Cause::Store(error) => Some(error),
            Cause::Rest(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use countersign_core::Recovery;

    use super::{TokenError, TokenErrorKind};
    use crate::store::{StoreError, StoreErrorKind};

    #[test]
    fn what_only_a_person_can_mend_is_not_to_be_tried_again() {
        let recovery = |store, kind| TokenError::of_store(kind, StoreError::new(store)).recovery();
        for kind in [TokenErrorKind::Store, TokenErrorKind::NotStored] {
            for store in [
                StoreErrorKind::Full,
                StoreErrorKind::ReadOnly,
                StoreErrorKind::Damaged,
                StoreErrorKind::UnknownVersion,
                StoreErrorKind::UnknownKey,
                StoreErrorKind::Unsealable,
            ] {
                assert_eq!(recovery(store, kind), Recovery::Fix, "{store:?} {kind:?}");
            }
            for store in [
                StoreErrorKind::Unavailable,
                StoreErrorKind::Timeout,
                StoreErrorKind::Randomness,
                StoreErrorKind::Other,
            ] {
                let again = Recovery::Retry { after: None };
                assert_eq!(recovery(store, kind), again, "{store:?} {kind:?}");
            }
        }
    }
}
