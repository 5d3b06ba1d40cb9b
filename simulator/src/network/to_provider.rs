//! The way to the provider.

use std::time::Duration;

use async_trait::async_trait;
use countersign_core::{
    Body, Delivery, Limits, Transport, TransportError, TransportErrorKind, http,
};
use futures_lite::future;
use http::{Response, StatusCode};

use super::{Network, Way};
use crate::executor::{Micros, Slot};
use crate::fault::{Fault, Point};
use crate::provider::{ACCESS, REFRESH, Tokens, Verdict, tokens_in};
use crate::settings::{REVOCATION_URL, SECOND, micros};
use crate::world::World;

type Answer = Result<Response<Body>, TransportError>;

/// A request to the provider.
#[derive(Clone, Copy)]
enum Request {
    Refresh(usize),
    RevokeRefreshToken(usize),
    RevokeAccessToken(usize),
}

impl Request {
    fn read(request: &http::Request<Body>) -> Option<Self> {
        let body = request.body().as_bytes();
        let first = |prefix| tokens_in(body, prefix).next();
        match request.uri() == REVOCATION_URL {
            true => first(REFRESH)
                .map(Self::RevokeRefreshToken)
                .or_else(|| first(ACCESS).map(Self::RevokeAccessToken)),
            false => first(REFRESH).map(Self::Refresh),
        }
    }

    /// What the provider does when the request arrives.
    fn arrives(self, world: &World) -> Response<Body> {
        let now = world.now();
        let mut state = world.state();
        let token = match self {
            Self::Refresh(token) => token,
            Self::RevokeRefreshToken(token) => {
                state.trace.note(now, format_args!("rt-{token} is revoked"));
                state.provider.revoke(token);
                return Response::new(Body::empty());
            }
            Self::RevokeAccessToken(token) => {
                state.provider.revoke_access_token(token);
                return Response::new(Body::empty());
            }
        };
        let verdict = state.provider.refresh(token, now);
        state.trace.note(now, format_args!("rt-{token}: {verdict:?}"));
        if let Verdict::DoubleSpend(grant) = verdict {
            state.oracle.spent_again(grant, token, now);
        }
        drop(state);
        match verdict {
            Verdict::Refreshed(tokens) => granted(tokens, world.settings.lifetime),
            Verdict::Refused | Verdict::DoubleSpend(_) => {
                failed(StatusCode::BAD_REQUEST, r#"{"error":"invalid_grant"}"#)
            }
        }
    }
}

fn granted(tokens: Tokens, lifetime: Duration) -> Response<Body> {
    let (access, refresh) = (tokens.access_token(), tokens.refresh_token());
    let lifetime = lifetime.as_secs();
    let body = format!(
        r#"{{"access_token":"{access}","refresh_token":"{refresh}","token_type":"Bearer","expires_in":{lifetime}}}"#
    );
    Response::new(Body::from(body.into_bytes()))
}

fn failed(status: StatusCode, body: &str) -> Response<Body> {
    let mut response = Response::new(Body::from(body.as_bytes().to_vec()));
    *response.status_mut() = status;
    response
}

fn wait(status: StatusCode, seconds: u64) -> Response<Body> {
    let mut response = failed(status, "");
    response.headers_mut().insert(http::header::RETRY_AFTER, seconds.into());
    response
}

fn interrupted() -> TransportError {
    TransportError::new(TransportErrorKind::Interrupted, Delivery::Unknown)
}

impl Network {
    /// Draws what becomes of a request. `limit` is its time limit, within which it arrives.
    fn way_to_provider(&self, limit: Micros) -> (Way<Answer>, bool) {
        let settings = &self.world.settings;
        let now = self.world.now();
        let mut state = self.world.state();
        let (arrives, answers) = (state.time(5_000, SECOND / 5), state.time(5_000, SECOND / 2));
        let fault = match state.provider_away {
            (until, fault) if now < until => Some(fault),
            _ => state.draw(settings.provider_faults, &Fault::OF_PROVIDER, settings),
        };
        let soon = state.time(1_000, SECOND);
        let cut = |is_cut: bool| is_cut.then(|| (arrives + soon, Err(interrupted())));
        let usual =
            Way { arrives: Some(arrives), repeats: None, answers: Some(answers), fails: None };
        let says = |answer: Response<Body>| Way {
            arrives: None,
            repeats: None,
            answers: None,
            fails: Some((arrives + answers, Ok(answer))),
        };
        let way = match fault {
            Some(Fault::NotConnected) => {
                let kind = TransportErrorKind::Connect;
                let error = TransportError::new(kind, Delivery::NotSent);
                Way { arrives: None, fails: Some((arrives, Err(error))), ..usual }
            }
            Some(Fault::TooManyRequests) => {
                says(wait(StatusCode::TOO_MANY_REQUESTS, state.rng.u64(1..=90)))
            }
            Some(Fault::Unavailable) => {
                says(wait(StatusCode::SERVICE_UNAVAILABLE, state.rng.u64(1..=90)))
            }
            Some(Fault::RequestLost) => {
                Way { arrives: None, fails: cut(state.rng.bool()), ..usual }
            }
            Some(Fault::RequestLate) => {
                let late = state.rng.u64(0..=limit);
                Way { arrives: Some(late), answers: None, fails: cut(true), ..usual }
            }
            Some(Fault::AnswerLost) => Way { answers: None, fails: cut(state.rng.bool()), ..usual },
            // The request may have been processed or not.
            Some(Fault::ServerError) => {
                let arrives = state.rng.bool().then_some(arrives);
                Way { arrives, answers: None, ..says(failed(StatusCode::BAD_GATEWAY, "")) }
            }
            Some(Fault::Garbled) => Way {
                arrives: Some(arrives),
                answers: None,
                ..says(failed(StatusCode::OK, r#"{"access_tok"#))
            },
            Some(Fault::Slow) => {
                let (arrives, answers) =
                    (state.time(arrives, limit / 2), state.time(answers, limit));
                Way { arrives: Some(arrives), answers: Some(answers), ..usual }
            }
            _ => usual,
        };
        (way, fault.is_some())
    }
}

#[async_trait]
impl Transport for Network {
    async fn send(&self, request: http::Request<Body>, limits: Limits) -> Answer {
        let Some(request) = Request::read(&request) else { return Err(interrupted()) };
        if let Request::Refresh(token) = request {
            self.world.state().oracle.sends(self.life.number, token);
        }
        self.world.at(&self.life, Point::Requests);
        let (way, is_struck) = self.way_to_provider(micros(limits.timeout));
        let slot = Slot::new();
        if let Some(arrives) = way.arrives {
            let slot = slot.clone();
            self.world.after(arrives, move |world| {
                let answer = request.arrives(world);
                if let Some(answers) = way.answers {
                    world.after(answers, move |_| slot.put(Ok(answer)));
                }
            });
        }
        if let Some((after, answer)) = way.fails {
            let slot = slot.clone();
            self.world.after(after, move |_| slot.put(answer));
        }
        let elapsed = async {
            self.life.sleep(limits.timeout).await;
            Err(TransportError::new(TransportErrorKind::Timeout, Delivery::Unknown))
        };
        // The answer first: one that is complete is not late.
        let answer = future::or(slot, elapsed).await;
        if let Request::Refresh(token) = request
            && is_struck
            && !says_what_happened(&answer)
        {
            self.world.state().oracle.unanswered(self.life.number, token);
        }
        self.world.at(&self.life, Point::Answered);
        answer
    }
}

/// Returns whether the sender knows what became of its request.
fn says_what_happened(answer: &Answer) -> bool {
    match answer {
        Ok(answer) => {
            let is_whole = answer.body().as_bytes().ends_with(b"}");
            let says_wait = answer.headers().contains_key(http::header::RETRY_AFTER);
            is_whole || says_wait
        }
        Err(error) => error.delivery() == Delivery::NotSent,
    }
}
