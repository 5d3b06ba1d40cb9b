//! The one place where a callback is judged, in the order of guarantee G1.

use secrecy::ExposeSecret;

use super::{AuthorizationFlow, Pending};
use crate::binding::Binding;
use crate::callback::Callback;
use crate::error::{Error, ErrorKind};
use crate::provider::Provider;
use crate::response::Refusal;
use crate::secret;

/// The callback's code, when nothing is wrong with the callback.
///
/// Parameters that stand there twice were refused when it was read.
pub(super) fn judge<'a>(
    flow: &AuthorizationFlow<Pending>,
    callback: &'a Callback,
    browser: &Binding,
) -> Result<&'a str, Error> {
    if flow.state.0.spent {
        return Err(Error::new(
            ErrorKind::CodeSpent,
            "this flow's code may have been sent already, and a code is sent once: begin a new one",
        ));
    }
    flow.state.check_age(&flow.client)?;
    check_issuer(flow.client.provider(), callback)?;
    check_state_and_binding(flow, callback, browser)?;
    check_error(flow, callback)?;
    let code = callback.code.as_ref().map(ExposeSecret::expose_secret);
    let code = code.ok_or_else(|| malformed("the callback has neither `code` nor `error`"))?;
    // RFC 6749 appendix A.11.
    if !code.bytes().all(|byte| matches!(byte, 0x20..=0x7e)) {
        return Err(malformed("the callback's `code` holds characters that no code may"));
    }
    Ok(code)
}

/// RFC 9207 section 2.4: equal to the letter, by simple string comparison.
fn check_issuer(provider: &Provider, callback: &Callback) -> Result<(), Error> {
    let Some(expected) = &provider.issuer else {
        return Ok(());
    };
    match &callback.issuer {
        Some(issuer) if issuer == expected => Ok(()),
        Some(_) => Err(Error::new(
            ErrorKind::IssuerMismatch,
            "the callback's `iss` is not the provider's issuer: another server wrote it",
        )),
        None if provider.issuer_required => Err(Error::new(
            ErrorKind::IssuerMismatch,
            "the callback has no `iss`, which this provider announces to send",
        )),
        None => Ok(()),
    }
}

/// Both are always compared, so that the time taken does not tell which was wrong.
fn check_state_and_binding(
    flow: &AuthorizationFlow<Pending>,
    callback: &Callback,
    browser: &Binding,
) -> Result<(), Error> {
    let expected = flow.state.0.state.0.expose_secret().as_bytes();
    let brought = callback.state.as_ref().map_or("", |state| state.expose_secret());
    let state = secret::same(expected, brought.as_bytes());
    let binding = browser.matches(&flow.state.0.binding);
    if !state {
        return Err(Error::new(
            ErrorKind::StateMismatch,
            "the callback's `state` is not this flow's",
        ));
    }
    if !binding {
        return Err(Error::new(
            ErrorKind::BindingMismatch,
            "the callback arrived in another browser than the one that began the flow",
        ));
    }
    Ok(())
}

/// RFC 6749 section 4.1.2.1.
fn check_error(flow: &AuthorizationFlow<Pending>, callback: &Callback) -> Result<(), Error> {
    let Some(code) = &callback.error else {
        return Ok(());
    };
    let pending = &flow.state.0;
    let verifier = pending.verifier.as_ref().map_or("", |verifier| verifier.0.expose_secret());
    let brought = callback.code.as_ref().map_or("", |code| code.expose_secret());
    let secrets = [pending.state.0.expose_secret(), verifier, brought];
    let said = Refusal {
        code,
        description: callback.error_description.as_deref(),
        uri: callback.error_uri.as_deref(),
        path: None,
    };
    let server = said.redacted(&flow.client.redactor(&secrets));
    let error = Error::new(ErrorKind::AuthorizationRefused, "the authorization was refused");
    Err(error.with_server(server))
}

fn malformed(message: &'static str) -> Error {
    Error::new(ErrorKind::CallbackMalformed, message)
}
