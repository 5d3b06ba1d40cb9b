//! Everything the sandbox knows, behind one lock; transitions here are pure: no socket, no clock, no
//! randomness of their own.

mod accounts;
mod consents;
mod grants;
mod rate_limit;
mod refusal;
mod rotation;
pub(crate) mod scope;

pub(crate) use accounts::{Account, Accounts};
pub(crate) use consents::Consents;
pub(crate) use grants::{Approval, CodeRequest, FreshTokens, Grants, Issued, RefreshRequest};
pub use grants::{GrantId, GrantInfo, GrantStatus};
pub(crate) use rate_limit::{Allowance, RateLimit};
pub(crate) use refusal::Refusal;

use crate::count::Counts;
use crate::fault::FaultQueue;

/// The one state of a sandbox.
#[derive(Default)]
pub(crate) struct State {
    pub(crate) accounts: Accounts,
    pub(crate) consents: Consents,
    pub(crate) grants: Grants,
    pub(crate) rate_limit: RateLimit,
    pub(crate) counts: Counts,
    pub(crate) faults: FaultQueue,
    /// Requests that a hold fault keeps waiting.
    pub(crate) held: usize,
}
