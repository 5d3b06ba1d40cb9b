//! How the story is printed: secrets masked.

use std::error::Error;

use countersign::hellosign::{AccountGetResponse, ApiResponse};
use countersign::{AccessToken, ExposeSecret};

pub(crate) fn title(text: &str) {
    println!("\n{text}\n");
}

pub(crate) fn step(state: &str) {
    println!("-- {state}");
}

pub(crate) fn line(what: &str, value: &str) {
    println!("   {what:<22} {value}");
}

/// An error and its causes.
pub(crate) fn failure(error: &dyn Error) {
    eprintln!("quickstart failed: {error}");
    let mut source = error.source();
    while let Some(cause) = source {
        eprintln!("  because: {cause}");
        source = cause.source();
    }
}

/// A URL with the names of its parameters, and the values of those that are no secret.
pub(crate) fn without_values(url: &str) -> String {
    let Some((base, query)) = url.split_once('?') else { return url.to_owned() };
    let parameters = query.split('&').map(|parameter| match parameter.split_once('=') {
        Some((name @ ("state" | "code" | "code_challenge"), _)) => format!("{name}=…"),
        _ => parameter.to_owned(),
    });
    format!("{base}?{}", parameters.collect::<Vec<_>>().join("&"))
}

/// Enough of a token to tell two apart.
pub(crate) fn masked(token: &AccessToken) -> String {
    let secret = token.expose_secret();
    let shown: String = secret.chars().take(4).collect();
    format!("{shown}… ({} characters)", secret.len())
}

pub(crate) fn instant(instant: Option<impl ToString>) -> String {
    instant.map_or_else(|| "the provider did not say".to_owned(), |instant| instant.to_string())
}

pub(crate) fn account(
    answer: Result<ApiResponse<AccountGetResponse>, countersign::Error>,
) -> String {
    match answer {
        Ok(answer) => {
            let address = answer.data.account.email_address.unwrap_or_default();
            format!("{}, the account of {address}", answer.status)
        }
        Err(error) => error.to_string(),
    }
}
