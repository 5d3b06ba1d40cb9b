//! What went wrong, whose word it is, and what to do about it.

mod http;
mod outcome;
mod recovery;
mod redact;
mod server;

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

pub use self::http::HttpFailure;
pub use outcome::Outcome;
pub use recovery::Recovery;
pub use server::ServerError;

pub(crate) use recovery::Operation;
pub(crate) use redact::Redactor;

use crate::transport::{TransportError, TransportErrorKind};

/// Any failure of Countersign. Opaque and cheap to clone.
///
/// `Display` tells one layer in a sentence that can be shown to an operator, `source()` leads to
/// the next. No secret is in either, nor in `Debug`: what a server says is shown only after every
/// secret of the request, in any of its usual encodings, has been replaced.
///
/// ```
/// # use countersign_core as countersign;
/// use countersign::{Error, Recovery};
///
/// fn advise(error: &Error) -> &'static str {
///     match error.recovery() {
///         Recovery::Retry { .. } => "try again",
///         Recovery::Reauthorize => "send the user to the consent page",
///         Recovery::Refresh => "expire the flow, and refresh it",
///         Recovery::OutcomeUnknown => "look before you send it again",
///         _ => "mend the program or its settings",
///     }
/// }
/// ```
#[derive(Clone)]
pub struct Error(Arc<Inner>);

struct Inner {
    kind: ErrorKind,
    outcome: Outcome,
    recovery: Recovery,
    message: Cow<'static, str>,
    server: Option<ServerError>,
    http: Option<HttpFailure>,
    source: Option<Source>,
}

enum Source {
    Transport(TransportError),
    Other(Box<dyn std::error::Error + Send + Sync>),
}

/// What kind of thing went wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The client, the provider's description or the request cannot work as they were given.
    Configuration,
    /// The operating system gave no random bytes.
    Randomness,
    /// The callback is not one: no `code`, a parameter twice (RFC 6749 section 3.1), or one of
    /// another response type.
    CallbackMalformed,
    /// The callback's `iss` is not the provider's issuer, or missing where the provider announces
    /// it (RFC 9207).
    IssuerMismatch,
    /// The callback's `state` is not the flow's (RFC 6749 section 10.12).
    StateMismatch,
    /// The callback arrived in another browser, or process, than the one that began the flow.
    BindingMismatch,
    /// The user or the provider refused the authorization (RFC 6749 section 4.1.2.1).
    AuthorizationRefused,
    /// The flow was not completed in time.
    PendingExpired,
    /// The flow's code may have been sent already; a code is sent once.
    CodeSpent,
    /// The stored state belongs to another client, provider, issuer or token endpoint.
    ForeignState,
    /// There is no access token yet.
    NotAuthorized,
    /// The access token has ended and the provider gave no refresh token.
    NoRefreshToken,
    /// No complete response was had.
    Transport,
    /// The server refused the request and said so in a form that could be read.
    ServerRefused,
    /// The server answered with a status other than success and without a readable error.
    UnexpectedStatus,
    /// The server answered with success, and with something other than what it should have.
    ResponseMalformed,
}

impl Error {
    /// What kind of thing went wrong.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// What can be done about it.
    #[must_use]
    pub fn recovery(&self) -> Recovery {
        self.0.recovery
    }

    /// Whether the server acted on the request. [`Outcome::NotSent`] where there was none.
    #[must_use]
    pub fn outcome(&self) -> Outcome {
        self.0.outcome
    }

    /// What the provider said, in a refused callback or in an error answer.
    #[must_use]
    pub fn server(&self) -> Option<&ServerError> {
        self.0.server.as_ref()
    }

    /// The HTTP side of an error answer.
    #[must_use]
    pub fn http(&self) -> Option<&HttpFailure> {
        self.0.http.as_ref()
    }

    /// What the transport said, when there was no complete answer.
    #[must_use]
    pub fn transport(&self) -> Option<&TransportError> {
        match &self.0.source {
            Some(Source::Transport(error)) => Some(error),
            _ => None,
        }
    }

    pub(crate) fn new(kind: ErrorKind, message: impl Into<Cow<'static, str>>) -> Self {
        Self(Arc::new(Inner {
            kind,
            outcome: Outcome::NotSent,
            recovery: Recovery::of_kind(kind),
            message: message.into(),
            server: None,
            http: None,
            source: None,
        }))
    }

    pub(crate) fn with_source(
        self,
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        let source = Source::Other(source.into());
        self.change(|inner| inner.source = Some(source))
    }

    pub(crate) fn with_server(self, server: ServerError) -> Self {
        self.change(|inner| inner.server = Some(server))
    }

    pub(crate) fn with_http(self, http: HttpFailure) -> Self {
        self.change(|inner| inner.http = Some(http))
    }

    pub(crate) fn with_outcome(self, outcome: Outcome, recovery: Recovery) -> Self {
        self.change(|inner| (inner.outcome, inner.recovery) = (outcome, recovery))
    }

    /// The error of a call that had no complete response.
    pub(crate) fn of_transport(error: TransportError, operation: Operation) -> Self {
        let outcome = Outcome::from(error.delivery());
        let recovery = match error.kind() {
            TransportErrorKind::NoRuntime => Recovery::Fix,
            _ => operation.recovery(outcome, None, None, None),
        };
        Self::new(ErrorKind::Transport, "no complete response from the provider")
            .with_transport(error)
            .with_outcome(outcome, recovery)
    }

    fn with_transport(self, error: TransportError) -> Self {
        self.change(|inner| inner.source = Some(Source::Transport(error)))
    }

    /// Changes an error that nobody else holds yet.
    fn change(mut self, change: impl FnOnce(&mut Inner)) -> Self {
        if let Some(inner) = Arc::get_mut(&mut self.0) {
            change(inner);
        }
        self
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)?;
        if let Some(server) = &self.0.server {
            write!(f, ": {server}")?;
        }
        if let Some(http) = &self.0.http {
            write!(f, " (HTTP {})", http.status())?;
        }
        Ok(())
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("Error");
        debug.field("kind", &self.0.kind).field("message", &self.0.message);
        debug.field("outcome", &self.0.outcome).field("recovery", &self.0.recovery);
        if let Some(server) = &self.0.server {
            debug.field("server", server);
        }
        if let Some(http) = &self.0.http {
            debug.field("http", http);
        }
        if let Some(source) = std::error::Error::source(self) {
            debug.field("source", &source);
        }
        debug.finish()
    }
}

/// For a transport that could not be made: a call's own failure is told in the terms of the call.
impl From<TransportError> for Error {
    fn from(error: TransportError) -> Self {
        Self::new(ErrorKind::Configuration, "the transport could not be made").with_transport(error)
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self.0.source.as_ref()? {
            Source::Transport(error) => Some(error),
            Source::Other(error) => Some(error.as_ref()),
        }
    }
}
