//! What is counted: every request at arrival, by kind, and by the grant it names.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::state::GrantId;

/// What a request asks for. A control request has no kind: it is not counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum RequestKind {
    Authorize,
    Consent,
    TokenGenerate,
    TokenRefresh,
    TokenOther,
    Revoke,
    Account,
    AccountCreate,
    AccountVerify,
    Trap,
    Other,
}

impl RequestKind {
    pub(crate) fn is_token(self) -> bool {
        matches!(self, Self::TokenGenerate | Self::TokenRefresh | Self::TokenOther)
    }

    pub(crate) fn is_api(self) -> bool {
        matches!(self, Self::Account | Self::AccountCreate | Self::AccountVerify)
    }
}

/// How many HTTP requests have arrived, and for which grants.
///
/// A request is counted once it has been read, before anything is done with it: a fault that keeps
/// it from being carried out does not keep it from being counted. What happens in-process
/// ([`Sandbox::approve`](crate::Sandbox::approve)) and on the control routes is not counted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Counts {
    /// Connections accepted, those of control requests included.
    pub connections: u64,
    /// Requests for the consent page.
    pub authorize: u64,
    /// Decisions sent from the consent page.
    pub consent: u64,
    /// Token requests with `grant_type=authorization_code`.
    pub token_generate: u64,
    /// Token requests with `grant_type=refresh_token`.
    pub token_refresh: u64,
    /// Token requests with another grant type, without one, or unreadable.
    pub token_other: u64,
    /// Revocation requests.
    pub revoke: u64,
    /// `GET /v3/account`.
    pub account: u64,
    /// `POST /v3/account/create`.
    pub account_create: u64,
    /// `POST /v3/account/verify`.
    pub account_verify: u64,
    /// Requests at `/_sandbox/trap`, where a redirect fault points unless told otherwise.
    pub trap: u64,
    /// Everything else.
    pub other: u64,
    /// The requests that named a grant, by grant.
    pub grants: BTreeMap<GrantId, GrantCounts>,
}

/// How many requests have arrived for one grant.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct GrantCounts {
    /// Token requests that carried its code, spent or not.
    pub token_generate: u64,
    /// Token requests that carried one of its refresh tokens, the current or an old one.
    pub token_refresh: u64,
    /// Revocation requests that carried one of its tokens.
    pub revoke: u64,
    /// API requests that carried one of its access tokens, expired or not.
    pub api: u64,
}

impl Counts {
    /// All token requests.
    #[must_use]
    pub fn token(&self) -> u64 {
        self.token_generate + self.token_refresh + self.token_other
    }

    /// All API requests.
    #[must_use]
    pub fn api(&self) -> u64 {
        self.account + self.account_create + self.account_verify
    }

    /// The counts of one grant, all zero if no request named it.
    #[must_use]
    pub fn grant(&self, id: GrantId) -> GrantCounts {
        self.grants.get(&id).copied().unwrap_or_default()
    }

    pub(crate) fn add(&mut self, kind: RequestKind, grant: Option<GrantId>) {
        *self.by_kind(kind) += 1;
        let Some(grant) = grant else { return };
        let counts = self.grants.entry(grant).or_default();
        match kind {
            RequestKind::TokenGenerate => counts.token_generate += 1,
            RequestKind::TokenRefresh => counts.token_refresh += 1,
            RequestKind::Revoke => counts.revoke += 1,
            _ => counts.api += 1,
        }
    }

    fn by_kind(&mut self, kind: RequestKind) -> &mut u64 {
        match kind {
            RequestKind::Authorize => &mut self.authorize,
            RequestKind::Consent => &mut self.consent,
            RequestKind::TokenGenerate => &mut self.token_generate,
            RequestKind::TokenRefresh => &mut self.token_refresh,
            RequestKind::TokenOther => &mut self.token_other,
            RequestKind::Revoke => &mut self.revoke,
            RequestKind::Account => &mut self.account,
            RequestKind::AccountCreate => &mut self.account_create,
            RequestKind::AccountVerify => &mut self.account_verify,
            RequestKind::Trap => &mut self.trap,
            RequestKind::Other => &mut self.other,
        }
    }
}
