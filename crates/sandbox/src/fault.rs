//! Faults on demand: what goes wrong, for which requests, and how often.

mod answer;
mod apply;
mod queue;

use http::StatusCode;
use serde::{Deserialize, Serialize};

pub use answer::Answer;
pub(crate) use apply::{Carried, carry_out};
pub(crate) use queue::FaultQueue;

use crate::count::RequestKind;

/// Something that goes wrong with one request.
///
/// A fault with a [`When`] strikes before or after the sandbox has carried out the operation: spent
/// the code, rotated the refresh token, issued the access token. The others say what they do. The
/// operation, once due, is carried out even if the client hangs up meanwhile, as by a real server.
///
/// On the control routes a fault is an object with a `kind`, for instance
/// `{"kind": "reset", "when": "after"}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum Fault {
    /// Waits, in real time, and then goes on. The operation is carried out.
    Delay {
        /// How long.
        milliseconds: u64,
        /// `Before` waits and then carries the operation out, `After` does it and then waits.
        #[serde(default)]
        when: When,
    },
    /// Waits for [`Sandbox::release`](crate::Sandbox::release) and then goes on. The operation is
    /// carried out.
    Hold {
        /// `Before` waits and then carries the operation out, `After` does it and then waits.
        #[serde(default)]
        when: When,
    },
    /// Answers what it is told instead of the truth.
    Answer(Answer),
    /// Cuts the connection (TCP RST) without an answer.
    Reset {
        /// Whether the operation is carried out first.
        #[serde(default)]
        when: When,
    },
    /// Carries the operation out, sends half of the answer's body and closes the connection.
    Truncated,
    /// Answers 200 with a body that never ends.
    Endless {
        /// Whether the operation is carried out first.
        #[serde(default)]
        when: When,
    },
    /// Carries the operation out and labels the right answer with another content type.
    ContentType {
        /// What it is labelled as.
        #[serde(default = "text_plain")]
        content_type: String,
    },
    /// Redirects. The operation is not carried out.
    Redirect {
        /// 301, 302, 303, 307 or 308.
        #[serde(default = "temporary_redirect", with = "answer::redirection")]
        status: StatusCode,
        /// Where to. `None` is `/_sandbox/trap` of this sandbox, which counts who follows.
        #[serde(default)]
        location: Option<String>,
    },
}

/// Whether a fault strikes before the operation is carried out, or after.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum When {
    /// Nothing has happened yet: a reset leaves the code unspent.
    #[default]
    Before,
    /// It has happened, only the answer is missing: a reset loses the new refresh token.
    After,
}

/// The requests a fault is for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Target {
    /// Every request but those at the control routes, the trap among them.
    #[default]
    Any,
    /// The consent page.
    Authorize,
    /// The decision sent from it.
    Consent,
    /// Every token request.
    Token,
    /// Token requests with `grant_type=authorization_code`.
    TokenGenerate,
    /// Token requests with `grant_type=refresh_token`.
    TokenRefresh,
    /// Revocation requests.
    Revoke,
    /// Every API request.
    Api,
    /// `GET /v3/account`.
    Account,
    /// `POST /v3/account/create`.
    AccountCreate,
    /// `POST /v3/account/verify`.
    AccountVerify,
}

/// A fault, the requests it is for, and how many of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Injection {
    #[serde(default)]
    pub(crate) on: Target,
    #[serde(default = "once")]
    pub(crate) times: u32,
    pub(crate) fault: Fault,
}

impl Fault {
    /// Answers garbage: 200 and `application/json`, but no JSON. The operation is not carried out.
    #[must_use]
    pub fn garbage() -> Self {
        Self::Answer(Answer::new(StatusCode::OK).body("}{ this is not JSON"))
    }

    /// Answers with this status and an empty body. The operation is not carried out.
    #[must_use]
    pub fn status(status: StatusCode) -> Self {
        Self::Answer(Answer::new(status))
    }

    /// This fault, for these requests only.
    #[must_use]
    pub fn on(self, target: Target) -> Injection {
        Injection::from(self).on(target)
    }

    /// This fault, that many times.
    #[must_use]
    pub fn times(self, times: u32) -> Injection {
        Injection::from(self).times(times)
    }
}

impl Injection {
    /// For these requests only. Default: [`Target::Any`].
    #[must_use]
    pub fn on(mut self, target: Target) -> Self {
        self.on = target;
        self
    }

    /// That many times. Default: once.
    #[must_use]
    pub fn times(mut self, times: u32) -> Self {
        self.times = times;
        self
    }
}

/// Once, whatever the request.
impl From<Fault> for Injection {
    fn from(fault: Fault) -> Self {
        Self { on: Target::Any, times: once(), fault }
    }
}

/// Once, whatever the request.
impl From<Answer> for Injection {
    fn from(answer: Answer) -> Self {
        Fault::Answer(answer).into()
    }
}

impl Target {
    pub(crate) fn covers(self, kind: RequestKind) -> bool {
        match self {
            Self::Any => kind != RequestKind::Trap,
            Self::Authorize => kind == RequestKind::Authorize,
            Self::Consent => kind == RequestKind::Consent,
            Self::Token => kind.is_token(),
            Self::TokenGenerate => kind == RequestKind::TokenGenerate,
            Self::TokenRefresh => kind == RequestKind::TokenRefresh,
            Self::Revoke => kind == RequestKind::Revoke,
            Self::Api => kind.is_api(),
            Self::Account => kind == RequestKind::Account,
            Self::AccountCreate => kind == RequestKind::AccountCreate,
            Self::AccountVerify => kind == RequestKind::AccountVerify,
        }
    }
}

fn once() -> u32 {
    1
}

fn text_plain() -> String {
    "text/plain".to_owned()
}

fn temporary_redirect() -> StatusCode {
    StatusCode::TEMPORARY_REDIRECT
}
