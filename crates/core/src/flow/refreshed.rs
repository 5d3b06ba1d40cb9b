use std::sync::Arc;

use super::AuthorizationFlow;
use super::live::{LiveData, Refreshed, RefreshedData};
use crate::client::Client;
use crate::error::{Error, ErrorKind};
use crate::scope::Scopes;
use crate::token::RefreshToken;

/// A refresh, whichever way it was asked for; `scopes` are those granted so far.
pub(super) async fn renew(
    client: &Client,
    refresh_token: Option<&RefreshToken>,
    scopes: Option<&Scopes>,
) -> Result<AuthorizationFlow<Refreshed>, Error> {
    let sent = refresh_token.ok_or_else(|| {
        Error::new(
            ErrorKind::NoRefreshToken,
            "the access token has ended and there is no refresh token: the user has to be asked \
             again",
        )
    })?;
    let mut tokens = client.refresh(sent).await?;
    if tokens.scopes.is_none() {
        // RFC 6749 section 6: not said means unchanged.
        tokens.scopes = scopes.cloned();
    }
    let rotated = tokens.refresh_token.as_ref().is_some_and(|token| !token.same_as(sent));
    let live = LiveData { origin: Arc::clone(client.origin()), tokens };
    let state = Refreshed(Box::new(RefreshedData { live, rotated }));
    Ok(AuthorizationFlow { client: client.clone(), state })
}
