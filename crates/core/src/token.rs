//! Tokens and what came with them.

mod access;
mod extra;
mod refresh;
mod set;
pub(crate) mod stored;

pub use access::AccessToken;
pub use extra::Extra;
pub use refresh::RefreshToken;
pub use set::TokenSet;

use crate::error::{Error, ErrorKind};

/// Refuses text that cannot be a token: empty, or with anything but printable ASCII in it (RFC
/// 6749 appendix A.12). Such text in a header would let a server write headers of its own.
fn check_characters(name: &str, text: &str) -> Result<(), Error> {
    let refuse =
        |why: &str| Err(Error::new(ErrorKind::ResponseMalformed, format!("the `{name}` {why}")));
    if text.is_empty() {
        refuse("is empty")
    } else if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
        refuse("holds characters other than printable ASCII, which no token may")
    } else {
        Ok(())
    }
}
