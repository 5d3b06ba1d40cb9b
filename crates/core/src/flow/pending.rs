use std::fmt;
use std::sync::Arc;

use secrecy::ExposeSecret;
use serde::{Deserialize, Serialize};

use super::given_back::Failed;
use super::judge::judge;
use super::live::Authorized;
use super::state::{State, sealed};
use super::{AuthorizationFlow, stored};
use crate::binding::{Binding, StoredBinding};
use crate::callback::Callback;
use crate::client::Client;
use crate::error::{Error, ErrorKind, Operation};
use crate::instant::Millis;
use crate::origin::Origin;
use crate::request::CodeExchange;
use crate::scope::Scopes;
use crate::secret::StoredSecret;
use crate::transport::Delivery;

/// Waiting for the user's consent, and the callback.
///
/// Keep it where only this user's browser leads to it: the session. It holds `state`, the PKCE
/// verifier and a hash of the [`Binding`]; take it out of its store to complete it.
pub struct Pending(pub(super) Box<PendingData>);

#[derive(Serialize, Deserialize)]
pub(super) struct PendingData {
    #[serde(with = "stored::shared")]
    pub(super) origin: Arc<Origin>,
    pub(super) begun_at: Millis,
    pub(super) state: StoredSecret,
    pub(super) verifier: Option<StoredSecret>,
    pub(super) authorization_url: StoredSecret,
    pub(super) redirect_uri: Option<String>,
    pub(super) scopes: Option<Scopes>,
    pub(super) binding: StoredBinding,
    pub(super) spent: bool,
}

impl Pending {
    /// The scopes that were asked for, when any were named.
    #[must_use]
    pub fn scopes(&self) -> Option<&Scopes> {
        self.0.scopes.as_ref()
    }

    /// When the flow began.
    #[must_use]
    pub fn begun_at(&self) -> time::OffsetDateTime {
        self.0.begun_at.to_datetime()
    }

    /// Whether a code may have been sent already: such a flow cannot be completed any more.
    #[must_use]
    pub fn is_spent(&self) -> bool {
        self.0.spent
    }

    /// That the flow may still be completed at `now`.
    pub(super) fn check_age(&self, client: &Client) -> Result<(), Error> {
        let (now, lifetime) = (client.millis(), client.pending_lifetime());
        // A clock that was set back must not make a flow immortal, hence both ways.
        if now.since(self.0.begun_at) > lifetime || self.0.begun_at.since(now) > lifetime {
            return Err(Error::new(
                ErrorKind::PendingExpired,
                "the authorization was not completed in time: begin a new one",
            ));
        }
        Ok(())
    }
}

impl AuthorizationFlow<Pending> {
    /// Where to send the user's browser (RFC 6749 section 4.1.1).
    #[must_use]
    pub fn authorization_url(&self) -> &str {
        self.state.0.authorization_url.0.expose_secret()
    }

    /// Judges a callback as [`complete`](Self::complete) does, and sends nothing.
    ///
    /// For a program with several flows under way in one session, to find whose a callback is.
    ///
    /// # Errors
    ///
    /// As [`complete`](Self::complete), as far as the callback is concerned.
    pub fn verify(&self, callback: &Callback, browser: &Binding) -> Result<(), Error> {
        judge(self, callback, browser).map(drop)
    }

    /// Judges the callback and exchanges its code for tokens (RFC 6749 section 4.1.3).
    ///
    /// Before anything is sent: a spent or expired flow is refused, then `iss`, `state` and
    /// `browser`, then an error in the callback, then a missing `code` (guarantee G1).
    ///
    /// The code is sent once. Whatever comes of that, unless the transport says that nothing was
    /// sent, the flow that comes back is spent: completing it again is
    /// [`ErrorKind::CodeSpent`]. Dropping the future drops the flow with it; whether the code was
    /// exchanged is then not known, and the user has to be asked again.
    ///
    /// # Errors
    ///
    /// [`CodeSpent`](ErrorKind::CodeSpent), [`PendingExpired`](ErrorKind::PendingExpired),
    /// [`IssuerMismatch`](ErrorKind::IssuerMismatch), [`StateMismatch`](ErrorKind::StateMismatch),
    /// [`BindingMismatch`](ErrorKind::BindingMismatch),
    /// [`AuthorizationRefused`](ErrorKind::AuthorizationRefused) or
    /// [`CallbackMalformed`](ErrorKind::CallbackMalformed) with nothing sent;
    /// [`Transport`](ErrorKind::Transport), [`ServerRefused`](ErrorKind::ServerRefused),
    /// [`UnexpectedStatus`](ErrorKind::UnexpectedStatus) or
    /// [`ResponseMalformed`](ErrorKind::ResponseMalformed) after the code was sent.
    pub async fn complete(
        mut self,
        callback: &Callback,
        browser: &Binding,
    ) -> Result<AuthorizationFlow<Authorized>, Failed<Pending>> {
        let code = match judge(&self, callback, browser) {
            Ok(code) => code,
            Err(error) => return Err(Failed { flow: self, error }),
        };
        self.state.0.spent = true;
        let pending = &*self.state.0;
        let exchange = CodeExchange {
            code,
            state: pending.state.0.expose_secret(),
            verifier: pending.verifier.as_ref().map(|verifier| verifier.0.expose_secret()),
            redirect_uri: pending.redirect_uri.as_deref(),
        };
        let error = match self.client.exchange(exchange).await {
            Ok(Ok(tokens)) => return Ok(AuthorizationFlow::adopt(self.client, tokens)),
            Ok(Err(error)) => error,
            Err(error) => {
                self.state.0.spent = error.delivery() != Delivery::NotSent;
                Error::of_transport(error, Operation::Code)
            }
        };
        Err(Failed { flow: self, error })
    }
}

impl State for Pending {}

impl sealed::Sealed for Pending {
    fn origin(&self) -> &Arc<Origin> {
        &self.0.origin
    }

    fn origin_mut(&mut self) -> &mut Arc<Origin> {
        &mut self.0.origin
    }

    fn check(&self, client: &Client) -> Result<(), Error> {
        client.origin().check(&self.0.origin)?;
        self.check_age(client)
    }
}

impl fmt::Debug for Pending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pending")
            .field("begun_at", &self.begun_at())
            .field("scopes", &self.0.scopes)
            .field("spent", &self.0.spent)
            .finish_non_exhaustive()
    }
}
