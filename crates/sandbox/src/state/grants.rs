//! Grants, and the codes and tokens that belong to them.

mod grant;
mod info;

use std::collections::{BTreeMap, HashMap};

pub(crate) use grant::Approval;
use grant::Grant;
pub use info::{GrantId, GrantInfo, GrantStatus};

use super::refusal::Refusal;
use super::rotation::{Presented, Verdict};
use crate::clock::SinceEpoch;
use crate::config::{Config, Dialect};
use crate::count::Counts;

/// Every grant there is, and whose each code and token is.
#[derive(Default)]
pub(crate) struct Grants {
    all: BTreeMap<GrantId, Grant>,
    codes: HashMap<String, Code>,
    refresh_tokens: HashMap<String, RefreshToken>,
    access_tokens: HashMap<String, AccessToken>,
}

struct Code {
    grant: GrantId,
    expires_at: SinceEpoch,
    spent: bool,
}

struct RefreshToken {
    grant: GrantId,
    generation: u64,
}

struct AccessToken {
    grant: GrantId,
    expires_at: SinceEpoch,
    revoked: bool,
}

/// A token request with `grant_type=authorization_code`, from an authenticated client.
pub(crate) struct CodeRequest<'a> {
    pub(crate) client_id: &'a str,
    pub(crate) code: &'a str,
    pub(crate) redirect_uri: Option<&'a str>,
    pub(crate) code_verifier: Option<&'a str>,
}

/// A token request with `grant_type=refresh_token`. An older HelloSign app names no client.
pub(crate) struct RefreshRequest<'a> {
    pub(crate) client_id: Option<&'a str>,
    pub(crate) refresh_token: &'a str,
    pub(crate) scope: Option<&'a str>,
}

/// New random tokens, drawn before the state is touched.
pub(crate) struct FreshTokens {
    pub(crate) access_token: String,
    pub(crate) refresh_token: String,
}

/// What a token response tells.
pub(crate) struct Issued {
    pub(crate) access_token: String,
    pub(crate) refresh_token: String,
    /// Only where it differs from the scope that was asked for (RFC 6749 section 5.1).
    pub(crate) scope: Option<String>,
}

impl Grants {
    /// The user has approved: a grant that waits for its code to be exchanged.
    pub(crate) fn approve(
        &mut self,
        approval: Approval,
        code: String,
        config: &Config,
        now: SinceEpoch,
    ) {
        let id = self.add(Grant::new(approval, now));
        let expires_at = now.saturating_add(config.code_lifetime);
        self.codes.insert(code, Code { grant: id, expires_at, spent: false });
    }

    /// A grant that begins with tokens: HelloSign's account creation.
    pub(crate) fn issue(
        &mut self,
        approval: Approval,
        config: &Config,
        now: SinceEpoch,
        fresh: FreshTokens,
    ) -> Issued {
        let id = self.add(Grant::new(approval, now));
        self.activate(id, config, now, fresh)
    }

    /// Exchanges a code (RFC 6749 section 4.1.3). A request that is refused leaves the code unspent.
    pub(crate) fn exchange(
        &mut self,
        request: &CodeRequest<'_>,
        config: &Config,
        now: SinceEpoch,
        fresh: FreshTokens,
    ) -> Result<Issued, Refusal> {
        const UNKNOWN: Refusal = Refusal::Code("The code is unknown, expired or already used.");
        let code = self.codes.get_mut(request.code).ok_or(UNKNOWN)?;
        let grant = self.all.get_mut(&code.grant).ok_or(UNKNOWN)?;
        if grant.approval.client_id != request.client_id {
            return Err(UNKNOWN);
        }
        if code.spent {
            // RFC 6749 section 4.1.2 has the tokens revoked; HelloSign is not known to.
            if config.dialect == Dialect::Rfc6749 {
                grant.revoke();
            }
            return Err(UNKNOWN);
        }
        if now >= code.expires_at || grant.status == GrantStatus::Revoked {
            return Err(UNKNOWN);
        }
        if config.dialect == Dialect::Rfc6749 {
            grant.check_request(request)?;
        }
        code.spent = true;
        let id = code.grant;
        Ok(self.activate(id, config, now, fresh))
    }

    /// Refreshes (RFC 6749 section 6).
    pub(crate) fn refresh(
        &mut self,
        request: &RefreshRequest<'_>,
        config: &Config,
        now: SinceEpoch,
        fresh: FreshTokens,
    ) -> Result<Issued, Refusal> {
        let presented =
            self.refresh_tokens.get(request.refresh_token).ok_or(Refusal::RefreshToken)?;
        let id = presented.grant;
        let grant = self.all.get_mut(&id).ok_or(Refusal::RefreshToken)?;
        let theirs = request.client_id.is_none_or(|client| client == grant.approval.client_id);
        if !theirs {
            return Err(Refusal::RefreshToken);
        }
        let verdict = Presented {
            generation: presented.generation,
            current: grant.generation,
            rotated_at: grant.rotated_at,
            now,
        }
        .judge(config.rotation);
        if verdict == Verdict::Reused {
            grant.reuses += 1;
            grant.revoke();
        }
        if grant.status != GrantStatus::Active {
            return Err(Refusal::RefreshToken);
        }
        if !grant.may_have(request.scope) {
            return Err(Refusal::Scope);
        }
        if verdict == Verdict::Rotate {
            grant.rotate(fresh.refresh_token, now);
            let token = RefreshToken { grant: id, generation: grant.generation };
            self.refresh_tokens.insert(grant.refresh_token.clone(), token);
        }
        grant.refreshes += 1;
        grant.replays += u64::from(verdict == Verdict::Repeat);
        grant.access_expires_at = Some(now.saturating_add(config.access_token_lifetime));
        let refresh_token = grant.refresh_token.clone();
        self.add_access_token(id, &fresh.access_token, config, now);
        Ok(Issued { access_token: fresh.access_token, refresh_token, scope: None })
    }

    /// The account whose access token this is, if it is live.
    pub(crate) fn bearer(&self, access_token: &str, now: SinceEpoch) -> Option<&str> {
        let token = self.access_tokens.get(access_token)?;
        let grant = self.all.get(&token.grant)?;
        (now < token.expires_at && !token.revoked && grant.status == GrantStatus::Active)
            .then_some(grant.approval.account.as_str())
    }

    /// Revokes a grant. `false` if there is none with this id.
    pub(crate) fn revoke(&mut self, id: GrantId) -> bool {
        self.all.get_mut(&id).map(Grant::revoke).is_some()
    }

    /// Revokes a token (RFC 7009): a refresh token, old or current, with its grant; an access token
    /// by itself. One that is not known counts as revoked.
    pub(crate) fn revoke_token(&mut self, client_id: &str, token: &str) -> Result<(), Refusal> {
        let Some(id) = self.of_token(token) else { return Ok(()) };
        let Some(grant) = self.all.get_mut(&id) else { return Ok(()) };
        if grant.approval.client_id != client_id {
            return Err(Refusal::ForeignToken);
        }
        match self.access_tokens.get_mut(token) {
            Some(access_token) => access_token.revoked = true,
            None => grant.revoke(),
        }
        Ok(())
    }

    pub(crate) fn of_code(&self, code: &str) -> Option<GrantId> {
        self.codes.get(code).map(|code| code.grant)
    }

    pub(crate) fn of_refresh_token(&self, token: &str) -> Option<GrantId> {
        self.refresh_tokens.get(token).map(|token| token.grant)
    }

    pub(crate) fn of_access_token(&self, token: &str) -> Option<GrantId> {
        self.access_tokens.get(token).map(|token| token.grant)
    }

    /// The grant of a token of either kind.
    pub(crate) fn of_token(&self, token: &str) -> Option<GrantId> {
        self.of_refresh_token(token).or_else(|| self.of_access_token(token))
    }

    /// When each access token ends.
    pub(crate) fn ends(&self) -> impl Iterator<Item = (&str, SinceEpoch)> {
        self.access_tokens.iter().map(|(token, of)| (token.as_str(), of.expires_at))
    }

    pub(crate) fn infos(&self, counts: &Counts) -> Vec<GrantInfo> {
        let info = |(id, grant): (&GrantId, &Grant)| grant.info(*id, counts.grant(*id));
        self.all.iter().map(info).collect()
    }

    fn add(&mut self, grant: Grant) -> GrantId {
        let id = GrantId::nth(self.all.len());
        self.all.insert(id, grant);
        id
    }

    fn activate(
        &mut self,
        id: GrantId,
        config: &Config,
        now: SinceEpoch,
        fresh: FreshTokens,
    ) -> Issued {
        self.refresh_tokens
            .insert(fresh.refresh_token.clone(), RefreshToken { grant: id, generation: 0 });
        self.add_access_token(id, &fresh.access_token, config, now);
        let mut scope = None;
        if let Some(grant) = self.all.get_mut(&id) {
            grant.status = GrantStatus::Active;
            grant.refresh_token.clone_from(&fresh.refresh_token);
            grant.rotated_at = now;
            grant.access_expires_at = Some(now.saturating_add(config.access_token_lifetime));
            scope = grant.scope_if_other_than_asked();
        }
        Issued { access_token: fresh.access_token, refresh_token: fresh.refresh_token, scope }
    }

    fn add_access_token(&mut self, id: GrantId, token: &str, config: &Config, now: SinceEpoch) {
        let expires_at = now.saturating_add(config.access_token_lifetime);
        let token_of = AccessToken { grant: id, expires_at, revoked: false };
        self.access_tokens.insert(token.to_owned(), token_of);
    }
}

#[cfg(test)]
mod tests;
