//! HTTP: from a request to its answer.

mod account;
mod answer;
mod arrival;
mod authorize;
mod client;
mod control;
mod credentials;
mod exchange;
mod guard;
mod params;
mod revoke;
mod token;

use std::sync::Arc;

use axum::Router;

pub(crate) use params::Params;

use crate::server::Server;

/// Control routes, and everything else through [`exchange::serve`], where it is counted.
pub(crate) fn router(server: Arc<Server>) -> Router {
    control::router()
        .fallback(exchange::serve)
        .route("/_sandbox/trap", axum::routing::any(exchange::serve))
        .with_state(server)
}
