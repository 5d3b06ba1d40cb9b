//! The authorization code flow, checked at compile time.

mod any;
mod authorize;
mod expired;
mod given_back;
mod judge;
mod live;
mod pending;
mod refreshed;
mod state;
mod stored;

use std::fmt;

pub use any::{AnyFlow, AnyState};
pub use authorize::Authorize;
pub use expired::Expired;
pub use given_back::{Failed, Refused};
pub use live::{Authorized, Freshness, Refreshed};
pub use pending::Pending;
pub use state::{Live, State};

use crate::client::Client;

/// An authorization on its way: [`Pending`] → [`Authorized`] → [`Expired`] → [`Refreshed`] → …
///
/// What can be done with a flow depends on the state that it is in, and what cannot be done does
/// not compile. A step consumes the flow; one that is refused gives it back, in [`Failed`].
///
/// | state | has | leads on by |
/// |---|---|---|
/// | [`Pending`] | an authorization URL | [`complete`](#method.complete) |
/// | [`Authorized`], [`Refreshed`] | an access token | [`check`](#method.check), [`expire`](#method.expire) |
/// | [`Expired`] | at most a refresh token | [`refresh`](#method.refresh) |
///
/// ```
/// # use countersign_core as countersign;
/// # use countersign::{Binding, Callback, Client, Error, Freshness};
/// # async fn example(client: Client, browser: Binding, url: &str) -> Result<(), Error> {
/// let flow = client.authorize(&browser).begin()?; // AuthorizationFlow<Pending>
/// println!("send the browser to {}", flow.authorization_url());
/// let flow = flow.complete(&Callback::from_url(url)?, &browser).await?; // …<Authorized>
/// let token = match flow.check() {
///     Freshness::Live(flow) => flow.access_token().clone(),
///     Freshness::Expired(flow) => flow.refresh().await?.access_token().clone(), // …<Refreshed>
/// };
/// # let _ = token;
/// # Ok(())
/// # }
/// ```
///
/// ```compile_fail
/// # use countersign_core as countersign;
/// # use countersign::{AuthorizationFlow, Pending};
/// fn too_early(flow: &AuthorizationFlow<Pending>) {
///     flow.access_token(); // no method named `access_token` found
/// }
/// ```
///
/// What is stored is the state ([`into_state`](Self::into_state)), never the client; any process
/// may [`resume`](Client::resume) it. Where a program does not know the state, [`AnyFlow`] is the
/// twin that is checked at run time.
pub struct AuthorizationFlow<S: State> {
    pub(crate) client: Client,
    pub(crate) state: S,
}

impl<S: State> AuthorizationFlow<S> {
    /// The state, to be stored. Serialised it holds secrets: keep it as you would a password.
    #[must_use]
    pub fn into_state(self) -> S {
        self.state
    }

    /// The state.
    #[must_use]
    pub fn state(&self) -> &S {
        &self.state
    }

    /// The client that the flow belongs to.
    #[must_use]
    pub fn client(&self) -> &Client {
        &self.client
    }

    pub(crate) fn resume(client: Client, mut state: S) -> Result<Self, Refused<S>> {
        match state.check(&client) {
            Ok(()) => {
                // The client's own copy, so that a million flows share one.
                *state.origin_mut() = client.origin().clone();
                Ok(Self { client, state })
            }
            Err(error) => Err(Refused { state, error }),
        }
    }
}

impl<S: State> fmt::Debug for AuthorizationFlow<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuthorizationFlow")
            .field("client", &self.client)
            .field("state", &self.state)
            .finish()
    }
}
