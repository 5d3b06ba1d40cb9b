//! The authorization endpoint: the consent page, and the decision that its form sends.

use http::StatusCode;

use super::answer::{self, Answer};
use super::arrival::Arrival;
use crate::authorize::Judgement;
use crate::server::Server;
use crate::user::{self, Decision};
use crate::{consent, random};

pub(super) fn page(server: &Server, arrival: &Arrival) -> Answer {
    let request = match user::open(server, &arrival.query()) {
        Judgement::Consent(request) => request,
        Judgement::Redirect(location) => return answer::see_other(location),
        Judgement::Refused(why) => return refused(why),
    };
    let Ok(request_id) = random::token() else {
        return answer::empty(StatusCode::INTERNAL_SERVER_ERROR);
    };
    let page = consent::page(&request, &request_id, server.config.dialect);
    server.with_state(|state, now| state.consents.add(request_id, request, now));
    answer::html(StatusCode::OK, page)
}

pub(super) fn decision(server: &Server, arrival: &Arrival) -> Answer {
    let Ok(form) = &arrival.body else {
        return refused("The form cannot be read.");
    };
    let decision = match (form.get("decision"), form.get("account")) {
        (Some("approve"), Some(account)) => Decision::Approve { account },
        (Some("deny"), _) => Decision::Deny,
        _ => return refused("The form lacks a decision or an account."),
    };
    let request = form
        .get("request_id")
        .and_then(|id| server.with_state(|state, now| state.consents.take(id, now)));
    let Some(request) = request else {
        return refused("This page has been answered before, or is too old.");
    };
    match user::decide(server, request, decision) {
        Ok(location) => answer::see_other(location),
        Err(_) => answer::empty(StatusCode::INTERNAL_SERVER_ERROR),
    }
}

fn refused(why: &str) -> Answer {
    answer::html(StatusCode::BAD_REQUEST, consent::error_page(why))
}
