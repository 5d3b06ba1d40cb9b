//! Answers of token and revocation endpoints, read by pure functions: status before body, body before fields.

mod expiry;
mod member;
mod refusal;
mod token;

use http::{HeaderMap, StatusCode};

pub(crate) use refusal::{Refusal, said};
pub(crate) use token::{Members, TokenAnswer};

use crate::channel::Answer;
use crate::error::{Error, ErrorKind, HttpFailure, Operation, Outcome, Redactor, ServerError};
use crate::instant::Millis;
use crate::provider::Leniency;
use crate::token::TokenSet;

/// How an answer is to be read.
pub(crate) struct Reader<'a> {
    pub(crate) operation: Operation,
    pub(crate) leniency: Leniency,
    pub(crate) scope_separator: char,
    /// The present instant; asked for only when something went wrong.
    pub(crate) now: &'a dyn Fn() -> Millis,
    /// The secrets of the request; asked for only when something went wrong.
    pub(crate) redactor: &'a dyn Fn() -> Redactor,
}

impl Reader<'_> {
    /// The tokens of a successful answer (RFC 6749 section 5.1).
    pub(crate) fn tokens(&self, answer: Answer) -> Result<TokenSet, Error> {
        let tokens = self
            .token_answer(&answer)
            .and_then(|token| token.into_set(answer.requested_at).map_err(Problem::Malformed));
        tokens.map_err(|problem| self.error(problem, answer))
    }

    /// The members of a successful answer as they were sent, and its headers.
    pub(crate) fn verbatim<T>(
        &self,
        answer: Answer,
        read: impl FnOnce(TokenAnswer<'_>) -> Result<T, Error>,
    ) -> Result<(T, HeaderMap), Error> {
        let read =
            self.token_answer(&answer).and_then(|token| read(token).map_err(Problem::Malformed));
        match read {
            Ok(data) => Ok((data, answer.headers)),
            Err(problem) => Err(self.error(problem, answer)),
        }
    }

    /// A successful answer of another shape.
    pub(crate) fn json<T>(
        &self,
        answer: Answer,
        read: impl FnOnce(&[u8]) -> Result<T, Error>,
    ) -> Result<(T, HeaderMap), Error> {
        let read = if answer.status.is_success() {
            read(answer.body.as_bytes()).map_err(Problem::Malformed)
        } else {
            Err(Problem::Refused)
        };
        match read {
            Ok(data) => Ok((data, answer.headers)),
            Err(problem) => Err(self.error(problem, answer)),
        }
    }

    /// That a revocation succeeded: its status says so, its body says nothing (RFC 7009 section 2.2).
    pub(crate) fn revoked(&self, answer: Answer) -> Result<(), Error> {
        if answer.status.is_success() {
            return Ok(());
        }
        Err(self.error(Problem::Refused, answer))
    }

    fn token_answer<'a>(&self, answer: &'a Answer) -> Result<TokenAnswer<'a>, Problem> {
        if !answer.status.is_success() {
            return Err(Problem::Refused);
        }
        let token = TokenAnswer::parse(answer.body.as_bytes(), self.scope_separator)
            .map_err(Problem::Malformed)?;
        if token.has_error {
            return Err(Problem::Refused);
        }
        token.check_type(self.leniency).map_err(Problem::Malformed)?;
        Ok(token)
    }

    #[cold]
    fn error(&self, problem: Problem, answer: Answer) -> Error {
        let redactor = (self.redactor)();
        let status = answer.status;
        let body = answer.body.as_bytes();
        let http = HttpFailure::new(status, answer.headers, body, (self.now)(), &redactor);
        let after = http.retry_after();
        let server = match problem {
            Problem::Refused => said(body).map(|refusal| refusal.redacted(&redactor)),
            Problem::Malformed(_) => None,
        };
        let outcome = Outcome::of_answer(status, server.as_ref(), after);
        let recovery = self.operation.recovery(outcome, Some(status), server.as_ref(), after);
        let error = match problem {
            Problem::Malformed(error) => error,
            Problem::Refused => refusal(status, server),
        };
        error.with_http(http).with_outcome(outcome, recovery)
    }
}

/// The error of an answer that says it is one.
fn refusal(status: StatusCode, server: Option<ServerError>) -> Error {
    let (kind, message) = match &server {
        Some(_) => (ErrorKind::ServerRefused, "the provider refused the request"),
        None if status.is_success() => (
            ErrorKind::ResponseMalformed,
            "the provider's answer has an `error` in no form that is known",
        ),
        None if status.is_redirection() => (
            ErrorKind::UnexpectedStatus,
            "the provider answered with a redirect, which is not followed: check the endpoint's URL",
        ),
        None => (
            ErrorKind::UnexpectedStatus,
            "the provider answered with an error in no form that is known",
        ),
    };
    let error = Error::new(kind, message);
    match server {
        Some(server) => error.with_server(server),
        None => error,
    }
}

/// Why an answer is not what was asked for.
enum Problem {
    /// The server says that it refused.
    Refused,
    /// It says success, and is not one.
    Malformed(Error),
}
