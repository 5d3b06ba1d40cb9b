//! One grant.

use super::{CodeRequest, GrantId, GrantInfo, GrantStatus};
use crate::clock::SinceEpoch;
use crate::count::GrantCounts;
use crate::pkce;
use crate::state::refusal::Refusal;
use crate::state::scope;

/// What the user approved.
pub(crate) struct Approval {
    pub(crate) account: String,
    pub(crate) client_id: String,
    pub(crate) asked_scope: Option<String>,
    pub(crate) scope: Option<String>,
    /// The redirect URI, if the authorization request named it: then the token request must, too.
    pub(crate) redirect_uri: Option<String>,
    pub(crate) code_challenge: Option<String>,
}

pub(super) struct Grant {
    pub(super) approval: Approval,
    pub(super) issued_at: SinceEpoch,
    pub(super) status: GrantStatus,
    pub(super) generation: u64,
    pub(super) rotated_at: SinceEpoch,
    pub(super) refresh_token: String,
    pub(super) access_expires_at: Option<SinceEpoch>,
    pub(super) refreshes: u64,
    pub(super) replays: u64,
    pub(super) reuses: u64,
}

impl Grant {
    pub(super) fn new(approval: Approval, now: SinceEpoch) -> Self {
        Self {
            approval,
            issued_at: now,
            status: GrantStatus::Approved,
            generation: 0,
            rotated_at: now,
            refresh_token: String::new(),
            access_expires_at: None,
            refreshes: 0,
            replays: 0,
            reuses: 0,
        }
    }

    /// The redirect URI (RFC 6749 section 4.1.3) and the verifier (RFC 7636 section 4.6) fit.
    pub(super) fn check_request(&self, request: &CodeRequest<'_>) -> Result<(), Refusal> {
        if self.approval.redirect_uri.is_some()
            && self.approval.redirect_uri.as_deref() != request.redirect_uri
        {
            return Err(Refusal::Code("redirect_uri is not the one of the authorization request."));
        }
        let verified = match (&self.approval.code_challenge, request.code_verifier) {
            (Some(challenge), Some(verifier)) => pkce::verifies(verifier, challenge),
            (Some(_), None) => false,
            (None, _) => true,
        };
        if verified {
            Ok(())
        } else {
            Err(Refusal::Code("code_verifier does not fit the code_challenge."))
        }
    }

    /// Whether a refresh may ask for this scope: no more than was granted (RFC 6749 section 6).
    pub(super) fn may_have(&self, asked: Option<&str>) -> bool {
        let granted = self.approval.scope.as_deref().unwrap_or_default();
        asked.is_none_or(|asked| scope::covers(granted, asked))
    }

    pub(super) fn rotate(&mut self, refresh_token: String, now: SinceEpoch) {
        self.refresh_token = refresh_token;
        self.generation += 1;
        self.rotated_at = now;
    }

    pub(super) fn revoke(&mut self) {
        self.status = GrantStatus::Revoked;
    }

    pub(super) fn scope_if_other_than_asked(&self) -> Option<String> {
        let Approval { asked_scope, scope, .. } = &self.approval;
        scope.clone().filter(|_| scope != asked_scope)
    }

    pub(super) fn info(&self, id: GrantId, counts: GrantCounts) -> GrantInfo {
        GrantInfo {
            id,
            account: self.approval.account.clone(),
            client_id: self.approval.client_id.clone(),
            scope: self.approval.scope.clone(),
            status: self.status,
            issued_at: self.issued_at.as_secs(),
            expires_at: self.access_expires_at.map(|at| at.as_secs()),
            generation: self.generation,
            refreshes: self.refreshes,
            replays: self.replays,
            reuses: self.reuses,
            counts,
        }
    }
}
