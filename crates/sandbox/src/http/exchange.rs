//! One request and its answer: counted, struck by its fault, logged.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Extension, Request, State};
use axum::response::Response;
use bytes::Bytes;
use http::StatusCode;

use super::arrival::Arrival;
use super::{account, answer, authorize, revoke, token};
use crate::connection::{Connection, Ending};
use crate::count::RequestKind;
use crate::fault::{Carried, Fault, carry_out};
use crate::server::Server;

pub(super) async fn serve(
    State(server): State<Arc<Server>>,
    Extension(connection): Extension<Connection>,
    request: Request,
) -> Response {
    let arrival = Arrival::read(request, server.config.dialect).await;
    let (kind, method) = (arrival.kind, arrival.method.clone());
    let path = arrival.uri.path().to_owned();
    // Counting and taking the fault are one step: which of two requests is struck is not left open.
    let fault = server.with_state(|state, _| {
        let grant = arrival.grant(state);
        state.counts.add(kind, grant);
        state.faults.take(kind)
    });
    let carried = match fault {
        None => Carried::Answer(answer(&server, &arrival)),
        Some(fault) => strike(fault, Arc::clone(&server), arrival).await,
    };
    match carried {
        Carried::Answer(response) => {
            let status = response.status().as_u16();
            tracing::info!(?kind, %method, path, status, "answered");
            response.map(Body::from)
        }
        Carried::End(ending) => {
            let how = match ending {
                Ending::Reset => "reset",
                Ending::Close(_) => "truncated",
                Ending::Endless(..) => "endless",
            };
            tracing::info!(?kind, %method, path, how, "not answered");
            connection.end(ending).await
        }
    }
}

/// On a task of its own, so that a client that hangs up does not undo what is due. What still waits
/// when the sandbox stops is not carried out.
async fn strike(fault: Fault, server: Arc<Server>, arrival: Arrival) -> Carried {
    let task = tokio::spawn(async move {
        tokio::select! {
            biased;
            () = server.stopped() => Carried::End(Ending::Reset),
            carried = carry_out(fault, &server, || answer(&server, &arrival)) => carried,
        }
    });
    task.await.unwrap_or_else(|error| {
        tracing::error!(%error, "a fault could not be carried out");
        Carried::Answer(answer::empty(StatusCode::INTERNAL_SERVER_ERROR))
    })
}

/// What the sandbox really does and says.
fn answer(server: &Server, arrival: &Arrival) -> http::Response<Bytes> {
    let mut response = match arrival.kind {
        RequestKind::Authorize => authorize::page(server, arrival),
        RequestKind::Consent => authorize::decision(server, arrival),
        RequestKind::TokenGenerate | RequestKind::TokenRefresh | RequestKind::TokenOther => {
            token::answer(server, arrival)
        }
        RequestKind::Revoke => revoke::answer(server, arrival),
        RequestKind::Account | RequestKind::AccountCreate | RequestKind::AccountVerify => {
            account::answer(server, arrival)
        }
        RequestKind::Trap => answer::json(StatusCode::OK, &serde_json::json!({"trap": true})),
        RequestKind::Other => answer::not_found(server.config.dialect),
    };
    if !matches!(arrival.kind, RequestKind::Authorize | RequestKind::Consent | RequestKind::Trap) {
        let allowance = server.with_state(|state, now| state.rate_limit.spend(now));
        answer::tell_rate_limit(&mut response, server.config.rate_limit_headers, allowance);
    }
    response
}
