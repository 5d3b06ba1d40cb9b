//! What the user does: open the consent page, and decide.

use crate::authorize::{AuthorizationRequest, Judgement, judge};
use crate::http::Params;
use crate::random;
use crate::server::Server;
use crate::state::Approval;

/// What the user decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Decision<'a> {
    /// Signs in with this e-mail address and approves.
    Approve {
        account: &'a str,
    },
    Deny,
}

/// Judges the query of an authorization URL.
pub(crate) fn open(server: &Server, query: &Params) -> Judgement {
    judge(query, &server.config, server.issuer())
}

/// Where the browser goes after the decision.
pub(crate) fn decide(
    server: &Server,
    request: AuthorizationRequest,
    decision: Decision<'_>,
) -> Result<String, getrandom::Error> {
    let Decision::Approve { account } = decision else {
        return Ok(request.denied(server.issuer()));
    };
    let (code, account_id) = (random::token()?, random::account_id()?);
    let location = request.approved(&code, server.issuer());
    let approval = Approval {
        account: account.to_owned(),
        client_id: request.client_id,
        asked_scope: request.asked_scope,
        scope: request.scope,
        redirect_uri: request.redirect_uri_named.then_some(request.redirect_uri),
        code_challenge: request.code_challenge,
    };
    server.with_state(|state, now| {
        state.accounts.sign_in(account, account_id);
        state.grants.approve(approval, code, &server.config, now);
    });
    Ok(location)
}
