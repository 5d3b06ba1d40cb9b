//! The revocation endpoint (RFC 7009), which HelloSign has not.

use http::StatusCode;

use super::answer::{self, Answer};
use super::arrival::Arrival;
use super::{client, token};
use crate::server::Server;
use crate::state::Refusal;

pub(super) fn answer(server: &Server, arrival: &Arrival) -> Answer {
    if server.revocation_url().is_none() {
        return answer::not_found(server.config.dialect);
    }
    match revoke(server, arrival) {
        Ok(()) => answer::empty(StatusCode::OK),
        Err(refusal) => token::refuse(refusal, &server.config),
    }
}

/// The hint is not needed, and a wrong or unknown one does no harm (RFC 7009 section 2.1).
fn revoke(server: &Server, arrival: &Arrival) -> Result<(), Refusal> {
    let body = arrival.body.as_ref().map_err(|refusal| *refusal)?;
    if body.any_repeated() {
        return Err(Refusal::Malformed("A parameter is repeated."));
    }
    let client = client::authenticate(&arrival.headers, body, &server.config)?;
    let token = token::required(body, "token", "token is missing.")?;
    server.with_state(|state, _| state.grants.revoke_token(&client.client_id, token))
}
