//! `/login` and `/callback`: the flow from begin to end.

use std::sync::Arc;

use axum::extract::State;
use axum::{http::Uri, response::Redirect};
use countersign::{Binding, Callback, Error, Pending};
use tokio::sync::Mutex;
use tower_sessions::{Session, session};

use crate::{App, Authorization, account::USER, page::Page};

const PENDING: &str = "pending";

/// Begins an authorization, and sends the browser to the consent page.
pub(crate) async fn login(State(app): State<App>, session: Session) -> Result<Redirect, Page> {
    let flow = app.service.client.authorize(&browser(&session).await?).begin()?;
    let consent = Redirect::to(flow.authorization_url());
    session.insert(PENDING, flow.into_state()).await?;
    Ok(consent)
}

/// Completes what this browser began.
pub(crate) async fn callback(
    State(app): State<App>,
    session: Session,
    uri: Uri,
) -> Result<Redirect, Page> {
    let callback = Callback::from_url(uri.to_string())?;
    let pending = take(&app, &session).await?.ok_or_else(Page::nothing_began)?;
    let flow = app.service.client.resume(pending).map_err(Error::from)?;
    let flow = match flow.complete(&callback, &browser(&session).await?).await {
        Ok(flow) => flow,
        Err(failed) => {
            // A wrong callback does not end the flow: the right one may still come. This is saved
            // here since the session layer saves nothing when the answer is a server error.
            if !failed.flow.state().is_spent() {
                session.insert(PENDING, failed.flow.into_state()).await?;
                session.save().await?;
            }
            return Err(failed.error.into());
        }
    };

    let address = app.service.address(flow.access_token().clone()).await?;
    // Users are told apart by it: without one, two of them would share what is stored.
    let address = address.ok_or_else(Page::nobody)?;
    let user = Arc::new(Mutex::new(Authorization { flow: flow.into() }));
    app.users.lock().await.insert(address.clone(), user);
    // A new id for whoever has signed in: nobody can have planted it in the browser before.
    session.cycle_id().await?;
    session.insert(USER, address).await?;
    Ok(Redirect::to("/account"))
}

/// Takes the flow out of the session: what stayed there could be completed twice. Few session
/// stores can take in one step; the lock keeps two callbacks of this process from both doing it.
async fn take(app: &App, session: &Session) -> Result<Option<Pending>, session::Error> {
    let _one_at_a_time = app.taking.lock().await;
    let pending: Option<Pending> = session.remove(PENDING).await?;
    if pending.is_some() {
        session.save().await?;
    }
    Ok(pending)
}

/// What identifies the browser: the id of its session, which is there once the session is saved.
async fn browser(session: &Session) -> Result<Binding, session::Error> {
    session.save().await?;
    Ok(Binding::session(session.id().map(|id| id.to_string()).unwrap_or_default()))
}
