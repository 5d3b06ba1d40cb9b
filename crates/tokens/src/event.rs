use crate::error::TokenError;
use crate::key::GrantKey;
use crate::store::StoreError;

/// Something that happened to a grant, for logs and alarms. It holds no secret.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Event {
    /// The grant has a new access token, which is stored.
    Refreshed {
        /// The grant.
        key: GrantKey,
        /// Its new generation.
        generation: u64,
    },
    /// The grant could not be refreshed. The refresh will be tried again.
    Failing {
        /// The grant.
        key: GrantKey,
        /// Why.
        error: TokenError,
    },
    /// The grant cannot be refreshed any more: the user has to be asked again, or, for
    /// [`OutcomeUnknown`](crate::TokenErrorKind::OutcomeUnknown), may have to be.
    NeedsReauthorization {
        /// The grant.
        key: GrantKey,
        /// Why.
        error: TokenError,
    },
    /// The grant has new tokens that could not be stored. Storing is tried again, unless the error's
    /// kind is [`UnknownGrant`](crate::TokenErrorKind::UnknownGrant): then the grant was removed
    /// meanwhile.
    NotStored {
        /// The grant.
        key: GrantKey,
        /// Why.
        error: TokenError,
    },
    /// Tokens that could not be stored are stored now.
    Stored {
        /// The grant.
        key: GrantKey,
    },
    /// A record in the store cannot be read, so that its grant is not refreshed ahead of time.
    Skipped {
        /// Why, and which record.
        error: StoreError,
    },
}
