//! `/` and `/account`: what a user sees.

use axum::{extract::State, http::StatusCode};
use countersign::{AnyFlow, Recovery};
use tower_sessions::Session;

use crate::{App, page::Page};

/// Under this name a session has its user's e-mail address.
pub(crate) const USER: &str = "user";

/// Says who is signed in.
pub(crate) async fn home(session: Session) -> Result<Page, Page> {
    let user: Option<String> = session.get(USER).await?;
    let page = Page::new(StatusCode::OK, "Countersign");
    Ok(match user {
        Some(address) => page
            .text(&format!("Signed in as {address}."))
            .link("/account", "Ask the API who that is")
            .link("/login", "Sign in as someone else"),
        None => page.text("Nobody is signed in.").link("/login", "Sign in"),
    })
}

/// Calls the API, with an access token that is refreshed when it has ended.
pub(crate) async fn account(State(app): State<App>, session: Session) -> Result<Page, Page> {
    let Some(address): Option<String> = session.get(USER).await? else {
        return home(session).await;
    };
    let user = app.users.lock().await.get(&address).cloned();
    let Some(user) = user else { return home(session).await };
    let mut user = user.lock().await;
    // A browser that goes away ends this handler, and a refresh with it. The flow keeps its old
    // refresh token then, which is still good at HelloSign. Where refresh tokens rotate it may
    // not be: there, make this call in a task of its own.
    let token = user.flow.access_token().await?;
    let address = match app.service.address(token.clone()).await {
        // The token has ended before its time.
        Err(error) if error.recovery() == Recovery::Refresh && user.flow.reject(&token) => {
            let token = user.flow.access_token().await?;
            app.service.address(token).await?
        }
        address => address?,
    };
    let address = address.unwrap_or_default();
    let token = match user.flow {
        AnyFlow::Refreshed(_) => "a refreshed one",
        _ => "the one that you signed in with",
    };
    Ok(Page::new(StatusCode::OK, "Account")
        .text(&format!("The API says: {address}. The access token is {token}."))
        .link("/account", "Again")
        .link("/", "Back"))
}
