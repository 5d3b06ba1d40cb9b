use crate::error::TokenError;
use crate::key::GrantKey;

/// Something that happened to a grant, for logs and alarms. No secret is in it.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Event {
    /// It has a new access token, which is stored.
    Refreshed {
        /// Which grant.
        key: GrantKey,
        /// Its generation now.
        generation: u64,
    },
    /// It could not be refreshed, and will be tried again.
    Failing {
        /// Which grant.
        key: GrantKey,
        /// Why.
        error: TokenError,
    },
    /// It cannot be refreshed any more: the user has to be asked again, or
    /// ([`OutcomeUnknown`](crate::TokenErrorKind::OutcomeUnknown)) may have to be.
    NeedsReauthorization {
        /// Which grant.
        key: GrantKey,
        /// Why.
        error: TokenError,
    },
    /// It has new tokens that could not be stored; that is tried again, unless the error's kind is
    /// [`UnknownGrant`](crate::TokenErrorKind::UnknownGrant): then the grant was forgotten
    /// meanwhile.
    NotStored {
        /// Which grant.
        key: GrantKey,
        /// Why.
        error: TokenError,
    },
    /// Tokens that could not be stored are stored now.
    Stored {
        /// Which grant.
        key: GrantKey,
    },
}
