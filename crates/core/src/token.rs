//! Tokens and what came with them.

mod access;
pub(crate) mod extra;
mod refresh;
mod set;
pub(crate) mod stored;

pub use access::AccessToken;
pub use extra::Extra;
pub use refresh::RefreshToken;
pub use set::TokenSet;

use crate::error::{Error, ErrorKind};

/// Refuses text that cannot be a token: empty, or with bytes that are not `allowed`.
fn check(name: &str, text: &str, allowed: impl Fn(u8) -> bool) -> Result<(), String> {
    if text.is_empty() {
        Err(format!("the `{name}` is empty"))
    } else if !text.bytes().fold(true, |good, byte| good & allowed(byte)) {
        Err(format!("the `{name}` holds characters that no such token may"))
    } else {
        Ok(())
    }
}

/// The error of a token that the program made itself.
fn unusable(why: String) -> Error {
    Error::new(ErrorKind::Configuration, why)
}
