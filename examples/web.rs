//! Signing users in from a web server: axum, and the flow's state in the browser's session.
//!
//! `cargo run --example web`, and open the address that it prints. It starts a sandbox in this
//! process and sends you to its consent page; access tokens live for a minute there, so that
//! `/account` soon shows a refresh. `PORT` is the port: 8080 by default, any for 0.
//!
//! With `HELLOSIGN_CLIENT_ID`, `HELLOSIGN_CLIENT_SECRET` and, where it differs from the app's
//! default, `HELLOSIGN_REDIRECT_URI` set, it is HelloSign's consent page. The app's callback URL
//! then has to lead to `/callback` here.

#[path = "web/account.rs"]
mod account;
#[path = "web/page.rs"]
mod page;
#[path = "web/service.rs"]
mod service;
#[path = "web/sign_in.rs"]
mod sign_in;

use std::collections::HashMap;
use std::error::Error;
use std::net::Ipv4Addr;
use std::process::ExitCode;
use std::sync::Arc;

use axum::{Router, routing::get};
use countersign::AnyFlow;
use tokio::net::TcpListener;
use tokio::sync::Mutex;
use tower_sessions::{MemoryStore, SessionManagerLayer, cookie::SameSite};

/// What every handler is given. Neither the client nor a flow has a type parameter to carry along.
#[derive(Clone)]
struct App {
    service: service::Service,
    users: Arc<Mutex<HashMap<String, User>>>,
    /// Held while a flow is taken out of a session.
    taking: Arc<Mutex<()>>,
}

/// A user. The lock lets one request at a time refresh their token.
type User = Arc<Mutex<Authorization>>;

/// What a user has granted, in whatever state it is. Here it is forgotten when the program ends;
/// to outlast that, store the flow's `into_state`, and take it up again by `Client::resume_any`.
struct Authorization {
    flow: AnyFlow,
}

#[tokio::main]
async fn main() -> ExitCode {
    match serve().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("web failed: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn serve() -> Result<(), Box<dyn Error>> {
    let port = std::env::var("PORT").unwrap_or_else(|_| "8080".to_owned());
    let port: u16 = port.parse().map_err(|_| "PORT is not the number of a port")?;
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await?;
    let origin = format!("http://{}", listener.local_addr()?);
    let (service, _sandbox) = service::start(&origin).await?;

    let sessions = SessionManagerLayer::new(MemoryStore::default())
        .with_name("countersign_web")
        .with_http_only(true)
        // Not `Strict`: a browser that comes back from the consent page comes from another site.
        .with_same_site(SameSite::Lax)
        // Only because this is plain http on loopback. Anywhere else it has to be `true`.
        .with_secure(false);
    let router = Router::new()
        .route("/", get(account::home))
        .route("/login", get(sign_in::login))
        .route("/callback", get(sign_in::callback))
        .route("/account", get(account::account))
        .layer(sessions)
        .with_state(App { service, users: Arc::default(), taking: Arc::default() });

    println!("open {origin}");
    Ok(axum::serve(listener, router).await?)
}
